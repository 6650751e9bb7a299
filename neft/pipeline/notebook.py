"""Run a notebook with typed parameters and write a copy that depends on its inputs only.

    python -m neft.pipeline.notebook notebooks/2_training.ipynb out/executed/x.ipynb method=ovf

A parameter of the notebook with the name of a section of params.yaml gets that section; the others
are given as name=value. Values keep the types that YAML gives them.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError

from neft._utils.checks import cut
from neft._utils.commands import one_line
from neft._utils.files import atomic_path
from neft._utils.orphans import end_with
from neft.pipeline import dvc_files, parameters

FAILED = Path(".scratch/failed")
"""Where half-executed notebooks stay."""

AT_REST = "import signal as _signal; _signal.signal(_signal.SIGINT, lambda *_: None)"
"""Between two cells a kernel ignores Ctrl-C. Told so by SIG_IGN, as ipykernel does, Python reports
one that comes just as a cell ends with a traceback ("ignored due to race condition")."""

KERNEL = [
    "--log-level=CRITICAL",  # a kernel that is interrupted logs an ERROR
    f"--IPKernelApp.exec_lines={AT_REST}",
]


def execute(notebook: Path, copy: Path, values: dict[str, Any], *, params: Path) -> None:
    """Run a notebook in the current folder and write its executed copy.

    A parameter `scratch` gets a folder for unfinished work: it stays if the run ends before the
    notebook does, so that the next one continues, and goes when the copy is written.
    Progress bars appear in the terminal as they would in the notebook. When a cell fails, the
    half-executed copy stays in FAILED, under the copy's name.

    Args:
        notebook: with a cell tagged `parameters`.
        copy: where the executed, scrubbed notebook goes.
        values: parameters by name, beside the sections that the notebook asks for.
        params: parameter file; checked whole before anything runs.

    Raises:
        ValueError: a bad parameter file, or a value that the notebook has no parameter for; the
            parameter file changed meanwhile, so that DVC would record other values than were used.
        papermill.PapermillExecutionError: a cell failed.
    """
    sections = parameters.load(params).sections()
    names = papermill.inspect_notebook(str(notebook))
    for name in values:
        if name not in names:
            known = ", ".join(names)
            raise ValueError(f"{notebook}: parameter must be one of {known}, got {name!r}")
    given = {name: section for name, section in sections.items() if name in names}
    scratch = Path(".scratch") / copy.stem
    if "scratch" in names:
        values = {**values, "scratch": str(scratch)}
    failed = FAILED / copy.name
    failed.parent.mkdir(parents=True, exist_ok=True)
    papermill.execute_notebook(
        str(notebook), str(failed), {**given, **values}, kernel_name="python3",
        progress_bar=False, stdout_file=sys.stdout, stderr_file=sys.stderr,
        extra_arguments=KERNEL,
    )  # fmt: skip
    now = parameters.load(params).sections()
    for name, section in given.items():
        if now.get(name) != section:
            rule = "must stay as it is while a stage runs, got another one"
            raise ValueError(f"{params}: {name} {rule}; run again")
    executed = scrub(nbformat.read(failed, as_version=4))
    with atomic_path(copy) as partial:
        nbformat.write(executed, partial)
    failed.unlink()
    shutil.rmtree(scratch, ignore_errors=True)


def scrub(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Remove what differs between two runs of equal results: times, paths, progress bars."""
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [out for out in cell.outputs if out.get("name") != "stderr"]
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"  # papermill gives the cell that it injects a random one
    return notebook


def main() -> None:
    """Run a notebook; exit 1 with one line if its parameters are bad."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("notebook", type=Path)
    parser.add_argument("copy", type=Path, help="where the executed notebook goes")
    parser.add_argument("values", nargs="*", metavar="name=value")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    arguments = parser.parse_args()
    try:
        with one_line():
            if "DVC_STAGE" in os.environ:
                end_with(os.getppid())  # DVC, or its shell: a killed run leaves no stage behind
                dvc_files.keep()
            values = dict(value.split("=", 1) for value in arguments.values)
            execute(arguments.notebook, arguments.copy, values, params=arguments.params)
    except papermill.PapermillExecutionError as error:
        shown = cut(f"{error.ename}: {error.evalue}")
        sys.exit(f"error: {shown} (see {FAILED / arguments.copy.name})")
    except DeadKernelError:
        rule = "its kernel must live to the end, was killed (out of memory?)"
        sys.exit(f"error: {arguments.notebook}: {rule}; run again to continue")


if __name__ == "__main__":
    main()
