"""What a comparison of candidate models says, in words."""

import pandas as pd


def at_times(comparison: pd.DataFrame, technologies: dict[str, float]) -> pd.DataFrame:
    """Take each technology's rows at the measured time nearest to the one asked for.

    Args:
        comparison: table of `neft.characterize.analysis.characterise`, any of them.
        technologies: name -> time, s.

    Raises:
        ValueError: the table has no such technology.
    """
    chosen = []
    for technology, time_s in technologies.items():
        rows = comparison[comparison.technology == technology]
        if rows.empty:
            raise ValueError(f"technology must be in the comparison, got {technology!r}")
        far = (rows.time_s - time_s).abs()
        chosen.append(rows[far == far.min()])
    return pd.concat(chosen, ignore_index=True)


def sentences(comparison: pd.DataFrame) -> list[str]:
    """Say for each technology and time which model serves which purpose.

    Args:
        comparison: table of `neft.characterize.analysis.characterise`, or rows of it.
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
