"""Train every (sigma_d, seed) of a method."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import torch

from neft import networks
from neft._utils import checkpoints, parallel
from neft.chip.hardware import Hardware
from neft.data import datasets
from neft.training.base import Method
from neft.training.baselines import NoiseInjection
from neft.training.loop import Schedule, train


def train_grid(
    name: str,
    method: Method,
    *,
    hardware: Hardware,
    dataset: str,
    network: str,
    width: float,
    sigma_d: Sequence[float],
    seeds: Sequence[int],
    schedule: Schedule,
    folder: Path,
    dataset_folder: Path | str = datasets.FOLDER,
    scratch: Path | None = None,
    device: torch.device = parallel.CPU,
    mixed_precision: bool = False,
) -> pd.DataFrame:
    """Train a network for every sigma_d and seed and save its best epoch.

    Args:
        name: the method's name, kept with the networks.
        method: turns a batch into a loss.
        hardware: devices and bits.
        dataset: name in `neft.data.datasets.DATASETS`.
        network: name in `neft.networks.NETWORKS`.
        width: its width multiplier.
        sigma_d: standard deviations of a device's error, fractions of its full range.
        seeds: one training run each.
        schedule: epochs, batch size, learning rate.
        folder: where the networks go, a safetensors file each.
        dataset_folder: where downloaded data sets lie.
        scratch: where unfinished runs are kept, so that a killed grid continues; removed when
            the grid is complete.
        device: to train on.
        mixed_precision: see `neft.training.loop.train`.

    Returns:
        All histories, with columns method, sigma_d and seed before them.
    """
    common = {
        "name": name, "method": method, "hardware": hardware, "dataset": dataset,
        "network": network, "width": width, "schedule": schedule,
        "device": device, "mixed_precision": mixed_precision,
    }  # fmt: skip
    tasks = [{**common, "sigma_d": s, "seed": seed} for s in sigma_d for seed in seeds]
    states = [scratch and scratch / f"{parallel.digest(**task)}.safetensors" for task in tasks]
    histories = parallel.run(
        _train_one,
        [
            {**task, "folder": folder, "dataset_folder": dataset_folder, "state": state}
            for task, state in zip(tasks, states, strict=True)
        ],
        description=f"train {name}",
        device=device,
    )
    if scratch is not None:
        shutil.rmtree(scratch)
    return pd.concat(histories, ignore_index=True)


def train_briefly(
    folder: Path,
    *,
    hardware: Hardware,
    dataset: str,
    dataset_folder: Path | str,
    sigma_d: Sequence[float],
    seeds: Sequence[int] = (0,),
) -> Path:
    """Train LeNet-5 by noise injection for three epochs: networks for a notebook run by itself.

    Args:
        folder: where the networks go.
        others: see `train_grid`.

    Returns:
        The folder.
    """
    train_grid(
        "noise_injection", NoiseInjection(), hardware=hardware, dataset=dataset,
        network="lenet5", width=1.0, sigma_d=sigma_d, seeds=seeds, schedule=Schedule(epochs=3),
        folder=folder, dataset_folder=dataset_folder,
    )  # fmt: skip
    return folder


def _train_one(
    *,
    name: str,
    method: Method,
    hardware: Hardware,
    dataset: str,
    network: str,
    width: float,
    sigma_d: float,
    seed: int,
    schedule: Schedule,
    device: torch.device,
    mixed_precision: bool,
    folder: Path,
    dataset_folder: Path | str,
    state: Path | None,
) -> pd.DataFrame:
    data = datasets.load(dataset, dataset_folder)
    shape = {"name": network, "classes": data.classes, "channels": data.channels, "width": width}
    net = networks.build(**shape, seed=seed).to(device)
    history = train(
        net, method, data, hardware, sigma_d, schedule,
        seed=seed, state=state, mixed_precision=mixed_precision, progress=False,
    )  # fmt: skip
    checkpoints.save(
        folder / f"sigma_d={sigma_d:g},seed={seed}.safetensors", net.state_dict(),
        method=name, sigma_d=sigma_d, seed=seed, network=shape, dataset=dataset,
    )  # fmt: skip
    history.insert(0, "method", name)
    history.insert(1, "sigma_d", sigma_d)
    history.insert(2, "seed", seed)
    return history
