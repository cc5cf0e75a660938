"""Every schedule at every change of the clocks, against an enumerator of another kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from celery import Celery
from celery.schedules import crontab
from tests.schedules.brute import (
    AROUND,
    MINUTE,
    ZONES,
    Case,
    Transition,
    cases,
    expected,
    transitions,
    walk,
)

from jobkit.schedules import Cron


def runs(cron: Cron, since: datetime, until: datetime) -> list[datetime]:
    found = []
    while (since := cron.next_after(since)) <= until:
        found.append(since)
    return found


def test_the_corpus_is_wide_enough() -> None:
    changes = transitions()

    assert len({change.zone for change in changes}) >= 20
    assert {change.at.year for change in changes} >= set(range(2024, 2031))
    assert {change.kind for change in changes} == {"gap", "fold"}
    assert {abs(change.after - change.before) for change in changes} >= {
        timedelta(minutes=30), timedelta(hours=1), timedelta(hours=2),
    }  # fmt: skip
    last_days = [change for change in changes if (change.begin + timedelta(days=1)).day == 1]
    assert len(last_days) >= 5


@pytest.mark.parametrize("zone", ZONES)
def test_runs_are_those_of_the_golden_corpus(zone: str) -> None:
    wrong = []
    for change in transitions():
        if change.zone != zone:
            continue
        walked = walk(change)
        for case in cases(change):
            golden = expected(case, walked)
            found = runs(Cron(case.expression, zone), walked[0][0], walked[-1][0])
            if found != golden:
                differing = sorted(set(found) ^ set(golden))
                wrong.append((str(change), case.what, case.expression, differing[:4]))

    assert wrong == []


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo"])
def test_asking_at_any_minute_gives_the_runs_of_the_corpus(zone: str) -> None:
    """A beat that was away may ask from within the repeated hour."""
    changes = [change for change in transitions() if change.zone == zone][:2]
    for change in changes:
        walked = walk(change)
        for case in cases(change):
            cron = Cron(case.expression, zone)
            golden = expected(case, walked)
            for at in (change.at + n * MINUTE for n in range(-190, 190, 7)):
                later = [run for run in golden if run > at]
                if later:
                    assert cron.next_after(at) == later[0], (str(change), case.what, at)


def celery_runs(change: Transition, case: Case) -> list[datetime]:
    """Let Celery's crontab be asked as its beat asks it: every five minutes, or when it says."""
    at = [change.at - timedelta(hours=26)]
    app = Celery("golden", set_as_current=False, broker="memory://")
    app.conf.update(timezone=change.zone, enable_utc=True)
    told: Any = case.celery
    schedule = crontab(**told, app=app, nowfun=lambda: at[0].astimezone(ZoneInfo(change.zone)))
    found, last = [], schedule.nowfun()
    while at[0] <= change.at + timedelta(hours=26):
        due, rest = schedule.is_due(last)
        if due:
            found.append(at[0].replace(second=0, microsecond=0))
            last = schedule.nowfun()
        at[0] += timedelta(seconds=min(max(rest, 1.0), 300.0))
    app.close()
    return found


def one_change_a_zone_and_kind() -> Iterator[Transition]:
    changes = sorted(transitions(), key=lambda change: (change.zone, change.kind, change.at))
    for _, several in groupby(changes, key=lambda change: (change.zone, change.kind)):
        yield next(several)


def test_celerys_own_crontab_fails_part_of_it(record_property: Any) -> None:
    tried: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for change in one_change_a_zone_and_kind():
        walked = walk(change)
        inside = timedelta(hours=25)
        for case in cases(change):
            if case.celery is None or case.what == "each minute of one hour":
                continue
            golden = [run for run in expected(case, walked) if abs(run - change.at) <= inside]
            theirs = [run for run in celery_runs(change, case) if abs(run - change.at) <= inside]
            name = f"{change.kind}: {case.what}"
            tried[name] += 1
            failed[name] += theirs != golden

    told = f"Celery's crontab fails {failed.total()} of {tried.total()} cases"
    record_property("celery", told)
    print(told)
    for name, number in sorted(tried.items()):
        print(f"  {name}: {failed[name]} of {number}")
    assert inside < AROUND
    assert failed.total() >= 20
    assert failed.total() < tried.total()
