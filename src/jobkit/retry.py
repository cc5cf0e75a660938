"""When to try again: policy as data, and the decision as a pure function."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from jobkit.errors import (
    Cancelled,
    ConfigurationError,
    PermanentError,
    RetryAfter,
    Snooze,
    TransientError,
)


@dataclass(frozen=True)
class Retry:
    """Say how often and how soon a failed job is tried again.

    The wait before attempt *n + 1* is drawn evenly from 0 to `min(maximum, base * factor ** (n -
    1))` seconds: "full jitter" (AWS Architecture Blog, *Exponential Backoff And Jitter*, 2015).
    Raises `ConfigurationError` for a policy that cannot work.
    """

    max_attempts: int = 5
    """Attempts in all, the first included."""

    base: float = 5.0
    """The longest wait before the second attempt, in seconds."""

    factor: float = 3.0
    """By how much the longest wait grows with each attempt."""

    maximum: float = 3600.0
    """The longest wait ever, in seconds."""

    jitter: bool = True
    """Whether to draw the wait at random; without it the longest wait is taken."""

    permanent: tuple[type[BaseException], ...] = ()
    """Exceptions that another attempt would not mend, beside `PermanentError`."""

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ConfigurationError("Retry(max_attempts=...) counts the first try: 1 or more")
        if self.base < 0 or self.maximum < 0 or self.factor < 1:
            raise ConfigurationError(
                "Retry takes base and maximum of 0 or more, factor of 1 or more"
            )

    def wait(self, attempt: int, draw: Callable[[], float] = random.random) -> float:
        """Return the seconds to wait after *attempt* (counted from 1) has failed.

        *draw* gives a number from 0 to 1.
        """
        try:
            ceiling = min(self.maximum, self.base * self.factor ** (attempt - 1))
        except OverflowError:
            ceiling = self.maximum
        return ceiling * draw() if self.jitter else ceiling


NO_RETRY = Retry(max_attempts=1)


@dataclass(frozen=True)
class TryAgain:
    """The job is tried again after *seconds*; *counted* tells whether the attempt was used up."""

    seconds: float
    counted: bool = True


@dataclass(frozen=True)
class GiveUp:
    """The job is not tried again; *reason* is `permanent`, `exhausted` or `cancelled`."""

    reason: str


def decide(
    policy: Retry,
    error: BaseException,
    *,
    attempt: int,
    max_attempts: int,
    draw: Callable[[], float] = random.random,
) -> TryAgain | GiveUp:
    """Decide what follows the failure of *attempt*, counted from 1 without interruptions."""
    if isinstance(error, Snooze):
        return TryAgain(error.seconds, counted=False)
    if isinstance(error, Cancelled):
        return GiveUp("cancelled")
    if isinstance(error, PermanentError):
        return GiveUp("permanent")
    if isinstance(error, policy.permanent) and not isinstance(error, TransientError):
        return GiveUp("permanent")
    if attempt >= max_attempts:
        return GiveUp("exhausted")
    if isinstance(error, RetryAfter):
        return TryAgain(error.seconds)
    return TryAgain(policy.wait(attempt, draw))
