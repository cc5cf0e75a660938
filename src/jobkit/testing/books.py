"""The books of a job in memory: what a task under test keeps for its next attempt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from jobkit.privacy import Cipher, seal, unseal
from jobkit.store.effects import Effect, Settled
from jobkit.store.steps import Reached

CIPHER = Cipher(("the testing kit has no secrets",))
Known = Settled | Literal["unknown"]


@dataclass
class Books:
    """Hold what is kept for the next attempt, readable and to be written in by a test."""

    effects: dict[str, Known] = field(default_factory=dict)
    """What is known of each effect: `done`, `found`, `skipped`, or `unknown` as after a crash."""

    answers: dict[str, Any] = field(default_factory=dict)
    """The answer of each effect that was done or found, as JSON."""

    steps: dict[str, Any] = field(default_factory=dict)
    """The result of each step, as JSON."""

    cursors: dict[str, tuple[int, Any]] = field(default_factory=dict)
    """How many items of each loop are done, and the cursor of the last."""


class MemoryEffects:
    """Keep effects in memory."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def begin(self, key: str) -> Effect | None:
        """Write an intent, or return what is known of an earlier one."""
        known = self._books.effects.get(key)
        if known is None:
            self._books.effects[key] = "unknown"
            return None
        if known == "unknown":
            return Effect(None)
        return Effect(known, _text(self._books.answers, key))

    def settle(self, key: str, outcome: Settled, result: str | None) -> None:
        """Record how an effect ended."""
        self._books.effects[key] = outcome
        if result is not None:
            self._books.answers[key] = unseal(result, CIPHER)

    def free(self, key: str) -> None:
        """Forget the intent of what did not happen."""
        del self._books.effects[key]


class MemorySteps:
    """Keep steps and cursors in memory."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def result(self, name: str) -> str | None:
        """Return the recorded result of a step."""
        return _text(self._books.steps, name)

    def keep(self, name: str, result: str) -> None:
        """Record the result of a step."""
        self._books.steps[name] = unseal(result, CIPHER)

    def reached(self, name: str) -> Reached | None:
        """Return how far a loop had come."""
        if name not in self._books.cursors:
            return None
        done, cursor = self._books.cursors[name]
        return Reached(done, seal(cursor, CIPHER, Any))

    def keep_cursor(self, name: str, done: int, cursor: str) -> bool:
        """Record how far a loop has come."""
        self._books.cursors[name] = (done, unseal(cursor, CIPHER))
        return True


def _text(answers: dict[str, Any], name: str) -> str | None:
    return seal(answers[name], CIPHER, Any) if name in answers else None
