"""How much each class should count where some are rarer than others."""

from __future__ import annotations

import numpy as np

from blockrun.plugins.data.source import Description
from blockrun.plugins.data.streaming import Readable, column
from blockrun.plugins.errors import DataError


def label_field(known: Description) -> str | None:
    """The field of class labels: `label`, or else the only one that is one integer for each example."""
    names = [name for name, (shape, dtype) in known.fields.items() if shape == () and dtype.kind in "iu"]
    if "label" in names:
        return "label"
    return names[0] if len(names) == 1 else None


def class_weights(source: Readable, field: str) -> list[float]:
    """n / (K nₖ) for each of K classes, of which nₖ of n examples are (King and Zeng 2001): all count the same.

    Their mean over the examples is 1. Raises `DataError` for a class without examples, and for labels below 0.
    """
    labels = column(source, field)
    if labels.size and labels.min() < 0:
        raise DataError(f"`{field}` of source `{source.name}` has the label {labels.min()}; classes are counted from 0")
    counts = np.bincount(labels, minlength=source.describe().values.get("classes", 0))
    if not counts.all():
        raise DataError(f"class {int(np.argmin(counts))} of `{field}` has no examples, so it has no balanced weight")
    return [float(weight) for weight in len(labels) / (len(counts) * counts)]
