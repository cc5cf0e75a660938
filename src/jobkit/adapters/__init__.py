"""What hosts implement: protocols and records by domain, and the registry that joins them."""

from jobkit.adapters.registry import AdapterRegistry, Container

__all__ = ["AdapterRegistry", "Container"]
