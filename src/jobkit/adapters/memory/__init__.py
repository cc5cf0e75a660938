"""In-memory twins of the adapters, for tests and demonstrations."""

from jobkit.adapters.memory.files import MemoryFiles
from jobkit.adapters.memory.sales import MemorySales
from jobkit.adapters.memory.tenants import MemoryTenants

__all__ = ["MemoryFiles", "MemorySales", "MemoryTenants"]
