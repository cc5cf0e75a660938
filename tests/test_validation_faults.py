"""What a person is told of a payload that does not fit."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import (
    UUID4,
    AfterValidator,
    BaseModel,
    Discriminator,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from jobkit.payload import Payload
from jobkit.privacy import Personal, Secret, describe_validation_error

HIDDEN = "hunter22-and-more"


def told(model: type[BaseModel], data: Any, *, with_data: bool = False) -> str:
    with pytest.raises(ValidationError) as refused:
        model.model_validate(data)
    return describe_validation_error(refused.value, model, data if with_data else None)


class Plain(Payload):
    start: date
    end: date
    note: str = Field(default="", max_length=3)

    @model_validator(mode="after")
    def check_order(self) -> Plain:
        if self.end < self.start:
            raise ValueError("end must not be before start")
        return self


def test_all_faults_are_named_with_their_places() -> None:
    text = told(Plain, {"start": "soon", "note": "long", "extra": 1})

    assert "start: Input should be a valid date" in text
    assert "end: Field required" in text
    assert "note: String should have at most 3 characters" in text
    assert "extra: Extra inputs are not permitted" in text


def test_a_validator_of_a_model_without_private_fields_is_quoted() -> None:
    text = told(Plain, {"start": "2027-02-02", "end": "2027-01-01"})

    assert text == "Value error, end must not be before start"


def test_values_are_not_quoted_even_where_they_are_not_private() -> None:
    assert HIDDEN not in told(Plain, {"start": HIDDEN, "end": {HIDDEN: 1}, "note": 5})


def quote(value: Any) -> Any:
    raise ValueError(f"{value!r} will not do")


class Card(BaseModel):
    holder: str
    number: Annotated[Secret[str], AfterValidator(quote)]


class Cash(BaseModel):
    kind: Literal["cash"]


class Cheque(BaseModel):
    kind: Literal["cheque"]
    number: Secret[int]


class Private(Payload):
    plain: str = "x"
    password: Annotated[Secret[str], AfterValidator(quote)] = ""
    id: Secret[UUID4 | None] = None
    keys: dict[Secret[str], int] = Field(default_factory=dict)
    nested: Secret[Plain | None] = None
    masked: Annotated[SecretStr, Field(min_length=99)] = SecretStr("")
    card: Card | None = None
    cards: dict[str, list[Card]] = Field(default_factory=dict)
    paid: Annotated[Cash | Cheque, Discriminator("kind")] | None = None
    again: str = ""

    @field_validator("plain")
    @classmethod
    def refuse_word(cls, value: str) -> str:
        if value == "bad":
            raise ValueError("plain must not be bad")
        return value

    @field_validator("again")
    @classmethod
    def quote_others(cls, value: str, info: ValidationInfo) -> str:
        raise ValueError(f"{info.data}")

    @model_validator(mode="before")
    @classmethod
    def quote_all(cls, data: Any) -> Any:
        if "whole" in data:
            raise ValueError(f"not {data}")
        return data


@pytest.mark.parametrize("with_data", [False, True])
@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({"password": HIDDEN}, "password"),
        ({"id": HIDDEN}, "id"),
        ({"keys": {HIDDEN: "x"}}, "keys"),
        ({"nested": {"start": HIDDEN, HIDDEN: 1}}, "nested"),
        ({"masked": HIDDEN}, "masked"),
        ({"card": {"holder": "x", "number": HIDDEN}}, "card.number"),
        ({"cards": {"a": [{"holder": "x", "number": HIDDEN}]}}, "cards.a.0.number"),
        ({"paid": {"kind": "cheque", "number": HIDDEN}}, "paid.cheque.number"),
        ({"password": f" {HIDDEN.upper()} "}, "password"),
    ],
)
def test_a_private_value_is_told_by_its_place_alone(
    data: dict[str, Any], place: str, with_data: bool
) -> None:
    text = told(Private, data, with_data=with_data)

    assert text.startswith(f"{place}: ")
    assert HIDDEN not in text.lower()


@pytest.mark.parametrize("with_data", [False, True])
@pytest.mark.parametrize(
    "data",
    [
        {"plain": HIDDEN, "password": HIDDEN, "whole": 1},
        {"pasword": HIDDEN, "whole": 1},
        {"id": HIDDEN, "again": "x"},
        {"paid": {"kind": HIDDEN}},
        {"card": HIDDEN},
    ],
)
def test_validators_that_quote_a_private_value_are_not_quoted(
    data: dict[str, Any], with_data: bool
) -> None:
    assert HIDDEN not in told(Private, data, with_data=with_data).replace("plain", "")


def test_what_a_validator_says_is_withheld_where_it_could_quote_a_private_value() -> None:
    text = told(Private, {"plain": "bad"})

    assert text.startswith("plain: not valid (value_error; the message is withheld")


def test_with_the_data_at_hand_a_validator_is_quoted_without_private_values() -> None:
    text = told(Private, {"plain": "bad", "password": "bad"}, with_data=True)

    assert "plain: Value error, plain must not be [redacted]" in text
    assert told(Private, {"plain": "bad"}, with_data=True) == (
        "plain: Value error, plain must not be bad"
    )


def test_messages_that_pydantic_writes_from_the_declaration_stay() -> None:
    text = told(Private, {"card": {"number": 5}, "unknown": 1})

    assert "card.holder: Field required" in text
    assert "card.number: Input should be a valid string" in text
    assert "unknown: Extra inputs are not permitted" in text


class Person(Payload):
    email: Personal[str]


def test_a_list_of_models_is_told_alike() -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(list[Person]).validate_python([{"email": 5}, HIDDEN])

    text = describe_validation_error(refused.value, list[Person])

    assert text.startswith("0.email: Input should be a valid string; 1: ")
    assert HIDDEN not in text


def test_pydantic_itself_does_not_quote_what_a_payload_was_given() -> None:
    with pytest.raises(ValidationError) as refused:
        Person.model_validate({"email": [HIDDEN], "other": HIDDEN})

    assert HIDDEN not in str(refused.value)
    assert HIDDEN not in repr(refused.value)
