"""Private fields on their way into the store and back."""

# ruff: noqa: RUF012  (pydantic copies mutable defaults)

from __future__ import annotations

import json
import multiprocessing
import os
import stat
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Generic, NewType, TypeVar

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    RootModel,
    SecretBytes,
    SecretStr,
    SerializeAsAny,
    computed_field,
    field_serializer,
    model_serializer,
)
from pydantic.alias_generators import to_camel
from typing_extensions import NamedTuple, TypeAliasType, TypedDict

from jobkit.errors import ConfigurationError, InvalidPayload
from jobkit.payload import Payload, Result
from jobkit.privacy import (
    Cipher,
    Personal,
    Secret,
    has_private,
    is_private,
    local_key,
    redacted,
    seal,
    seal_unvalidated,
    unseal,
    unseal_text,
)

KEY = Fernet.generate_key().decode()
HIDDEN = "hunter22-and-more"

T = TypeVar("T")
Token = TypeAliasType("Token", Secret[str])
ApiKey = NewType("ApiKey", Secret[str])  # type: ignore[valid-newtype]


class Card(BaseModel):
    holder: str
    number: Secret[str]


@dataclass
class Login:
    user: str
    password: Secret[str]


class LoginDict(TypedDict):
    user: str
    password: Secret[str]


class LoginTuple(NamedTuple):
    user: str
    password: Secret[str]


class Crate(BaseModel, Generic[T]):
    content: T


class Everything(Payload):
    """Holds a private value at each place that an annotation can name."""

    plain: Secret[str] = HIDDEN
    optional: Secret[str] | None = HIDDEN
    outer: Annotated[Secret[str], Field(min_length=3)] = HIDDEN
    listed: list[Secret[str]] = [HIDDEN]
    keyed: dict[Secret[str], int] = {HIDDEN: 1}
    valued: dict[str, Secret[str] | None] = {"a": HIDDEN}
    alias: Token = HIDDEN
    new: ApiKey = ApiKey(HIDDEN)
    whole: Secret[Card] = Card(holder=HIDDEN, number=HIDDEN)
    card: Card = Card(holder="Ama", number=HIDDEN)
    cards: list[Card] = [Card(holder="Ama", number=HIDDEN)]
    by_name: dict[str, list[Card]] = {"a": [Card(holder="Ama", number=HIDDEN)]}
    pair: tuple[int, Card] = (1, Card(holder="Ama", number=HIDDEN))
    login: Login = Login("ama", HIDDEN)
    logins: list[Login] = [Login("ama", HIDDEN)]
    login_dict: LoginDict = {"user": "ama", "password": HIDDEN}
    login_tuple: LoginTuple = LoginTuple("ama", HIDDEN)
    crate: Crate[Secret[str]] = Crate[Secret[str]](content=HIDDEN)
    card_crate: Crate[Card] = Crate[Card](content=Card(holder="Ama", number=HIDDEN))
    masked: SecretStr = SecretStr(HIDDEN)
    masked_bytes: SecretBytes = SecretBytes(HIDDEN.encode())
    masked_list: list[SecretStr] = [SecretStr(HIDDEN)]
    anything: Any = Card(holder="Ama", number=HIDDEN)
    any_login: Any = Login("ama", HIDDEN)
    listed_anything: list[Any] = [1, Card(holder="Ama", number=HIDDEN)]
    duck: SerializeAsAny[BaseModel] = Card(holder="Ama", number=HIDDEN)


OPEN = {"anything", "any_login", "listed_anything", "duck"}
"""The fields whose annotations do not tell what is in them."""


@pytest.fixture
def cipher() -> Cipher:
    return Cipher([KEY])


@pytest.mark.parametrize("name", list(Everything.model_fields))
def test_no_private_value_is_stored_in_the_clear(name: str, cipher: Cipher) -> None:
    field = Everything.model_fields[name].get_default()

    sealed = seal(Everything(**{name: field}), cipher)

    assert HIDDEN not in sealed
    assert HIDDEN not in redacted(sealed)


