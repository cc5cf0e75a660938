"""Applications for tests: on a store of their own, ringing nobody."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from jobkit.app import Jobkit
from jobkit.clock import Clock
from jobkit.execution import Hooks
from jobkit.settings import Settings
from jobkit.task import Task, TaskSet
from jobkit.testing.running import bind_all

_KEPT = ("name", "_host_celery", "runtime")


class _GivenSettings(Settings):
    """Settings that no variable and no `.env` can reach: a test must not find a real store."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


@contextmanager
def fresh_jobs(
    tasks: Iterable[TaskSet | Task[Any, Any]] = (),
    *,
    adapters: Mapping[Any, Any] | None = None,
    clock: Clock | None = None,
    folder: Path | None = None,
    **settings: Any,
) -> Iterator[Jobkit]:
    """Give an application on an empty SQLite store, and take it away at the end.

    Nothing runs its jobs but `drain`: doorbells go nowhere. *adapters* are bound by protocol, a
    generator function as a factory. *settings* are fields of `Settings`; variables and `.env` are
    not read. *folder* keeps the store, instead of a temporary one. Tasks with `durable=False` are
    stored too, so that they can be asserted and drained.
    """
    with _folder(folder) as place:
        jobs = Jobkit(
            _GivenSettings(**{"data_dir": place, **settings}),
            tasks=_stored(tasks),
            clock=clock,
            ringer=_ring_nobody,
        )
        bind_all(jobs.adapters, adapters or {})
        try:
            yield jobs
        finally:
            jobs.close()


@contextmanager
def isolated(
    jobs: Jobkit,
    *,
    adapters: Mapping[Any, Any] | None = None,
    clock: Clock | None = None,
    folder: Path | None = None,
    **settings: Any,
) -> Iterator[Jobkit]:
    """Turn an application itself into one for tests, and back at the end.

    For code under test that imports its `jobs`: in the meantime the very same object has an empty
    store, rings nobody, is not frozen, and works with *adapters* where they replace its own. The
    store's URL, the broker's and the secret keys of its settings are not used.
    """
    before = dict(vars(jobs))
    own = {bound.protocol: bound.factory or bound.adapter for bound in jobs.adapters}
    ours: dict[str, Any] = {"store_url": None, "broker_url": None, "secret_keys": ()}
    with (
        _folder(folder) as place,
        fresh_jobs(
            jobs.tasks.declared,
            adapters={**own, **(adapters or {})},
            clock=clock,
            folder=place,
            **{**jobs.settings.model_dump(), **ours, "data_dir": place, **settings},
        ) as stand_in,
    ):
        stand_in.hooks = Hooks(list(jobs.hooks.listeners))
        # Others hold this object: it stays, and its insides are exchanged.
        vars(jobs).update(vars(stand_in))
        for name in set(before) - set(vars(stand_in)) - set(_KEPT):
            del vars(jobs)[name]
        vars(jobs).update({name: before[name] for name in _KEPT if name in before})
        try:
            yield jobs
        finally:
            vars(jobs).clear()
            vars(jobs).update(before)


def _stored(given: Iterable[TaskSet | Task[Any, Any]]) -> Iterator[Task[Any, Any]]:
    for item in given:
        for task in item if isinstance(item, TaskSet) else (item,):
            yield task if task.durable else dataclasses.replace(task, durable=True)


def _ring_nobody(queue: str, times: int) -> None:
    """Let the bell hang still: in tests there is nobody to hear it."""


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="jobkit-", ignore_cleanup_errors=True) as made:
        yield Path(made)
