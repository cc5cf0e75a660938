"""Tables on paper."""

from jobkit.rendering.pdf.writer import write_pdf

__all__ = ["write_pdf"]
