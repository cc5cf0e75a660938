from __future__ import annotations

import pytest

from jobkit.adapters.files import check_name
from jobkit.tasks.reports.file_names import folder_name, report_name


def test_a_name_says_what_whose_when_and_of_which_job() -> None:
    name = report_name("sales", "acme", "job-1", "pdf", "2025-01-01", "2025-01-31")

    assert name == "reports/acme/sales_2025-01-01_2025-01-31_job-1.pdf"


@pytest.mark.parametrize(
    "tenant_id", ["../..", ".", "a/b", "Ω", "A B", "x" * 200, "con:1", "ж" * 90]
)
def test_any_tenant_has_a_folder_that_every_storage_can_keep(tenant_id: str) -> None:
    name = report_name("sales", tenant_id, "job-1", "pdf")

    assert check_name(name) == name
    assert name.count("/") == 2


def test_tenants_that_differ_have_folders_that_differ() -> None:
    ids = ["acme", "Acme", "ACME", "a/c", "a-c", "a\\c", "x" * 50, "x" * 51]

    assert len({folder_name(tenant_id).lower() for tenant_id in ids}) == len(ids)
