"""The lines of several processes in one stream."""

from __future__ import annotations

import io
import json

from jobkit.cli.relay import Relay


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Gone(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def relayed(
    *lines: tuple[str, str], as_json: bool = False, stream: io.StringIO | None = None
) -> str:
    out = stream or io.StringIO()
    relay = Relay(as_json=as_json, stream=out)
    for name, line in lines:
        relay.write(name, line)
    return out.getvalue()


def test_every_line_says_whose_it_is() -> None:
    assert relayed(("worker", "ready"), ("beat", "starts")) == (
        "worker   | ready\nbeat     | starts\n"
    )


def test_each_process_has_a_colour_in_a_terminal() -> None:
    first, second, third = relayed(
        ("worker", "a"), ("beat", "b"), ("worker", "c"), stream=Terminal()
    ).splitlines()

    assert first.split("worker")[0] == third.split("worker")[0]
    assert first.split("worker")[0] != second.split("beat")[0]


def test_json_stays_json() -> None:
    event, text = relayed(
        ("worker", '{"event": "ready", "level": "info"}'), ("worker", "Killed"), as_json=True
    ).splitlines()

    assert json.loads(event) == {"event": "ready", "level": "info", "process": "worker"}
    assert json.loads(text) == {"event": "Killed", "process": "worker"}


def test_all_that_a_process_writes_is_passed_on() -> None:
    out = io.StringIO()

    Relay(as_json=False, stream=out).follow("worker", io.StringIO("one\ntwo")).join(5)

    assert out.getvalue() == "worker   | one\nworker   | two\n"


def test_a_reader_that_is_gone_holds_nobody_up() -> None:
    Relay(as_json=False, stream=Gone()).follow("worker", io.StringIO("one\ntwo\n")).join(5)
