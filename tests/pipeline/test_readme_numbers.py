"""An independent reading of the committed tables gives the numbers in the READMEs.

Nothing of the package is used but the methods' labels: draws are read from metrics/montecarlo with
the standard library, and every number is computed again; ends of intervals, which come from
resampling, are taken from the committed tables.
"""

import csv
import math
import re
import statistics
from collections import defaultdict
from pathlib import Path

import pytest

from neft.figures.style import method_style

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT.glob("results/*/metrics/results/results.csv")
RUNS = [ROOT, *(path.parents[2] for path in COMMITTED)]
each_run = pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name if run != ROOT else "root")


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_draws(run: Path) -> dict[tuple[str, str], dict[tuple[str, str], float]]:
    """(method, sigma_d) -> (seed, chip) -> accuracy."""
    draws = defaultdict(dict)
    for path in sorted((run / "metrics" / "montecarlo").glob("*/draws.csv")):
        for row in read(path):
            cell = draws[row["method"], row["sigma_d"]]
            assert (row["seed"], row["chip"]) not in cell
            cell[row["seed"], row["chip"]] = float(row["accuracy"])
    return draws


def percentile(values, percent: int) -> float:
    ordered = sorted(values)
    place = percent / 100 * (len(ordered) - 1)
    below = ordered[math.floor(place)]
    return below + (place % 1) * (ordered[math.ceil(place)] - below)


def block(run: Path) -> list[str]:
    """The lines of the README that the pipeline wrote."""
    lines = (run / "README.md").read_text(encoding="utf-8").splitlines()
    return lines[lines.index("<!-- results: begin -->") + 1 : lines.index("<!-- results: end -->")]


def tables(run: Path) -> list[tuple[list[str], dict[str, list[str]]]]:
    """Each table as its head and its cells by the label of the row."""
    found, before = [], ""
    for line in block(run):
        if line.startswith("|"):
            first, *cells = [cell.strip() for cell in line.strip("|").split("|")]
            if not before.startswith("|"):
                found.append((cells, {}))
            elif not set(first) <= set("-"):
                assert first not in found[-1][1]
                found[-1][1][first] = cells
        before = line
    return found


def assert_shows(cell: str, value: float, low: str = "", high: str = "") -> None:
    """A cell holds a number and the ends that exist, in percent, to its last digit."""
    expected = [100 * value, *(100 * float(end) for end in (low, high) if low)]
    numbers = re.findall(r"\d+\.\d+", cell)
    assert all(len(number.partition(".")[2]) == 1 for number in numbers)
    assert [float(number) for number in numbers] == pytest.approx(expected, rel=0, abs=0.05 + 1e-9)
    assert ("–" in cell) == bool(low)


@each_run
def test_means_are_those_of_the_committed_draws(run: Path) -> None:
    head, rows = tables(run)[0]
    draws, results = read_draws(run), read(run / "metrics" / "results" / "results.csv")
    text = "".join(block(run))
    assert {(row["method"], row["sigma_d"]) for row in results} == draws.keys()
    every = {method_style(method).label for method, _ in draws}
    assert rows.keys() <= every
    assert (rows.keys() == every) != (f"{len(rows)} of {len(every)} methods are shown" in text)
    for row in results:
        if method_style(row["method"]).label not in rows:
            continue
        cell = draws[row["method"], row["sigma_d"]]
        seeds = {seed for seed, _ in cell}
        means = [statistics.fmean(a for (s, _), a in cell.items() if s == seed) for seed in seeds]
        shown = rows[method_style(row["method"]).label][head.index(f"σ_d = {row['sigma_d']}")]
        assert_shows(shown, statistics.fmean(means), row["low"], row["high"])
        assert float(row["accuracy"]) == pytest.approx(statistics.fmean(means), abs=1e-12)
        low, very_low, worst = (percentile(cell.values(), percent) for percent in (5, 1, 0))
        found = [float(row[name]) for name in ("p5", "p1", "worst")]
        assert found == pytest.approx([low, very_low, worst], abs=1e-12)
        assert f"{len(seeds)} seeds, {len(cell) // len(seeds)} chips each" in text


@each_run
def test_accuracies_without_errors_are_those_of_the_committed_networks(run: Path) -> None:
    head, rows = tables(run)[0]
    files = sorted((run / "metrics" / "montecarlo").glob("*/exact.csv"))
    assert bool(files) == ("no errors" in head)
    for path in files:
        networks = read(path)
        largest = max(float(row["trained_sigma_d"]) for row in networks)
        of_largest = [r for r in networks if float(r["trained_sigma_d"]) == largest]
        mean = statistics.fmean(float(row["accuracy"]) for row in of_largest)
        if (label := method_style(path.parent.name).label) in rows:
            shown = re.findall(r"\d+\.\d+", rows[label][head.index("no errors")])
            assert float(shown[0]) == pytest.approx(100 * mean, abs=0.05 + 1e-9)


@each_run
def test_differences_are_those_of_the_committed_draws(run: Path) -> None:
    """And bold where the interval leaves out 0; two methods have one row for both orders."""
    if not read(run / "metrics" / "results" / "differences.csv"):  # one method alone
        assert len(tables(run)) == 1
        return
    draws, (head, rows) = read_draws(run), tables(run)[1]
    shown = {(label, sigma_d) for label in rows for sigma_d in head}
    for row in read(run / "metrics" / "results" / "differences.csv"):
        mine, other = (draws[row[name], row["sigma_d"]] for name in ("method", "against"))
        difference = statistics.fmean(accuracy - other[pair] for pair, accuracy in mine.items())
        assert float(row["difference"]) == pytest.approx(difference, abs=1e-12)
        one, reference = (method_style(row[name]).label for name in ("method", "against"))
        label, sigma_d = f"{one} over {reference.lower()}", f"σ_d = {row['sigma_d']}"
        if not {one, reference} <= tables(run)[0][1].keys():
            continue  # one of the methods that the README leaves out
        if label not in rows:
            assert f"{reference} over {one.lower()}" in rows
            continue
        shown.remove((label, sigma_d))
        cell, low, high = rows[label][head.index(sigma_d)], float(row["low"]), float(row["high"])
        assert cell.startswith("**") == (low > 0 or high < 0)
        numbers = [float(number) for number in re.findall(r"[+-]\d+\.\d", cell)]
        expected = [100 * difference, 100 * low, 100 * high]
        assert numbers == pytest.approx(expected, rel=0, abs=0.05 + 1e-9)
    assert not shown
