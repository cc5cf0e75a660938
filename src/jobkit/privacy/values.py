"""The private values that a model holds."""

from __future__ import annotations

import dataclasses
import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, TypeGuard
from urllib.parse import quote, quote_plus
from uuid import UUID

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic import Secret as PydanticSecret
from pydantic_core import to_jsonable_python

from jobkit.privacy.marks import (
    holds_private,
    is_private,
    masked_fields,
    reach_of_annotation,
    readable_names,
)

REDACTED = "[redacted]"

MASKED = (SecretStr, SecretBytes, PydanticSecret)
"""What pydantic itself hides, and writes as asterisks."""


def private_values(model: BaseModel) -> tuple[str, ...]:
    """Return the private values of *model* in each form in which they may be printed.

    As text, as Python's repr, in JSON and in a URL.
    """
    return _printed(private_leaves(model))


def unvalidated_private_values(data: Mapping[str, Any], annotation: Any) -> tuple[str, ...]:
    """Return what may be private in *data*, which did not validate, in each printed form.

    That is all but the fields that are declared as not private, because a misspelt name may stand
    for a private one.
    """
    readable: set[str] = set()
    if reach_of_annotation(annotation).models == (annotation,):
        readable = readable_names(annotation)
    parts = [value for key, value in data.items() if key not in readable]
    return _printed(leaf for part in parts for leaf in _leaves(part))


def private_leaves(value: Any) -> Iterator[Any]:
    """Yield the single private values that *value* holds."""
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            part = getattr(value, name, None)
            yield from _leaves(part) if is_private(field) else private_leaves(part)
        yield from private_leaves(value.model_extra)
    elif holds_private(type(value)):
        yield from _leaves(value)
    else:
        for part in _children(value) or ():
            yield from private_leaves(part)


def holds_private_values(value: Any) -> bool:
    """Tell whether anything in *value* is private."""
    return next(private_leaves(value), None) is not None


def masked_repr_args(
    model: BaseModel, args: Iterable[tuple[str | None, Any]]
) -> Iterator[tuple[str | None, Any]]:
    """Yield what pydantic's `__repr_args__` of *model* does, with what is private masked."""
    masked = masked_fields(type(model))
    for name, value in args:
        hidden = name in masked or holds_private_values(value)
        yield name, REDACTED if hidden and value is not None else value


def is_sequence(value: Any) -> TypeGuard[list[Any]]:
    """Tell whether *value* becomes a JSON array."""
    return isinstance(value, list | tuple | set | frozenset | deque)


def _leaves(value: Any) -> Iterator[Any]:
    children = _children(value)
    if isinstance(value, MASKED):
        yield from _leaves(value.get_secret_value())
    elif isinstance(value, Enum):
        yield from _leaves(value.value)
    elif children is not None:
        for child in children:
            yield from _leaves(child)
    elif value is not None and not isinstance(value, bool):
        yield value


def _children(value: Any) -> list[Any] | None:
    """Return what a container contains, keys included; None for what is no container."""
    if isinstance(value, Mapping):
        return [*value.keys(), *value.values()]
    if is_sequence(value):
        return list(value)
    if isinstance(value, BaseModel):
        return [*vars(value).values(), value.model_extra]
    if dataclasses.is_dataclass(value):
        return [getattr(value, field.name, None) for field in dataclasses.fields(value)]
    return None


def _printed(leaves: Iterable[Any]) -> tuple[str, ...]:
    forms = dict.fromkeys(form for leaf in leaves for form in _forms(leaf))
    return tuple(form for form in forms if form.strip())


def _forms(leaf: Any) -> Iterator[str]:
    if isinstance(leaf, bytes):
        yield repr(leaf)[2:-1]
        leaf = leaf.decode(errors="replace")
    elif not isinstance(leaf, str):
        yield str(leaf)
        if isinstance(leaf, int | float | Decimal):
            yield f"{leaf:,}"
        elif isinstance(leaf, UUID):
            yield leaf.hex
        elif isinstance(leaf, date):
            # As in the repr: datetime.date(1990, 5, 17).
            yield ", ".join(map(str, leaf.timetuple()[: 5 if isinstance(leaf, datetime) else 3]))
        leaf = str(to_jsonable_python(leaf, fallback=str))
    for text in (leaf, leaf.strip()):
        yield text
        yield repr(text)[1:-1]
        yield repr(text.encode(errors="replace"))[2:-1]
        yield json.dumps(text)[1:-1]
        yield json.dumps(text, ensure_ascii=False)[1:-1]
        yield quote(text, safe="")
        yield quote(text)
        yield quote_plus(text)
