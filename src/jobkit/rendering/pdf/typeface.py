"""The typeface of reports: what it covers, and how wide a text is in it."""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

REGULAR = "JobkitSans"
BOLD = "JobkitSans-SemiBold"
_FILES = {REGULAR: "NotoSans-Regular.ttf", BOLD: "NotoSans-SemiBold.ttf"}


@cache
def load() -> dict[str, Any]:
    """Make the fonts known to reportlab, once a process, and return them by name."""
    folder = Path(__file__).parent / "fonts"
    fonts = {name: TTFont(name, str(folder / file)) for name, file in _FILES.items()}
    for font in fonts.values():
        pdfmetrics.registerFont(font)
    return fonts


@lru_cache(16384)
def covers(text: str) -> bool:
    """Tell whether the font has a glyph for every character of *text*; it draws a box for others.

    Latin, Greek and Cyrillic are covered.
    """
    glyphs = load()[REGULAR].face.charToGlyph
    return all(ord(character) in glyphs for character in text)


@lru_cache(16384)
def one_line(text: str) -> str:
    """Return *text* as it can be drawn: composed, on one line, without what cannot be seen."""
    if text.isascii() and text.isprintable():
        return text
    shown = (
        " " if character.isspace() else character
        for character in unicodedata.normalize("NFC", text)
        if character.isspace() or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Cn")
    )
    return "".join(shown)


@lru_cache(65536)
def text_width(text: str, font: str, size: float) -> float:
    """Return how wide *text* is, in points."""
    return float(load()[font].stringWidth(text, size))


def wrapped(text: str, font: str, size: float, width: float, lines: int) -> list[str]:
    """Break *text* into at most *lines* lines of *width* points; a cut is marked by an ellipsis.

    Breaks at spaces, and inside a word that is wider than a line.
    """
    if text_width(text, font, size) <= width:
        return [text]
    broken: list[str] = []
    rest = text
    while rest and len(broken) < lines - 1:
        fitting = _fitting(rest, font, size, width)
        if fitting == len(rest):
            break
        at = rest.rfind(" ", 0, fitting + 1)
        at = at if at > 0 else fitting
        broken.append(rest[:at].rstrip())
        rest = rest[at:].lstrip()
    if text_width(rest, font, size) > width:
        room = width - text_width("…", font, size)
        rest = rest[: _fitting(rest, font, size, room)].rstrip() + "…"
    return [*broken, rest]


def _fitting(text: str, font: str, size: float, width: float) -> int:
    """Return how many characters of *text* fit into *width*, at least one."""
    widths = load()[font].face.charWidths
    missing = load()[font].face.defaultWidth
    left = width * 1000 / size
    for place, character in enumerate(text):
        left -= widths.get(ord(character), missing)
        if left < 0:
            return max(place, 1)
    return len(text)
