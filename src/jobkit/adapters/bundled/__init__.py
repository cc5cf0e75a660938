"""Adapters that are ready to bind."""

from jobkit.adapters.bundled.local_files import LocalFiles

__all__ = ["LocalFiles"]
