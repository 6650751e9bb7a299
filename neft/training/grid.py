"""Train many networks in parallel processes: methods, sigma_d, hardware and seeds."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from neft import networks
from neft._utils import checkpoints, parallel
from neft._utils.files import atomic_path
from neft._utils.parallel import CPU_ONLY, Machine
from neft.chip import Hardware, Periphery
from neft.chip.learned_ranges import learned_ranges
from neft.data.datasets import Source
from neft.training.base import Method
from neft.training.baselines import NoiseInjection
from neft.training.loop import Schedule, train
from neft.training.own_methods import code_of

CODE = ("_utils", "chip", "data", "devices", "networks.py", "training")
"""What a trained network depends on."""


@dataclass(frozen=True)
class Benchmark:
    """A network and the data set that it learns.

    Args:
        data: the data set.
        network: name in `neft.networks.NETWORKS`.
        width: its width multiplier.
        initialisation: of its weights, name in `neft.networks.INITIALISATIONS`, for methods that
            have none of their own.
    """

    data: Source
    network: str
    width: float = 1.0
    initialisation: str = "torch"


@dataclass(frozen=True)
class Trial:
    """One training run: a method, for one sigma_d on one hardware, from one seed.

    Args:
        name: of the method, kept with the network.
        method: turns a batch into a loss.
        hardware: devices and bits.
        sigma_d: standard deviation of a device's error, fraction of its full range.
        seed: of the network's initial weights and of the training.
        path: safetensors file for the network.
        periphery: what training sees of it (`neft.training.train`); None for the devices alone.
    """

    name: str
    method: Method
    hardware: Hardware
    sigma_d: float
    seed: int
    path: Path = field(repr=False)
    periphery: Periphery | None = None


def trials(
    name: str,
    method: Method,
    hardware: Hardware,
    sigma_d: Sequence[float],
    seeds: Sequence[int],
    folder: Path,
    prefix: str = "",
    periphery: Periphery | None = None,
) -> list[Trial]:
    """List one trial for each sigma_d and seed; the other arguments are those of `Trial`.

    Args:
        folder: of the networks' files, named after `prefix`, sigma_d and seed.
    """

    def path(s: float, seed: int) -> Path:
        short = f"{s:g}" if float(f"{s:g}") == s else repr(s)  # as distinct as the values
        return folder / f"{prefix}sigma_d={short},seed={seed}.safetensors"

    return [
        Trial(name, method, hardware, s, seed, path(s, seed), periphery)
        for s in sigma_d
        for seed in seeds
    ]


def train_grid(
    planned: Sequence[Trial],
    benchmark: Benchmark,
    schedule: Schedule,
    *,
    machine: Machine = CPU_ONLY,
    scratch: Path | str | None = None,
    description: str = "train",
) -> pd.DataFrame:
    """Run all trials, equal ones once, and save the network of each one's best epoch.

    Args:
        planned: the trials.
        benchmark: network and data set.
        schedule: epochs, batch size, learning rate.
        machine: what computes.
        scratch: folder that keeps every run after each epoch, so that a killed grid continues;
            remove it when all results are written.
        description: of the progress bar.

    Returns:
        The histories of the distinct trials in their order, with columns method, sigma_d and seed
        before those of `neft.training.loop.train`.
    """
    distinct = {repr(trial): trial for trial in planned}
    tasks = [
        {
            "trial": trial, "benchmark": benchmark, "schedule": schedule, "machine": machine,
            "scratch": None if scratch is None else Path(scratch),
        }
        for trial in distinct.values()
    ]  # fmt: skip
    histories = parallel.run(_train_one, tasks, description=description, machine=machine)
    for trial in planned:
        trained = distinct[repr(trial)].path
        if trial.path != trained:
            with atomic_path(trial.path) as partial:
                shutil.copy(trained, partial)
    return pd.concat(histories, ignore_index=True)


def train_briefly(
    folder: Path,
    *,
    hardware: Hardware,
    data: Source,
    sigma_d: Sequence[float],
    seeds: Sequence[int] = (0,),
) -> Path:
    """Train LeNet-5 by noise injection for three epochs: networks for a notebook run by itself.

    The other arguments are those of `trials` and `Benchmark`.

    Args:
        folder: where the networks go.

    Returns:
        The folder.
    """
    planned = trials("noise_injection", NoiseInjection(), hardware, sigma_d, seeds, folder)
    train_grid(planned, Benchmark(data, "lenet5"), Schedule(epochs=3))
    return folder


def _train_one(
    *,
    trial: Trial,
    benchmark: Benchmark,
    schedule: Schedule,
    machine: Machine,
    scratch: Path | None,
) -> pd.DataFrame:
    data = benchmark.data.load()
    shape: dict[str, Any] = {
        "name": benchmark.network,
        "classes": data.classes,
        "channels": data.channels,
        "side": data.side,
        "width": benchmark.width,
        "initialisation": trial.method.initialisation or benchmark.initialisation,
    }
    network = networks.build(**shape, seed=trial.seed).to(machine.device)
    task = {"trial": trial, "benchmark": benchmark, "schedule": schedule, "machine": machine}
    own = code_of(trial.method)
    history = train(
        network, trial.method, data, trial.hardware, trial.sigma_d, schedule,
        seed=trial.seed,
        periphery=trial.periphery,
        state=scratch and scratch / f"{parallel.digest(CODE, **task, own=own)}.safetensors",
        mixed_precision=machine.mixed_precision,
        compile=machine.compile,
        progress=False,
    )  # fmt: skip
    about = {"method": trial.name, "sigma_d": trial.sigma_d, "seed": trial.seed}
    ranges = learned_ranges(network)
    checkpoints.save(
        trial.path, network.state_dict(), **about, network=shape, dataset=benchmark.data.recipe,
        **({"learned_ranges": ranges} if ranges else {}),
    )  # fmt: skip
    for place, (column, value) in enumerate(about.items()):
        history.insert(place, column, value)
    return history
