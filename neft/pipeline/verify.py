"""Compare a run's results, in its folder out/, with the published ones beside it.

    neft verify [params/NAME.yaml]

On another processor a run ends with other bits, and its results move within their intervals. Two
independent estimates with half-widths h and H of their 95 % intervals differ by at most
sqrt(h^2 + H^2) in 95 % of all cases; the two runs share seeds and chips, which makes it rarer.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from neft._utils.commands import one_line
from neft.pipeline.run import OUT, folder

TABLES = {"results.csv": "accuracy", "differences.csv": "difference"}
KEYS = ["method", "against", "sigma_d"]
ENDS = "", "_published"


def compare(ours: pd.DataFrame, published: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Compare two result tables cell by cell.

    Args:
        ours: columns method, sigma_d, for differences against, and the quantity, low and high.
        published: the same.
        quantity: accuracy or difference.

    Returns:
        The keys, ours, published, allowed (the largest distance that chance explains), agrees,
        and for differences the verdicts of both. Two significant differences of opposite signs
        never agree: their intervals do not meet.

    Raises:
        ValueError: the tables do not have the same rows, or one has a single seed and so no
            intervals.
    """
    keys = [key for key in KEYS if key in published]
    both = ours.merge(published, "outer", keys, suffixes=("", "_published"), indicator=True)
    alone = both[both["_merge"] != "both"]
    if len(alone):
        first = ", ".join(f"{key} {alone.iloc[0][key]}" for key in keys)
        where = "this run" if alone.iloc[0]["_merge"] == "left_only" else "the published one"
        raise ValueError(f"both runs must have the same rows, {first} is in {where} only")
    half, published_half = ((both[f"high{end}"] - both[f"low{end}"]) / 2 for end in ENDS)
    if both[[f"low{end}" for end in ENDS]].isna().any(axis=None):
        raise ValueError("both runs must have two seeds or more, one has no intervals")
    found = both[keys].assign(ours=both[quantity], published=both[f"{quantity}_published"])
    found["allowed"] = (half**2 + published_half**2) ** 0.5
    found["agrees"] = (found.ours - found.published).abs() <= found.allowed
    if quantity == "difference":
        for name, end in zip(("verdict", "published_verdict"), ENDS, strict=True):
            found[name] = [verdict(*row) for row in both[[f"low{end}", f"high{end}"]].to_numpy()]
    return found


def verdict(low: float, high: float) -> str:
    """Say what the interval of a difference shows."""
    if low > 0:
        return "better"
    return "worse" if high < 0 else "no significant difference"


def tables(params: Path) -> list[pd.DataFrame]:
    """Compare the result tables of a run with the published ones.

    Args:
        params: params.yaml or params/NAME.yaml; the repository's root is the current folder.

    Returns:
        What `compare` finds for each of `TABLES`.

    Raises:
        ValueError: the run is not finished or not published, or see `compare`.
    """
    run, results = folder(params), Path("metrics/results")
    paths = [(run / OUT / results / name, run / results / name) for name in TABLES]
    for ours, published in paths:
        if not ours.is_file():
            rule = f"its run must be finished, got no {ours}"
            raise ValueError(f"{params}: {rule}; to run it: neft run {params}")
        if not published.is_file():
            rule = f"a run must be published to compare with, got no {published}"
            raise ValueError(f"{params}: {rule}; to publish this one: neft publish {params}")
    return [
        compare(pd.read_csv(ours), pd.read_csv(published), quantity)
        for (ours, published), quantity in zip(paths, TABLES.values(), strict=True)
    ]


def lines(found: pd.DataFrame) -> list[str]:
    """Say in one line each what was compared, in points."""
    texts = []
    for row in found.to_dict("records"):
        over, said = "", ""
        if "against" in row:
            over = f" over {row['against']}"
            same = row["verdict"] == row["published_verdict"]
            said = f"; {row['verdict']}{'' if same else ', published ' + row['published_verdict']}"
        texts.append(
            f"{'agrees' if row['agrees'] else 'DIFFERS':8}{row['method']}{over}, "
            f"sigma_d {row['sigma_d']:g}: {100 * row['ours']:.1f}, published "
            f"{100 * row['published']:.1f} (+-{100 * row['allowed']:.1f}){said}"
        )
    return texts


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one line for each mean accuracy and each difference; exit with 1 if one disagrees."""
    parser = argparse.ArgumentParser(prog="neft verify", description=main.__doc__)
    parser.add_argument("params", nargs="?", type=Path, default=Path("params.yaml"))
    with one_line():
        compared = tables(parser.parse_args(arguments).params)
    for table in compared:
        print("\n".join(lines(table)))
    agree = pd.concat(compared).agrees
    print(f"{agree.sum()} of {len(agree)} agree")
    sys.exit(not agree.all())


if __name__ == "__main__":
    main()
