"""The command line in this process, on a store of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from tests.cli import cli_app
from typer.testing import CliRunner

from jobkit import Jobkit
from jobkit.cli.main import cli

APP = "tests.cli.cli_app:jobs"


@dataclass(frozen=True)
class Ran:
    """Hold what a command left."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err


Run = Callable[..., Ran]


@pytest.fixture
def jobs(jobkit_isolated: Callable[..., Jobkit]) -> Jobkit:
    return jobkit_isolated(cli_app.jobs)


@pytest.fixture
def run(jobs: Jobkit, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on the test's application."""
    monkeypatch.setenv("JOBKIT_APP", APP)

    def run(*arguments: str, stdin: str | None = None) -> Ran:
        result = CliRunner().invoke(cli, list(arguments), input=stdin, prog_name="jobkit")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    return run
