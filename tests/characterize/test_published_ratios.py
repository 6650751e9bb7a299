"""Laws of the published ratios beside the fitted one."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neft.characterize.candidates import s_ratio
from neft.characterize.published_ratios import published_ratios

G = (np.arange(8) + 0.5) / 8


@pytest.fixture
def groups() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    spread = np.where((G > 0.25) & (G < 0.75), 0.06, 0.03)
    return [rng.normal(0.01 * g, s, rng.integers(50, 200)) for g, s in zip(G, spread, strict=True)]


@pytest.fixture
def table(groups) -> pd.DataFrame:
    rows = [(g, len(e), e.mean(), e.std(ddof=1)) for g, e in zip(G, groups, strict=True)]
    return published_ratios(pd.DataFrame(rows, columns=["g", "n", "mean", "std"]))


def test_the_fitted_ratio_is_the_candidates(groups, table) -> None:
    expected = s_ratio(G, groups).parameters
    assert table.loc[0, ["s", "sigma_d"]].to_dict() == pytest.approx(expected)
    assert table.s[1:].tolist() == [1, 2, 3, 4, 6]


def test_log_likelihoods_are_those_of_the_reads_and_no_other_size_has_a_larger_one(
    groups, table
) -> None:
    for row in table.itertuples():
        shape = np.where((G > 0.25) & (G < 0.75), row.s, 1) / np.sqrt(0.4 * row.s**2 + 0.6)

        def score(sigma_d: float, shape=shape) -> float:
            parts = zip(groups, shape, strict=True)
            logs = [stats.norm.logpdf(errors, 0, sigma_d * r) for errors, r in parts]
            return float(np.concatenate(logs).mean())

        assert row.log_likelihood == pytest.approx(score(row.sigma_d))
        assert row.log_likelihood > max(score(0.99 * row.sigma_d), score(1.01 * row.sigma_d))


def test_the_nearest_ratio_is_least_behind_and_pays_for_one_parameter_less(groups, table) -> None:
    assert table.behind_fitted.idxmin() == 0
    assert table.model[table.behind_fitted[1:].idxmin()] == "FeFET2"
    n = sum(map(len, groups))
    assert table.aic_behind[1:].tolist() == pytest.approx(
        (2 * n * table.behind_fitted[1:] - 2).tolist()
    )
    assert table.aic_behind[0] == 0
