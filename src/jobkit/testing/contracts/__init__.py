"""Contract suites: what jobkit expects of an adapter, as tests that a host runs against its own.

Subclass a suite in a test module, say how an adapter is made, and run pytest::

    from jobkit.testing.contracts import SalesDataContract

    class TestOurSales(SalesDataContract):
        def adapter(self, sales):
            ...  # store them in a test database and return the adapter that reads it
"""

from jobkit.testing.contracts.files import FileStorageContract
from jobkit.testing.contracts.sales import SalesDataContract
from jobkit.testing.contracts.tenants import TenantsContract

__all__ = ["FileStorageContract", "SalesDataContract", "TenantsContract"]
