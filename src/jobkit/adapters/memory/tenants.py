"""Tenants held in memory."""

from __future__ import annotations

from jobkit.adapters.tenants import Tenant
from jobkit.errors import UnknownTenant


class MemoryTenants:
    """Know the tenants it was given."""

    def __init__(self, *tenants: Tenant) -> None:
        self._tenants = {tenant.id: tenant for tenant in tenants}

    def tenant(self, tenant_id: str) -> Tenant:
        """Return the tenant of this id."""
        try:
            return self._tenants[tenant_id]
        except KeyError:
            raise UnknownTenant(f"there is no tenant {tenant_id!r}") from None

    def tenants(self) -> list[Tenant]:
        """Return all tenants."""
        return list(self._tenants.values())
