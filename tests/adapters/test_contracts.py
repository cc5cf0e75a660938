from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from jobkit.adapters.bundled import LocalFiles
from jobkit.adapters.files import FileStorage
from jobkit.adapters.memory import MemoryFiles, MemorySales, MemoryTenants
from jobkit.adapters.sales import Sale, SalesData
from jobkit.adapters.tenants import Tenant, Tenants
from jobkit.testing.contracts import FileStorageContract, SalesDataContract, TenantsContract


class TestMemorySales(SalesDataContract):
    def adapter(self, sales: Mapping[str, Sequence[Sale]]) -> SalesData:
        return MemorySales(sales)


class TestMemoryTenants(TenantsContract):
    def adapter(self) -> Tenants:
        return MemoryTenants(Tenant("acme", "Acme Ltd"), Tenant("other", "Other Ltd"))


class TestMemoryFiles(FileStorageContract):
    def adapter(self) -> FileStorage:
        return MemoryFiles()


class TestLocalFiles(FileStorageContract):
    @pytest.fixture(autouse=True)
    def _in_a_folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "files"

    def adapter(self) -> FileStorage:
        return LocalFiles(self.folder)
