"""Models as JSON for the store, with every private value encrypted."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from pydantic import AliasChoices, BaseModel, RootModel, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import PydanticSerializationError, to_jsonable_python

from jobkit.errors import ConfigurationError, InvalidPayload
from jobkit.privacy.cipher import Cipher
from jobkit.privacy.marks import (
    has_private,
    holds_private,
    is_private,
    may_hold_private,
    models_in,
    reach_of_annotation,
    readable_names,
)
from jobkit.privacy.values import MASKED, REDACTED, holds_private_values, is_sequence

_MARK = "$private"

Seal = Callable[[Any], Any]


def seal(value: Any, cipher: Cipher | None, annotation: Any = None) -> str:
    """Return a model as JSON that `unseal` and then `model_validate` turn back into it.

    A private value becomes `{"$private": "<token>"}`; None stays null. A key `$private` in the
    data itself gets one more dollar sign, so nothing that a caller sends can pass for a token.
    A value that is no model is written as its type, *annotation*, says. Raises `InvalidPayload`
    for what JSON cannot say, and `ConfigurationError` for a private value without a key.
    """
    kind = type(value) if annotation is None else annotation
    text = _dumped(value, kind)
    if _MARK not in text and _is_plain(kind):
        return text  # the common case costs no second pass
    data, encrypt = json.loads(text), _sealer(cipher)
    if reach_of_annotation(kind).marked and value is not None:
        return _written(encrypt(_sealed(value, data, _keep)))
    return _written(_sealed(value, data, encrypt))


def seal_unvalidated(data: Any, model_type: type[BaseModel] | None, cipher: Cipher | None) -> str:
    """Return raw data that did not validate as JSON, with all that may be private encrypted.

    Only the values of fields that *model_type* declares as not private stay readable: a misspelt
    name may stand for a private one. Without a model, each may be private, and is encrypted where
    there is a key. This never fails: without a key, what is declared as private is left out.
    """
    plain = to_jsonable_python(data, fallback=_unwritable, bytes_mode="base64")
    hide = _sealer(cipher) if cipher else _withhold
    if not (has_private(model_type) if model_type else cipher):
        return _written(_escaped(plain))
    if not isinstance(plain, dict):
        return _written(hide(_escaped(plain)))
    readable = readable_names(model_type) if model_type else set()
    return _written(
        {
            _escaped_key(key): _escaped(value) if key in readable else hide(_escaped(value))
            for key, value in plain.items()
        }
    )


def unseal(text: str, cipher: Cipher | None) -> Any:
    """Return the data that `seal` wrote, private values included.

    Raises `ConfigurationError` where a private value has no key that fits.
    """

    def opened(token: str) -> Any:
        if cipher is None:
            raise ConfigurationError(
                "this job has private values: set JOBKIT_SECRET_KEYS to the keys it was stored with"
            )
        return _unsealed(json.loads(cipher.decrypt(token)), opened)

    return _unsealed(json.loads(text), opened)


def unseal_text(text: str, cipher: Cipher | None) -> str:
    """Return what `unseal` does as JSON, for `model_validate_json`, which strict models need."""
    return _written(unseal(text, cipher)) if _MARK in text else text


def redacted(text: str) -> str:
    """Return what `seal` wrote as plain JSON in which private values read `[redacted]`.

    Needs no key. What is no JSON at all is withheld whole.
    """
    try:
        data = json.loads(text)
    except ValueError:
        return json.dumps(REDACTED)
    return _written(_unsealed(data, lambda token: REDACTED))


def _dumped(value: Any, kind: Any) -> str:
    try:
        # A value that does not fit its annotation would be refused by the worker, and pydantic's
        # warning of it shows the value.
        if isinstance(value, BaseModel) and kind is type(value):
            return value.model_dump_json(by_alias=True, round_trip=True, warnings="error")
        text = TypeAdapter(kind).dump_json(value, by_alias=True, round_trip=True, warnings="error")
        return text.decode()
    except (PydanticSerializationError, ValueError) as error:
        detail = "" if holds_private(kind) else f": {error}"
    # Raised out here so that no traceback goes on to the error with the value in it.
    name = getattr(kind, "__name__", str(kind))
    raise InvalidPayload(f"{name} cannot be written as JSON{detail}")


def _sealer(cipher: Cipher | None) -> Seal:
    def encrypt(data: Any) -> Any:
        if cipher is None:
            raise ConfigurationError(
                "private fields are stored encrypted: set JOBKIT_SECRET_KEYS to a key, such as "
                "`python -c 'from cryptography.fernet import Fernet as F; "
                "print(F.generate_key().decode())'` prints"
            )
        return {_MARK: cipher.encrypt(_written(data))}

    return encrypt


def _sealed(value: Any, data: Any, encrypt: Seal) -> Any:
    """Return *data*, the JSON form of *value*, with the private parts of *value* encrypted.

    Where a serializer gave the data another shape than the value, a value that holds anything
    private is encrypted whole.
    """
    if isinstance(value, MASKED):
        return encrypt(_escaped(to_jsonable_python(value.get_secret_value())))
    if isinstance(value, BaseModel):
        sealed = _sealed_model(value, data, encrypt)
        if sealed is not None:
            return sealed
    elif encrypt is not _keep and holds_private(type(value)):
        return encrypt(_sealed(value, data, _keep))
    elif isinstance(value, Mapping) and isinstance(data, dict) and len(value) == len(data):
        parts = zip(data.items(), value.values(), strict=True)
        return {_escaped_key(key): _sealed(part, item, encrypt) for (key, item), part in parts}
    elif is_sequence(value) and isinstance(data, list) and len(value) == len(data):
        return [_sealed(part, item, encrypt) for part, item in zip(value, data, strict=True)]
    elif dataclasses.is_dataclass(value) and isinstance(data, dict):
        names = [each.name for each in dataclasses.fields(value)]
        if set(names) == set(data):
            return {name: _sealed(getattr(value, name), data[name], encrypt) for name in names}
    return encrypt(_escaped(data)) if holds_private_values(value) else _escaped(data)


def _sealed_model(model: BaseModel, data: Any, encrypt: Seal) -> Any:
    """Return the sealed fields of *model*, or None where *data* does not have their shape."""
    kind = type(model)
    if kind.__pydantic_decorators__.model_serializers:
        return None
    if isinstance(model, RootModel):
        return _sealed_field(kind.model_fields["root"], model.root, data, encrypt)
    if not isinstance(data, dict):
        return None
    rest = dict(data)
    sealed: dict[str, Any] = {}
    for name, field in kind.model_fields.items():
        key = field.serialization_alias or name
        if key in rest:
            part = _sealed_field(field, getattr(model, name), rest.pop(key), encrypt)
            sealed[_escaped_key(accepted_name(field, name))] = part
        elif is_private(field) and not field.exclude:
            return None
    extra = model.model_extra or {}
    for key, item in rest.items():
        sealed[_escaped_key(key)] = _sealed(extra.get(key), item, encrypt)
    return sealed


def _sealed_field(field: FieldInfo, value: Any, data: Any, encrypt: Seal) -> Any:
    if value is None or not is_private(field):
        return _sealed(value, data, encrypt)
    return encrypt(_sealed(value, data, _keep))


def _withhold(data: Any) -> str:
    return REDACTED


def _unwritable(data: Any) -> str:
    return f"<{type(data).__name__}>"


def _keep(data: Any) -> Any:
    """Stand in for encryption inside of what is encrypted whole."""
    return data


def accepted_name(field: FieldInfo, name: str) -> str:
    """Return a name under which the field validates again."""
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        return next((each for each in alias.choices if isinstance(each, str)), name)
    return alias if isinstance(alias, str) else name


def _is_plain(annotation: Any) -> bool:
    try:
        return _find_plain(annotation)
    except TypeError:  # an annotation that cannot be hashed
        return False


@lru_cache(maxsize=1024)
def _find_plain(annotation: Any) -> bool:
    """Tell whether nothing of this type is private, or validates under another name."""
    fields = [field for model in models_in(annotation) for field in model.model_fields.values()]
    renamed = any(field.validation_alias != field.serialization_alias for field in fields)
    return not renamed and not may_hold_private(annotation)


def _escaped_key(key: str) -> str:
    return f"${key}" if key.endswith(_MARK) and not key[: -len(_MARK)].strip("$") else key


def _escaped(data: Any) -> Any:
    if isinstance(data, dict):
        return {_escaped_key(key): _escaped(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_escaped(item) for item in data]
    return data


def _unsealed(data: Any, opened: Callable[[str], Any]) -> Any:
    if isinstance(data, list):
        return [_unsealed(item, opened) for item in data]
    if not isinstance(data, dict):
        return data
    token = data.get(_MARK)
    if len(data) == 1 and isinstance(token, str):
        return opened(token)
    return {_unescaped_key(key): _unsealed(value, opened) for key, value in data.items()}


def _unescaped_key(key: str) -> str:
    return key[1:] if key != _MARK and _escaped_key(key) != key else key


def _written(data: Any) -> str:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can only say escaped
        return json.dumps(data, separators=(",", ":"))
    return text
