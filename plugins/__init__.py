"""Everything that is registered, and the hooks it is registered through."""

from .hooks import hookimpl

__all__ = ["hookimpl"]
