"""The result tables of README.md, written from the results so that no number is typed by hand."""

import argparse
import html
from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pandas as pd

from neft._utils.commands import one_line
from neft._utils.files import atomic_path
from neft.figures.legible import left_out, legible
from neft.figures.style import method_style, within
from neft.pipeline import parameters
from neft.pipeline.budgets import budgets
from neft.pipeline.parameters import Parameters
from neft.training.budget import Budget

DEFAULT = "make repro"


def _percent(row: Any) -> str:
    """Accuracy in percent with its interval, if it has one."""
    if pd.isna(row.high):
        return f"{100 * row.accuracy:.1f}"
    return f"{100 * row.accuracy:.1f} ({100 * row.low:.1f}–{100 * row.high:.1f})"


def _cell(text: str) -> str:
    """Escape text for a cell of a Markdown table."""
    return html.escape(text, quote=False).replace("|", "&#124;")


def table(
    results: pd.DataFrame,
    setting: str,
    command: str,
    budgets: Mapping[str, Budget] | None = None,
    exact: pd.DataFrame | None = None,
) -> str:
    """Render the result table as Markdown: one row per method, one column per sigma_d.

    Args:
        results: table of `neft.statistics.summary.summarise`.
        setting: of the run; begins the caption.
        command: that repeats the run; ends it.
        budgets: of the methods' trainings (`neft.pipeline.budgets`); None leaves them out.
        exact: table of `neft.statistics.exact.summarise_exact`; None leaves it out.

    Returns:
        Mean accuracy in percent with its 95 % interval; the caption says over how
        many seeds and chips.
    """
    cells = (
        results.assign(cell=[_percent(row) for row in results.itertuples()])
        .pivot(index="method", columns="sigma_d", values="cell")
        .fillna("not run")
    )
    sigmas = list(cells.columns)
    columns = [f"σ_d = {sigma:g}" for sigma in sigmas]
    rows = {method: list(cells.loc[method]) for method in results.method.unique()}
    counted = ""
    if exact is not None:
        columns.append("no errors")
        largest = exact[exact.trained_sigma_d == exact.trained_sigma_d.max()]
        counted += (
            f"no errors: networks trained for σ_d = {sigmas[-1]:g}, without device errors "
            "(interval over seeds); "
        )
        for row in largest.itertuples():
            if row.method in rows:
                rows[row.method].append(_percent(row))
    if budgets:
        columns += ["gradients", "programmings"]
        counted += (
            "gradients: gradient evaluations of each training image, "
            "programmings: in each step, on average; "
        )
        for method, row in rows.items():
            row += [f"{number:g}" for number in astuple(budgets[method])]
    head = "| method | " + " | ".join(columns) + " |"
    rule = "|---|" + "---|" * len(columns)
    lines = [
        f"| {_cell(method_style(method).label)} | " + " | ".join(row) + " |"
        for method, row in rows.items()
    ]
    seeds = results.seeds.min()
    what = "mean (95 % interval over seeds and chips)" if seeds > 1 else "mean over chips"
    how_many = f"{seeds} seeds" if seeds > 1 else "one seed, which gives no interval"
    caption = (
        f"{setting}: test accuracy in %, {what}; "
        f"{how_many}, {results.chips.min()} chips each; {counted}`{command}`."
    )
    return "\n".join([head, rule, *lines, "", caption])


def differences_table(differences: pd.DataFrame) -> str:
    """Render paired differences as Markdown: one row per comparison, one column per sigma_d.

    Args:
        differences: table of `neft.statistics.summary.differences_from_references`.

    Returns:
        Differences in points with their 95 % intervals; those whose interval leaves out 0 are bold.
        A pair that is listed in both orders has one row, its first.
    """
    pairs = list(differences.groupby(["method", "against"], sort=False).groups)
    sigmas = sorted(differences.sigma_d.unique())
    lines = [
        "| difference in points | " + " | ".join(f"σ_d = {sigma:g}" for sigma in sigmas) + " |",
        "|---|" + "---|" * len(sigmas),
    ]
    cells = differences.set_index(["method", "against", "sigma_d"])
    for place, (method, against) in enumerate(pairs):
        if (against, method) in pairs[:place]:
            continue
        label = _cell(f"{method_style(method).label} over {within(method_style(against).label)}")
        row = [_points(cells.loc[method, against, sigma]) for sigma in sigmas]
        lines.append(f"| {label} | " + " | ".join(row) + " |")
    note = "Paired by seed and chip, with 95 % intervals; bold where the interval leaves out 0."
    if differences.low.isna().all():
        note = "Paired by seed and chip; one seed gives no interval."
    return "\n".join([*lines, "", note])


