"""What the command `neft characterize` prints: sizes, models, tables, and lines for params.yaml."""

import json
from pathlib import Path
from textwrap import fill

import pandas as pd

from neft.characterize.recommendation import SUFFIXES, at_times, overview, sentences

MEANING = """\
sigma_d is the root mean square of the error, as a fraction of G_max. A model is adequate if its
score on held-out cells is within two standard errors of the best model's score."""


def summary(tables: dict[str, pd.DataFrame], output: Path) -> str:
    """Say what was found about one technology, where its tables are, and how to use them.

    Args:
        tables: of `neft.characterize.analysis.characterize`.
        output: their folder.

    Returns:
        The recommended models are those of the last time; so are the lines for params.yaml.
    """
    levels, found = tables["levels"], overview(tables)
    technology, last = found.technology.iloc[0], found.iloc[-1]
    at_last = at_times(tables["candidates"], {technology: last.time_s})
    ends = f"0 to {levels.g_max_S.iloc[0] * 1e6:g} uS"
    return "\n\n".join(
        [
            f"{technology}: {levels.level.nunique()} levels of {ends}, at least {levels.n.min()} "
            f"reads in each at every time",
            _table(found),
            MEANING,
            *(fill(text, 100) for text in sentences(at_last)),
            f"The tables are in {output}.",
            lines_for_params(found, output),
        ]
    )


def _table(found: pd.DataFrame) -> str:
    rows = [("time in s", "sigma_d (95 % interval)", "simplest adequate model")]
    rows += [
        (f"{row.time_s:g}", f"{row.sigma_d:.4f} ({row.low:.4f} to {row.high:.4f})", row.candidate)
        for row in found.itertuples()
    ]
    return "\n".join(f"{time_s:>10}  {size:28}  {model}" for time_s, size, model in rows)


def lines_for_params(found: pd.DataFrame, output: Path) -> str:
    """Return the sections of params.yaml that choose one technology at its last time.

    Args:
        found: its rows of `neft.characterize.recommendation.overview`.
        output: folder of its tables.
    """
    # YAML takes a JSON string: a folder may be called 7, or have spaces in its name.
    last, times = found.iloc[-1], ", ".join(f"{time_s:g}" for time_s in found.time_s)
    names = [last.technology + suffix for suffix in dict.fromkeys(SUFFIXES.values())]
    preset = last.technology + SUFFIXES[last.candidate]
    others = " or ".join(name for name in names if name != preset)
    return f"""\
For a run with these devices, change these lines of params.yaml, then make repro. (Shorter is the
run of params/mine.yaml: change them there, then make repro PARAMS=params/mine.yaml.)

variation:
  folder: {json.dumps(folder_for_params(output))}
  technologies:
    {last.technology}: {last.time_s:g}  # s; measured: {times}

hardware:
  preset: {preset}  # or {others}"""


def folder_for_params(output: Path) -> str:
    """Return a folder as params.yaml names it: relative to its own, or absolute from elsewhere."""
    here, output = Path.cwd().resolve(), output.resolve()
    if (here / "params.yaml").is_file() and output.is_relative_to(here):
        return output.relative_to(here).as_posix()
    return output.as_posix()
