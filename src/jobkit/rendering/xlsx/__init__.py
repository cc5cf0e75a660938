"""Tables as workbooks."""

from jobkit.rendering.xlsx.writer import write_xlsx

__all__ = ["write_xlsx"]
