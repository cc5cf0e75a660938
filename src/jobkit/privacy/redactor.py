"""Taking private values out of whatever people may read."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

from jobkit.privacy.values import REDACTED, is_sequence

_SHORT = 4
"""A value of fewer characters is redacted where it stands alone, not inside a longer word."""

_PIECE = 12
"""As many characters of a long value tell too much of it."""

_LONG = 2 * _PIECE

_NUMBER = re.compile(r"[-+\d.,e]+")
_ELLIPSIS = re.compile(r"\.{3}|…")
_UNCHANGED = (int, float, Decimal, date, time, timedelta, UUID)


class Redactor:
    """Take *values* out of texts and data, whatever their case.

    A number, or a value under four characters, is taken out where it stands alone: a PIN of 12
    does not eat into 2012. Of a value of 24 characters and more every piece of twelve goes, and of
    any value the ends that an error message leaves beside its dots. The time it takes does not
    grow with the number of values.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        kept = {_folded(value) for value in values if value.strip()}
        self._alone: dict[int, set[str]] = {}
        self._inside: dict[int, set[str]] = {}
        for value in kept:
            if len(value) < _SHORT or _NUMBER.fullmatch(value):
                self._alone.setdefault(len(value), set()).add(value)
            elif len(value) < _LONG:
                self._inside.setdefault(len(value), set()).add(value)
            else:
                self._inside.setdefault(_PIECE, set()).update(_pieces(value))
        self._shortened = [value for value in kept if len(value) > _SHORT]
        self._idle = not kept

    def redact(self, text: str) -> str:
        """Return *text* with `[redacted]` in place of each private value."""
        if self._idle:
            return text
        parts: list[str] = []
        position = 0
        for start, end in _merged(self._spans(_folded(text))):
            parts += [text[position:start], REDACTED]
            position = end
        return "".join([*parts, text[position:]])

    def redact_data(self, data: Any) -> Any:
        """Return *data*, of dictionaries, lists and any objects, with private values redacted.

        An object that is none of the common scalars becomes its repr.
        """
        if self._idle or data is None or isinstance(data, bool):
            return data
        if isinstance(data, str):
            return self.redact(data)
        if isinstance(data, Mapping):
            return {self._redact_key(key): self.redact_data(data[key]) for key in data}
        if is_sequence(data):
            return [self.redact_data(item) for item in data]
        if isinstance(data, _UNCHANGED) and all(
            self.redact(text) == text for text in (repr(data), str(data))
        ):
            return data
        return self.redact(_repr(data))

    def _redact_key(self, key: Any) -> Any:
        return self.redact(_repr(key)) if is_sequence(key) else self.redact_data(key)

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where private values stand in *text*."""
        for length, values in self._inside.items():
            for start in range(len(text) - length + 1):
                if text[start : start + length] in values:
                    yield start, start + length
        for length, values in self._alone.items():
            for start in range(len(text) - length + 1):
                end = start + length
                if text[start:end] in values and _stands_alone(text, start, end):
                    yield start, end
        for dots in _ELLIPSIS.finditer(text):
            yield from self._ends_beside(text, *dots.span())

    def _ends_beside(self, text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
        lengths = range(_LONG, _SHORT - 2, -1)
        for length in lengths:
            if _begins(self._starts, text[max(0, start - length) : start], length):
                yield start - length, start
                break
        for length in lengths:
            if _begins(self._ends, text[end : end + length][::-1], length):
                yield end, end + length
                break

    @cached_property
    def _starts(self) -> list[str]:
        return sorted(self._shortened)

    @cached_property
    def _ends(self) -> list[str]:
        return sorted(value[::-1] for value in self._shortened)


def _repr(data: Any) -> str:
    try:
        return repr(data)
    except Exception:  # whoever logs an object must not fail by it
        return f"<unprintable {type(data).__name__}>"


def _folded(text: str) -> str:
    lower = text.lower()
    # A few letters become two in lower case, and then places would no longer agree.
    return lower if len(lower) == len(text) else text


def _pieces(value: str) -> Iterator[str]:
    return (value[start : start + _PIECE] for start in range(len(value) - _PIECE + 1))


def _stands_alone(text: str, start: int, end: int) -> bool:
    return not text[max(0, start - 1) : start].isalnum() and not text[end : end + 1].isalnum()


def _begins(values: list[str], piece: str, length: int) -> bool:
    """Tell whether one of the sorted *values* begins with *piece*, of *length* characters."""
    place = bisect_left(values, piece)
    return len(piece) == length and place < len(values) and values[place].startswith(piece)


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged
