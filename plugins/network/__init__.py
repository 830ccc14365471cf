"""The network file: YAML text to a network that can run, and everything that can be said about what is wrong in it."""

from .build import load
from .network import Network

__all__ = ["Network", "load"]