@pytest.mark.parametrize("name", list(Everything.model_fields))
def test_a_private_value_comes_back_from_the_store(name: str, cipher: Cipher) -> None:
    payload = Everything()

    data = unseal(seal(payload, cipher), cipher)

    back = getattr(Everything.model_validate(data), name)
    if name in OPEN:  # their annotation tells nothing
        assert HIDDEN in str(data[name])
    else:
        assert back == getattr(payload, name)


@pytest.mark.parametrize("name", list(Everything.model_fields))
def test_a_repr_shows_no_private_value(name: str) -> None:
    payload = Everything(**{name: Everything.model_fields[name].get_default()})

    shown = f"{payload!r} {payload}"

    assert HIDDEN not in shown


def test_a_repr_shows_what_is_not_private_and_what_is_not_there() -> None:
    class Order(Payload):
        id: str
        password: Secret[str] | None = None

    assert repr(Order(id="o1")) == "Order(id='o1', password=None)"
    assert repr(Order(id="o1", password="x")) == "Order(id='o1', password='[redacted]')"


def test_a_repr_shows_no_computed_field_that_may_tell_of_a_private_one() -> None:
    class Basic(Payload):
        password: Secret[str]

        @computed_field  # type: ignore[prop-decorator]
        @property
        def header(self) -> str:
            return f"Basic {self.password}"

    assert "pw" not in repr(Basic(password="pw"))


def test_a_result_masks_its_private_fields_too() -> None:
    class Invited(Result):
        email: Personal[str]

    assert repr(Invited(email="ama@example.com")) == "Invited(email='[redacted]')"


def test_what_is_not_private_stays_readable_in_the_store(cipher: Cipher) -> None:
    class Order(Payload):
        tenant_id: str
        card: Card

    sealed = seal(Order(tenant_id="b1", card=Card(holder="Ama", number="4111")), cipher)

    data = json.loads(sealed)
    assert data["tenant_id"] == "b1"
    assert data["card"]["holder"] == "Ama"
    assert list(data["card"]["number"]) == ["$private"]
    assert json.loads(redacted(sealed)) == {
        "tenant_id": "b1",
        "card": {"holder": "Ama", "number": "[redacted]"},
    }


def test_a_payload_without_private_fields_needs_no_key() -> None:
    class Plain(Payload):
        when: datetime
        amount: Decimal

    payload = Plain(when=datetime(2027, 1, 2, 3), amount=Decimal("1.10"))

    assert Plain.model_validate(unseal(seal(payload, None), None)) == payload


def test_a_private_value_without_a_key_names_the_setting() -> None:
    class Order(Payload):
        password: Secret[str] | None

    with pytest.raises(ConfigurationError, match="JOBKIT_SECRET_KEYS"):
        seal(Order(password="x"), None)

    assert seal(Order(password=None), None) == '{"password":null}'


def test_a_sealed_payload_without_a_key_names_the_setting(cipher: Cipher) -> None:
    sealed = seal(Everything(), cipher)

    with pytest.raises(ConfigurationError, match="JOBKIT_SECRET_KEYS"):
        unseal(sealed, None)


def test_the_same_value_is_encrypted_differently_each_time(cipher: Cipher) -> None:
    class Order(Payload):
        password: Secret[str]

    assert seal(Order(password="x"), cipher) != seal(Order(password="x"), cipher)


class Hostile(Payload):
    """Lets a caller choose keys and values freely."""

    data: Any
    secret: Secret[Any] = None


@pytest.mark.parametrize(
    "data",
    [
        {"$private": "gAAAAAB-forged"},
        {"$$private": "x"},
        {"$private": {"$private": "x"}},
        [{"$private": "x", "other": 1}],
        {"$": 1, "private": 2, "$privately": 3, "a$private": 4, "$$$$private": 5},
        {"$private": None},
    ],
)
def test_what_looks_like_a_token_in_the_data_is_only_data(data: Any, cipher: Cipher) -> None:
    payload = Hostile(data=data, secret=data)

    sealed = seal(payload, cipher)

    assert Hostile.model_validate(unseal(sealed, cipher)) == payload
    assert json.loads(redacted(sealed)) == {"data": data, "secret": "[redacted]"}


