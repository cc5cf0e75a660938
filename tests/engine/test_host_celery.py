"""jobkit beside and inside Celery's own programs."""

from __future__ import annotations

from collections.abc import Callable

from celery import Celery
from world import World, until


def test_a_worker_started_by_celery_itself_works_like_ours(
    make_world: Callable[..., World],
) -> None:
    world = make_world()
    world.program("celery", "-A", "engine_app:celery", "worker", "-c", "1", ready="ready.")

    handle = world.jobs.enqueue("engine.fail_until_third")

    assert handle.result(timeout=20) == 3


def test_a_beat_started_by_celery_itself_works_like_ours(
    make_world: Callable[..., World],
) -> None:
    world = make_world()
    ticks = {"ENGINE_TICKS": "1"}
    world.worker(env=ticks)

    world.program("celery", "-A", "engine_app:celery", "beat", ready="beat", env=ticks)

    until(lambda: len(world.lines("tick")) >= 3, 20, "three ticks")


def test_a_hosts_own_celery_runs_its_tasks_and_ours(
    make_world: Callable[..., World],
) -> None:
    broker = make_world().broker()
    world = make_world()
    host = Celery(broker=broker.url, set_as_current=False)
    world.program(
        "celery", "-A", "hosted_app:celery", "worker", "-c", "2", "-l", "INFO",
        ready="ready.", env={"HOST_BROKER": broker.url},
    )  # fmt: skip

    handle = world.jobs.enqueue("engine.record", note="ours")
    host.send_task("host.greet", args=["world"])
    adopted = host.send_task("engine.record", kwargs={"note": "adopted"})

    assert handle.result(timeout=20) == 1
    until(lambda: world.lines("greeted") == [["greeted", "world"]], 10, "the host's task")
    until(lambda: len(world.lines("end")) == 2, 10, "the adopted job")
    assert world.jobs.get(adopted.id).result(timeout=1) == 1


def test_celerys_task_signals_speak_of_jobs(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.worker(env={"ENGINE_SIGNALS": "1"})

    handle = world.jobs.enqueue("engine.fail_until_third")
    handle.result(timeout=20)

    told = until(lambda: len(world.lines("signal")) == 9 and world.lines("signal"), 10, "signals")
    assert {line[2] for line in told} == {handle.id}
    kinds = [line[1] for line in told]
    assert kinds.count("prerun") == 3
    assert kinds.count("retry") == 2
    assert kinds[-2:] == ["success", "postrun"]
    assert told[-1][3] == "SUCCESS"
