"""Recommended variation models, as a table, as sentences and as models, from a comparison."""

import pandas as pd

from neft._utils.checks import one_of
from neft.characterize.variation_models import at_time, empirical, gaussian, smooth
from neft.devices import VariationModel

SUFFIXES = {"constant": "", "s_ratio": "", "smooth": "_smooth", "quantiles": "_quantiles"}
"""Candidate -> what follows the technology in the name of the model that a run takes for it.

The Gaussian with each level's own spread bears the technology's name alone. Its mean is zero, as
that of `constant` and `s_ratio`, and it follows the spread of either."""


def at_times(comparison: pd.DataFrame, technologies: dict[str, float]) -> pd.DataFrame:
    """Select each technology's rows at the measured time nearest to the given one.

    Args:
        comparison: a table of `neft.characterize.analysis.characterize`.
        technologies: name -> time, s.

    Raises:
        ValueError: the table has no such technology.
    """
    chosen = []
    for technology, time_s in technologies.items():
        one_of(comparison.technology.unique(), technology=technology)
        rows = comparison[comparison.technology == technology]
        far = (rows.time_s - time_s).abs()
        chosen.append(rows[far == far.min()])
    return pd.concat(chosen, ignore_index=True)


def overview(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Tabulate the size of the error at each time, and the simplest adequate candidate.

    Args:
        tables: of `neft.characterize.analysis.characterize`.

    Returns:
        Columns technology, time_s; sigma_d, low, high: the constant Gaussian's, which is the root
        mean square of the error as a fraction of G_max, with its 95 % interval; candidate.
    """
    rows, keys = tables["intervals"], ["technology", "time_s"]
    sizes = rows[(rows.candidate == "constant") & (rows.parameter == "sigma_d")]
    sizes = sizes[[*keys, "value", "low", "high"]].rename(columns={"value": "sigma_d"})
    comparison = tables["candidates"]
    simplest = comparison[comparison.adequate].groupby(keys, sort=False).head(1)
    return sizes.merge(simplest[[*keys, "candidate"]], on=keys, validate="1:1")


def recommended_model(
    tables: dict[str, pd.DataFrame], time_s: float | None = None
) -> VariationModel:
    """Make the simplest adequate model of one technology at a time.

    Args:
        tables: of `neft.characterize.characterize`.
        time_s: as `neft.characterize.variation_models.at_time` takes it; which model is adequate
            is known of the nearest measured time. The last measured time if None.

    Returns:
        The model, in the size that was measured (`sigma_d_measured`); `SUFFIXES` says of which
        form it is for each candidate.

    Raises:
        ValueError: time_s is outside the measured times.
    """
    found = overview(tables)
    technology, *_ = found.technology
    time_s = found.time_s.max() if time_s is None else time_s
    candidate, *_ = at_times(found, {technology: time_s}).candidate
    return _MODELS[SUFFIXES[candidate]](at_time(tables["levels"], technology, time_s))


_MODELS = {"": gaussian, "_smooth": smooth, "_quantiles": empirical}


def sentences(comparison: pd.DataFrame) -> list[str]:
    """Recommend models for each technology and time: for tails, and the best Gaussian.

    Args:
        comparison: table `candidates` of `neft.characterize.analysis.characterize`, or its rows.
    """
    said = []
    for (technology, time_s), rows in comparison.groupby(["technology", "time_s"], sort=False):
        rows = rows.set_index("candidate")
        best = rows.pinball.min()
        adequate = rows[rows.adequate].iloc[0]
        gaussian = rows.drop(index="quantiles").sort_values("pinball").iloc[0]
        plain = rows.loc["constant"]
        said.append(
            f"{technology}, {time_s:g} s: for tails and worst cases use {adequate.name}, rejected "
            f"in {adequate.ks_rejected} of {adequate.levels} levels. The best Gaussian is "
            f"{gaussian.name}: it scores {100 * (gaussian.pinball / best - 1):.0f} % worse than "
            f"the best model and is rejected in {gaussian.ks_rejected} levels. A constant spread "
            f"scores {100 * (plain.pinball / best - 1):.0f} % worse and is rejected in "
            f"{plain.ks_rejected}."
        )
    return said
