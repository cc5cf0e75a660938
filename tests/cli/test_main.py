"""How the command line begins and ends."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.cli.conftest import Run

from jobkit import errors
from jobkit.cli.main import exit_code

HEAVY = """
import sys
from jobkit.cli.main import main
sys.argv = ["jobkit", *{arguments}]
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
print(sorted({{"celery", "kombu", "sqlalchemy", "alembic", "structlog"}} & set(sys.modules)))
"""


@pytest.mark.parametrize("arguments", [["--help"], ["enqueue", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    script = HEAVY.format(arguments=arguments)

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout.splitlines()[-1] == "[]"


def test_python_runs_it_as_a_module() -> None:
    command = [sys.executable, "-m", "jobkit", "check"]

    ran = subprocess.run(
        command, capture_output=True, text=True, env={"PYTHONPATH": ":".join(sys.path)}
    )

    assert ran.returncode == 2
    assert ran.stderr.startswith("jobkit: which application?")


@pytest.mark.parametrize(
    "command",
    ["demo", "up", "worker", "beat", "check", "ping", "tasks", "queues", "jobs list", "jobs show",
     "jobs retry", "jobs cancel", "dead list", "dead retry", "dead delete", "enqueue", "quiet",
     "prune", "db upgrade", "db status"],
)  # fmt: skip
def test_every_command_says_what_it_does(run: Run, command: str) -> None:
    ran = run(*command.split(), "--help")

    assert ran.code == 0
    assert "Usage: jobkit" in ran.out


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.SchemaOutdated(), 3),
        (errors.ConfigurationError(), 2),
        (errors.UnknownTask(), 2),
        (errors.ChecksFailed(), 2),
        (errors.InvalidPayload(), 2),
        (errors.StoreUnavailable(), 1),
        (errors.JobNotFound(), 1),
    ],
)
def test_an_error_has_an_exit_code(error: errors.JobkitError, code: int) -> None:
    assert exit_code(error) == code


def test_an_error_is_one_line_without_a_traceback(run: Run) -> None:
    ran = run("jobs", "show", "nobody")

    assert ran.err == ("jobkit: no job has the id 'nobody'; it may have been pruned\n")


def test_whoever_wants_the_traceback_gets_it(run: Run) -> None:
    with pytest.raises(errors.JobNotFound):
        run("--debug", "jobs", "show", "nobody")


def test_ctrl_c_ends_quietly(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("jobkit.cli.jobs.chosen", interrupted)

    ran = run("jobs", "list")

    assert ran.code == 130
    assert ran.said == ""
