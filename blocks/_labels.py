"""What everything that reads class labels does with them: check them, leave some out, give classes their weights."""

import numpy as np


def check_labels(label, classes, name="label"):
    """Raise `ValueError` unless all of `label`, the input `name`, are integers from 0 to `classes` − 1.

    NumPy would count a negative one from the end.
    """
    if label.dtype.kind not in "iu":
        raise ValueError(f"{name} is {label.dtype}; class labels must be integers from 0 to {classes - 1}")
    if label.size and (label.min() < 0 or label.max() >= classes):
        place = np.unravel_index(int(np.argmax((label < 0) | (label >= classes))), label.shape)
        position = ", ".join(str(int(i)) for i in place)
        raise ValueError(
            f"{name} {label[place]} at position ({position}) is not one of the {classes} classes, 0 to {classes - 1}"
        )


def without_ignored(label, classes, ignore):
    """`label` with class 0 in place of every `ignore`, and a mask of all others; raises as `check_labels` does."""
    kept = np.ones_like(label, dtype=bool) if ignore is None else label != ignore
    label = label * kept
    check_labels(label, classes)
    return label, kept


def class_weights(weights, classes, like):
    """The option `weights` as an array like `like`, ones if it is None; raises `ValueError` for a wrong number."""
    if weights is None:
        return np.ones_like(like, shape=(classes,))
    if len(weights) != classes:
        raise ValueError(f"`weights` has {len(weights)} numbers; there are {classes} classes, one number for each")
    return np.asarray(weights, dtype=like.dtype, like=like)


def entries(label):
    """The index of each row's own label.      label (P,), for rows (P, K)"""
    return np.arange(len(label), like=label), label
