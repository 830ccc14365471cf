"""The block test kit: checks any block, of this package or of a plugin, without test code from its author."""

from .kit import check_block
from .report import Failure, Report

__all__ = ["Failure", "Report", "check_block"]
