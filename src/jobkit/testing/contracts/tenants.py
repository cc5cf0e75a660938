"""What jobkit expects of a `Tenants` adapter."""

from __future__ import annotations

import pytest

from jobkit.adapters.tenants import Tenants
from jobkit.errors import UnknownTenant


class TenantsContract:
    """Subclass this and implement `adapter`; set `known` to the id of a tenant it knows."""

    known = "acme"

    def adapter(self) -> Tenants:
        """Return an adapter that knows the tenant `known`."""
        raise NotImplementedError

    def test_a_tenant_is_found_by_its_id(self) -> None:
        tenant = self.adapter().tenant(self.known)

        assert tenant.id == self.known
        assert tenant.name

    def test_a_tenant_that_is_not_there_is_unknown(self) -> None:
        adapter = self.adapter()

        with pytest.raises(UnknownTenant, match="nobody"):
            adapter.tenant("nobody-of-this-name")

    def test_the_tenant_is_listed_as_it_is_found(self) -> None:
        adapter = self.adapter()

        listed = list(adapter.tenants())

        assert adapter.tenant(self.known) in listed
        assert len({tenant.id for tenant in listed}) == len(listed)
