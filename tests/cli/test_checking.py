"""`jobkit check`."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from tests.cli.conftest import Run

from jobkit import Jobkit
from jobkit.cli import checking
from jobkit.cli.checking import celery_notes

BROKEN = ("--app", "tests.broken_app:jobs")


def test_a_sound_application_passes(run: Run) -> None:
    ran = run("check")

    assert ran.code == 0
    assert "0 faults" in ran.out


def test_every_fault_is_told_at_once_with_its_rule(run: Run) -> None:
    ran = run("check", *BROKEN)

    assert ran.code == 1
    assert "3 faults" in ran.out
    for rule in ("adapter-missing", "queue-unserved", "soft-limit-over-hard"):
        assert f"[{rule}]" in ran.out


def test_findings_are_there_as_json(run: Run) -> None:
    ran = run("check", *BROKEN, "--json")

    told = json.loads(ran.out)
    assert ran.code == 1
    assert told["ok"] is False
    assert {fault["rule"] for fault in told["faults"]} >= {"adapter-missing", "queue-unserved"}


def test_warnings_alone_are_no_failure(run: Run, jobs: Jobkit) -> None:
    jobs.configure("words.count_words", time_limit=7200)

    ran = run("check")

    assert ran.code == 0
    assert "[time-limit-over-grace]" in ran.out
    assert "0 faults, 1 warnings" in ran.out


OURS, OTHER = object(), object()


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({"celery": OURS}, None),
        ({"app": OURS}, None),
        ({}, "add `celery = jobs.celery` there"),
        ({"celery": OTHER}, "add `celery = jobs.celery` there"),
        ({"app": OTHER, "celery": OURS}, "`celery -A shop` takes shop.app"),
        ({"celery": OTHER, "queue": OURS}, "write `celery -A shop:queue`"),
    ],
)
def test_the_traps_of_celerys_own_command_line_are_told(
    monkeypatch: pytest.MonkeyPatch, attributes: dict[str, object], told: str | None
) -> None:
    monkeypatch.setattr(checking, "load_module", lambda name: SimpleNamespace(**attributes))
    jobs = SimpleNamespace(celery=OURS)

    notes = celery_notes("shop:jobs", jobs)  # type: ignore[arg-type]

    assert (told is None and notes == []) or (told is not None and told in notes[0])
