"""`jobkit up`: a whole installation in one supervised tree of processes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from jobkit.cli.application import AppOption, find_application, given
from jobkit.cli.relay import Relay
from jobkit.cli.running import ConcurrencyOption, LogLevelOption, PoolOption
from jobkit.cli.supervisor import Part, Supervisor
from jobkit.cli.tie import TiedOption, stop_with
from jobkit.errors import ConfigurationError, EmbeddedServerError

if TYPE_CHECKING:
    from jobkit.app import Jobkit

JOBKIT = (sys.executable, "-m", "jobkit")
_BEYOND_GRACE = 15.0
"""What a worker may take beside its grace period: interrupted jobs say their last words."""


def up(
    app: AppOption = None,
    profiles: Annotated[
        list[str] | None,
        typer.Option("--profile", help="A worker for this profile; repeatable, all by default."),
    ] = None,
    pool: PoolOption = None,
    concurrency: ConcurrencyOption = None,
    log_level: LogLevelOption = None,
    tied: TiedOption = None,
) -> None:
    """Start the embedded server, workers and a beat, and look after them.

    What crashes is started again. Ctrl-C or SIGTERM stops the beat, then the workers within their
    grace period, then the server; a second one makes workers give their jobs back at once.
    """
    if sys.platform == "win32":
        raise ConfigurationError(
            "jobkit up needs signals that Windows has not: run `jobkit worker --pool threads` and "
            "`jobkit beat` with a broker elsewhere"
        )
    stop_with(tied)
    jobs = find_application(app)
    names = profiles or sorted(jobs.settings.worker_profiles)
    # What is wrong is told here, once, before anything is started.
    _refuse(jobs, names, pool)
    relay = Relay(as_json=jobs.settings.log_format == "json")
    common = ["--app", given(app), *(["--log-level", log_level] if log_level else [])]
    parts = [*_workers(jobs, names, pool, concurrency, common), _beat(common)]
    server = jobs.runtime.server

    def tend() -> None:
        """Start the server again if it is gone."""
        if server is not None:
            try:
                server.ensure()
            except EmbeddedServerError as error:
                relay.write("up", error.message)

    if server is not None:
        server.ensure()
        relay.write("up", f"the embedded server is at {server.url}")
    jobs.close()
    code = Supervisor(parts, relay, tend).run()
    if server is not None:
        server.stop()
    relay.write("up", "stopped")
    raise typer.Exit(code)


def _refuse(jobs: Jobkit, profiles: list[str], pool: str | None) -> None:
    from jobkit.worker import fit_pool, queues_of

    fit_pool(pool or jobs.settings.worker_pool)
    for name in profiles:
        queues_of(jobs, name)
    jobs.check().raise_for_faults()
    jobs.start()


def _workers(
    jobs: Jobkit, profiles: list[str], pool: str | None, concurrency: int | None, common: list[str]
) -> list[Part]:
    options = [*(["--pool", pool] if pool else [])]
    options += ["--concurrency", str(concurrency)] if concurrency else []
    patience = jobs.settings.grace_seconds + _BEYOND_GRACE
    return [
        Part(
            "worker" if len(profiles) == 1 else f"worker {name}",
            [*JOBKIT, "worker", "--profile", name, *options, *common],
            patience,
        )
        for name in profiles
    ]


def _beat(common: list[str]) -> Part:
    return Part("beat", [*JOBKIT, "beat", *common], _BEYOND_GRACE)


def add_to(cli: typer.Typer) -> None:
    """Add this command to the command line."""
    cli.command(rich_help_panel="Run")(up)
