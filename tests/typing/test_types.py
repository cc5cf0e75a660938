"""mypy and pyright see what a host's editor should show, line by line.

`right.py` must be accepted and the marked lines of `wrong.py` refused. `nox -s types` checks these
files together with the source; here they are checked alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CHECKERS = {
    # The source is read and not reported on: its own errors are another test's.
    "mypy": ["mypy", "--follow-imports=silent", "tests/typing"],
    "pyright": ["pyright", "--pythonpath", sys.executable],
}


def marked(name: str, comment: str) -> list[int]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [number for number, line in enumerate(lines, start=1) if comment in line]


def test_what_one_checker_must_refuse_the_other_must_refuse() -> None:
    # A line with one of the two comments would pass with the mistake unseen by the other.
    assert marked("wrong.py", "# type: ignore[") == marked("wrong.py", "# pyright: ignore")
    assert len(marked("wrong.py", "# type: ignore[")) > 20


def test_what_is_right_needs_no_comment() -> None:
    assert not marked("right.py", "ignore")


@pytest.mark.slow
@pytest.mark.parametrize("checker", CHECKERS)
def test_a_checker_refuses_exactly_the_marked_lines(checker: str) -> None:
    pytest.importorskip(checker, reason=f"{checker} is not installed: nox -s types has it")

    ran = subprocess.run(
        [sys.executable, "-m", *CHECKERS[checker]],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": "src"},
        capture_output=True,
        text=True,
        check=False,
    )

    # An unmarked mistake is an error, and so is a mark without a mistake.
    assert ran.returncode == 0, ran.stdout + ran.stderr
