"""From a technology's reads to everything that the pipeline asks of it: levels and candidates.

    python -m neft.characterise reads.csv --technology mine --g-max-uS 50 --output mine

writes `levels.csv`, `candidates.csv` and `ranks.csv` into the folder `mine`; `levels`, `candidates`
and `ranks` of params.yaml's `variation` point to them, its `technologies` name the technology.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from neft.candidates import CANDIDATES, bootstrap, compare
from neft.files import atomic_path
from neft.levels import level_errors, rank_correlations, summarise_levels
from neft.measurements import read_reads


def characterise(
    reads: pd.DataFrame, *, technology: str, g_max_S: float, levels: int = 32, seed: int = 0
) -> dict[str, pd.DataFrame]:
    """Summarise reads by time and level, and compare the candidate models at every time.

    Args:
        reads: see `neft.measurements.check_reads`.
        technology: the name that the tables' rows carry.
        g_max_S: upper end of the conductance range, in siemens.
        levels: number of equal parts of the range.
        seed: of the halves of cells and the bootstrap.

    Returns:
        `levels`, the level table; `candidates`, the comparison: columns technology, time_s,
        levels, those of `neft.candidates.compare`, and `_low` and `_high`, the ends of its 95 %
        bootstrap interval, for every parameter; `ranks`, the rank correlations in time.

    Raises:
        ValueError: see `neft.levels.level_errors` and `neft.candidates.compare`.
    """
    errors = level_errors(reads, g_max_S=g_max_S, levels=levels)
    table = summarise_levels(errors, technology=technology, g_max_S=g_max_S)
    compared = []
    for time_s, rows in tqdm(errors.groupby("time_s"), f"compare models of {technology}"):
        by_level = rows.groupby("level")
        g = by_level.g.mean().to_numpy()
        groups = [group.error.to_numpy() for _, group in by_level]
        result = compare(g, groups, rng=np.random.default_rng(seed))
        result = result.join(_intervals(g, groups, seed), on="candidate")
        result.insert(0, "technology", technology)
        result.insert(1, "time_s", time_s)
        result.insert(2, "levels", len(groups))
        compared.append(result)
    return {
        "levels": table,
        "candidates": pd.concat(compared, ignore_index=True),
        "ranks": rank_correlations(errors, technology=technology),
    }


def _intervals(g: np.ndarray, groups: list[np.ndarray], seed: int) -> pd.DataFrame:
    """Bounds of the parameters of the candidates that have a few."""
    rng = np.random.default_rng(seed)
    few = [c for c in CANDIDATES if c(g, groups).parameters]
    bounds = pd.concat(bootstrap(candidate, g, groups, rng=rng) for candidate in few)
    wide = bounds.pivot(index="candidate", columns="parameter", values=["low", "high"])
    return wide.set_axis([f"{parameter}_{end}" for end, parameter in wide.columns], axis=1)


def write(folder: Path, tables: dict[str, pd.DataFrame]) -> None:
    """Write tables as CSV into a folder, each whole or not at all."""
    for name, table in tables.items():
        with atomic_path(folder / f"{name}.csv") as partial:
            table.to_csv(partial, index=False, float_format="%.6g", lineterminator="\n")


def main() -> None:
    """Make the tables of one technology; exit 1 with one line if something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m neft.characterise", description=main.__doc__)
    parser.add_argument("reads", type=Path, help="CSV, CSV.GZ or Parquet")
    parser.add_argument("--technology", required=True, help="what to call it")
    parser.add_argument("--g-max-uS", type=float, required=True, help="end of the range")
    parser.add_argument("--levels", type=int, default=32, help="equal parts of the range")
    parser.add_argument("--output", type=Path, required=True, help="folder for the tables")
    given = parser.parse_args()
    try:
        tables = characterise(
            read_reads(given.reads),
            technology=given.technology,
            g_max_S=given.g_max_uS * 1e-6,
            levels=given.levels,
        )
    except ValueError as error:
        sys.exit(f"error: {error}")
    write(given.output, tables)


if __name__ == "__main__":
    main()
