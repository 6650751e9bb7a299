"""The measured tables in this package, and the command that rebuilds them from the raw reads."""

import argparse
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd

from neft._utils.commands import one_line
from neft.characterize import read_noise, reram_kernel
from neft.characterize.analysis import characterize, write
from neft.characterize.reads import read_relaxation_tsv
from neft.devices import ReadNoise

FOLDER = Path(__file__).parent / "measured"
LEVELS = FOLDER / "levels.csv"
LEVELS_PER_RANGE = 32

_UPSTREAM = "https://github.com/akashlevy/RRAM-Relaxation-Master-Model/raw/ca0cfff6/data"
_KERNEL = "https://github.com/ADAM-Lab-GW/layer-ensemble-averaging/tree/9e565a6/data/figure_3"


@dataclass(frozen=True)
class RawFile:
    """A file of raw reads: `file` is our name for what is published at `url`."""

    file: str
    sha256: str
    url: str

    def within(self, folder: Path) -> Path:
        """Return the file's path in a folder; refuse a missing or changed one."""
        path = folder / self.file
        if not path.is_file():
            rule = f"file must exist; {FOLDER / 'README.md'} says how to get it from {self.url}"
            raise ValueError(f"{path}: {rule}")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != self.sha256:
            raise ValueError(f"{path}: sha256 must be {self.sha256}, got {digest}")
        return path


@dataclass(frozen=True)
class Source(RawFile):
    """Raw reads of one technology."""

    technology: str
    g_max_S: float
    read: Callable[[Path], pd.DataFrame] = read_relaxation_tsv


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
    Source(
        technology="ReRAM_NIST",
        g_max_S=233e-6,
        file="reram_nist_programmed.csv",
        sha256="3ee03c9f054cd8f1902ceb176505f24868893a25b31c2321cb3c2467babf8c86",
        url=f"{_KERNEL}/e",
        read=reram_kernel.read_programmed,
    ),
)
STUCK_MAP = RawFile(
    file="reram_nist_map.csv",
    sha256="ee4dabe6e3b91ffc70a42e266e71acab82064a0b451d54e20bfbdd04a49601a2",
    url=f"{_KERNEL}/d",
)
TIME_SERIES = RawFile(
    file="rram_a_time_series.tsv.gz",
    sha256="bdf75dde58a7c97262a9d1c231c280e74606efef82d543e485a692917d3046c9",
    url=f"{_UPSTREAM}/techA/tsdata.min.tsv.gz",
)
RATE_HZ, SERIES_G_MAX_S = 400, 240e-6
SETTLING = 4_000
"""First reads of a time series that are left out, 10 s, in which the conductance still settles."""


def build(raw_folder: str | Path) -> dict[str, pd.DataFrame]:
    """Make the tables of all technologies with reads of many cells, from these reads.

    Args:
        raw_folder: folder with each `Source.file`.

    Returns:
        The tables of `neft.characterize.analysis.characterize` by name, each with all sources.

    Raises:
        ValueError: a file is missing, differs from the published one, or has an unusable read.
    """
    made = [
        characterize(
            source.read(source.within(Path(raw_folder))),
            technology=source.technology,
            g_max_S=source.g_max_S,
            levels=LEVELS_PER_RANGE,
        )
        for source in SOURCES
    ]
    return {
        name: pd.concat([tables[name] for tables in made if len(tables[name])], ignore_index=True)
        for name in made[0]
    }


def build_stuck(raw_folder: str | Path) -> pd.DataFrame:
    """Make the table of `neft.characterize.reram_kernel.stuck_rates`; raises as `build` does."""
    source, folder = SOURCES[-1], Path(raw_folder)
    files = source.within(folder), STUCK_MAP.within(folder)
    return reram_kernel.stuck_rates(source.technology, *files)


def build_read_noise(raw_folder: str | Path) -> dict[str, pd.DataFrame]:
    """Fit read noise to the time series of five devices; raises as `build` does.

    Returns:
        `read_noise` and `read_noise_spectra`: the two tables of
        `neft.characterize.read_noise.compare`. The first also has g, the mean read, and spread, the
        standard deviation over all reads after the first 10 s, fractions of G_max.
    """
    lines = pd.read_csv(TIME_SERIES.within(Path(raw_folder)), sep="\t", header=None)
    candidates, spectra = [], []
    for _, line in lines.iterrows():
        reads = line.iloc[2 + SETTLING :].to_numpy() / SERIES_G_MAX_S  # after range and offset
        name, source = f"RRAM_A_{int(line.iloc[0])}", f"one device of {TIME_SERIES.url}"
        table, spectrum = read_noise.compare(reads, rate_Hz=RATE_HZ, name=name, source=source)
        candidates.append(table.assign(g=np.mean(reads), spread=np.std(reads)))
        spectra.append(spectrum)
    return {
        "read_noise": pd.concat(candidates, ignore_index=True),
        "read_noise_spectra": pd.concat(spectra, ignore_index=True),
    }


def read_noise_models() -> dict[str, ReadNoise]:
    """Return the best model of each of the five devices, by name.

    Five devices of one technology, at five conductances, are few: between two of them the noise
    differs by a factor of ten, and nothing says how it is distributed over devices.
    """
    table = pd.read_csv(FOLDER / "read_noise.csv")
    table = table[table.best].rename(columns={"device": "name"})
    rows = table[[field.name for field in fields(ReadNoise)]].to_dict("records")
    return {row["name"]: ReadNoise(**row) for row in rows}


def main(arguments: Sequence[str] | None = None) -> None:
    """Rewrite the bundled tables from a folder of raw reads."""
    parser = argparse.ArgumentParser(prog="neft bundle", description=main.__doc__)
    files = [each.file for each in (*SOURCES, STUCK_MAP, TIME_SERIES)]
    parser.add_argument("raw_folder", help="folder with " + " and ".join(files))
    folder = parser.parse_args(arguments).raw_folder
    with one_line():
        write(FOLDER, build(folder))
        write(FOLDER, {"stuck": build_stuck(folder), **build_read_noise(folder)})


if __name__ == "__main__":
    main()
