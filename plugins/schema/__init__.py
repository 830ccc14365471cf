"""The JSON Schema of network files with the components that are installed, for completion in editors."""

from .document import schema

__all__ = ["schema"]
