"""The block test kit: checks any block, of this package or of a plugin, without test code from its author."""

from .kit import NoSuchCase, check_block
from .report import Failure, Report

__all__ = ["Failure", "NoSuchCase", "Report", "check_block"]
