"""Rules on adapters: bound, fitting, and closed after use."""

from __future__ import annotations

import inspect
import typing
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from jobkit.adapters.registry import Bound, name_of
from jobkit.checks.declared import Declared, Rule
from jobkit.checks.fit import misfits
from jobkit.checks.report import Finding, fault


def adapters_are_bound(declared: Declared) -> Iterator[Finding]:
    """Find protocols that tasks need and nothing is bound to."""
    needed: dict[Any, set[str]] = defaultdict(set)
    for task in declared.tasks:
        for wish in task.wishes:
            if not wish.optional and wish.protocol not in declared.adapters:
                needed[wish.protocol].add(task.name)
    for protocol, tasks in needed.items():
        name = name_of(protocol)
        yield fault(
            "adapter-missing",
            name,
            f"{', '.join(sorted(tasks))} needs one; call jobs.adapters.bind({name}).to(...)",
        )


def adapters_fit(declared: Declared) -> Iterator[Finding]:
    """Find adapters that lack what their protocol promises."""
    for bound in declared.adapters:
        name = name_of(bound.protocol)
        if isinstance(bound.adapter, type):
            made = bound.adapter.__name__
            yield fault(
                "adapter-is-a-class",
                name,
                f"{made} is a class; bind an object of it, .to({made}(...)), or a generator that "
                "makes one for each job, .to_factory(...)",
            )
        else:
            for misfit in _misfits(bound):
                yield fault("adapter-misfit", name, misfit)


def factories_close_what_they_open(declared: Declared) -> Iterator[Finding]:
    """Find factories that are no generators without arguments."""
    for bound in declared.adapters:
        if bound.factory is None:
            continue
        name = name_of(bound.protocol)
        if not inspect.isgeneratorfunction(bound.factory):
            yield fault("adapter-never-closed", name, _why_not_closed(bound.factory))
        elif required := _required(bound.factory):
            yield fault(
                "adapter-factory-arguments",
                name,
                f"its factory is called without arguments, and requires {', '.join(required)}",
            )


def _misfits(bound: Bound) -> Iterable[str]:
    if bound.factory is None:
        return misfits(bound.protocol, bound.adapter)
    made = _made_by(bound.factory)
    # The protocol itself as the annotation promises that it fits, which a type checker keeps.
    if made is None or made is bound.protocol:
        return ()
    return misfits(bound.protocol, made)


def _made_by(factory: Any) -> type | None:
    """Return the class that a generator says it yields."""
    try:
        hint = typing.get_type_hints(factory).get("return")
    except (NameError, TypeError):
        return None
    made = next(iter(typing.get_args(hint)), None)
    origin = typing.get_origin(hint)
    iterates = isinstance(origin, type) and issubclass(origin, Iterable)
    return made if iterates and isinstance(made, type) else None


def _why_not_closed(factory: Any) -> str:
    name = name_of(factory)
    if inspect.isasyncgenfunction(factory) or inspect.iscoroutinefunction(factory):
        return f"{name} is asynchronous, and tasks are not; write it as a plain generator"
    if inspect.isgeneratorfunction(getattr(factory, "__wrapped__", None)):
        return f"{name} is wrapped, by @contextmanager perhaps; hand over the generator itself"
    return (
        f"{name} returns instead of yielding its adapter, so that it would never be closed; "
        "write it as a generator"
    )


def _required(factory: Any) -> list[str]:
    return [
        parameter.name
        for parameter in inspect.signature(factory).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]


RULES: tuple[Rule, ...] = (adapters_are_bound, adapters_fit, factories_close_what_they_open)
