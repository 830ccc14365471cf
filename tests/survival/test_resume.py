"""A sample of the stops that `make crash` tries: every feature, every optimizer, steps all over an epoch."""

import pytest

from .resume import FEATURES, OPTIMIZERS, compare, write_data

STEPS = 14  # more than two epochs of 6


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_run_with_everything_stopped_and_resumed_is_the_same_bytes(optimizer, tmp_path):
    write_data(tmp_path)
    wrong = [what for what, same in compare(tmp_path, optimizer, "all", STEPS, range(1, STEPS, 4)) if not same]
    assert wrong == []


@pytest.mark.parametrize("features", FEATURES)
def test_a_run_stopped_at_any_step_and_resumed_is_the_same_bytes(features, tmp_path):
    write_data(tmp_path)
    wrong = [what for what, same in compare(tmp_path, "adam", features, STEPS, range(1, STEPS, 3)) if not same]
    assert wrong == []
