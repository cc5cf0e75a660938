"""What an installation may set: by `JOBKIT_...` variables, a `.env` file, or in code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """Hold an installation's settings, each with a default that works on one machine.

    Lists in variables are separated by commas: `JOBKIT_SECRET_KEYS=new,old`.
    """

    model_config = SettingsConfigDict(
        env_prefix="JOBKIT_", env_file=".env", extra="ignore", frozen=True
    )

    data_dir: Path = Path(".jobkit")
    """The folder of the default store, the embedded server and locally stored files."""

    store_url: SecretStr | None = None
    """An SQLAlchemy URL. None: SQLite in `data_dir`."""

    broker_url: SecretStr | None = None
    """A Celery broker URL. None: the embedded server in `data_dir`."""

    secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    """Keys that encrypt private fields; the first encrypts, all decrypt. Empty with the default
    store: a key is made and kept in `data_dir`."""

    payload_max_bytes: int = Field(default=256 * 1024, ge=1024)
    result_max_bytes: int = Field(default=256 * 1024, ge=1024)

    worker_pool: Literal["prefork", "threads", "solo"] = "prefork"
    worker_concurrency: int | None = Field(default=None, ge=1)
    """Jobs at once in one worker. None: one a processor."""

    worker_profiles: dict[str, tuple[str, ...]] = {"default": ("*",)}
    """Which queues the workers of each profile serve; `*` is every queue."""

    worker_memory_limit_mb: int | None = Field(default=None, ge=64)
    """A worker process over this is replaced after its job. None: no limit."""

    lease_seconds: float = Field(default=10.0, gt=0)
    """How long a prefork worker counts as living without a heartbeat."""

    thread_lease_seconds: float = Field(default=60.0, gt=0)
    """The same for the pools `threads` and `solo`, whose heartbeat a busy job can hold up."""

    heartbeat_seconds: float = Field(default=2.5, gt=0)
    keeper_seconds: float = Field(default=1.0, gt=0)
    """How often the keeper looks for due, lost and unheard jobs."""

    grace_seconds: float = Field(default=60.0, ge=0)
    """How long a stopping worker waits for its jobs before it interrupts them."""

    drain_jobs: int = Field(default=50, ge=1)
    """Jobs a worker process runs for one doorbell."""

    drain_seconds: float = Field(default=5.0, ge=0)
    max_crashes: int = Field(default=5, ge=1)
    """Workers a job may take down before it is quarantined as poison."""

    store_pool_size: int = Field(default=2, ge=1)
    """Database connections that one process may hold."""

    store_timeout_seconds: float = Field(default=5.0, gt=0)
    """How long to wait for a connection, a lock or the network of the store."""

    broker_timeout_seconds: float = Field(default=1.0, gt=0)
    """How long one try to ring may take; it never delays an enqueue."""

    keep_completed_days: float = Field(default=7, ge=0)
    keep_cancelled_days: float = Field(default=7, ge=0)
    keep_dead_days: float = Field(default=90, ge=0)

    foreign_queue: str = "celery"
    """Where programs without jobkit send by default: Celery's own default queue."""

    log_format: Literal["console", "json"] = "console"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("secret_keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @property
    def store(self) -> str:
        """Return the SQLAlchemy URL of the job store."""
        if self.store_url is not None:
            return self.store_url.get_secret_value()
        return f"sqlite:///{(self.data_dir / 'jobkit.sqlite3').absolute()}"

    @property
    def broker(self) -> str | None:
        """Return the URL of the broker, or None for the embedded server."""
        return self.broker_url.get_secret_value() if self.broker_url else None
