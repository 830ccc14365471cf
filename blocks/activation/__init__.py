"""Activations: functions that make a network more than a chain of linear maps."""
