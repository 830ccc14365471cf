"""The learning rate rises and falls as the papers say."""

import math

import pytest

from blockrun.plugins.training.schedules import ConstantRate, Cosine


def rates(schedule, steps):
    return [schedule(step, steps) for step in range(steps)]


def test_a_constant_rate_is_constant():
    assert ConstantRate.name == "constant"
    assert rates(ConstantRate(rate=0.1), 3) == [0.1, 0.1, 0.1]


def test_a_cosine_goes_from_peak_to_end():
    """cos at 0°, 45°, 90°, 135° and 180°, mapped from [−1, 1] to [0.2, 1.0]."""
    half = math.sqrt(0.5)
    expected = [1.0, 0.6 + 0.4 * half, 0.6, 0.6 - 0.4 * half, 0.2]
    assert rates(Cosine(peak=1.0, end=0.2), 5) == pytest.approx(expected)


def test_a_warm_up_rises_in_equal_steps_and_the_cosine_follows():
    assert rates(Cosine(peak=1.0, warmup=4), 8) == pytest.approx(
        [0.25, 0.5, 0.75, 1.0, 0.5 + math.sqrt(0.5) / 2, 0.5, 0.5 - math.sqrt(0.5) / 2, 0.0], abs=1e-15
    )


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("warmup", [0, 1, 3, 9])
def test_short_runs_have_rates_between_nothing_and_the_peak(steps, warmup):
    found = rates(Cosine(peak=2.0, warmup=warmup, end=0.1), steps)
    assert all(0.1 <= rate <= 2.0 for rate in found)
    assert found[0] == pytest.approx(2.0 / max(warmup, 1))


def test_a_run_that_goes_on_stays_at_the_end():
    assert Cosine(peak=1.0, end=0.1)(99, 10) == pytest.approx(0.1)


def test_an_end_above_the_peak_is_refused():
    with pytest.raises(ValueError, match="at most the peak"):
        Cosine(peak=1.0, end=2.0)
