"""What commands print: tables and lines for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDE = 240

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def console(*, stderr: bool = False) -> Console:
    """Return where to print; without a terminal lines are long rather than folded."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _WIDE
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def say(text: str, style: str | None = None, *, stderr: bool = False) -> None:
    """Print one line."""
    console(stderr=stderr).print(Text(plain(text), style=style or ""), soft_wrap=True)


def print_json(data: Any) -> None:
    """Print *data* as JSON; on one line where a program reads it."""
    indent = 2 if sys.stdout.isatty() else None
    print(json.dumps(data, indent=indent, ensure_ascii=False, default=str))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """Print a table, or the sentence *empty* where there is nothing to show."""
    lines = [[_cell(value) for value in row] for row in rows]
    if not lines:
        say(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold")
    for line in lines:
        table.add_row(*line)
    console().print(table)


def moment(value: datetime | None) -> str:
    """Return a time as the reader's clock shows it."""
    return "" if value is None else value.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def first_line(text: str, limit: int = 80) -> str:
    """Return the beginning of *text*, on one line."""
    line = text.strip().partition("\n")[0]
    return line if len(line) <= limit else line[: limit - 1] + "…"


def plain(text: str) -> str:
    """Return *text* without what would move a terminal's cursor: jobs carry what users typed."""
    return "".join(
        char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for char in text
    )


def _cell(value: Any) -> Text:
    if isinstance(value, Text):
        return value
    if value is None:
        return Text("")
    return Text(plain(moment(value) if isinstance(value, datetime) else str(value)))
