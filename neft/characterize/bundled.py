"""The measured tables in this package, and the command that rebuilds them from the raw reads."""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from neft.characterize.analysis import characterize, write
from neft.characterize.reads import read_relaxation_tsv

FOLDER = Path(__file__).parent / "measured"
LEVELS = FOLDER / "levels.csv"
LEVELS_PER_RANGE = 32

_UPSTREAM = "https://github.com/akashlevy/RRAM-Relaxation-Master-Model/raw/ca0cfff6/data"


@dataclass(frozen=True)
class Source:
    """Raw reads of one technology: `file` is our name for the upstream file at `url`."""

    technology: str
    g_max_S: float
    file: str
    sha256: str
    url: str


SOURCES = (
    Source(
        technology="RRAM_B",
        g_max_S=128e-6,
        file="rram_b_relaxation.tsv.gz",
        sha256="dfd40fc2035d5358f01aea8cc24d50d46ceed487b9c4efcd01b46e1f5e92b922",
        url=f"{_UPSTREAM}/techB/relaxdata_10k.min.tsv.gz",
    ),
    Source(
        technology="RRAM_C",
        g_max_S=40e-6,
        file="rram_c_relaxation.tsv.gz",
        sha256="e34def7515f45eb1ad8b9e14c78c805e32588dc94def02d5fe34177466d788db",
        url=f"{_UPSTREAM}/techC/relaxdata.min.tsv.gz",
    ),
)


def build(raw_folder: str | Path) -> dict[str, pd.DataFrame]:
    """Make the tables of all sources from their raw reads.

    Args:
        raw_folder: folder with each `Source.file`, unchanged from `Source.url`.

    Returns:
        The tables of `neft.characterize.analysis.characterize` by name, each with all sources.

    Raises:
        ValueError: a file is missing, differs from the published one, or has an unusable read.
    """
    made = [_tables(source, Path(raw_folder)) for source in SOURCES]
    return {
        name: pd.concat([tables[name] for tables in made], ignore_index=True) for name in made[0]
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Rewrite the bundled tables from a folder of raw reads."""
    parser = argparse.ArgumentParser(prog="neft bundle", description=main.__doc__)
    parser.add_argument("raw_folder", help="folder with " + " and ".join(s.file for s in SOURCES))
    try:
        write(FOLDER, build(parser.parse_args(arguments).raw_folder))
    except ValueError as error:
        sys.exit(f"error: {error}")


def _tables(source: Source, folder: Path) -> dict[str, pd.DataFrame]:
    path = folder / source.file
    if not path.is_file():
        raise ValueError(f"{path}: file must exist; download it from {source.url}")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != source.sha256:
        raise ValueError(f"{path}: sha256 must be {source.sha256}, got {digest}")
    return characterize(
        read_relaxation_tsv(path),
        technology=source.technology,
        g_max_S=source.g_max_S,
        levels=LEVELS_PER_RANGE,
    )


if __name__ == "__main__":
    main()
