"""Payloads, moments and priorities as they are typed on a command line."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from jobkit.errors import ConfigurationError, InvalidPayload

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")


class PriorityName(StrEnum):
    """The priorities by name, for a choice on the command line."""

    CRITICAL = "critical"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


def payload_fields(pairs: Sequence[str], text: str | None) -> dict[str, Any]:
    """Return a payload's fields from `name=text` and `name:=json`, on top of a JSON object.

    The JSON `-` is read from standard input, where nobody's shell history keeps it. Raises
    `InvalidPayload`.
    """
    fields = _object(sys.stdin.read() if text == "-" else text) if text is not None else {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name.rstrip(":"):
            raise InvalidPayload(f"{pair!r} is no field; write name=value, or name:=JSON")
        if name.endswith(":"):
            fields[name[:-1]] = _json(value, f"the value of {name[:-1]}")
        else:
            fields[name] = value
    return fields


def moment_of(text: str) -> datetime:
    """Return an ISO 8601 date or time; without a zone it is in this machine's."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise ConfigurationError(
            f"{text!r} is no moment; write one as 2027-01-31, 2027-01-31T09:00 or "
            "2027-01-31T09:00+01:00"
        ) from None


def span_of(text: str) -> timedelta:
    """Return a span of time: `90`, `90s`, `15m`, `2h`, `7d` or `2w`."""
    if found := _SPAN.fullmatch(text if text[-1:].isalpha() else f"{text}s"):
        return timedelta(**{_UNITS[found[2]]: float(found[1])})
    raise ConfigurationError(f"{text!r} is no span of time; write one as 90s, 15m, 2h, 7d or 2w")


def past_moment(text: str, now: datetime) -> datetime:
    """Return a moment, or how long ago it was: `2h` is two hours before *now*."""
    return now - span_of(text) if _SPAN.fullmatch(text) else moment_of(text)


def _object(text: str) -> dict[str, Any]:
    data = _json(text, "--json")
    if not isinstance(data, dict):
        raise InvalidPayload("--json takes an object: the payload's fields by name")
    return data


def _json(text: str, what: str) -> Any:
    # Without the text: it may hold what nobody should read.
    try:
        return json.loads(text)
    except ValueError as error:
        told = error.msg if isinstance(error, json.JSONDecodeError) else "it cannot be read"
        raise InvalidPayload(f"{what} is no JSON: {told}") from None
