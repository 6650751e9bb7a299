"""Laws of fitting candidate models."""

import numpy as np
import pytest
from helpers.truths import TRUTHS, G, drift, hump

from neft.characterize import candidates


def test_smooth_fit_recovers_mean_and_spread() -> None:
    fit = candidates.smooth(G, TRUTHS["smooth"](np.random.default_rng(0), 20_000))
    assert fit.mean == pytest.approx(drift(G), abs=0.002)
    assert fit.sigma == pytest.approx(hump(G), rel=0.03)


def test_smooth_fit_of_four_levels_keeps_their_means() -> None:
    groups = TRUTHS["smooth"](np.random.default_rng(3), 50)[:4]
    fit = candidates.smooth(G[:4], groups)
    assert fit.mean.tolist() == [errors.mean() for errors in groups]


def test_unimodal_fit_rises_then_falls_and_nothing_of_that_shape_is_nearer() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        values, weights = rng.normal(size=9), rng.uniform(0.5, 2, 9)
        fit = candidates._unimodal(values, weights)
        top = int(fit.argmax())
        assert (np.diff(fit[: top + 1]) >= 0).all()
        assert (np.diff(fit[top:]) <= 0).all()
        loss = np.sum(weights * (fit - values) ** 2)
        for _ in range(200):
            peak, other = rng.integers(9), fit + rng.normal(scale=0.3, size=9)
            other = np.concatenate([np.sort(other[:peak]), np.sort(other[peak:])[::-1]])
            assert np.sum(weights * (other - values) ** 2) >= loss - 1e-12
    rising_falling = np.array([0.0, 1, 4, 3, 2])
    assert candidates._unimodal(rising_falling, np.ones(5)).tolist() == rising_falling.tolist()
