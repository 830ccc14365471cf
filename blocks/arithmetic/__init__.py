"""Arithmetic: the operations that every other formula is written with."""
