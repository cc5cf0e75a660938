"""Whether an object can be called as a protocol promises."""

from __future__ import annotations

import inspect
import itertools
import types
import typing
from collections.abc import Callable, Iterator
from inspect import Parameter, Signature
from typing import Any

from typing_extensions import get_protocol_members, is_protocol

_NAMED = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


def misfits(protocol: Any, adapter: Any) -> Iterator[str]:
    """Yield in what *adapter* falls short of *protocol*.

    *adapter* is an object, or a class whose objects are meant. Names, kinds and defaults of
    parameters are compared; their types are a type checker's business.
    """
    protocol = typing.get_origin(protocol) or protocol
    who = adapter.__name__ if isinstance(adapter, type) else type(adapter).__name__
    if not isinstance(protocol, type) or protocol is types.UnionType:
        return
    if not is_protocol(protocol):
        kind = adapter if isinstance(adapter, type) else type(adapter)
        if not issubclass(kind, protocol) and not isinstance(adapter, protocol):
            yield f"{who} is no {protocol.__name__}"
        return
    for name in sorted(get_protocol_members(protocol)):
        wanted = inspect.getattr_static(protocol, name, None)
        method = _unwrapped(wanted)
        if not _has(adapter, name):
            # What an object gets in its __init__ cannot be seen on its class.
            if method is not None or not isinstance(adapter, type):
                yield f"{who} has no {name}{'()' if method else ''}"
        elif method is not None:
            yield from (f"{who}.{name}() {why}" for why in _calls(wanted, method, adapter, name))


def _has(adapter: Any, name: str) -> bool:
    missing = object()
    if inspect.getattr_static(adapter, name, missing) is not missing:
        return True
    kind = adapter if isinstance(adapter, type) else type(adapter)
    # An object that makes up its attributes; asked for only then, because asking may have effects.
    return hasattr(kind, "__getattr__") and (isinstance(adapter, type) or hasattr(adapter, name))


def _unwrapped(member: Any) -> Callable[..., Any] | None:
    """Return the function of a method, of whichever kind; None for an attribute or a property."""
    if isinstance(member, staticmethod | classmethod):
        return typing.cast(Callable[..., Any], member.__func__)
    return member if inspect.isfunction(member) else None


def _calls(wanted: Any, promised: Any, adapter: Any, name: str) -> Iterator[str]:
    """Yield how a call that the protocol allows would fail."""
    given = _method(adapter, name)
    if given is None:
        return  # an attribute made at run time: only a call could tell
    if not callable(given):
        yield "is no method"
        return
    if inspect.iscoroutinefunction(given) != inspect.iscoroutinefunction(promised):
        kind = "asynchronous" if inspect.iscoroutinefunction(given) else "not asynchronous"
        yield f"is {kind}, unlike the protocol's"
    try:
        actual = inspect.signature(given)
    except (TypeError, ValueError):
        return  # built in, without a signature
    expected = list(inspect.signature(promised).parameters.values())
    if not isinstance(wanted, staticmethod):
        expected = expected[1:]
    if isinstance(adapter, type) and inspect.isfunction(inspect.getattr_static(adapter, name)):
        actual = actual.replace(parameters=list(actual.parameters.values())[1:])
    yield from dict.fromkeys(_differences(expected, actual))


def _method(adapter: Any, name: str) -> Any:
    static = inspect.getattr_static(adapter, name, None)
    if static is None or isinstance(static, property):
        return None
    if name == "__call__" and not isinstance(adapter, type):
        return adapter
    return getattr(adapter, name)


def _differences(expected: list[Parameter], actual: Signature) -> Iterator[str]:
    """Try each kind of call that the protocol allows: by place or by name, short or whole."""
    for by_place, whole in itertools.product((True, False), (True, False)):
        args, kwargs = _call(expected, by_place=by_place, whole=whole)
        try:
            bound = actual.bind(*args, **kwargs)
        except TypeError as error:
            yield f"cannot be called as the protocol says: {error}"
            continue
        # Arguments are their own names here, so that one in the wrong place shows.
        named = {each.name for each in expected if each.kind in _NAMED}
        for name, value in bound.arguments.items():
            if actual.parameters[name].kind in _NAMED and value in named - {name}:
                yield f"takes {value!r} for its {name!r}"


def _call(
    expected: list[Parameter], *, by_place: bool, whole: bool
) -> tuple[list[str], dict[str, str]]:
    args: list[str] = []
    kwargs: dict[str, str] = {}
    for each in expected:
        if not whole and each.default is not each.empty:
            continue
        if each.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
            if whole and each.kind is Parameter.VAR_KEYWORD:
                kwargs[f"any_{each.name}"] = each.name
            elif whole and by_place:
                args.append(each.name)
        elif each.kind is Parameter.POSITIONAL_ONLY or (
            by_place and each.kind is not Parameter.KEYWORD_ONLY
        ):
            args.append(each.name)
        else:
            kwargs[each.name] = each.name
    return args, kwargs