def test_a_real_token_pasted_into_the_data_is_not_opened(cipher: Cipher) -> None:
    class Order(Payload):
        password: Secret[str]

    stolen = json.loads(seal(Order(password=HIDDEN), cipher))["password"]

    payload = Hostile(data=stolen)

    assert unseal(seal(payload, cipher), cipher)["data"] == stolen
    assert HIDDEN not in str(unseal(seal(payload, cipher), cipher))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["$private", "$$private", "a", "$"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(data=json_values, secret=json_values)
def test_any_data_comes_back_as_it_was(data: Any, secret: Any) -> None:
    cipher = Cipher([KEY])
    payload = Hostile(data=data, secret=secret)

    text = seal(payload, cipher)

    assert unseal(text, cipher) == json.loads(payload.model_dump_json())
    assert Hostile.model_validate_json(unseal_text(text, cipher)) == Hostile.model_validate(
        unseal(text, cipher)
    )


class Suit(StrEnum):
    HEARTS = "hearts"


class Strict(Payload):
    model_config = ConfigDict(strict=True)

    born: Personal[date]
    suit: Suit
    seen: frozenset[int]


def test_a_strict_payload_comes_back_through_json(cipher: Cipher) -> None:
    payload = Strict(born=date(1990, 5, 17), suit=Suit.HEARTS, seen=frozenset({1}))

    text = unseal_text(seal(payload, cipher), cipher)

    assert Strict.model_validate_json(text) == payload


class Renamed(Payload):
    model_config = ConfigDict(alias_generator=to_camel)

    user_name: str
    pass_word: Secret[str]


class Chosen(Payload):
    user: str = Field(validation_alias="userId")
    password: Secret[str] = Field(validation_alias=AliasChoices(AliasPath("a", 0), "pw", "pwd"))
    card: str = Field(serialization_alias="cardNumber")


def test_fields_with_aliases_come_back(cipher: Cipher) -> None:
    renamed = Renamed(userName="ama", passWord=HIDDEN)
    chosen = Chosen(userId="ama", pw=HIDDEN, card="x")  # type: ignore[call-arg]

    for payload in (renamed, chosen):
        text = seal(payload, cipher)
        assert HIDDEN not in text
        assert type(payload).model_validate(unseal(text, cipher)) == payload


class Rearranged(BaseModel):
    number: Secret[str]

    @model_serializer
    def write(self) -> dict[str, Any]:
        return {"shown": [self.number]}


class Custom(Payload):
    """Writes private values in shapes of its own."""

    model_config = ConfigDict(extra="allow")

    shouted: Secret[str]
    whole: Annotated[Secret[str], PlainSerializer(lambda value: {"value": value})]
    rearranged: Rearranged
    joined: list[Card]

    @field_serializer("shouted")
    def shout(self, value: str) -> str:
        return value + "!"

    @field_serializer("joined")
    def join(self, value: list[Card]) -> str:
        return ",".join(card.number for card in value)


def test_serializers_of_the_host_cannot_put_private_values_past_encryption(cipher: Cipher) -> None:
    payload = Custom(
        shouted=HIDDEN,
        whole=HIDDEN,
        rearranged=Rearranged(number=HIDDEN),
        joined=[Card(holder="Ama", number=HIDDEN)],
        extra=Card(holder="Ama", number=HIDDEN),  # type: ignore[call-arg]
    )

    sealed = seal(payload, cipher)

    assert HIDDEN not in sealed
    assert unseal(sealed, cipher) == json.loads(payload.model_dump_json())


class SecretList(RootModel[list[Card]]):
    pass


def test_a_root_model_is_sealed_inside(cipher: Cipher) -> None:
    model = SecretList([Card(holder="Ama", number=HIDDEN)])

    sealed = seal(model, cipher)

    assert HIDDEN not in sealed
    assert SecretList.model_validate(unseal(sealed, cipher)) == model


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (list[Card], [Card(holder="Ama", number=HIDDEN)]),
        (Login, Login("ama", HIDDEN)),
        (Secret[str], HIDDEN),
        (LoginDict, {"user": "ama", "password": HIDDEN}),
    ],
)
def test_a_result_that_is_no_model_is_sealed_by_its_type(
    annotation: Any, value: Any, cipher: Cipher
) -> None:
    sealed = seal(value, cipher, annotation)

    assert HIDDEN not in sealed
    assert HIDDEN in json.dumps(unseal(sealed, cipher))


