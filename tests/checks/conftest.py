"""What is declared in these tests comes from nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith("JOBKIT_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)  # away from any .env file
