"""Rules on settings that contradict each other, or the machine."""

from __future__ import annotations

import platform
from collections.abc import Iterator

from jobkit.checks.declared import Declared, Rule
from jobkit.checks.report import Finding, fault, warning

_MEBIBYTE = 1024 * 1024


def leases_outlast_heartbeats(declared: Declared) -> Iterator[Finding]:
    """Find leases that end before a worker could renew them."""
    settings = declared.settings
    leases = {"lease_seconds": settings.lease_seconds}
    leases["thread_lease_seconds"] = settings.thread_lease_seconds
    for name, lease in leases.items():
        if lease < 2 * settings.heartbeat_seconds:
            yield fault(
                "settings-lease-heartbeat",
                _variable(name),
                f"a lease of {lease:g} s is under two heartbeats of "
                f"{settings.heartbeat_seconds:g} s, so that one late heartbeat loses every "
                "running job; use four or more",
            )
        if lease <= settings.store_timeout_seconds:
            yield warning(
                "settings-lease-store-timeout",
                _variable(name),
                f"a heartbeat may wait {settings.store_timeout_seconds:g} s for the store "
                f"(JOBKIT_STORE_TIMEOUT_SECONDS), longer than the lease of {lease:g} s",
            )


def keeper_is_prompt(declared: Declared) -> Iterator[Finding]:
    """Warn of a keeper that looks so rarely that lost jobs wait."""
    settings = declared.settings
    if settings.keeper_seconds > settings.lease_seconds:
        yield warning(
            "settings-keeper-lease",
            _variable("keeper_seconds"),
            f"lost jobs are looked for each {settings.keeper_seconds:g} s only, though a lease "
            f"ends after {settings.lease_seconds:g} s",
        )


def draining_is_possible(declared: Declared) -> Iterator[Finding]:
    """Warn of a drain that ends before it begins."""
    settings = declared.settings
    if settings.drain_seconds == 0 and settings.drain_jobs > 1:
        yield warning(
            "settings-drain",
            _variable("drain_jobs"),
            f"{settings.drain_jobs} jobs a doorbell have no effect with a "
            "JOBKIT_DRAIN_SECONDS of 0",
        )


def sizes_fit_the_store(declared: Declared) -> Iterator[Finding]:
    """Warn of size limits over what the store takes in one statement."""
    settings = declared.settings
    if not settings.store.startswith(("mysql", "mariadb")):
        return
    for name in ("payload_max_bytes", "result_max_bytes"):
        if getattr(settings, name) > 8 * _MEBIBYTE:
            yield warning(
                "settings-size-limit",
                _variable(name),
                "MariaDB refuses statements over max_allowed_packet, 16 MiB by default, and "
                "escaping may double a text; store large data in files",
            )


def pool_uses_its_settings(declared: Declared) -> Iterator[Finding]:
    """Warn of settings that mean nothing in the chosen pool."""
    settings = declared.settings
    pool = settings.worker_pool
    if pool != "prefork" and settings.worker_memory_limit_mb is not None:
        yield warning(
            "settings-memory-limit-without-prefork",
            _variable("worker_memory_limit_mb"),
            f"only the pool prefork replaces processes; {pool} ignores it",
        )
    if pool == "solo" and (settings.worker_concurrency or 1) > 1:
        yield warning(
            "settings-solo-concurrency",
            _variable("worker_concurrency"),
            "the pool solo runs one job at a time; use threads or prefork for more",
        )


def processes_share_store_and_broker(declared: Declared) -> Iterator[Finding]:
    """Find a store or a broker that lives in one process only."""
    store, broker = declared.settings.store, declared.settings.broker or ""
    if store.startswith("sqlite") and (":memory:" in store or store.endswith(("://", ":///"))):
        yield fault(
            "settings-store-in-memory",
            _variable("store_url"),
            "each process would have a job store of its own; use a file, as in "
            "sqlite:////var/lib/myapp/jobkit.sqlite3",
        )
    if broker.startswith("memory:"):
        yield warning(
            "settings-broker-in-memory",
            _variable("broker_url"),
            "no other process hears its doorbells, so that jobs wait for the keeper; leave it "
            "unset for the embedded server",
        )


def windows_has_what_it_needs(declared: Declared) -> Iterator[Finding]:
    """Find what does not exist on Windows."""
    if platform.system() != "Windows":
        return
    if declared.settings.worker_pool == "prefork":
        yield fault(
            "settings-windows-pool",
            _variable("worker_pool"),
            "Windows cannot fork; set it to threads",
        )
    if declared.settings.broker is None:
        yield fault(
            "settings-windows-broker",
            _variable("broker_url"),
            "the embedded server does not run on Windows; name a Redis, Valkey or RabbitMQ server",
        )


def _variable(name: str) -> str:
    return f"JOBKIT_{name.upper()}"


RULES: tuple[Rule, ...] = (
    leases_outlast_heartbeats,
    keeper_is_prompt,
    draining_is_possible,
    sizes_fit_the_store,
    pool_uses_its_settings,
    processes_share_store_and_broker,
    windows_has_what_it_needs,
)