def test_infinity_comes_back() -> None:
    class Reading(Payload):
        value: float

    payload = Reading(value=float("inf"))

    assert Reading.model_validate(unseal(seal(payload, None), None)) == payload


class Unwritable(Payload):
    password: Secret[str]

    @field_serializer("password")
    def fail(self, value: str) -> str:
        raise ValueError(f"cannot write {value}")


def test_what_cannot_be_written_is_refused_without_showing_it(cipher: Cipher) -> None:
    with pytest.raises(InvalidPayload, match="cannot be written as JSON") as refused:
        seal(Unwritable(password=HIDDEN), cipher)

    error: BaseException | None = refused.value
    while error is not None:
        assert HIDDEN not in str(error)
        error = error.__cause__ or error.__context__


def test_what_pydantic_would_only_warn_of_is_refused_without_showing_it(cipher: Cipher) -> None:
    payload = Everything().model_copy(update={"plain": [HIDDEN]})

    with pytest.raises(InvalidPayload) as refused:
        seal(payload, cipher)

    assert HIDDEN not in str(refused.value)


# --- What did not validate -----------------------------------------------------------------------


def test_raw_data_keeps_readable_only_what_is_declared_as_not_private(cipher: Cipher) -> None:
    class Order(Payload):
        tenant_id: str
        password: Secret[str]
        card: Card
        count: int

    raw = {
        "tenant_id": "b1",
        "pasword": HIDDEN,  # misspelt
        "card": {"number": HIDDEN},
        "count": "many",
        "$private": HIDDEN,
    }

    sealed = seal_unvalidated(raw, Order, cipher)

    assert HIDDEN not in sealed
    assert json.loads(sealed)["count"] == "many"
    assert unseal(sealed, cipher) == raw


def test_of_raw_data_of_an_unknown_task_only_the_names_stay_readable(cipher: Cipher) -> None:
    sealed = seal_unvalidated({"password": HIDDEN}, None, cipher)

    assert redacted(sealed) == '{"password":"[redacted]"}'
    assert unseal(sealed, cipher) == {"password": HIDDEN}


def test_raw_data_of_an_unknown_task_is_kept_where_there_is_no_key() -> None:
    raw = {"a": [1], "$private": "x"}

    assert unseal(seal_unvalidated(raw, None, None), None) == raw


def test_raw_data_is_left_out_rather_than_stored_in_the_clear_where_there_is_no_key() -> None:
    text = seal_unvalidated({"holder": "Ama", "number": HIDDEN, "other": HIDDEN}, Card, None)

    assert json.loads(text) == {"holder": "Ama", "number": "[redacted]", "other": "[redacted]"}


def test_half_a_character_in_raw_data_is_kept(cipher: Cipher) -> None:
    raw = {"a": "\ud800", "b": "ü"}

    for text in (seal_unvalidated(raw, None, None), seal_unvalidated(raw, None, cipher)):
        assert text.encode()
        assert unseal(text, cipher) == raw


def test_raw_data_that_cannot_be_written_is_named_by_its_type(cipher: Cipher) -> None:
    class Silent:
        def __repr__(self) -> str:
            raise RuntimeError

    assert seal_unvalidated({"a": Silent()}, None, None) == '{"a":"<Silent>"}'


def test_raw_data_that_is_no_mapping_is_private_where_the_task_has_private_fields(
    cipher: Cipher,
) -> None:
    assert HIDDEN not in seal_unvalidated([HIDDEN, b"\xff", object], Card, cipher)


def test_what_is_no_json_is_withheld_whole() -> None:
    assert redacted(f"password={HIDDEN}") == '"[redacted]"'


# --- Marks ---------------------------------------------------------------------------------------


def test_private_is_what_has_a_mark_anywhere_but_in_a_model() -> None:
    names = {name for name, field in Everything.model_fields.items() if is_private(field)}

    models = {"card", "cards", "by_name", "pair", "crate", "card_crate"}
    assert names == set(Everything.model_fields) - models - OPEN


class Node(BaseModel):
    name: str
    children: list[Node] = []


class SecretNode(BaseModel):
    name: str
    children: list[SecretNode] = []
    login: list[dict[str, Login | None]] = []


