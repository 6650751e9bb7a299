"""What a help gains over none, or over another: paired, chip by chip."""

from collections.abc import Hashable, Sequence

import pandas as pd

from neft.results import summarise


def gains(draws: pd.DataFrame, column: str, against: Hashable, by: Sequence[str]) -> pd.DataFrame:
    """Compare rows that differ in one column only, on the same networks and chips.

    Args:
        draws: columns seed, chip, accuracy, `column` and those of `by`; a row a chip.
        column: what is compared.
        against: the value of `column` that the others are compared with.
        by: what a comparison is for, for example method and sigma_d.

    Returns:
        The columns of `by`, `column`, against, seeds, chips (per seed), difference (of mean
        accuracy), low, high (its 95 % interval over seeds and chips).

    Raises:
        ValueError: `against` was not run, or not everything with the same seeds and chips.
    """
    pairs = [*by, "seed", "chip"]
    wide = draws.pivot(index=pairs, columns=column, values="accuracy")
    if against not in wide or wide.isna().any(axis=None):
        raise ValueError(
            f"draws: every {column} and {against!r} must have the same seeds and chips"
        )
    gained = wide.drop(columns=against).sub(wide[against], axis=0)
    halves = ((1 + gained) / 2).reset_index()  # in [0, 1], as the accuracies of a summary are
    table = summarise(halves.melt(pairs, value_name="accuracy"), by=[*by, column])
    difference = 2 * table[["accuracy", "low", "high"]] - 1
    difference.columns = ["difference", "low", "high"]
    about = table[[*by, column, "seeds", "chips"]]
    about.insert(len(by) + 1, "against", against)
    return pd.concat([about, difference], axis=1)
