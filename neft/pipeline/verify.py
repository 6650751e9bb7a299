"""Compare a run's results with the published ones, which are those that git holds.

    neft verify [params/NAME.yaml]

On another processor a run ends with other bits, and its results move within their intervals. Two
independent estimates with half-widths h and H of their 95 % intervals differ by at most
sqrt(h^2 + H^2) in 95 % of all cases; the two runs share seeds and chips, which makes it rarer.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import pandas as pd

from neft._utils.commands import one_line
from neft.pipeline.run import folder

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


def committed(path: Path) -> pd.DataFrame:
    """Read a table as git's last commit has it.

    Raises:
        ValueError: git holds no such file.
    """
    command = ["git", "show", f"HEAD:./{path.as_posix()}"]
    shown = subprocess.run(command, capture_output=True, text=True)
    if shown.returncode:
        raise ValueError(f"{path}: must be committed: {shown.stderr.strip()}")
    return pd.read_csv(StringIO(shown.stdout))


def ran(path: Path) -> pd.DataFrame:
    """Read a table of this run.

    Raises:
        ValueError: there is none.
    """
    if not path.is_file():
        raise ValueError(f"{path}: must be there, after neft run in the repository's folder")
    return pd.read_csv(path)


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
        results = folder(parser.parse_args(arguments).params) / "metrics" / "results"
        tables = [
            compare(ran(results / name), committed(results / name), quantity)
            for name, quantity in TABLES.items()
        ]
    for table in tables:
        print("\n".join(lines(table)))
    every = pd.concat(tables)
    equal = (every.ours == every.published).all()
    note = ", with equal numbers: no run since then, or one that ended with the same bits"
    print(f"{every.agrees.sum()} of {len(every)} agree{note if equal else ''}")
    sys.exit(not every.agrees.all())


if __name__ == "__main__":
    main()
