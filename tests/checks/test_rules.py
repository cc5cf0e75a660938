"""Each rule finds its fault, and nothing where there is none."""

from __future__ import annotations

import ast
import platform
from pathlib import Path

import pytest
from tests.checks.cases import CASES, ON_WINDOWS, Case

import jobkit.checks
from jobkit.checks import run_checks

each_case = pytest.mark.parametrize(("rule", "case"), CASES.items(), ids=list(CASES))
each_case_on_windows = pytest.mark.parametrize(
    ("rule", "case"), ON_WINDOWS.items(), ids=list(ON_WINDOWS)
)


def assert_finds(rule: str, case: Case) -> None:
    severity, broken, mended = case
    found = {finding.rule: finding for finding in run_checks(broken()).findings}

    assert rule in found
    assert found[rule].severity == severity
    assert found[rule].subject
    assert rule not in {finding.rule for finding in run_checks(mended()).findings}


@each_case
def test_a_rule_finds_its_fault_and_leaves_its_twin_alone(rule: str, case: Case) -> None:
    assert_finds(rule, case)


@each_case
def test_the_twin_of_a_fault_has_no_fault_at_all(rule: str, case: Case) -> None:
    severity, _, mended = case
    if severity == "fault":
        assert run_checks(mended()).faults == ()


@each_case_on_windows
def test_a_rule_of_windows_finds_its_fault_there(
    rule: str, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Windows")

    assert_finds(rule, case)


@each_case_on_windows
def test_a_rule_of_windows_finds_nothing_elsewhere(
    rule: str, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")

    assert rule not in {finding.rule for finding in run_checks(case[1]()).findings}


def test_no_rule_is_without_its_case() -> None:
    folder = Path(jobkit.checks.__file__).parent
    rules = {
        node.args[0].value
        for module in folder.glob("*.py")
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("fault", "warning", "Trap")
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }

    assert len(rules) > 40
    assert rules == CASES.keys() | ON_WINDOWS.keys()
