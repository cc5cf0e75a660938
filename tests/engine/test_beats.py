"""Schedules that beats turn into jobs."""

from __future__ import annotations

import itertools
from collections.abc import Callable

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
