"""The ids of jobs."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from jobkit.job import ENDED, PENDING, JobState, Progress, new_job_id

SECONDS = st.floats(0, 4e9)


@given(SECONDS)
def test_an_id_is_a_uuid_of_version_seven(seconds: float) -> None:
    made = uuid.UUID(new_job_id(seconds))

    assert made.version == 7
    assert made.variant == uuid.RFC_4122


@given(SECONDS)
def test_an_id_begins_with_its_time_in_milliseconds(seconds: float) -> None:
    assert uuid.UUID(new_job_id(seconds)).int >> 80 == int(seconds * 1000)


def test_the_example_of_the_standard_is_met() -> None:
    # RFC 9562, appendix A.6: 2022-02-22 14:22:22 -05:00.
    assert new_job_id(1645557742.0).startswith("017f22e2-79b0-7000-")


@given(st.integers(0, 2**31), st.integers(1, 999_999))
def test_ids_sort_by_time_to_the_microsecond(second: int, microsecond: int) -> None:
    earlier = new_job_id(second + (microsecond - 1) / 1e6)
    later = new_job_id(second + microsecond / 1e6)

    assert earlier < later


def test_ids_of_the_same_moment_differ() -> None:
    assert len({new_job_id(1e9) for _ in range(10_000)}) == 10_000


def test_a_state_has_ended_or_is_pending_or_executing() -> None:
    assert set(JobState) == {*ENDED, *PENDING, JobState.EXECUTING}
    assert not ENDED & PENDING
    assert [state.ended for state in (JobState.DEAD, JobState.RETRYABLE)] == [True, False]


def test_progress_tells_its_fraction_where_the_whole_is_known() -> None:
    def fraction(done: int, of: int | None) -> float | None:
        return Progress(done, of, None, at=None).fraction  # type: ignore[arg-type]

    assert fraction(1, 4) == 0.25
    assert fraction(5, 4) == 1.0
    assert fraction(5, None) is None
    assert fraction(0, 0) is None
