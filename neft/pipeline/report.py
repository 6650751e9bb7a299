"""The report: one HTML page from what a pipeline run found and from its executed notebooks."""

import argparse
import base64
import html
import re
from itertools import product
from pathlib import Path

import nbformat
import pandas as pd
from nbconvert.filters import markdown2html

from neft._utils.commands import one_line
from neft._utils.files import atomic_path
from neft.figures.legible import legible
from neft.figures.style import method_style
from neft.pipeline import parameters, readme
from neft.pipeline.parameters import Parameters
from neft.pipeline.report_page import Section, page, section
from neft.pipeline.run import OUT, SHARED

TITLE = "neft: from measured devices to the accuracy of a network"
FIGURE = Path("figures/results/accuracy_vs_sigma.svg")


def read(path: Path) -> Section:
    """Read an executed notebook; the part of a file's name after "-" is a method's name.

    Raises:
        ValueError: not a notebook; names the file.
    """
    try:
        notebook = nbformat.read(path, as_version=4)
    except (OSError, nbformat.reader.NotJSONError) as error:
        raise ValueError(f"{path}: not a notebook: {error}") from error
    key = path.stem.partition("-")[2]
    method = method_style(key).label if key else ""
    describe(notebook, method)
    for cell in notebook.cells:
        cell.source = re.sub(r"\[([^]]*)\]\((?:\.\./)+([^)]*)\)", _beside, cell.source)
    return section(notebook, path.stem, method)


def _beside(link: re.Match) -> str:
    """A link from a notebook as one from the page, or its text if runs have no such file.

    The page lies in out/ of the run's folder, at the root or below results/, where links to SHARED
    are.
    """
    return f"[{link[1]}](../{link[2]})" if link[2].split("/")[0] in SHARED else link[1]


def describe(notebook: nbformat.NotebookNode, method: str = "") -> None:
    """Give every image of a notebook an alternative text, its output's metadata `alt`.

    It is the heading above the image, the method, and the paragraph before the image's cell, which
    says what the figure shows.
    """
    heading = text = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            blocks = [_plain(block) for block in cell.source.split("\n\n") if block.strip()]
            heading = next((b.lstrip("# ") for b in blocks[::-1] if b.startswith("#")), heading)
            text = next((b for b in blocks[::-1] if not b.startswith("#")), "")
            continue
        images = [
            output
            for output in cell.get("outputs", [])
            if any(kind.startswith("image/") for kind in output.get("data", {}))
        ]
        for number, output in enumerate(images, 1):
            count = f" ({number} of {len(images)})" if images[1:] else ""
            about = ", ".join(filter(None, [heading, method]))
            output.metadata["alt"] = ": ".join(filter(None, [about + count, text]))


def _plain(block: str) -> str:
    """Markdown without the marks of links, code and emphasis."""
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", block).replace("`", "").replace("**", "").strip()


def summary(params: Path, made: Path) -> str:
    """Say what was run and what was found, as HTML, with the main figure.

    Args:
        params: the run's parameter file.
        made: what the run made: the folder with metrics/ and figures/.
    """
    run = parameters.load(params)
    picture = base64.b64encode((made / FIGURE).read_bytes()).decode("ascii")
    drawn = legible(pd.read_csv(made / "metrics" / "results" / "results.csv"))
    labels = html.escape("; ".join(method_style(method).label for method in drawn))
    methods = f"{len(run.methods)}, among them {labels}" if run.methods.keys() - drawn else labels
    alt = f"Accuracy against device variation sigma_d, one line for each method: {labels}"
    main, *others = readme.results_parts(made / "metrics", params, params.name)
    more = "".join(map(markdown2html, others))
    if more:
        more = f"<details><summary>Differences between methods</summary>{more}</details>"
    return f"""\
<div class="what">
{markdown2html(_facts(run, methods))}
<img alt="{alt}" src="data:image/svg+xml;base64,{picture}">
</div>
{markdown2html(main)}
{more}"""


def _facts(run: Parameters, methods: str) -> str:
    """What a run was about, as a list in Markdown."""
    training = run.training
    sigmas = ", ".join(f"{sigma_d:g}" for sigma_d in training.sigma_d)
    seeds = ", ".join(map(str, training.seeds))
    facts = {
        "Network, data, devices": readme.setting(run),
        "Methods": methods,
        "Device variation": f"σ_d = {sigmas} (std. of a device's error, fraction of full range)",
        "Training": f"{training.epochs} epochs with each of the seeds {seeds}",
        "Test": f"each network on {run.montecarlo.chips} chips",
        "Studies": ", ".join(run.studies.model_dump(exclude_unset=True)) or "none",
        "All settings": "[params.yaml](../params.yaml)",
    }
    return "\n".join(f"- **{name}:** {fact}" for name, fact in facts.items())


def main() -> None:
    """Write the report of the last pipeline run, whose folder is the current one; say where."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("executed", type=Path, help="folder of executed notebooks")
    parser.add_argument("report", type=Path, help="HTML file to write")
    arguments = parser.parse_args()
    with one_line():
        run = parameters.load()
        tasks = product(run.methods, ("training", "montecarlo"))
        stages = [
            "variation",
            *(f"{stage}-{method}" for method, stage in tasks),
            "results",
            *run.studies.model_dump(exclude_unset=True),
        ]
        sections = [read(arguments.executed / f"{stage}.ipynb") for stage in stages]
        text = page(TITLE, summary(Path("params.yaml"), OUT), sections, unfolded="results")
        with atomic_path(arguments.report) as partial:
            partial.write_text(text, encoding="utf-8")
    print(f"To read: {arguments.report.resolve()}")


if __name__ == "__main__":
    main()
