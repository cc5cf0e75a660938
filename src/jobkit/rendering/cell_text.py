"""Text that is safe to put into a cell of a spreadsheet."""

from __future__ import annotations

import re

# The last four are full-width forms of the first.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# What XML 1.0 cannot hold (section 2.2), which includes halves of surrogate pairs.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MOST = 32_767
"""Characters a cell may hold (ECMA-376 part 1, section 18.3.1.4 as Excel limits it)."""


def is_formula(text: str) -> bool:
    """Tell whether a spreadsheet might run *text* as a formula.

    The list is OWASP's, "CSV Injection".
    """
    return text.startswith(_FORMULA)


def neutral(text: str) -> str:
    """Return *text* so that a spreadsheet that opens the csv shows it instead of running it."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def xml_text(text: str) -> str:
    """Return *text* as a workbook can hold it: what XML forbids is replaced, the rest cut."""
    text = _NO_XML.sub("\ufffd", text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if len(text) <= _MOST else f"{text[: _MOST - 1]}…"
