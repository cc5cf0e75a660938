"""Schedules that beats turn into jobs."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import pytest
from world import World, until


def test_two_beats_make_each_due_run_once(make_world: Callable[..., World]) -> None:
    world = make_world()
    ticks = {"ENGINE_TICKS": "1"}
    world.worker(env=ticks)
    first, second = (world.beat(env=ticks) for _ in range(2))

    until(lambda: len(world.lines("tick")) >= 4, 20, "four ticks")
    first.kill()
    so_far = len(world.lines("tick"))
    until(lambda: len(world.lines("tick")) >= so_far + 4, 20, "four more from the other")

    assert second.running
    times = [float(line[1]) for line in world.lines("tick")]
    assert len(set(times)) == len(times)
    assert all(later - earlier == 1 for earlier, later in itertools.pairwise(times))


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.timeout(240)
def test_a_killed_and_a_stopped_beat_cost_no_run_and_double_none(
    make_world: Callable[..., World],
) -> None:
    world = make_world()
    ticks = {"ENGINE_TICKS": "1"}
    world.worker(env=ticks)
    killed, stopped, _ = (world.beat(env=ticks) for _ in range(3))
    until(lambda: len(world.lines("tick")) >= 2, 20, "the first ticks")
    begin = int(time.time()) + 2

    time.sleep(max(0.0, begin + 15 - time.time()))
    killed.kill()
    time.sleep(5)
    stopped.freeze()
    time.sleep(20)
    stopped.thaw()
    time.sleep(max(0.0, begin + 60 - time.time()))
    until(lambda: any(float(line[1]) >= begin + 60 for line in world.lines("tick")), 10, "the end")

    ticked = [line for line in world.lines("tick") if begin <= float(line[1]) < begin + 60]
    assert [float(line[1]) for line in ticked] == [begin + n for n in range(60)]
    ran = sorted(float(line[2]) for line in ticked)
    assert max(later - earlier for earlier, later in itertools.pairwise(ran)) < 3
