"""What steps and effects answer, on its way into the store and back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from jobkit.errors import InvalidPayload, ResultInvalid
from jobkit.privacy import Cipher, Redactor, Secret, describe_validation_error, seal, unseal_text

_MARKED: Any = Secret


@dataclass
class Values:
    """Pack values for the store, and unpack them again."""

    cipher: Cipher | None
    limit: int
    """The most bytes that one value may have as JSON."""

    redactor: Redactor = field(default_factory=Redactor)
    """Knows the private values of the job's payload."""

    def pack(self, value: Any, kind: Any, what: str) -> tuple[str, Any]:
        """Return *value* as sealed JSON, and as the next attempt will see it.

        *kind* is its type, or None for plain JSON. Raises `ResultInvalid`, which names *what* it
        is, for a value that does not fit, does not come back as it was, or is too large.
        """
        text = self._sealed(value, kind, what)
        back = self.unpack(text, kind, what)
        if kind is None and not _same(value, back):
            raise ResultInvalid(
                f"{what} answered a {type(value).__name__} that does not come back from JSON as "
                "it was: give its type, type=..., or answer plain JSON"
            )
        if (size := len(text.encode())) > self.limit:
            raise ResultInvalid(
                f"{what} answered {size:,} bytes of JSON, over the limit of {self.limit:,}; "
                "store it in a file and answer its reference, or raise JOBKIT_RESULT_MAX_BYTES"
            )
        return text, back

    def unpack(self, text: str, kind: Any, what: str) -> Any:
        """Return the value that `pack` wrote. Raises `ResultInvalid` where it does not fit *kind*.

        Raises `ConfigurationError` where a private value has no key that opens it.
        """
        plain = unseal_text(text, self.cipher)
        try:
            return _adapter(kind).validate_json(plain)
        except ValidationError as error:
            told = describe_validation_error(error, kind)
        raise ResultInvalid(f"the recorded answer of {what} does not fit its type: {told}")

    def _sealed(self, value: Any, kind: Any, what: str) -> str:
        try:
            if kind is not None:
                value = _adapter(kind).validate_python(value)
            annotation = Any if kind is None else kind
            text = seal(value, self.cipher, annotation)
            if self.redactor.redact(text) != text:
                # It quotes what is private in the payload, whatever its own type says of it.
                text = seal(value, self.cipher, _MARKED[annotation])
            return text
        except ValidationError as error:
            told = describe_validation_error(error, kind)
        except InvalidPayload as error:
            told = str(error)
        # Raised out here so that no traceback goes on to the error with the value in it.
        raise ResultInvalid(f"the answer of {what} cannot be stored: {told}")


def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(Any if kind is None else kind)


def _same(value: Any, back: Any) -> bool:
    try:
        return bool(value == back)
    except Exception:  # what cannot even be compared is not plain JSON
        return False
