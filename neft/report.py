"""One HTML page, for people, from the executed notebooks of a pipeline run."""

import argparse
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter

from neft import parameters
from neft.files import atomic_path


def merge(paths: list[Path]) -> nbformat.NotebookNode:
    """Join executed notebooks into one, in the order given.

    Raises:
        ValueError: no path, or not a notebook; names the file.
    """
    if not paths:
        raise ValueError("paths must not be empty")
    cells: list[nbformat.NotebookNode] = []
    for path in paths:
        try:
            notebook = nbformat.read(path, as_version=4)
        except (OSError, nbformat.reader.NotJSONError) as error:
            raise ValueError(f"{path}: not a notebook: {error}") from error
        cells += notebook.cells
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    merged = nbformat.v4.new_notebook(cells=cells, metadata=notebook.metadata)
    merged.metadata["title"] = "neft: from measured devices to the accuracy of a network"
    return merged


def main() -> None:
    """Write the report of the last pipeline run."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("executed", type=Path, help="folder of executed notebooks")
    parser.add_argument("report", type=Path, help="HTML file to write")
    arguments = parser.parse_args()
    methods = parameters.load().methods
    stages = [
        "variation",
        *(f"{stage}-{method}" for method in methods for stage in ("training", "montecarlo")),
        "figures",
        "mapping",
        "ageing",
        "ablations",
        "deployment",
    ]
    merged = merge([arguments.executed / f"{stage}.ipynb" for stage in stages])
    html, _ = HTMLExporter().from_notebook_node(merged)
    with atomic_path(arguments.report) as partial:
        partial.write_text(html, encoding="utf-8")


if __name__ == "__main__":
    main()
