"""Pages: their size, what stands at the head and foot of each, and how many there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfgen.canvas import Canvas

from jobkit.rendering.locale_format import LocaleFormat
from jobkit.rendering.pdf import typeface
from jobkit.rendering.pdf.pen import Pen
from jobkit.rendering.report import Output, TableReport
from jobkit.rendering.theme import ACCENT, INK, MUTED, RULE

WIDTH: float
HEIGHT: float
WIDTH, HEIGHT = landscape(A4)
MARGIN = 38.0
LEFT, RIGHT = MARGIN, WIDTH - MARGIN
INNER = RIGHT - LEFT
TOP = HEIGHT - MARGIN
BOTTOM = 52.0
"""The lowest line of what stands between head and foot."""

_FOOT = 30.0
_MOST_ADDRESS_LINES = 6
_PAGE_COUNT = "page-count"
_LACK = "An empty box stands for a letter that this document's font lacks; csv and xlsx have it."


class Pages:
    """Begin and end the pages of a report. What is only known at its end is drawn at its end."""

    def __init__(self, report: TableReport, file: Output) -> None:
        typeface.load()
        self.report = report
        self.locale = LocaleFormat(report.locale, report.zone, typeface.covers)
        self.canvas: Any = Canvas(
            file, pagesize=(WIDTH, HEIGHT), pageCompression=1, lang=report.locale.replace("_", "-")
        )
        self.canvas.setTitle(report.title)
        self.canvas.setAuthor(report.sender.name)
        self.canvas.setSubject(self.period)
        self.canvas.setCreator("jobkit")
        self.canvas.setViewerPreference("DisplayDocTitle", "true")
        self.pen = Pen(self.canvas)
        self.number = 1

    @property
    def period(self) -> str:
        """Return the days that the report covers, in words, or nothing."""
        return self.locale.period(*self.report.period) if self.report.period else ""

    def letterhead(self) -> float:
        """Draw who sends what, at the head of the first page, and return the height below it."""
        pen, report = self.pen, self.report
        pen.area(0, HEIGHT - 8, WIDTH, 8, ACCENT)
        y = TOP - 12
        half = INNER / 2 - 10
        pen.text(LEFT, y, report.sender.name, size=13, bold=True, width=half)
        pen.text(
            RIGHT, y - 4, report.title, size=20, bold=True, color=ACCENT, align="right", width=half
        )
        left = y
        for line in report.sender.lines[:_MOST_ADDRESS_LINES]:
            left -= 11.5
            pen.text(LEFT, left, line, size=8.5, color=MUTED, width=half)
        pen.text(RIGHT, y - 22, self.period, size=11, align="right", width=half)
        made = f"Generated {self.locale.moment(report.generated_at)} ({report.zone})"
        pen.text(RIGHT, y - 36, made, size=8.5, color=MUTED, align="right", width=half)
        below = min(left, y - 36) - 12
        pen.rule(LEFT, below, INNER, RULE)
        return below - 12

    def running_head(self) -> float:
        """Draw the head of a later page and return the height below it."""
        pen = self.pen
        pen.text(LEFT, TOP - 6, self.report.title, size=10, bold=True, color=ACCENT)
        pen.text(WIDTH / 2, TOP - 6, self.period, size=9, color=INK, align="center")
        name = self.report.sender.name
        pen.text(RIGHT, TOP - 6, name, size=9, color=MUTED, align="right", width=INNER / 3)
        return TOP - 18

    def bookmark(self, title: str) -> None:
        """Put this page into the outline that viewers show beside the document."""
        key = f"page-{self.number}"
        self.canvas.bookmarkPage(key)
        self.canvas.addOutlineEntry(title, key, level=0)

    def next(self) -> None:
        """End this page and begin another."""
        self.end()
        self.number += 1

    @contextmanager
    def form(self, name: str) -> Iterator[None]:
        """Draw what earlier pages refer to by `canvas.doForm(name)`; after the last page."""
        self.pen.lacked = False
        self.canvas.beginForm(name)
        yield
        self._lack()
        self.canvas.endForm()

    def end(self) -> None:
        """End the last page."""
        self._foot()
        self.canvas.showPage()

    def save(self) -> None:
        """Fill in how many pages there are and write the file."""
        with self.form(_PAGE_COUNT):
            self.pen.text(WIDTH / 2, _FOOT, f"of {self.number}", size=8, color=MUTED)
        self.canvas.save()

    def _foot(self) -> None:
        pen = self.pen
        pen.rule(LEFT, _FOOT + 13, INNER, RULE)
        pen.text(WIDTH / 2 - 2.2, _FOOT, f"Page {self.number}", size=8, color=MUTED, align="right")
        self.canvas.doForm(_PAGE_COUNT)
        self._lack()

    def _lack(self) -> None:
        """Say what a box means, on the page that has one."""
        if self.pen.lacked:
            self.pen.text(LEFT, _FOOT, _LACK, size=7, color=MUTED, width=INNER / 2 - 60)
        self.pen.lacked = False
