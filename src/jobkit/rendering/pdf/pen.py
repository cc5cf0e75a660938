"""Drawing text and areas on a canvas."""

from __future__ import annotations

from typing import Any, Literal

from reportlab.lib.colors import HexColor

from jobkit.rendering.pdf.typeface import BOLD, REGULAR, covers, one_line, text_width
from jobkit.rendering.theme import INK

Align = Literal["left", "right", "center"]


class Pen:
    """Draw on a reportlab canvas, and remember whether the font lacked a character."""

    def __init__(self, canvas: Any) -> None:
        self.canvas = canvas
        self.lacked = False
        self._colors: dict[str, Any] = {}

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float,
        bold: bool = False,
        color: str = INK,
        align: Align = "left",
        width: float | None = None,
    ) -> None:
        """Draw a line of text with its baseline at *y*, smaller if it is wider than *width*."""
        text = one_line(text)
        font = BOLD if bold else REGULAR
        self.lacked = self.lacked or not covers(text)
        drawn = text_width(text, font, size)
        if width is not None and drawn > width:
            size, drawn = size * width / drawn, width
        self.canvas.setFont(font, size)
        self.canvas.setFillColor(self._color(color))
        shift = {"left": 0.0, "right": drawn, "center": drawn / 2}[align]
        # Some readers glue texts that stand apart to one word unless there is a space.
        self.canvas.drawString(x - shift, y, f"{text} ")

    def area(self, x: float, y: float, width: float, height: float, color: str) -> None:
        """Fill a rectangle whose lower left corner is at *x*, *y*."""
        self.canvas.setFillColor(self._color(color))
        self.canvas.rect(x, y, width, height, stroke=0, fill=1)

    def rounded(self, x: float, y: float, width: float, height: float, color: str) -> None:
        """Fill a rectangle with rounded corners."""
        self.canvas.setFillColor(self._color(color))
        self.canvas.roundRect(x, y, width, height, 4, stroke=0, fill=1)

    def rule(self, x: float, y: float, width: float, color: str, weight: float = 0.5) -> None:
        """Draw a horizontal line."""
        self.canvas.setStrokeColor(self._color(color))
        self.canvas.setLineWidth(weight)
        self.canvas.line(x, y, x + width, y)

    def _color(self, color: str) -> Any:
        found = self._colors.get(color)
        if found is None:
            found = self._colors[color] = HexColor(int(color, 16))
        return found