def orderings_table(orderings: pd.DataFrame) -> str:
    """Render the verdicts on the paper's orderings as Markdown: one row per pair of methods.

    Args:
        orderings: table of `neft.statistics.published.orderings` of one or more kinds of initial
            weights, with a column initialisation.

    Returns:
        Verdicts with the difference here and the paper's, in points; a dash where the paper has no
        ordering.
    """
    about = ["initialisation", "method", "against"]
    cells = orderings.assign(
        cell=[
            f"{row.verdict} ({100 * row.difference:+.1f}; {100 * row.published:+.2f})"
            for row in orderings.itertuples()
        ]
    ).pivot(index=about, columns="sigma_d", values="cell")
    head = "| ordering of the paper | " + " | ".join(f"σ_d = {s:g}" for s in cells) + " |"
    lines = [head, "|---|" + "---|" * len(cells.columns)]
    for key in orderings.groupby(about, sort=False).groups:
        weights, method, against = key
        label = f"{method_style(method).label} over {within(method_style(against).label)}"
        row = " | ".join(cells.loc[key].fillna("–"))
        lines.append(f"| {label}, {weights}'s initial weights | {row} |")
    note = (
        "Whether the paper's ordering at full width holds here, by our paired 95 % interval "
        "(difference here; in the paper, in points); a dash where its figure shows no ordering."
    )
    return "\n".join([*lines, "", note])


def _points(row: pd.Series) -> str:
    if pd.isna(row.low):
        return f"{100 * row.difference:+.1f}"
    text = f"{100 * row.difference:+.1f} ({100 * row.low:+.1f} to {100 * row.high:+.1f})"
    return f"**{text}**" if row.low > 0 or row.high < 0 else text


def setting(run: Parameters) -> str:
    """Say what a run was about: network, data set and devices."""
    torchs = run.network.initialisation == "torch"
    started = "" if torchs else f", {run.network.initialisation}'s initial weights"
    data, some = run.dataset, run.dataset.training_images
    parts = ", ".join(run.hardware.parts).replace("_", " ").replace("stuck", "stuck devices")
    images = f"{data.side} x {data.side}{f', {some:,} for training' if some else ''}"
    return (
        f"{run.network.name} (width {run.network.width:g}{started}) on {data.name} ({images}), "
        f"{run.hardware.preset} devices (M = {run.hardware.weight_bits}, "
        f"K = {run.hardware.device_bits}){parts and f', with {parts}'}"
    )


def command(params: Path) -> str:
    """Say how to repeat a run, whose params.yaml links to its file in params/ or is the default."""
    if not params.is_symlink():
        return DEFAULT
    return f"make repro PARAMS=params/{params.readlink().name}"


def results_block(metrics: Path, params: Path, command: str) -> str:
    """Say what a run found, as one text: `results_parts` says what, and has the arguments."""
    return "\n\n".join(results_parts(metrics, params, command))


def results_parts(metrics: Path, params: Path, command: str) -> list[str]:
    """Say what a run found: mean accuracies, paired differences, and the paper's orderings.

    Of very many methods the most accurate are shown, as in figures.

    Args:
        metrics: the run's folder of tables.
        params: its parameter file.
        command: that repeats it.

    Returns:
        A table with its caption in Markdown for each of the three that the run has.
    """
    results = pd.read_csv(metrics / "results" / "results.csv")
    shown = legible(results)
    note = left_out(shown, results)
    results = results[results.method.isin(shown)]
    run = parameters.load(params)
    file = metrics / "results" / "exact.csv"
    exact = pd.read_csv(file) if file.exists() else None
    main = table(results, setting(run), command, budgets(run), exact)
    parts = [f"{main}\n\n{note}" if note else main]
    differences = pd.read_csv(metrics / "results" / "differences.csv")
    differences = differences[differences.method.isin(shown) & differences.against.isin(shown)]
    if len(differences):
        parts.append(differences_table(differences))
    orderings = metrics / "results" / "orderings.csv"
    if orderings.exists():
        parts.append(orderings_table(pd.read_csv(orderings)))
    return parts


def main() -> None:
    """Write the result tables of the run in the current folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("metrics", type=Path, help="the run's folder of tables")
    parser.add_argument("block", type=Path, help="Markdown file to write")
    arguments, params = parser.parse_args(), Path("params.yaml")
    with one_line():
        block = results_block(arguments.metrics, params, command(params))
        with atomic_path(arguments.block) as partial:
            partial.write_text(block + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
