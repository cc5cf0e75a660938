"""What a task is given, and what it answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict

from jobkit.privacy import masked_repr_args


class _Record(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        # JSON has no infinity, and null in its place would not validate again.
        ser_json_inf_nan="strings",
    )

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Show the fields with private values masked, so that a log line gives nothing away."""
        return masked_repr_args(self, super().__repr_args__())


class Payload(_Record):
    """Declare what a task is given: frozen, no unknown fields.

    Fields marked `jobkit.Secret[...]` or `jobkit.Personal[...]` are encrypted in the job store and
    redacted wherever a person might read them. A payload that names its tenant calls the field
    `tenant_id`.
    """


class Result(_Record):
    """Declare what a task answers: small, frozen, no unknown fields."""
