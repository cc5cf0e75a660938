"""The marks that make a field private, and how they are found in a type."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import typing_extensions
from pydantic import AliasChoices, AliasPath, BaseModel, SecretBytes, SecretStr, SerializeAsAny
from pydantic import Secret as PydanticSecret
from pydantic.fields import FieldInfo

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class PrivateMark:
    """Mark a field as private, and say why."""

    kind: Literal["secret", "personal"]


Secret = Annotated[T, PrivateMark("secret")]
"""A password, key or token: `Secret[str]` is a `str` to type checkers and at run time."""

Personal = Annotated[T, PrivateMark("personal")]
"""What tells something of a person: handled as `Secret` is, and named apart for audits."""

_AS_ANY: Any = SerializeAsAny  # for type checkers it is an alias, which isinstance does not take
_OPEN = (Any, object, BaseModel)
_MASKED = (SecretStr, SecretBytes, PydanticSecret)


@dataclasses.dataclass(frozen=True)
class Reach:
    """Tell what a type can hold, as far as its annotation says."""

    marked: bool = False
    """A mark is in it, outside of models."""

    models: tuple[type[BaseModel], ...] = ()
    """The models in it; what is inside of them is not looked at."""

    open: bool = False
    """Anything may be in it, so that only the value can tell."""


def is_private(field: FieldInfo) -> bool:
    """Tell whether a field is private: whether a mark is anywhere in its annotation.

    `Secret[str] | None`, `list[Secret[str]]` and a dataclass with a marked field make the whole
    field private; a nested model does not, because its own fields are looked at one by one.
    Pydantic's `SecretStr`, `SecretBytes` and `Secret` count as marks.
    """
    return reach_of(field).marked


def has_private(model_type: type[BaseModel]) -> bool:
    """Tell whether a model has private fields, its own or those of models inside it."""
    return any(
        is_private(field) for each in models_in(model_type) for field in each.model_fields.values()
    )


def holds_private(annotation: Any) -> bool:
    """Tell whether a mark is in *annotation*, inside models too."""
    reach = reach_of_annotation(annotation)
    return reach.marked or any(has_private(model) for model in reach.models)


def may_hold_private(annotation: Any) -> bool:
    """Tell whether a value could hold private ones, such as a model in a field of type Any."""
    reaches = [reach_of_annotation(annotation)]
    for model in models_in(annotation):
        reaches += map(reach_of, model.model_fields.values())
    return any(reach.marked or reach.open for reach in reaches)


def models_in(annotation: Any) -> tuple[type[BaseModel], ...]:
    """Return the models that *annotation* names, and every model that their fields can hold."""
    if not _is_model(annotation):
        found = [
            each for model in reach_of_annotation(annotation).models for each in models_in(model)
        ]
        return tuple(dict.fromkeys(found))
    if not annotation.__pydantic_complete__:
        annotation.model_rebuild(raise_errors=False)
    # What is not complete yet may name more models later.
    return (_cached_models if annotation.__pydantic_complete__ else _find_models)(annotation)


def names_of(field: FieldInfo, name: str) -> set[str]:
    """Return every name by which the field *name* may be given."""
    alias = field.validation_alias
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
    paths = [each.path[0] if isinstance(each, AliasPath) else each for each in choices]
    return {name, *(each for each in [*paths, field.alias] if isinstance(each, str))}


def readable_names(model_type: type[BaseModel]) -> set[str]:
    """Return the names of the fields that hold nothing private, aliases included."""
    private: set[str] = set()
    readable: set[str] = set()
    for name, field in model_type.model_fields.items():
        (private if _hides(field) else readable).update(names_of(field, name))
    return readable - private


def masked_fields(model_type: type[BaseModel]) -> frozenset[str]:
    """Return the fields that a repr must not show: what is private, and what may tell of it.

    That is fields with private fields inside, whose own repr may not mask them, and computed
    fields, which may be made of private ones.
    """
    if not has_private(model_type):
        return frozenset()
    fields = model_type.model_fields.items()
    hidden = {name for name, field in fields if _hides(field)}
    return frozenset(hidden | set(model_type.model_computed_fields))


def reach_of(field: FieldInfo) -> Reach:
    """Return what a field can hold."""
    reach = reach_of_annotation(field.annotation)
    if not field.metadata:
        return reach
    return dataclasses.replace(
        reach,
        marked=reach.marked or any(isinstance(each, PrivateMark) for each in field.metadata),
        open=reach.open or any(isinstance(each, _AS_ANY) for each in field.metadata),
    )


def reach_of_annotation(annotation: Any) -> Reach:
    """Return what a value of type *annotation* can hold."""
    try:
        return _cached_reach(annotation)
    except TypeError:  # an annotation that cannot be hashed, such as one with a list in it
        return _reach(annotation)


def _reach(annotation: Any) -> Reach:
    parts = list(_parts(annotation, set()))
    models = [part for part in parts if _is_model(part)]
    return Reach(
        marked=any(isinstance(part, PrivateMark) or _is_masked(part) for part in parts),
        models=tuple(dict.fromkeys(models)),
        open=any(part is each for part in parts for each in _OPEN)
        or any(isinstance(part, _AS_ANY) for part in parts),
    )


def _hides(field: FieldInfo) -> bool:
    reach = reach_of(field)
    return reach.marked or any(has_private(model) for model in reach.models)


_cached_reach = lru_cache(maxsize=4096)(_reach)


def _parts(annotation: Any, seen: set[int]) -> Iterator[Any]:
    """Yield the types and the metadata that *annotation* is made of, models unopened."""
    if id(annotation) in seen:
        return
    seen.add(id(annotation))
    yield annotation
    for inner in _inside(annotation):
        yield from _parts(inner, seen)


def _inside(annotation: Any) -> list[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return [annotation.__origin__, *annotation.__metadata__]
    if origin is Literal:
        return []
    if isinstance(annotation, list):  # the arguments of a Callable
        return list(annotation)
    if _is_alias(annotation):
        return [annotation.__value__]
    if isinstance(annotation, TypeVar):
        return [annotation.__bound__, *annotation.__constraints__]
    if origin is not None:
        return [origin, *get_args(annotation)]
    if supertype := getattr(annotation, "__supertype__", None):
        return [supertype]
    if _is_model(annotation) or not isinstance(annotation, type):
        return []
    if (
        dataclasses.is_dataclass(annotation)
        or typing_extensions.is_typeddict(annotation)
        or hasattr(annotation, "_field_defaults")  # a NamedTuple
    ):
        return list(_hints(annotation).values())
    return []


def _hints(annotation: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(annotation, include_extras=True)
    except (NameError, TypeError):
        return {}


def _is_alias(annotation: Any) -> bool:
    # Python's own TypeAliasType came with 3.12 and typing_extensions' is another class there.
    return type(annotation).__name__ == "TypeAliasType"


def _is_model(annotation: Any) -> bool:
    return (
        isinstance(annotation, type)
        and get_origin(annotation) is None
        and issubclass(annotation, BaseModel)
        and annotation is not BaseModel
    )


def _is_masked(annotation: Any) -> bool:
    return (
        isinstance(annotation, type)
        and get_origin(annotation) is None
        and issubclass(annotation, _MASKED)
    )


def _find_models(model_type: type[BaseModel]) -> tuple[type[BaseModel], ...]:
    found = [model_type]
    for each in found:  # grows while it is read
        for field in each.model_fields.values():
            found += [model for model in reach_of(field).models if model not in found]
    return tuple(found)


_cached_models = lru_cache(maxsize=1024)(_find_models)