def test_models_that_contain_themselves_are_looked_through() -> None:
    assert not has_private(Node)
    assert has_private(SecretNode)


def test_metadata_and_classes_are_no_marks() -> None:
    class Order(Payload):
        state: Annotated[str, Field(max_length=3)]
        made: type[Card] | None = None

    assert not is_private(Order.model_fields["state"])
    assert not is_private(Order.model_fields["made"])


def test_a_private_field_is_its_plain_type_at_run_time() -> None:
    class Order(Payload):
        password: Secret[str]
        age: Personal[int]

    order = Order(password="x", age=3)

    assert type(order.password) is str
    assert type(order.age) is int


# --- Keys ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [KEY, "a long text that somebody made up", "ключ", "a" * 44])
def test_any_text_can_be_a_key(key: str) -> None:
    token = Cipher([key]).encrypt("x")

    assert Cipher([f" {key}\n"]).decrypt(token) == "x"


def test_a_key_made_by_fernet_is_used_as_it_is() -> None:
    assert Fernet(KEY).decrypt(Cipher([KEY]).encrypt("x")) == b"x"


def test_a_derived_key_stays_the_same_across_releases() -> None:
    # Encrypted by the first release: a change of salt or info would lock stored jobs for ever.
    token = (
        "gAAAAABrAlHOy6KvHJc41MyjlEHwIwjAXSVjsl3-O0DgK5WJ0Q68dScDel7-_tlAIgZoIKwqLLlxtmKsTX9mUwxz4"
        "WLlPyhi9FkpTZwrXw1SLFp2ntFhHIU="
    )

    assert Cipher(["correct horse battery staple"]).decrypt(token) == "from the first release"


def test_the_first_key_encrypts_and_all_of_them_decrypt() -> None:
    old, new = Cipher(["old"]), Cipher(["new", "old"])

    assert new.decrypt(old.encrypt("x")) == "x"
    with pytest.raises(ConfigurationError, match="JOBKIT_SECRET_KEYS"):
        old.decrypt(new.encrypt("x"))


@pytest.mark.parametrize("token", ["", "gAAAAA", "no token", "é"])
def test_what_no_key_opens_is_an_error_of_the_configuration(token: str) -> None:
    with pytest.raises(ConfigurationError, match="no key in JOBKIT_SECRET_KEYS"):
        Cipher([KEY]).decrypt(token)


@pytest.mark.parametrize("keys", [[], [""], ["x", "  "]])
def test_empty_keys_are_refused(keys: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="JOBKIT_SECRET_KEYS"):
        Cipher(keys)


def test_one_text_is_not_taken_for_a_list_of_keys() -> None:
    with pytest.raises(TypeError, match="sequence"):
        Cipher(KEY)


def test_a_cipher_does_not_show_its_keys() -> None:
    assert "made up" not in repr(Cipher(["made up"])) + str(vars(Cipher(["made up"])))


def test_a_local_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "new" / ".jobkit"

    key = local_key(folder)

    assert local_key(folder) == key
    assert Cipher([key]).decrypt(Cipher([key]).encrypt("x")) == "x"
    assert [each.name for each in folder.iterdir()] == ["secret.key"]
    if os.name != "nt":
        assert stat.S_IMODE((folder / "secret.key").stat().st_mode) == 0o600


def test_processes_that_race_for_a_local_key_all_get_the_same(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        keys = set(pool.map(local_key, [tmp_path / str(n // 16) for n in range(64)], chunksize=1))

    assert len(keys) == 4
    assert keys == {local_key(tmp_path / str(n)) for n in range(4)}


def test_a_faster_process_keeps_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def slow_open(path: Any, *args: Any, **kwargs: Any) -> int:
        if not (tmp_path / "secret.key").exists():
            (tmp_path / "secret.key").write_text(KEY)
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", slow_open)

    assert local_key(tmp_path) == KEY


def test_a_local_key_that_is_no_key_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("")

    with pytest.raises(ConfigurationError, match="holds no key"):
        local_key(tmp_path)


def test_a_folder_that_cannot_hold_a_key_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigurationError, match="JOBKIT_SECRET_KEYS"):
        local_key(tmp_path / "file" / "folder")
