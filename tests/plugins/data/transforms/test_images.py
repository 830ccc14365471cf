"""What the transforms of images do, against the arithmetic of indices; nothing random happens in evaluation."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockrun.plugins.data.transforms.images import Crop, Cutout, Flip, Rotate, turned


def drawn(*numbers):
    """Stands for a `Draw` that gives these numbers for every example."""
    return SimpleNamespace(uniform=lambda *shape: np.array(numbers).reshape(-1, *shape))


def images(n=3, height=5, width=4, channels=2):
    return np.arange(1, 1 + n * height * width * channels, dtype=np.float32).reshape(n, height, width, channels)


def test_flip_turns_those_that_are_drawn_and_no_others():
    x = images()
    y = Flip(p=0.5).augment(x, {}, drawn(0.2, 0.5, 0.49))
    np.testing.assert_array_equal(y, [x[0][:, ::-1], x[1], x[2][:, ::-1]])
    up = Flip(p=1, axis=1).augment(x, {}, drawn(0, 0, 0.99))
    np.testing.assert_array_equal(up, x[:, ::-1])


@given(st.integers(1, 7), st.integers(1, 6), st.integers(0, 2), st.floats(0, 1, exclude_max=True), st.floats(0, 0.9))
def test_a_crop_is_a_window_of_the_image_with_zeros_around_it(height, width, pad, u, v):
    x = images()
    height, width = min(height, 5 + 2 * pad), min(width, 4 + 2 * pad)
    found = Crop(size=(height, width), pad=pad).augment(x, {}, drawn(*[u, v] * 3))
    whole = np.zeros((3, 5 + 2 * pad, 4 + 2 * pad, 2), np.float32)
    whole[:, pad : pad + 5, pad : pad + 4] = x
    top, left = int(u * (6 + 2 * pad - height)), int(v * (5 + 2 * pad - width))
    np.testing.assert_array_equal(found, whole[:, top : top + height, left : left + width])


def test_in_evaluation_a_crop_is_the_middle_and_with_padding_alone_the_image_itself():
    x = images()
    np.testing.assert_array_equal(Crop(size=(3, 2)).apply(x, {}), x[:, 1:4, 1:3])
    np.testing.assert_array_equal(Crop(pad=2).apply(x, {}), x)


@pytest.mark.parametrize("size", [4, 5])
@pytest.mark.parametrize("quarters", [-1, 0, 1, 2])
def test_a_quarter_turn_is_that_of_numpy(size, quarters):
    x = images(height=size, width=size)
    y = turned(x, np.full(3, quarters * np.pi / 2))
    np.testing.assert_allclose(y, np.rot90(x, quarters, axes=(1, 2)), rtol=1e-5)


def test_a_turned_plane_is_a_plane_of_the_turned_slope():
    """Bilinear weights are exact on a linear function: a x + b y turned by θ has the gradient turned by θ."""
    rows, columns = np.meshgrid(np.arange(9.0) - 4, np.arange(9.0) - 4, indexing="ij")
    x = (2 * rows + 3 * columns)[None, ..., None]
    angle = np.radians(20)
    y = turned(x, np.array([angle]))[0, ..., 0]
    expected = 2 * (np.cos(angle) * rows + np.sin(angle) * columns) + 3 * (
        -np.sin(angle) * rows + np.cos(angle) * columns
    )
    inside = np.hypot(rows, columns) < 4
    np.testing.assert_allclose(y[inside], expected[inside], atol=1e-12)


def test_rotate_turns_by_no_more_than_it_says_and_leaves_the_dtype():
    x = images(height=5, width=5)
    y = Rotate(degrees=30).augment(x, {}, drawn(0, 0.5, 1))
    np.testing.assert_array_equal(y[1], x[1])
    np.testing.assert_array_equal(y[[0, 2]], turned(x[[0, 2]], np.radians([-30, 30])))
    assert y.dtype == np.float32


def test_cutout_sets_a_square_to_zero_that_ends_at_the_edge_of_the_image():
    x = images(height=6, width=6)
    y = Cutout(size=3).augment(x, {}, drawn(0, 0, 0.5, 0.5, 0.99, 0.4))
    holes = (y == 0).all(axis=3)
    expected = np.zeros((3, 6, 6), bool)
    expected[0, :2, :2] = expected[1, 2:5, 2:5] = expected[2, 4:, 1:4] = True
    np.testing.assert_array_equal(holes, expected)
    np.testing.assert_array_equal(y[~holes], x[~holes])


@pytest.mark.parametrize("transform", [Flip(), Rotate(degrees=9), Cutout(size=2), Crop(pad=1)])
def test_what_is_random_leaves_an_image_as_it_is_in_evaluation_and_never_writes_to_it(transform):
    x = images()
    x.flags.writeable = False
    np.testing.assert_array_equal(transform.apply(x, {}), x)
    numbers = np.random.default_rng(0).random(6)
    transform.augment(
        x, {}, SimpleNamespace(uniform=lambda *shape: numbers[: 3 * max(1, *shape, 1)].reshape(3, *shape))
    )
    assert len(transform.augment(x[:0], {}, SimpleNamespace(uniform=lambda *shape: np.zeros((0, *shape))))) == 0
