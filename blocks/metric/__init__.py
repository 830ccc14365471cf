"""Metrics: statistics that add up over batches, and the number that their totals come to."""
