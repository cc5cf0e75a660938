"""How far running jobs have come."""

from __future__ import annotations

from tests.store.bench import Bench

from jobkit.job import Progress
from jobkit.store import progress


def test_progress_is_written_and_written_over(bench: Bench) -> None:
    claim = bench.claimed()

    assert bench.do(progress.write, claim.id, claim.token, 1, None, None, bench.now)
    assert bench.job(claim.id).progress == Progress(1, None, None, bench.now)
    bench.wait(1)
    assert bench.do(progress.write, claim.id, claim.token, 2**40, 2**41, "rows", bench.now)
    assert bench.job(claim.id).progress == Progress(2**40, 2**41, "rows", bench.now)


def test_a_long_note_is_cut(bench: Bench) -> None:
    claim = bench.claimed()

    assert bench.do(progress.write, claim.id, claim.token, 1, 2, "\U0001f600" * 600, bench.now)

    assert bench.job(claim.id).progress.note == "\U0001f600" * 500


def test_progress_can_be_forgotten(bench: Bench) -> None:
    claim = bench.claimed()
    bench.do(progress.write, claim.id, claim.token, 1, 2, None, bench.now)

    bench.do(progress.clear, claim.id)

    assert bench.job(claim.id).progress is None
