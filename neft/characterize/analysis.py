"""From a technology's reads to everything that the pipeline asks of it: levels and candidates.

    python -m neft.characterize reads.csv --technology mine --g-max-uS 50 --output mine

writes `levels.csv`, `candidates.csv`, `distances.csv`, `intervals.csv` and `ranks.csv` into the
folder `mine`, which `folder` of params.yaml's `variation` names; its `technologies` name the
technology.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from neft._utils.files import atomic_path
from neft.characterize.levels import level_errors, rank_correlations, summarise_levels
from neft.characterize.model_selection import compare
from neft.characterize.parameter_intervals import intervals


def characterise(
    reads: pd.DataFrame, *, technology: str, g_max_S: float, levels: int = 32, seed: int = 0
) -> dict[str, pd.DataFrame]:
    """Summarise reads by time and level, and compare the candidate models at every time.

    Args:
        reads: see `neft.characterize.reads.check_reads`.
        technology: the name that the tables' rows carry.
        g_max_S: upper end of the conductance range, in siemens.
        levels: number of equal parts of the range.
        seed: of the halves of cells and the bootstrap.

    Returns:
        `levels`, the level table; `ranks`, the rank correlations in time; and, with columns
        technology and time_s before their own: `candidates`, the comparison of
        `neft.characterize.model_selection.compare` with the number of levels; `distances`, the
        distances of its held-out cells; `intervals`, those of
        `neft.characterize.parameter_intervals.intervals`. The latter two name a level by level and
        g as the level table does.

    Raises:
        ValueError: see `level_errors` and `neft.characterize.model_selection.compare`.
    """
    errors = level_errors(reads, g_max_S=g_max_S, levels=levels)
    table = summarise_levels(errors, technology=technology, g_max_S=g_max_S)
    made = {"candidates": [], "distances": [], "intervals": []}
    for time_s, rows in tqdm(errors.groupby("time_s"), f"compare models of {technology}"):
        by_level = rows.groupby("level")
        g = by_level.g.mean()
        groups = [group.error.to_numpy() for _, group in by_level]
        compared, distances = compare(g.to_numpy(), groups, rng=np.random.default_rng(seed))
        bounds = intervals(g.to_numpy(), groups, rng=np.random.default_rng(seed))
        compared.insert(0, "levels", len(groups))
        new = (compared, _at_levels(distances, g), _at_levels(bounds, g))
        for tables, each in zip(made.values(), new, strict=True):
            each.insert(0, "technology", technology)
            each.insert(1, "time_s", time_s)
            tables.append(each)
    together = {name: pd.concat(tables, ignore_index=True) for name, tables in made.items()}
    ranks = rank_correlations(errors, technology=technology)
    return {"levels": table, **together, "ranks": ranks}


def _at_levels(table: pd.DataFrame, g: pd.Series) -> pd.DataFrame:
    """Put the level and its conductance in the place of a level's place in `g`."""
    levels = g.reset_index().rename_axis("place").reset_index()
    return levels.merge(table, how="right", on="place").drop(columns="place")


def write(folder: Path, tables: dict[str, pd.DataFrame]) -> None:
    """Write tables as CSV into a folder, each whole or not at all."""
    for name, table in tables.items():
        with atomic_path(folder / f"{name}.csv") as partial:
            table.to_csv(partial, index=False, float_format="%.6g", lineterminator="\n")
