"""The report: one HTML page from the executed notebooks of a pipeline run."""

import argparse
import html
from itertools import product
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter

from neft._utils.commands import one_line
from neft._utils.files import atomic_path
from neft.pipeline import parameters

TITLE = "neft: from measured devices to the accuracy of a network"
# The page must show from disk: it fetches none of the scripts that nbconvert's own would.
TEMPLATE = """\
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
"""


def merge(paths: list[Path]) -> nbformat.NotebookNode:
    """Join executed notebooks in the order given, after a table of contents.

    The part of a file's name after "-", a method's name, is added to the notebook's title.

    Raises:
        ValueError: no path, or not a notebook; names the file.
    """
    if not paths:
        raise ValueError("paths must not be empty")
    cells = [nbformat.v4.new_markdown_cell()]
    for path in paths:
        try:
            notebook = nbformat.read(path, as_version=4)
        except (OSError, nbformat.reader.NotJSONError) as error:
            raise ValueError(f"{path}: not a notebook: {error}") from error
        if method := path.stem.partition("-")[2]:
            title, *text = notebook.cells[0].source.split("\n")
            notebook.cells[0].source = "\n".join([f"{title}: {html.escape(method)}", *text])
        for cell in notebook.cells:  # the page lies one folder above the notebooks
            cell.source = cell.source.replace("](../", "](")
        cells += notebook.cells
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    cells[0].source = f"# {TITLE}\n\n" + "\n".join(_contents(cells[1:]))
    merged = nbformat.v4.new_notebook(cells=cells, metadata=notebook.metadata)
    merged.metadata["title"] = TITLE
    return merged


def _contents(cells: list[nbformat.NotebookNode]) -> list[str]:
    """Link to the cell of every heading, nested as the headings are."""
    links = []
    for cell in cells:
        for line in cell.source.split("\n") if cell.cell_type == "markdown" else ():
            marks, _, text = line.partition(" ")
            if marks in ("#", "##") and text:
                # Cells' ids are distinct; headings' are not, as methods share a notebook.
                links.append(f"{'    ' * (len(marks) - 1)}- [{text}](#cell-id={cell.id})")
    return links


def render(notebook: nbformat.NotebookNode) -> str:
    """Return the notebook as one HTML page that needs no other file."""
    return HTMLExporter(raw_template=TEMPLATE).from_notebook_node(notebook)[0]


def main() -> None:
    """Write the report of the last pipeline run."""
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
        merged = merge([arguments.executed / f"{stage}.ipynb" for stage in stages])
        with atomic_path(arguments.report) as partial:
            partial.write_text(render(merged), encoding="utf-8")


if __name__ == "__main__":
    main()
