"""Every fault of an application, found before anything runs and reported at once."""

from __future__ import annotations

from jobkit.checks import adapters, host_celery, privacy, queues, schedules, settings, tasks
from jobkit.checks.declared import Declared, Rule, ScheduleEntry
from jobkit.checks.report import Finding, Report, fault

__all__ = ["RULES", "Declared", "Finding", "Report", "ScheduleEntry", "run_checks"]

RULES: tuple[Rule, ...] = (
    *tasks.RULES,
    *privacy.RULES,
    *adapters.RULES,
    *queues.RULES,
    *schedules.RULES,
    *settings.RULES,
    *host_celery.RULES,
)


def run_checks(declared: Declared) -> Report:
    """Apply every rule to *declared*; faults come before warnings."""
    findings = [finding for rule in RULES for finding in _apply(rule, declared)]
    return Report(tuple(sorted(findings, key=lambda finding: finding.severity != "fault")))


def _apply(rule: Rule, declared: Declared) -> list[Finding]:
    try:
        return list(rule(declared))
    except Exception as error:  # the host's objects may do anything when they are looked at
        told = f"this check could not be finished: {type(error).__name__}: {error}"
        return [fault("check-broken", rule.__name__, told)]
