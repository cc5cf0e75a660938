"""A task's answer on its way into the store."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from jobkit.errors import InvalidPayload, ResultInvalid
from jobkit.privacy import Cipher, describe_validation_error, seal, unseal_text
from jobkit.task import Task


def serialise(task: Task[Any, Any], value: Any, cipher: Cipher | None, limit: int) -> str:
    """Return *value* as JSON.

    Raises `ResultInvalid`, which names the field, for a value that is not of the declared type or
    cannot be written as JSON, and for more than *limit* bytes.
    """
    if task.result_type is not Any:
        try:
            value = task.results.validate_python(value)
        except ValidationError as error:
            text = describe_validation_error(error, task.result_type)
            raise ResultInvalid(
                f"{task.name} answered something other than it declares: {text}"
            ) from None
    try:
        text = seal(value, cipher, task.result_type)
    except InvalidPayload as error:
        place = _culprit(value) or "the result"
        raise ResultInvalid(f"{task.name}: {place} cannot be stored: {error}") from None
    try:
        # NaN, for one, is written as null and could not be read back as a number.
        task.results.validate_json(unseal_text(text, cipher))
    except ValidationError as error:
        told = describe_validation_error(error, task.result_type)
        raise ResultInvalid(f"{task.name}: its answer cannot be read back: {told}") from None
    if (size := len(text.encode())) > limit:
        raise ResultInvalid(
            f"{task.name} answered {size:,} bytes of JSON, over the limit of {limit:,}; "
            "store it in a file and answer its reference, or raise JOBKIT_RESULT_MAX_BYTES"
        )
    return text


def _culprit(value: Any, path: str = "") -> str | None:
    """Return the path to the first part of *value* that cannot be written as JSON."""
    if isinstance(value, BaseModel):
        parts = {name: getattr(value, name) for name in type(value).model_fields}.items()
    elif isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, (list, tuple, set)):
        parts = enumerate(value)  # type: ignore[assignment]
    else:
        try:
            to_json(value)
        except PydanticSerializationError:
            return f"the field {path}" if path else None
        return None
    for name, part in parts:
        if found := _culprit(part, f"{path}.{name}" if path else str(name)):
            return found
    return None
