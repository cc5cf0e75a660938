"""What is wrong with a payload, told without showing what is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from jobkit.privacy.marks import (
    holds_private,
    is_private,
    names_of,
    reach_of,
    reach_of_annotation,
)
from jobkit.privacy.redactor import Redactor
from jobkit.privacy.values import unvalidated_private_values

# fmt: off
_PLAIN = frozenset({
    "bool_parsing", "bytes_too_long", "bytes_too_short", "date_parsing", "datetime_parsing",
    "decimal_max_digits", "decimal_max_places", "decimal_parsing", "decimal_whole_digits", "enum",
    "extra_forbidden", "finite_number", "float_parsing", "frozen_field", "frozen_instance",
    "greater_than", "greater_than_equal", "int_from_float", "int_parsing", "json_invalid",
    "less_than", "less_than_equal", "literal_error", "missing", "multiple_of", "none_required",
    "string_pattern_mismatch", "string_too_long", "string_too_short", "time_parsing",
    "timezone_aware", "timezone_naive", "too_long", "too_short", "union_tag_not_found",
})
# fmt: on
"""Errors whose messages pydantic writes from the declaration alone; so are all `..._type`."""


def describe_validation_error(
    error: ValidationError, model_type: Any, data: Mapping[str, Any] | None = None
) -> str:
    """Return each fault as `place: message`, and no input value.

    Where *model_type* has private fields, a message that may quote a value is withheld: those of
    validators, which can see the whole model, and those that pydantic builds from the input. With
    *data*, what was validated, such messages are shown with its private values taken out. What
    lies inside a private field is named by the field alone.
    """
    details = error.errors(include_url=False, include_context=False, include_input=False)
    told = _teller(model_type, data)
    places = (_place(each["loc"], model_type) for each in details)
    lines = [
        f"{'.'.join(map(str, place))}: {told(each)}" if place else told(each)
        for place, each in zip(places, details, strict=True)
    ]
    return "; ".join(dict.fromkeys(lines))


def _teller(model_type: Any, data: Mapping[str, Any] | None) -> Callable[[ErrorDetails], str]:
    """Return what makes an error's message fit to be shown."""
    if not holds_private(model_type):
        return lambda details: details["msg"]
    redactor = Redactor(unvalidated_private_values(data, model_type)) if data else None

    def tell(details: ErrorDetails) -> str:
        kind = details["type"]
        if kind in _PLAIN or kind.endswith("_type"):
            return details["msg"]
        if redactor is not None:
            return redactor.redact(details["msg"])
        return f"not valid ({kind}; the message is withheld because there are private fields)"

    return tell


def _place(loc: Iterable[int | str], model_type: Any) -> list[int | str]:
    """Return the path of an error, cut at the first private field.

    A part of the path may be a field, an index, a key or the name of a union's branch, and looks
    alike; so each part is tried as a field of every model that may be meant.
    """
    place: list[int | str] = []
    reach = reach_of_annotation(model_type)
    meant = dict.fromkeys(reach.models)
    for part in () if reach.marked else loc:
        place.append(part)
        for model in list(meant):
            for name, field in model.model_fields.items():
                if part not in names_of(field, name):
                    continue
                if is_private(field):
                    return place
                meant.update(dict.fromkeys(reach_of(field).models))
    return place
