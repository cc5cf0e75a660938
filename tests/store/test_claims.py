"""Which job a worker takes."""

from __future__ import annotations

import pytest
from tests.store.bench import Bench

from jobkit.job import JobState
from jobkit.queues import Priority
from jobkit.store import changing, claims, outcomes


def test_a_claim_tells_what_is_needed_to_run_the_job(bench: Bench) -> None:
    due = bench.later(-5)
    id = bench.add(
        tenant_id="b1", payload='{"a":1}', scheduled_at=due, schedule="nightly", scheduled_for=due
    )

    claim = bench.claim()

    assert claim is not None
    assert (claim.id, claim.task, claim.queue) == (id, "shop.sell", "default")
    assert (claim.tenant_id, claim.payload) == ("b1", '{"a":1}')
    assert (claim.attempt, claim.max_attempts, claim.crashes) == (1, 3, 0)
    assert (claim.scheduled_at, claim.started_at) == (due, bench.now)
    assert (claim.schedule, claim.scheduled_for) == ("nightly", due)
    assert len(claim.token) == 32


def test_a_claimed_job_is_executing_and_nobody_elses(bench: Bench) -> None:
    id = bench.add()

    bench.claim(worker="worker-7")

    job = bench.job(id)
    assert (job.state, job.worker, job.attempt) == (JobState.EXECUTING, "worker-7", 1)
    assert job.started_at == bench.now
    assert bench.claim() is None


def test_each_claim_has_a_token_of_its_own(bench: Bench) -> None:
    claim = bench.claimed()
    bench.do(outcomes.release, claim.id, claim.token, bench.now)

    again = bench.claim()

    assert again is not None
    assert again.token != claim.token


def test_the_longest_due_goes_first(bench: Bench) -> None:
    late, early = bench.add(scheduled_at=bench.later(-1)), bench.add(scheduled_at=bench.later(-2))

    assert [bench.claim().id, bench.claim().id] == [early, late]


def test_jobs_due_at_the_same_moment_go_in_the_order_of_their_ids(bench: Bench) -> None:
    ids = [bench.add() for _ in range(5)]

    assert [bench.claim().id for _ in range(5)] == ids


def test_urgent_jobs_overtake(bench: Bench) -> None:
    added = {priority: bench.add(priority=priority) for priority in reversed(Priority)}

    assert [bench.claim().id for _ in added] == [added[priority] for priority in Priority]


def test_a_job_that_has_waited_long_enough_is_not_overtaken(bench: Bench) -> None:
    waited = bench.add(priority=Priority.NORMAL)
    bench.wait(Priority.HIGH.head_start + 1)
    bench.add(priority=Priority.HIGH)

    assert bench.claim().id == waited


def test_a_job_of_the_future_is_left_alone(bench: Bench) -> None:
    bench.add(scheduled_at=bench.later(1))

    assert bench.claim() is None


def test_a_queue_that_is_not_served_is_left_alone(bench: Bench) -> None:
    bench.add(queue="mail")

    assert bench.claim("default") is None
    assert bench.claim("default", "slow") is None


def test_a_task_that_is_not_known_is_passed_by(bench: Bench) -> None:
    bench.add(task="shop.of_tomorrow")
    known = bench.add()

    assert bench.claim().id == known
    assert bench.claim() is None


@pytest.mark.parametrize(("queues", "tasks"), [((), ("shop.sell",)), (("default",), ())])
def test_who_serves_nothing_claims_nothing(
    bench: Bench, queues: tuple[str, ...], tasks: tuple[str, ...]
) -> None:
    bench.add()

    claim = bench.do(claims.claim, worker="w", queues=queues, tasks=tasks, now=bench.now)

    assert claim is None
    assert not bench.see(claims.remaining, queues, tasks)


def test_the_best_of_several_queues_goes_first(bench: Bench) -> None:
    third = bench.add(queue="mail", scheduled_at=bench.later(-1))
    first = bench.add(queue="slow", scheduled_at=bench.later(-9))
    second = bench.add(queue="slow", scheduled_at=bench.later(-5))
    bench.add(queue="unserved", scheduled_at=bench.later(-99))

    served = ("empty", "mail", "slow")

    assert [bench.claim(*served).id for _ in range(3)] == [first, second, third]
    assert bench.claim(*served) is None


def test_names_with_quotes_are_just_names(bench: Bench) -> None:
    names = ('it"s', "it's", "a,b", "{}", "back\\slash", "")
    added = [bench.add(queue=name, task=name) for name in names]

    claimed = [bench.claim(*names, tasks=names).id for _ in names]

    assert sorted(claimed) == sorted(added)


def test_the_hinted_job_goes_first(bench: Bench) -> None:
    first, hinted = bench.add(), bench.add()

    assert bench.claim(hint=hinted).id == hinted
    assert bench.claim().id == first


def test_the_hinted_job_goes_first_among_several_queues(bench: Bench) -> None:
    first, hinted = bench.add(queue="mail"), bench.add(queue="slow")

    assert bench.claim("mail", "slow", hint=hinted).id == hinted
    assert bench.claim("mail", "slow", hint="no such job").id == first


@pytest.mark.parametrize(
    "options", [{"queue": "mail"}, {"task": "shop.of_tomorrow"}, {"scheduled_at": "later"}]
)
def test_a_hint_opens_no_door(bench: Bench, options: dict[str, object]) -> None:
    if "scheduled_at" in options:
        options = {"scheduled_at": bench.later(60)}
    hinted, other = bench.add(**options), bench.add()

    assert bench.claim(hint=hinted).id == other
    assert bench.claim(hint=hinted) is None


def test_a_cancelled_job_is_never_claimed(bench: Bench) -> None:
    id = bench.add()
    bench.do(changing.cancel, id, bench.now)

    assert bench.claim(hint=id) is None


def test_what_remains_is_what_could_be_claimed(bench: Bench) -> None:
    bench.add(queue="mail")
    bench.add(task="shop.of_tomorrow")
    bench.add(scheduled_at=bench.later(1))
    bench.claimed(queue="slow")
    known = ("shop.sell",)

    assert not bench.see(claims.remaining, ("default", "slow"), known)
    assert bench.see(claims.remaining, ("default", "mail"), known)
    assert bench.see(claims.remaining, ("default",), ("shop.sell", "shop.of_tomorrow"))


def test_the_line_that_is_next_is_the_one_with_the_best_job(bench: Bench) -> None:
    bench.add(queue="slow", scheduled_at=bench.later(-1))
    bench.add(queue="rush", scheduled_at=bench.later(-60))
    lines = ["empty", "slow", "rush"]

    assert bench.do(claims.next_line, lines, ["shop.sell"]) == "rush"
    assert bench.do(claims.next_line, ["empty"], ["shop.sell"]) is None
    assert bench.do(claims.next_line, [], ["shop.sell"]) is None
