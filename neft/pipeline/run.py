"""Run the pipeline: the default run at the root, other parameter files in folders of their own.

    neft run                        # params.yaml
    neft run params/NAME.yaml       # in results/NAME/

results/NAME is a second root: links to the pipeline, the code and the data, the parameter file
as its params.yaml, and a DVC repository of its own. So a run writes nothing outside its folder,
and commands at the root do not see it. Within its folder it writes `OUT`; `neft publish` takes its
results from there. Paths in a parameter file are relative to the root.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from neft._utils.commands import one_line
from neft._utils.files import check_regular
from neft.pipeline import dvc_files, parameters
from neft.pipeline.parameters import Parameters
from neft.pipeline.yaml_files import read_yaml

OUT = Path("out")
"""Where a run writes, within its folder."""

WRITTEN = (str(OUT), "metrics", "figures", "variation", "results", ".scratch", ".dvc")
SHARED = (".dvcignore", "dvc.yaml", "data.dvc", "neft", "notebooks", "own", "datasets")

# Without git, DVC accepts a pipeline file that git ignores: links are made anew, not committed.
DVC_CONFIG = """\
[core]
    no_scm = true
    analytics = false
    check_update = false
"""


def folder(params: Path) -> Path:
    """Return the folder of a parameter file's run; nothing is written.

    Args:
        params: params.yaml or params/NAME.yaml; the repository's root is the current folder.

    Raises:
        ValueError: another file, or there is none.
    """
    params = Path(os.path.relpath(params))
    default = params == Path("params.yaml")
    if not default and (params.parent != Path("params") or params.suffix != ".yaml"):
        raise ValueError(f"PARAMS must be params.yaml or params/NAME.yaml, got '{params}'")
    check_regular(params)
    return Path() if default else Path("results") / params.stem


def make_folder(params: Path) -> Path:
    """Return the folder of a parameter file's run, and create what is missing in it.

    Takes and raises what `folder` does, and ValueError if something else is where a link must be.
    """
    own = folder(params)
    if own == Path():
        return own
    (own / ".dvc").mkdir(parents=True, exist_ok=True)
    (own / ".dvc" / "config").write_text(DVC_CONFIG, encoding="utf-8")
    targets = {"params.yaml": os.path.relpath(params), **{name: name for name in SHARED}}
    for link, target in targets.items():
        _link(own / link, Path("../..") / target)
    return own


def _check_folders(params: Path, run: Parameters) -> None:
    """Refuse folders that no stage of a run would find, or that a stage writes."""
    named = {"variation.folder": run.variation.folder, "dataset.folder": run.dataset.folder}
    for key, given in named.items():
        if ".." in Path(given).parts:
            rule = "must be a path inside the repository, or an absolute one"
            raise ValueError(f"{params}: {key} {rule}, got '{given}'")
        if Path(given).parts[:1] in [(name,) for name in WRITTEN]:
            raise ValueError(f"{params}: {key} must be no folder of results, got '{given}'")
    tables = run.variation.folder
    if not Path(tables).is_dir() and not Path(f"{tables}.dvc").exists():
        rule = "must be a folder of tables, which neft characterize makes"
        raise ValueError(f"{params}: variation.folder {rule}, got '{tables}', which is not there")


def _check_imports(path: Path) -> None:
    """Refuse a data.dvc with which DVC would read or write outside the repository."""
    values = read_yaml(path)
    parts = [*values.get("deps", []), *values.get("outs", [])] if isinstance(values, dict) else []
    for part in parts:
        place = part.get("path") if isinstance(part, dict) else None
        if not isinstance(place, str) or Path(place).is_absolute() or ".." in Path(place).parts:
            raise ValueError(f"{path}: path must lie inside the repository, got {place!r}")


def _link_folder(own: Path, given: Path) -> None:
    """Link a folder of the user's into that of a run; what DVC brings is not linked."""
    link = own / given
    if given.is_absolute() or Path(f"{given}.dvc").exists() or not given.exists():
        return
    if not (link.exists() and link.samefile(given)):
        link.parent.mkdir(parents=True, exist_ok=True)
        _link(link, Path(os.path.relpath(given, link.parent)))


def _link(link: Path, target: Path) -> None:
    """Make a link, in place of one to somewhere else."""
    if link.is_symlink() and link.readlink() != target:
        link.unlink()
    if not link.is_symlink():
        if link.exists():
            raise ValueError(f"{link} must be a link to {target}, got a file or folder")
        link.symlink_to(target)


def main(arguments: Sequence[str] | None = None) -> None:
    """Check a parameter file, its data and its scheduler, then run what is out of date."""
    parser = argparse.ArgumentParser(prog="neft run", description=main.__doc__)
    parser.add_argument("params", nargs="?", type=Path, default=Path("params.yaml"))
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    asked = parser.parse_args(arguments)
    chosen = asked.params
    with one_line():
        run = parameters.load(chosen)
        run.dataset.source.check()
        run.compute.machine.check()
        _check_folders(chosen, run)
        _check_imports(Path("data.dvc"))
        own = make_folder(chosen)
        for given in (run.variation.folder, run.dataset.folder):
            _link_folder(own, Path(given))
        os.chdir(own)
        dvc_files.mend()
    quiet = ["--quiet"] if asked.quiet else []
    if quiet:
        os.environ["TQDM_DISABLE"] = "1"  # also of the processes that compute
    try:
        os.execvp("dvc", ["dvc", "repro", *quiet])
    except FileNotFoundError:
        sys.exit("error: dvc must be installed: pip install 'neft[pipeline]', or use make")


if __name__ == "__main__":
    main()
