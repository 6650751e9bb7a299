"""Publish a finished run: its tables, figures and devices become those that git tracks.

    neft publish [params/NAME.yaml]

A run writes into its folder out/ only, so that a rerun changes no published file; `neft verify`
compares the two. Published are out/metrics, out/figures and out/variation, beside README.md, whose
result tables are replaced.
"""

import argparse
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from neft._utils.commands import one_line
from neft._utils.files import atomic_path
from neft.pipeline.run import OUT, folder

FOLDERS = ("metrics", "figures", "variation")
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"

README = f"""\
# {{name}}

The run of [params/{{name}}.yaml](../../params/{{name}}.yaml).

{BEGIN}
{END}

![Accuracy against device variation sigma_d, one line with its band for each method \
of the table](figures/results/accuracy_vs_sigma.svg)
"""


def replace_block(text: str, block: str) -> str:
    """Return `text` with what stands between the markers replaced.

    Raises:
        ValueError: a marker is missing.
    """
    if BEGIN not in text or END not in text:
        raise ValueError(f"README.md: must hold {BEGIN} and {END}")
    before, rest = text.split(BEGIN, 1)
    return f"{before}{BEGIN}\n{block.strip()}\n{END}{rest.split(END, 1)[1]}"


def publish(run: Path) -> None:
    """Copy a run's results to its published ones, each folder whole.

    Args:
        run: folder of the run.

    Raises:
        ValueError: the run is not finished, or README.md has no place for the tables.
    """
    for path in [*(run / OUT / name for name in FOLDERS), run / OUT / "results.md"]:
        if not path.exists():
            raise ValueError(f"{path}: must exist; finish the run first")
    readme = run / "README.md"
    if readme.exists():
        text = readme.read_text(encoding="utf-8")
    else:
        text = README.format(name=run.resolve().name)
    text = replace_block(text, (run / OUT / "results.md").read_text(encoding="utf-8"))
    for name in FOLDERS:
        _replace(run / name, run / OUT / name)
    with atomic_path(readme) as partial:
        partial.write_text(text, encoding="utf-8")


def _replace(published: Path, made: Path) -> None:
    """Put a copy of a folder in another's place."""
    copy, old = (published.with_name(f".neft-{uuid4().hex}") for _ in range(2))
    try:
        shutil.copytree(made, copy, ignore=shutil.ignore_patterns(".gitignore"))
        if published.exists():
            published.rename(old)
        copy.rename(published)
    finally:
        if old.exists() and not published.exists():  # stopped between the two
            old.rename(published)
        for left in (copy, old):
            shutil.rmtree(left, ignore_errors=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Publish the results of a run that is up to date with its parameters, data and code."""
    parser = argparse.ArgumentParser(prog="neft publish", description=main.__doc__)
    parser.add_argument("params", nargs="?", type=Path, default=Path("params.yaml"))
    chosen = parser.parse_args(arguments).params
    with one_line():
        run = folder(chosen)
        if not (run / OUT).is_dir():
            rule = f"its run must be finished, got no {run / OUT}"
            raise ValueError(f"{chosen}: {rule}; to run it: neft run {chosen}")
        if subprocess.run(["dvc", "status", "--quiet"], cwd=run).returncode:
            raise ValueError(f"{chosen}: the run must be up to date; run: neft run {chosen}")
        publish(run)


if __name__ == "__main__":
    main()
