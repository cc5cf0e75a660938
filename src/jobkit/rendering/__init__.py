"""What several families draw with: tables to csv, xlsx and pdf. A library without tasks."""

from jobkit.rendering.currency_digits import currency_digits, rounded
from jobkit.rendering.exact import WIDE, add_exactly
from jobkit.rendering.formats import FORMATS, Format
from jobkit.rendering.locale_format import LocaleFormat, Unit
from jobkit.rendering.report import (
    Bars,
    Column,
    Figure,
    Kind,
    Ranking,
    Row,
    Sender,
    Summary,
    TableReport,
)
from jobkit.rendering.tally import Tally

__all__ = [
    "FORMATS",
    "WIDE",
    "Bars",
    "Column",
    "Figure",
    "Format",
    "Kind",
    "LocaleFormat",
    "Ranking",
    "Row",
    "Sender",
    "Summary",
    "TableReport",
    "Tally",
    "Unit",
    "add_exactly",
    "currency_digits",
    "rounded",
]
