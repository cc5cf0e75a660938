"""Results of steps, and cursors of loops."""

from __future__ import annotations

from sqlalchemy import text
from tests.store.bench import Bench, failure

from jobkit.store import effects, outcomes, retention, steps
from jobkit.store.claims import Claim
from jobkit.store.steps import Reached


def keep(bench: Bench, claim: Claim, name: str, result: str) -> bool:
    given = {"attempt": claim.attempt, "now": bench.now}
    return bench.do(steps.keep, claim.id, claim.token, name, result, **given)


def keep_cursor(bench: Bench, claim: Claim, done: int, cursor: str) -> bool:
    return bench.do(steps.keep_cursor, claim.id, claim.token, "rows", done, cursor, bench.now)


def lose(bench: Bench, claim: Claim) -> None:
    bench.do(outcomes.lost, claim.id, claim.token, max_crashes=9, failure=failure(), now=bench.now)


def test_a_step_is_kept_for_its_job(bench: Bench) -> None:
    claim, other = bench.claimed(), bench.claimed()

    assert keep(bench, claim, "fetch", '{"rows":["\U0001f600"]}')
    assert keep(bench, claim, "Fetch", "2")
    lose(bench, claim)

    assert bench.see(steps.result, claim.id, "fetch") == '{"rows":["\U0001f600"]}'
    assert bench.see(steps.result, claim.id, "Fetch") == "2"
    assert bench.see(steps.result, other.id, "fetch") is None


def test_a_step_may_be_written_a_second_time(bench: Bench) -> None:
    claim = bench.claimed()
    keep(bench, claim, "fetch", "1")

    # As after a connection that broke at the commit.
    assert keep(bench, claim, "fetch", "1")

    assert bench.see(steps.result, claim.id, "fetch") == "1"


def test_a_cursor_moves_on(bench: Bench) -> None:
    claim = bench.claimed()
    assert bench.see(steps.reached, claim.id, "rows") is None

    assert keep_cursor(bench, claim, 1, '"a"')
    assert keep_cursor(bench, claim, 2**40, '"z"')

    assert bench.see(steps.reached, claim.id, "rows") == Reached(2**40, '"z"')


def test_a_run_that_lost_its_job_writes_nothing(bench: Bench) -> None:
    claim = bench.claimed()
    keep_cursor(bench, claim, 1, '"a"')
    lose(bench, claim)

    assert not keep(bench, claim, "fetch", "1")
    assert not keep_cursor(bench, claim, 2, '"b"')

    assert bench.see(steps.result, claim.id, "fetch") is None
    assert bench.see(steps.reached, claim.id, "rows") == Reached(1, '"a"')


def test_all_of_it_goes_with_its_job(bench: Bench) -> None:
    claim = bench.claimed()
    keep(bench, claim, "fetch", "1")
    keep_cursor(bench, claim, 1, '"a"')
    bench.do(effects.begin, claim.id, claim.token, "charge", attempt=1, now=bench.now)
    bench.do(outcomes.complete, claim.id, claim.token, None, bench.now)
    bench.wait(100)

    before = {f"{state}_before": bench.later(-1) for state in ("completed", "cancelled", "dead")}
    assert bench.do(retention.prune, **before, now=bench.now) == 1

    for table in ("effects", "steps", "cursors"):
        rows = text(f"SELECT count(*) FROM jobkit_{table}")
        assert bench.see(lambda conn, rows=rows: conn.execute(rows).scalar()) == 0
