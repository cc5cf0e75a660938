"""Effects and steps of a task whose process is killed at each boundary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import crash_app
import pytest
from world import World

from jobkit.execution.ledger import idempotency_key

BOUNDARIES = [
    "begun",
    "step_price:_begun",
    "step_price:_worked",
    "priced",
    "effect_charge:_intended",
    "effect_charge:_happened",
    "charged",
    "step_number:_begun",
    "step_number:_worked",
    "numbered",
    "effect_mail:_intended",
    "effect_mail:_happened",
    "mailed",
    "step_total:_begun",
    "step_total:_worked",
    "summed_up",
]
TWICE = [
    ("effect_charge:_intended", "effect_charge:_asked"),
    ("effect_charge:_happened", "effect_charge:_asked"),
    ("effect_charge:_happened", "effect_mail:_intended"),
    ("effect_mail:_happened", "step_total:_worked"),
]
STEPS = ("price", "number", "total")
EFFECTS = ("charge", "mail")
CASES = [(), *((point,) for point in BOUNDARIES), *TWICE]


@pytest.mark.chaos
def test_a_task_killed_at_any_boundary_has_each_effect_once(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world()
    outside = world.folder / "outside.txt"
    outside.touch()
    monkeypatch.setattr(crash_app, "OUTSIDE", outside)
    world.worker(app="crash_app:jobs", env={"CRASH_OUTSIDE": str(outside)})
    jobs = crash_app.make_jobs(**world.settings)
    handles = {points: jobs.enqueue(crash_app.bill, points=points) for points in CASES}

    answers = {points: handle.result(timeout=60) for points, handle in handles.items()}

    jobs.close()
    wrong = []
    for points, handle in handles.items():
        said = [line for line in crash_app.lines() if line[1] == handle.id]
        killed = [line[2] for line in said if line[0] == "killed"]
        effects = Counter(line[2] for line in said if line[0] == "effect")
        steps = Counter(line[2] for line in said if line[0] == "step")
        # A step that was killed before its result was recorded is taken again, and only then.
        again = {name for name in STEPS if f"step_{name}:_worked" in points}
        if killed != list(points) or handle.job().crashes != len(points):
            wrong.append(f"{points}: killed at {killed}")
        if effects != Counter(EFFECTS):
            wrong.append(f"{points}: effects {dict(effects)}")
        if steps != Counter({name: 2 if name in again else 1 for name in STEPS}):
            wrong.append(f"{points}: steps {dict(steps)}")
        told = [f"{name} of {handle.id}" for name in STEPS]
        keys = [idempotency_key(handle.id, name) for name in EFFECTS]
        if answers[points] != "|".join([told[0], keys[0], told[1], keys[1], told[2]]):
            wrong.append(f"{points}: answered {answers[points]}")
    assert wrong == []
