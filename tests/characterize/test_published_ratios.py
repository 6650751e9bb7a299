"""Laws of fitted and published ratios."""

import numpy as np
import pandas as pd
import pytest
from helpers.truths import MIDDLE, G
from scipy import stats

from neft.characterize.candidates import constant, s_ratio
from neft.characterize.published_ratios import published_ratios
from neft.characterize.variation_models import fit_constant, fit_ratio


@pytest.fixture
def groups() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    spread = np.where(MIDDLE, 0.06, 0.03)
    return [rng.normal(0.01 * g, s, rng.integers(50, 200)) for g, s in zip(G, spread, strict=True)]


@pytest.fixture
def levels(groups) -> pd.DataFrame:
    rows = [(g, len(e), e.mean(), e.std(ddof=1)) for g, e in zip(G, groups, strict=True)]
    return pd.DataFrame(rows, columns=["g", "n", "mean", "std"])


@pytest.fixture
def table(levels) -> pd.DataFrame:
    return published_ratios(levels)


def test_fits_to_a_level_table_are_those_to_all_cells(groups, levels, table) -> None:
    """The mean square of a level's errors follows from n, mean and standard deviation."""
    expected = s_ratio(G, groups).parameters
    model, sigma_d = fit_ratio(levels)
    assert {"s": model.ratio, "sigma_d": sigma_d} == pytest.approx(expected)
    assert table.loc[0, ["s", "sigma_d"]].to_dict() == pytest.approx(expected)
    assert table.s[1:].tolist() == [1, 2, 3, 4, 6]
    model, sigma_d = fit_constant(levels)
    assert model.ratio == 1
    assert sigma_d == table.sigma_d[1] == pytest.approx(constant(G, groups).parameters["sigma_d"])


def test_log_likelihoods_are_those_of_the_cells_and_largest_at_the_fitted_values(
    groups, table
) -> None:
    def score(s: float, sigma_d: float) -> float:
        sigma = sigma_d * np.where(MIDDLE, s, 1) / np.sqrt(0.4 * s**2 + 0.6)
        parts = zip(groups, sigma, strict=True)
        return float(np.concatenate([stats.norm.logpdf(e, 0, each) for e, each in parts]).mean())

    for row in table.itertuples():
        assert row.log_likelihood == pytest.approx(score(row.s, row.sigma_d))
        assert row.log_likelihood > max(score(row.s, f * row.sigma_d) for f in (0.99, 1.01))
    best = table.loc[0]
    assert best.log_likelihood > max(score(f * best.s, best.sigma_d) for f in (0.99, 1.01))


def test_levels_of_one_zone_say_nothing_of_the_ratio_which_is_1(levels) -> None:
    for zone in ("0.25 < g < 0.75", "g < 0.25 or g > 0.75"):
        model, sigma_d = fit_ratio(levels.query(zone))
        assert (model.ratio, sigma_d) == (1.0, fit_constant(levels.query(zone))[1])


def test_the_nearest_ratio_is_least_behind_and_has_one_parameter_less(groups, table) -> None:
    assert table.behind_fitted.idxmin() == 0
    assert table.model[table.behind_fitted[1:].idxmin()] == "FeFET2"
    n = sum(map(len, groups))
    assert table.aic_behind[1:].tolist() == pytest.approx(
        (2 * n * table.behind_fitted[1:] - 2).tolist()
    )
    assert table.aic_behind[0] == 0
