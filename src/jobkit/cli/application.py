"""Finding the application that a command works on."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobkit.errors import ConfigurationError, JobkitError

if TYPE_CHECKING:
    from jobkit.app import Jobkit

VARIABLE = "JOBKIT_APP"
USUAL_NAMES = ("jobs", "app")

AppOption = Annotated[
    str | None,
    typer.Option(
        "--app",
        "-A",
        envvar=VARIABLE,
        metavar="MODULE:OBJECT",
        help="The application, such as shop:jobs; shop alone looks for the names jobs and app.",
        show_default=False,
    ),
]


@contextmanager
def opened(spec: str | None) -> Iterator[Jobkit]:
    """Give the application that *spec* names, and close it."""
    logger = logging.getLogger("jobkit")
    before = logger.level
    # What a command has to say it says itself: a bell that nobody hears is no news here.
    logger.setLevel(logging.ERROR)
    try:
        jobs = find_application(spec)
        try:
            yield jobs
        finally:
            jobs.close()
    finally:
        logger.setLevel(before)


def find_application(spec: str | None) -> Jobkit:
    """Return the application `module:object`. Raises `ConfigurationError` with the way out."""
    from jobkit.app import Jobkit

    name, _, path = given(spec).partition(":")
    module = load_module(name)
    found = _walk(module, path) if path else _usual(module)
    if not isinstance(found, Jobkit):
        raise ConfigurationError(
            f"{spec} is {_described(found)}, not a Jobkit object; name what `Jobkit(...)` returned"
        )
    return found


def given(spec: str | None) -> str:
    """Return *spec*, or say how an application is named."""
    if not spec:
        raise ConfigurationError(
            f"which application? Pass --app module:object, or set {VARIABLE}, "
            "such as shop:jobs for the object jobs in shop.py"
        )
    return spec


def load_module(name: str) -> ModuleType:
    """Import a module, also from the current folder."""
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise ConfigurationError(
                f"there is no module {error.name!r} here; looked in {here} and on the Python path"
            ) from error
        raise ConfigurationError(_failed(name, error)) from error
    except JobkitError as error:
        raise ConfigurationError(_failed(name, error)) from error
    except Exception as error:
        raise ConfigurationError(_failed(name, error)) from error


def _walk(module: ModuleType, path: str) -> Any:
    found: Any = module
    for part in path.split("."):
        if not hasattr(found, part):
            raise ConfigurationError(f"{module.__name__} has no {path!r}{_hint(module)}")
        found = getattr(found, part)
    return found


def _usual(module: ModuleType) -> Any:
    applications = _applications(module)
    for name in USUAL_NAMES:
        if name in applications:
            return applications[name]
    if len(applications) == 1:
        return next(iter(applications.values()))
    raise ConfigurationError(
        f"{module.__name__} has no application called {' or '.join(USUAL_NAMES)}{_hint(module)}"
    )


def _applications(module: ModuleType) -> dict[str, Jobkit]:
    from jobkit.app import Jobkit

    return {name: value for name, value in vars(module).items() if isinstance(value, Jobkit)}


def _hint(module: ModuleType) -> str:
    names = sorted(_applications(module))
    return f"; it has {', '.join(f'{module.__name__}:{name}' for name in names)}" if names else ""


def _described(found: Any) -> str:
    kind = type(found)
    if kind.__module__.partition(".")[0] == "celery":
        return "a Celery application"
    return f"a {kind.__name__}"


def _failed(name: str, error: Exception) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    told = " ".join(str(error).split())
    return (
        f"{name} could not be imported: {type(error).__name__}: {told} "
        f"({os.path.basename(where.filename)}, line {where.lineno}); "
        "jobkit --debug shows the traceback"
    )
