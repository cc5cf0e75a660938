"""Which jobs are the same work, and what becomes of the second one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

from jobkit.errors import ConfigurationError
from jobkit.job import ENDED, PENDING, JobState
from jobkit.privacy import Cipher

OnConflict = Literal["keep", "replace", "debounce", "reject"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FOLLOWS = ("replace", "debounce")


@dataclass(frozen=True)
class Unique:
    """Say which jobs of a task are the same work: no two of them stand in the store together.

    *by* names payload fields; without any, all jobs of the task are the same. *period*, seconds or
    a timedelta, makes it once a period: periods are counted from 1970-01-01 UTC as `Every` counts
    them, so that 3600 means the hour of the clock. A schedule's run counts to the period for which
    it was due, any other job to that in which it is enqueued.

    *states* are those in which the first job stands in the way of a second. The waiting ones
    always are. Left out, it is also `executing` for *keep* and *reject*, and nothing else for
    *replace* and *debounce*, so that what comes while the first runs is not lost. With
    `completed` a job stands in the way until its period is over, or without a period for as long
    as the store keeps it. A job that has left these states does not come back to them.

    *on_conflict* says what a second one does. `keep` leaves the first as it is. `replace` gives a
    first one that still waits the second's payload and options. `debounce` puts a first one that
    still waits off to the second's time. `reject` raises `DuplicateJob`.
    """

    by: tuple[str, ...] = ()
    period: float | timedelta | None = None
    states: Collection[JobState | str] | None = None
    on_conflict: OnConflict = "keep"

    def __post_init__(self) -> None:
        by: object = self.by
        if isinstance(by, str):
            raise ConfigurationError(f"by takes several names: write ({by!r},)")
        if self.on_conflict not in get_args(OnConflict):
            known = ", ".join(get_args(OnConflict))
            raise ConfigurationError(f"on_conflict is one of {known}, not {self.on_conflict!r}")
        if self.period is not None and not self.seconds >= 1:
            raise ConfigurationError("Unique(period=...) takes a second or more")
        # A list would do as well, and two policies that say the same are equal.
        object.__setattr__(self, "by", tuple(self.by))
        if self.states is not None:
            object.__setattr__(self, "states", _states(self.states))

    @property
    def seconds(self) -> float:
        """Return the period in seconds; 0 without one."""
        if isinstance(self.period, timedelta):
            return self.period.total_seconds()
        return float(self.period or 0)

    @property
    def counted(self) -> frozenset[JobState]:
        """Return the states in which a job stands in the way of another."""
        if self.states is not None:
            return PENDING | {JobState(state) for state in self.states}
        return PENDING if self.on_conflict in _FOLLOWS else PENDING | {JobState.EXECUTING}

    def bucket(self, moment: datetime) -> int | None:
        """Return the number of the period that *moment* is in, or None without periods."""
        if self.period is None:
            return None
        return (moment - _EPOCH) // timedelta(seconds=self.seconds)


def key_of_fields(task: str, values: Mapping[str, Any], bucket: int | None, cipher: Cipher | None,
                  keyed: bool) -> str:  # fmt: skip
    """Return the key of a task's jobs with these payload values, as JSON has them.

    *keyed*: some values are private, and whoever reads the store must not guess them.
    """
    return _hashed([task, "by", dict(values), bucket], cipher, keyed)


def key_of_key(
    task: str, tenant: str | None, given: str, cipher: Cipher | None, keyed: bool
) -> str:
    """Return the key of a task's jobs with an idempotency key; tenants do not share theirs."""
    return _hashed([task, "key", tenant, given], cipher, keyed)


def _hashed(parts: list[Any], cipher: Cipher | None, keyed: bool) -> str:
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    if not keyed:
        return hashlib.sha256(text.encode()).hexdigest()
    if cipher is None:
        raise ConfigurationError(
            "private fields are hashed with a key: set JOBKIT_SECRET_KEYS to be unique by them"
        )
    return cipher.fingerprint(text)


def _states(given: Collection[JobState | str]) -> frozenset[JobState]:
    if isinstance(given, str):
        raise ConfigurationError(f"states takes several states: write ({str(given)!r},)")
    try:
        states = frozenset(JobState(state) for state in given)
    except ValueError as error:
        known = ", ".join(JobState)
        raise ConfigurationError(f"Unique(states=...): {error}; choose from {known}") from None
    if states & ENDED and JobState.EXECUTING not in states:
        raise ConfigurationError(
            "Unique(states=...) names a state in which a job has ended, and not 'executing', by "
            "which it gets there; add it"
        )
    return states


BY_KEY = Unique(states=tuple(JobState))
"""How an idempotency key works: the first job counts for as long as the store keeps it."""
