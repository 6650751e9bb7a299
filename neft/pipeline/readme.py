"""Write the result table into README.md, so that no number there is typed by hand."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from neft._utils.files import atomic_path
from neft.figures.style import method_style
from neft.pipeline import parameters
from neft.pipeline.parameters import Parameters

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


def table(results: pd.DataFrame, setting: str, command: str) -> str:
    """Render the result table as Markdown: a row a method, a column a sigma_d.

    Args:
        results: `neft.statistics.summary.summarise`'s table.
        setting: of the run; begins the caption.
        command: that repeats the run; ends it.

    Returns:
        Mean accuracy in percent with its 95 % interval; the caption says over how
        many seeds and chips.
    """

    cells = (
        results.assign(cell=[_percent(*row) for row in _bounded(results, "accuracy")])
        .pivot(index="method", columns="sigma_d", values="cell")
        .fillna("not run")
    )
    sigmas = list(cells.columns)
    head = "| method | " + " | ".join(f"σ_d = {sigma:g}" for sigma in sigmas) + " |"
    rule = "|---|" + "---|" * len(sigmas)
    rows = [
        f"| {method_style(method).label} | " + " | ".join(cells.loc[method]) + " |"
        for method in results.method.unique()
    ]
    caption = (
        f"{setting}: test accuracy in %, mean (95 % interval over seeds and chips); "
        f"{results.seeds.min()} seeds, {results.chips.min()} chips each; `{command}`."
    )
    return "\n".join([head, rule, *rows, "", caption])


def worst_case(results: pd.DataFrame) -> str:
    """Render what the worst chips do at the largest sigma_d as Markdown: a row a method.

    Args:
        results: `neft.statistics.summary.summarise`'s table.

    Returns:
        The 5th and 1st percentile of the chips in percent with their 95 % intervals, and the
        worst chip. An interval without a lower end says so by "at most".
    """
    rows = results[results.sigma_d == results.sigma_d.max()]
    columns = zip(
        rows.method, _bounded(rows, "p5", "p5_"), _bounded(rows, "p1", "p1_"), rows.worst,
        strict=True,
    )  # fmt: skip
    lines = [
        f"| {method_style(method).label} | {_percent(*p5)} | {_percent(*p1)} | {100 * worst:.1f} |"
        for method, p5, p1, worst in columns
    ]
    caption = (
        f"Worst case at σ_d = {rows.sigma_d.max():g}, test accuracy in %: percentiles over all "
        f"chips of all seeds, KPP (95 % interval over seeds and chips; where they are too few for "
        f"a lower end, the upper alone); the worst of {rows.seeds.min()} × {rows.chips.min()} "
        "chips."
    )
    head = "| method | 5th percentile | 1st percentile | worst chip |"
    return "\n".join([head, "|---|---|---|---|", *lines, "", caption])


def _bounded(rows: pd.DataFrame, value: str, ends: str = "") -> Iterator[tuple[float, ...]]:
    return rows[[value, f"{ends}low", f"{ends}high"]].itertuples(index=False)


def _percent(value: float, low: float, high: float) -> str:
    """A fraction in percent with the ends that its interval has."""
    if pd.isna(high):
        return f"{100 * value:.1f}"
    if pd.isna(low):
        return f"{100 * value:.1f} (at most {100 * high:.1f})"
    return f"{100 * value:.1f} ({100 * low:.1f}–{100 * high:.1f})"


def comparison(differences: pd.DataFrame) -> str:
    """Say which differences are larger than their intervals, as a Markdown list.

    Args:
        differences: `neft.statistics.summary.differences`'s table.

    Returns:
        For every method that others are compared with: who is better and worse by how many
        points, and who is not told apart, at which sigma_d.
    """
    lines = ["Differences in points, where they are larger than their 95 % interval:"]
    for against, rows in differences.groupby("against", sort=False):
        better, worse = rows[rows.low > 0], rows[rows.high < 0]
        rest = rows.drop(index=[*better.index, *worse.index])
        parts = [
            f"{verb}: {_by_method(group, numbers=verb != 'Not told apart')}."
            for verb, group in (("Better", better), ("Worse", worse), ("Not told apart", rest))
            if len(group)
        ]
        label = method_style(against).label
        lines.append(f"- Against {label}. {' '.join(parts)}")
    return "\n".join(lines)


def _by_method(rows: pd.DataFrame, *, numbers: bool) -> str:
    def place(row) -> str:
        points = 100 * row.difference
        digits = 1 if abs(points) >= 0.05 else 2
        return f"{points:+.{digits}f} at {row.sigma_d:g}" if numbers else f"{row.sigma_d:g}"

    return "; ".join(
        f"{method_style(method).label} ({', '.join(map(place, group.itertuples()))})"
        for method, group in rows.groupby("method", sort=False)
    )


def replace_block(text: str, block: str) -> str:
    """Return `text` with what stands between the markers replaced.

    Raises:
        ValueError: a marker is missing.
    """
    if BEGIN not in text or END not in text:
        raise ValueError(f"README.md: must hold {BEGIN} and {END}")
    before, rest = text.split(BEGIN, 1)
    return f"{before}{BEGIN}\n{block}\n{END}{rest.split(END, 1)[1]}"


def setting(run: Parameters) -> str:
    """Say what a run was about: network, data set and devices."""
    return (
        f"{run.network.name} (width {run.network.width:g}) on {run.dataset.name}, "
        f"{run.hardware.preset} devices (M = {run.hardware.weight_bits}, "
        f"K = {run.hardware.device_bits})"
    )


def command(params: Path) -> str:
    """Say how to repeat a run, whose params.yaml links to its file in params/ or is the default."""
    if not params.is_symlink():
        return "make repro"
    return f"make repro PARAMS=params/{params.readlink().name}"


def results_block(metrics: Path, params: Path, command: str) -> str:
    """Say what a run found: mean accuracy, the differences in words, and the worst case.

    Args:
        metrics: the run's folder of tables.
        params: its parameter file.
        command: that repeats it.
    """
    results = pd.read_csv(metrics / "results.csv")
    parts = [table(results, setting(parameters.load(params)), command)]
    differences = pd.read_csv(metrics / "differences.csv")
    if len(differences):
        parts.append(comparison(differences))
    return "\n\n".join([*parts, worst_case(results)])


def main() -> None:
    """Bring README.md up to date with metrics/."""
    readme, params = Path("README.md"), Path("params.yaml")
    block = results_block(Path("metrics"), params, command(params))
    text = replace_block(readme.read_text(encoding="utf-8"), block)
    with atomic_path(readme) as partial:
        partial.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
