"""Taking private values out of texts and data."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr, TypeAdapter, ValidationError

from jobkit.payload import Payload
from jobkit.privacy import Personal, Redactor, Secret, private_values


class Suit(Enum):
    HEARTS = "hearts-and-more"


class Person(BaseModel):
    city: str = "Accra"
    email: Personal[str] = "Ama.Mensah@example.com"


class Account(Payload):
    tenant_id: str = "b1"
    password: Secret[str] = 'hun"ter\n22 ü/+'
    balance: Secret[Decimal] = Decimal("12345.50")
    pin: Secret[int] = 1234
    born: Personal[date] = date(1990, 5, 17)
    seen: Personal[datetime] = datetime(2027, 1, 2, 3, 4, tzinfo=UTC)
    number: Secret[UUID] = UUID("12345678123456781234567812345678")
    raw: Secret[bytes] = b"\x00raw-bytes"
    suit: Secret[Suit] = Suit.HEARTS
    masked: SecretStr = SecretStr("masked-by-pydantic")
    active: Secret[bool] = True
    nothing: Secret[str | None] = None
    tags: Secret[tuple[str, ...]] = ()
    people: tuple[Person, ...] = (Person(),)


ACCOUNT = Account()


@pytest.fixture
def redactor() -> Redactor:
    return Redactor(private_values(ACCOUNT))


@pytest.mark.parametrize(
    "text",
    [
        ACCOUNT.password,
        repr(ACCOUNT.password),
        json.dumps(ACCOUNT.password),
        json.dumps(ACCOUNT.password, ensure_ascii=False),
        urlencode({"q": ACCOUNT.password}),
        str(ACCOUNT.password.encode())[2:-1],
        str({"nested": [ACCOUNT.password]}),
    ],
)
def test_a_text_is_taken_out_in_each_form_it_is_printed_in(text: str, redactor: Redactor) -> None:
    shown = redactor.redact(f"before {text} after")

    assert "hun" not in shown
    assert "ter" not in shown.replace("after", "")
    assert shown.startswith("before ")
    assert shown.endswith(" after")


@pytest.mark.parametrize(
    "text",
    [
        "12345.50",
        "12,345.50",
        "Decimal('12345.50')",
        "1234",
        "1990-05-17",
        "datetime.date(1990, 5, 17)",
        "2027-01-02 03:04:00+00:00",
        "2027-01-02T03:04:00Z",
        "12345678-1234-5678-1234-567812345678",
        "12345678123456781234567812345678",
        r"b'\x00raw-bytes'",
        "hearts-and-more",
        "masked-by-pydantic",
        "Ama.Mensah@example.com",
        "ama.mensah@EXAMPLE.com",
        "ama.mensah%40example.com",
    ],
)
def test_a_value_of_any_type_is_taken_out(text: str, redactor: Redactor) -> None:
    shown = redactor.redact(f"before {text} after")

    assert text not in shown
    assert "[redacted]" in shown


def test_what_is_not_private_stays(redactor: Redactor) -> None:
    text = "tenant b1 in Accra: True, None, [] and () of 12345678 in 91234 and A1234"

    assert redactor.redact(text) == text


def test_without_private_values_nothing_changes() -> None:
    data = {"a": object()}

    assert Redactor().redact("text") == "text"
    assert Redactor(["", " "]).redact_data(data) is data


@pytest.mark.parametrize("text", ["12", "(12)", "=12,", "_12_"])
def test_a_short_value_is_taken_out_where_it_stands_alone(text: str) -> None:
    assert "12" not in Redactor(["12"]).redact(text)


def test_a_short_value_does_not_eat_into_others() -> None:
    assert Redactor(["12", "al", "1000"]).redact("2012 12th alarm 10000") == "2012 12th alarm 10000"


LONG = "sk_live_51HxYzAbCdEfGhIjKlMnOpQrStUvWxYz"


@pytest.mark.parametrize(
    "text",
    [
        LONG,
        f"'{LONG[:20]}...{LONG[-20:]}'",
        f"starts with {LONG[:16]}",
        f"ends with {LONG[-16:]}",
        f"has {LONG[10:25]} inside",
        f"{LONG[:7]}...",
        f"…{LONG[-5:]}",
        f"twice {LONG}{LONG}",
        LONG.upper(),
    ],
)
def test_a_piece_of_a_long_value_is_taken_out(text: str) -> None:
    shown = Redactor([LONG]).redact(text).lower()

    pieces = {LONG[i : i + 5].lower() for i in range(len(LONG) - 4)}
    assert not [piece for piece in pieces if piece in shown]


def test_each_line_of_a_long_value_is_taken_out() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAo\n"

    shown = Redactor([key]).redact("\n".join(f"  | {line}" for line in key.splitlines()))

    assert "MIIE" not in shown
    assert "AQEF" not in shown


def test_what_pydantic_shortens_in_its_messages_is_taken_out() -> None:
    # The middle of what it quotes is left out, wherever in it the private value stands.
    for padding in range(40):
        data = {"x" * padding: LONG, "more": "y" * 40}
        with pytest.raises(ValidationError) as refused:
            TypeAdapter(int).validate_python(data)

        shown = Redactor([LONG]).redact(str(refused.value))

        assert not [i for i in range(len(LONG) - 4) if LONG[i : i + 5] in shown]


def test_dictionaries_and_lists_keep_their_shape(redactor: Redactor) -> None:
    data = {"a": [1234, "x 1234"], ("t",): {"Ama.Mensah@example.com": 1.5}, "n": None}

    assert redactor.redact_data(data) == {
        "a": ["[redacted]", "x [redacted]"],
        "('t',)": {"[redacted]": 1.5},
        "n": None,
    }


@dataclass
class Opaque:
    value: Any


def test_other_objects_are_shown_by_their_redacted_repr(redactor: Redactor) -> None:
    assert redactor.redact_data(Opaque(1234)) == "Opaque(value=[redacted])"
    assert redactor.redact_data([Opaque("x")]) == ["Opaque(value='x')"]


def test_scalars_that_are_not_private_stay_what_they_are(redactor: Redactor) -> None:
    data = [1, 2.5, True, None, Decimal("1"), date(2000, 1, 1), UUID(int=5)]

    assert redactor.redact_data(data) == data
    assert redactor.redact_data(date(1990, 5, 17)) == "datetime.date([redacted])"


def test_many_values_do_not_slow_it_down() -> None:
    many = Redactor([f"person{number}@example.com" for number in range(20_000)])
    started = time.perf_counter()

    shown = many.redact("a line about person19999@example.com " * 10)

    assert "person19999" not in shown
    assert time.perf_counter() - started < 0.2


@given(st.lists(st.text(min_size=1, max_size=40)), st.text(max_size=60))
def test_no_values_hang_or_break_it(values: list[str], text: str) -> None:
    shown = Redactor([*values, "[redacted]", "redacted] [redacted] [redacted]"]).redact(text)

    assert len(shown) <= 12 * len(text)


@given(st.text("abc<ß İé ", min_size=4, max_size=30), st.text("xyz ", max_size=20))
def test_a_value_of_four_characters_is_taken_out_anywhere(value: str, around: str) -> None:
    shown = Redactor([value]).redact(around + value + around)

    assert value.strip() == "" or value not in shown.replace("[redacted]", "|")
