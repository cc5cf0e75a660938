"""When a failed job is tried again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobkit.errors import (
    Cancelled,
    ConfigurationError,
    PermanentError,
    ResultInvalid,
    RetryAfter,
    Snooze,
    TimeLimitReached,
    TransientError,
)
from jobkit.retry import NO_RETRY, GiveUp, Retry, TryAgain, decide

PLAIN = Retry(base=5, factor=3, maximum=100, jitter=False)


def after(error: BaseException, policy: Retry = PLAIN, attempt: int = 1) -> TryAgain | GiveUp:
    return decide(policy, error, attempt=attempt, max_attempts=policy.max_attempts)


def test_the_wait_grows_by_the_factor_up_to_the_maximum() -> None:
    assert [PLAIN.wait(attempt) for attempt in (1, 2, 3, 4, 5)] == [5, 15, 45, 100, 100]


def test_with_jitter_the_wait_is_anything_up_to_the_plain_one() -> None:
    policy = Retry(base=5, factor=3)

    draws = iter([0.0, 0.5, 1.0])

    assert [policy.wait(2, draw=lambda: next(draws)) for _ in range(3)] == [0, 7.5, 15]


def test_a_great_many_attempts_do_not_overflow() -> None:
    assert PLAIN.wait(100_000) == 100


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_no_wait_is_longer_than_the_maximum(attempt: int, drawn: float) -> None:
    assert 0 <= Retry(maximum=60).wait(attempt, draw=lambda: drawn) <= 60


def test_an_unexpected_error_is_tried_again_until_the_attempts_are_used_up() -> None:
    error, last = ValueError("x"), PLAIN.max_attempts

    assert after(error, attempt=1) == TryAgain(5.0)
    assert after(error, attempt=last - 1) == TryAgain(100.0)
    assert after(error, attempt=last) == GiveUp("exhausted")


def test_without_retries_the_first_failure_is_the_last() -> None:
    assert after(ValueError("x"), NO_RETRY) == GiveUp("exhausted")


@pytest.mark.parametrize("error", [PermanentError("x"), ResultInvalid("x")])
def test_a_permanent_error_is_not_tried_again(error: Exception) -> None:
    assert after(error) == GiveUp("permanent")


def test_errors_that_the_policy_calls_permanent_are_not_tried_again() -> None:
    policy = Retry(permanent=(LookupError,))

    assert after(KeyError("x"), policy) == GiveUp("permanent")
    assert isinstance(after(ValueError("x"), policy), TryAgain)


def test_a_transient_error_is_tried_again_whatever_the_policy_calls_permanent() -> None:
    policy = Retry(permanent=(Exception,), jitter=False)

    assert after(TransientError("x"), policy) == TryAgain(5.0)


def test_a_time_limit_is_an_attempt_like_another() -> None:
    assert after(TimeLimitReached()) == TryAgain(5.0)
    assert after(TimeLimitReached(), NO_RETRY) == GiveUp("exhausted")


def test_retry_after_waits_as_long_as_was_asked_but_has_no_more_attempts() -> None:
    assert after(RetryAfter(7200)) == TryAgain(7200.0)
    assert after(RetryAfter(7200), NO_RETRY) == GiveUp("exhausted")


def test_a_snooze_costs_no_attempt_not_even_the_last() -> None:
    assert after(Snooze(30), NO_RETRY) == TryAgain(30.0, counted=False)


def test_a_cancelled_job_is_not_tried_again() -> None:
    assert after(Cancelled()) == GiveUp("cancelled")


def test_exits_of_the_process_are_failures_like_others() -> None:
    assert after(SystemExit(1)) == TryAgain(5.0)


@pytest.mark.parametrize(
    "policy",
    [{"max_attempts": 0}, {"base": -1}, {"maximum": -1}, {"factor": 0.5}],
)
def test_a_policy_that_cannot_work_is_refused(policy: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="Retry"):
        Retry(**policy)


@pytest.mark.parametrize("error", [RetryAfter, Snooze])
def test_time_does_not_run_backwards(error: Any) -> None:
    with pytest.raises(ValueError, match="0 or more"):
        error(-1)
