"""The one check that everything reading class labels makes, since NumPy would count a negative label from the end."""

import numpy as np


def check_labels(label, classes):
    """Raise `ValueError` unless all of `label` are integers from 0 to `classes` − 1."""
    if label.dtype.kind not in "iu":
        raise ValueError(f"label is {label.dtype}; class labels must be integers from 0 to {classes - 1}")
    if label.size and (label.min() < 0 or label.max() >= classes):
        place = np.unravel_index(int(np.argmax((label < 0) | (label >= classes))), label.shape)
        position = ", ".join(str(int(i)) for i in place)
        raise ValueError(
            f"label {label[place]} at position ({position}) is not one of the {classes} classes, 0 to {classes - 1}"
        )
