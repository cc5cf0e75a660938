"""The ledger of effects."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Connection
from tests.store.bench import Bench, failure

from jobkit.errors import ClaimLost
from jobkit.store import effects, outcomes
from jobkit.store.claims import Claim
from jobkit.store.effects import Effect


def begin(bench: Bench, claim: Claim, key: str = "charge") -> Effect | None:
    given = {"attempt": claim.attempt, "now": bench.now}
    return bench.do(effects.begin, claim.id, claim.token, key, **given)


def settle(bench: Bench, claim: Claim, outcome: Any = "done", result: str | None = "7") -> bool:
    return bench.do(effects.settle, claim.id, claim.token, "charge", outcome, result, bench.now)


def oldest(bench: Bench) -> float | None:
    return bench.see(effects.oldest_unknown, bench.now)


def claim_again(bench: Bench, claim: Claim) -> Claim:
    """Let the process of this claim die, and take its job again."""
    bench.do(outcomes.lost, claim.id, claim.token, max_crashes=9, failure=failure(), now=bench.now)
    while (again := bench.claim()) is None:
        pass  # a transaction of the lost run still has the row locked, and is passed by
    assert again.id == claim.id
    return again


def test_a_new_effect_is_free(bench: Bench) -> None:
    claim = bench.claimed()

    assert begin(bench, claim) is None


def test_an_intended_effect_is_unknown_to_the_next_claim(bench: Bench) -> None:
    claim = bench.claimed()
    begin(bench, claim)

    assert begin(bench, claim_again(bench, claim)) == Effect(None)


def test_a_settled_effect_stays_as_it_is(bench: Bench) -> None:
    claim = bench.claimed()
    begin(bench, claim)

    assert settle(bench, claim)

    assert begin(bench, claim) == Effect("done", "7")
    assert begin(bench, claim_again(bench, claim)) == Effect("done", "7")


def test_keys_and_jobs_are_told_apart(bench: Bench) -> None:
    first, second = bench.claimed(), bench.claimed()
    begin(bench, first)

    assert begin(bench, first, "Charge") is None
    assert begin(bench, second) is None


def test_an_effect_that_did_not_happen_is_free_again(bench: Bench) -> None:
    claim = bench.claimed()
    begin(bench, claim)

    assert bench.do(effects.free, claim.id, claim.token, "charge")

    assert begin(bench, claim) is None


def test_what_was_done_cannot_be_freed(bench: Bench) -> None:
    claim = bench.claimed()
    begin(bench, claim)
    settle(bench, claim)

    assert not bench.do(effects.free, claim.id, claim.token, "charge")


def test_a_run_that_lost_its_job_writes_nothing(bench: Bench) -> None:
    claim = bench.claimed()
    begin(bench, claim)
    again = claim_again(bench, claim)

    assert not settle(bench, claim)
    assert not bench.do(effects.free, claim.id, claim.token, "charge")
    with pytest.raises(ClaimLost):
        begin(bench, claim, "another")

    assert begin(bench, again) == Effect(None)
    assert begin(bench, again, "another") is None


def test_the_age_of_the_oldest_unknown_effect_is_known(bench: Bench) -> None:
    assert oldest(bench) is None
    claim = bench.claimed()
    begin(bench, claim)
    bench.wait(60)
    begin(bench, claim, "a later one")

    assert oldest(bench) is None, "both are under way"
    again = claim_again(bench, claim)
    assert oldest(bench) == 60

    begin(bench, again)
    assert oldest(bench) == 0, "the older one is under way again"
    settle(bench, again, "skipped", None)
    bench.do(outcomes.cancel_run, again.id, again.token, bench.now)
    bench.wait(5)
    assert oldest(bench) == 5


def test_of_many_that_begin_an_effect_at_once_one_finds_it_new(bench: Bench) -> None:
    claim = bench.claimed()
    together = Barrier(4)

    def begin_together(key: str) -> Effect | None:
        together.wait(10)
        return begin(bench, claim, key)

    with ThreadPoolExecutor(4) as threads:
        for key in map(str, range(20)):
            found = list(threads.map(begin_together, [key] * 4))

            assert sorted(found, key=repr) == [Effect(None)] * 3 + [None]


def test_a_rescue_waits_for_an_intent_to_be_committed(bench: Bench) -> None:
    claim = bench.claimed()
    waited: list[bool] = []

    def intend(conn: Connection) -> None:
        effects.begin(conn, claim.id, claim.token, "charge", attempt=1, now=bench.now)
        rescue.append(threads.submit(claim_again, bench, claim))
        waited.append(not wait(rescue, 0.2).done)

    rescue: list[Future[Claim]] = []
    with ThreadPoolExecutor(1) as threads:
        bench.do(intend)

    assert waited == [True]
    assert begin(bench, rescue[0].result()) == Effect(None)
