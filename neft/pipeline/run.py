"""Run the pipeline: the default run at the root, other parameter files in folders of their own.

    python -m neft.pipeline.run                        # params.yaml
    python -m neft.pipeline.run params/NAME.yaml       # in results/NAME/

results/NAME is a second root: links to the pipeline, the code and the data, the parameter file
as its params.yaml, and a DVC repository of its own. So a run writes nothing outside its folder,
and commands at the root do not see it.
"""

import argparse
import os
import sys
from pathlib import Path

from neft.pipeline import parameters
from neft.pipeline.readme import BEGIN, END

SHARED = (".dvcignore", "dvc.yaml", "data.dvc", "neft", "notebooks", "datasets")

# Without git, DVC accepts a pipeline file that git ignores: links are made anew, not committed.
DVC_CONFIG = """\
[core]
    no_scm = true
    analytics = false
    check_update = false
"""

README = f"""\
# {{name}}

The run of [params/{{name}}.yaml](../../params/{{name}}.yaml).

{BEGIN}
{END}

![Accuracy against device variation](figures/results/accuracy_vs_sigma.svg)
"""


def folder(params: Path) -> Path:
    """Return the folder of a parameter file's run, and create what is missing in it.

    Args:
        params: params.yaml or params/NAME.yaml; the repository's root is the current folder.

    Raises:
        ValueError: another file, or something else is where a link must be.
    """
    params = Path(os.path.relpath(params))
    if params == Path("params.yaml"):
        return Path()
    if params.parent != Path("params") or params.suffix != ".yaml":
        raise ValueError(f"PARAMS must be params.yaml or params/NAME.yaml, got '{params}'")
    own = Path("results") / params.stem
    (own / ".dvc").mkdir(parents=True, exist_ok=True)
    (own / ".dvc" / "config").write_text(DVC_CONFIG, encoding="utf-8")
    for link, target in {"params.yaml": str(params), **{name: name for name in SHARED}}.items():
        _link(own / link, Path("../..") / target)
    if not (own / "README.md").exists():
        (own / "README.md").write_text(README.format(name=params.stem), encoding="utf-8")
    return own


def _link(link: Path, target: Path) -> None:
    """Make a link, in place of one to somewhere else."""
    if link.is_symlink() and link.readlink() != target:
        link.unlink()
    if not link.is_symlink():
        if link.exists():
            raise ValueError(f"{link} must be a link to {target}, got a file or folder")
        link.symlink_to(target)


def main() -> None:
    """Check a parameter file, its data set and its scheduler, then run what is out of date."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("params", nargs="?", type=Path, default=Path("params.yaml"))
    chosen = parser.parse_args().params
    try:
        run = parameters.load(chosen)
        run.dataset.source.check()
        run.compute.machine.check()
        os.chdir(folder(chosen))
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    try:
        os.execvp("dvc", ["dvc", "repro"])
    except FileNotFoundError:
        sys.exit("error: dvc must be installed: pip install 'neft[pipeline]', or use make")


if __name__ == "__main__":
    main()
