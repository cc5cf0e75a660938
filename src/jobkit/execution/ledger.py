"""Doing effects once, steps until they are recorded, and loops from where they stopped."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol
from uuid import NAMESPACE_OID, uuid5

from jobkit.effects import Ask, Policy
from jobkit.errors import DidNotHappen, DuplicateStep, PermanentError, ResultInvalid
from jobkit.execution.values import Values
from jobkit.logs import get_logger
from jobkit.store.effects import Effect, Settled
from jobkit.store.steps import Reached

CURSOR_EVERY = 1.0
LONGEST_NAME = 200
logger = get_logger("jobkit.execution")


class EffectBook(Protocol):
    """Keep the effects of one job. Each call is committed when it returns."""

    def begin(self, key: str) -> Effect | None:
        """Write an intent, or return what is known of an earlier one."""

    def settle(self, key: str, outcome: Settled, result: str | None) -> None:
        """Record how an effect ended."""

    def free(self, key: str) -> None:
        """Forget the intent of what did not happen."""


class StepBook(Protocol):
    """Keep the steps and cursors of one job. Each call is committed when it returns."""

    def result(self, name: str) -> str | None:
        """Return the recorded result of a step."""

    def keep(self, name: str, result: str) -> None:
        """Record the result of a step."""

    def reached(self, name: str) -> Reached | None:
        """Return how far a loop had come."""

    def keep_cursor(self, name: str, done: int, cursor: str) -> bool:
        """Record how far a loop has come; False where that has to wait."""


class RunLedger:
    """Hold what one attempt knows of its effects, steps and loops."""

    def __init__(
        self,
        job: str,
        effects: EffectBook,
        steps: StepBook,
        values: Values,
        every: float = CURSOR_EVERY,
    ) -> None:
        self._job = job
        self._effects = effects
        self._steps = steps
        self._values = values
        self._every = every
        self._under_way: set[str] = set()
        self._names: set[str] = set()
        self._loops: set[str] = set()
        self._written_at: dict[str, float] = {}
        self._waiting: dict[str, tuple[int, Any]] = {}

    def once(self, key: str, fn: Callable[..., Any], policy: Policy, type: Any) -> Any:
        """Do an effect unless it was done; ask *policy* where nobody knows."""
        what = _called("the effect", key)
        if policy not in ("retry", "skip") and not isinstance(policy, Ask):
            raise ValueError("policy is 'retry', 'skip' or ask(check)")
        if key in self._under_way:
            raise PermanentError(f"{what} is under way in this attempt; it must not begin again")
        self._under_way.add(key)
        try:
            return self._once(key, what, fn, policy, type)
        finally:
            self._under_way.discard(key)

    def step(self, name: str, fn: Callable[[], Any], type: Any) -> Any:
        """Return the recorded result of a step, or call *fn* and record what it returns."""
        what = _called("the step", name)
        if name in self._names:
            raise DuplicateStep(f"{what} was taken already in this attempt; give it its own name")
        self._names.add(name)
        recorded = self._steps.result(name)
        if recorded is not None:
            return self._values.unpack(recorded, type, what)
        text, value = self._values.pack(fn(), type, what)
        self._steps.keep(name, text)
        return value

    def resume(self, name: str) -> tuple[int, Any]:
        """Return how many items of a loop are done, and the cursor of the last."""
        what = _called("the loop", name)
        if name in self._loops:
            raise DuplicateStep(f"{what} ran already in this attempt; give this one its own name=")
        self._loops.add(name)
        found = self._steps.reached(name)
        return (0, None) if found is None else (found.done, self._unpack(name, found.cursor))

    def reached(self, name: str, done: int, cursor: Any, *, ended: bool = False) -> None:
        """Note that *done* items are behind the loop; written once a second, and at its end."""
        if cursor is None:
            raise ResultInvalid(f"the cursor of the loop {name} is None: that means its beginning")
        self._waiting[name] = (done, cursor)
        now = time.monotonic()
        if not ended and now - self._written_at.get(name, -self._every) < self._every:
            return
        self._written_at[name] = now
        if self._steps.keep_cursor(name, done, self._pack(name, cursor)):
            del self._waiting[name]

    def unwritten(self) -> Iterator[tuple[str, int, str]]:
        """Yield the name, the count and the cursor of loops that have come further than written."""
        for name, (done, cursor) in self._waiting.items():
            try:
                text = self._pack(name, cursor)
            except Exception:
                # The attempt has ended; the last cursor that was written holds.
                logger.exception("a cursor cannot be stored", job=self._job, loop=name)
                continue
            yield name, done, text

    def _once(self, key: str, what: str, fn: Callable[..., Any], policy: Policy, type: Any) -> Any:
        found = self._effects.begin(key)
        if found is not None and found.outcome is not None:
            return self._recorded(found, type, what)
        outside = idempotency_key(self._job, key)
        if found is not None:
            how = policy if isinstance(policy, str) else "ask"
            logger.warning("an effect is unknown", job=self._job, effect=key, policy=how)
            if policy == "skip":
                self._effects.settle(key, "skipped", None)
                return None
            if isinstance(policy, Ask):
                answer = _asked(policy.check, outside)
                if not isinstance(answer, DidNotHappen):
                    return self._settled(key, "found", answer, type, what)
        try:
            value = _handed(fn, outside)
        except DidNotHappen:
            self._effects.free(key)
            raise
        return self._settled(key, "done", value, type, what)

    def _recorded(self, effect: Effect, type: Any, what: str) -> Any:
        if effect.outcome == "skipped":
            return None
        if effect.result is None:
            raise ResultInvalid(f"{what} was done, but its answer could not be stored")
        return self._values.unpack(effect.result, type, what)

    def _settled(self, key: str, outcome: Settled, value: Any, type: Any, what: str) -> Any:
        try:
            text, value = self._values.pack(value, type, what)
        except Exception:
            # It happened all the same, and must not happen again.
            self._effects.settle(key, outcome, None)
            raise
        self._effects.settle(key, outcome, text)
        return value

    def _pack(self, name: str, cursor: Any) -> str:
        return self._values.pack(cursor, None, f"the cursor of the loop {name}")[0]

    def _unpack(self, name: str, text: str) -> Any:
        return self._values.unpack(text, None, f"the cursor of the loop {name}")


def idempotency_key(job: str, key: str) -> str:
    """Return what tells the outside that two calls are one: the same in every attempt."""
    return str(uuid5(NAMESPACE_OID, f"jobkit:{job}:{key}"))


def _called(what: str, name: str) -> str:
    # MariaDB takes two names that differ in spaces at their end for the same.
    if not name or name != name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise ValueError(
            f"{what} needs a name of 1 to {LONGEST_NAME} printable characters without spaces "
            f"around it, not {name!r}"
        )
    return f"{what} {name}"


def _asked(check: Callable[..., Any], key: str) -> Any:
    try:
        return _handed(check, key)
    except DidNotHappen as answer:
        return answer


def _handed(fn: Callable[..., Any], key: str) -> Any:
    """Call *fn*, with the idempotency key if it must be given an argument."""
    try:
        first = next(iter(inspect.signature(fn).parameters.values()), None)
    except (TypeError, ValueError):  # some built-in functions do not tell
        first = None
    takes = first is not None and first.kind in _POSITIONAL and first.default is first.empty
    return fn(key) if takes else fn()


_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
