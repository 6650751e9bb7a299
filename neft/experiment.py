"""The grids of the pipeline: train every (sigma_d, seed) of a method, evaluate every network."""

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from neft import checkpoints, datasets, engine, models
from neft.files import atomic_path
from neft.hardware import Hardware
from neft.method import Method
from neft.montecarlo import accuracy_over_chips
from neft.training import Schedule, train


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
    device: torch.device = engine.CPU,
    mixed_precision: bool = False,
) -> pd.DataFrame:
    """Train a network for every sigma_d and seed and save its best epoch.

    Args:
        name: the method's name, kept with the networks.
        method: turns a batch into a loss.
        hardware: devices and bits.
        dataset: name in `neft.datasets.DATASETS`.
        network: name in `neft.models.NETWORKS`.
        width: its width multiplier.
        sigma_d: standard deviations of a device's error, fractions of its full range.
        seeds: one training run each.
        schedule: epochs, batch size, learning rate.
        folder: where the networks go, a safetensors file each.
        dataset_folder: where downloaded data sets lie.
        scratch: where unfinished runs are kept, so that a killed grid continues; removed when
            the grid is complete.
        device: to train on.
        mixed_precision: see `neft.training.train`.

    Returns:
        All histories, with columns method, sigma_d and seed before them.
    """
    common = {
        "name": name, "method": method, "hardware": hardware, "dataset": dataset,
        "network": network, "width": width, "schedule": schedule,
        "device": device, "mixed_precision": mixed_precision,
    }  # fmt: skip
    tasks = [{**common, "sigma_d": s, "seed": seed} for s in sigma_d for seed in seeds]
    states = [scratch and scratch / f"{engine.digest(**task)}.safetensors" for task in tasks]
    histories = engine.run(
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
    net = models.build(**shape, seed=seed).to(device)
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


def load_trained(path: Path | str) -> tuple[nn.Module, dict[str, Any]]:
    """Read a network that `train_grid` saved, and what it was trained for.

    Returns:
        The network in evaluation mode, and method, sigma_d, seed, network, dataset.

    Raises:
        ValueError: not such a checkpoint; names the file.
    """
    _, header = checkpoints.load(path)
    try:
        network = models.build(**header["network"], seed=0)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path}: not a trained network: {error!r}") from error
    return checkpoints.load_network(network, path).eval(), header


def evaluate_grid(
    folder: Path,
    *,
    hardware: Sequence[Hardware],
    chips: int,
    batch_size: int,
    measured_size: bool = False,
    dataset_folder: Path | str = datasets.FOLDER,
    scratch: Path | None = None,
    device: torch.device = engine.CPU,
) -> pd.DataFrame:
    """Measure every network of a folder on the test part, over chips.

    Args:
        folder: what `train_grid` filled.
        hardware: what the networks are programmed onto; each in turn.
        chips: number of draws; the same chips for every network.
        batch_size: images per forward pass.
        measured_size: give the errors the size that was measured (`sigma_d_measured` of the
            hardware's variation) instead of the sigma_d that the network was trained for.
        dataset_folder: where downloaded data sets lie, on this machine.
        scratch: where finished networks' draws are kept until all are there; then removed.
        device: to compute on; each draws errors of its own.

    Returns:
        Draws: columns method, trained_sigma_d, seed, preset, mapping, sigma_d (of the chips),
        chip, accuracy; a row a chip.

    Raises:
        ValueError: the folder holds no network.
    """
    paths = sorted(Path(folder).glob("*.safetensors"))
    if not paths:
        raise ValueError(f"{folder}: must hold trained networks (*.safetensors), found none")
    common = {
        "chips": chips, "batch_size": batch_size, "dataset_folder": dataset_folder,
        "scratch": scratch, "device": device,
    }  # fmt: skip
    tasks = [
        {
            "path": path,
            "hardware": each,
            "sigma_d": each.variation.sigma_d_measured if measured_size else None,
            **common,
        }
        for each in hardware
        for path in paths
    ]
    draws = engine.run(_evaluate_one, tasks, description="chips", device=device)
    if scratch is not None:
        shutil.rmtree(scratch)
    return pd.concat(draws, ignore_index=True)


def _evaluate_one(
    *,
    path: Path,
    hardware: Hardware,
    sigma_d: float | None,
    chips: int,
    batch_size: int,
    dataset_folder: Path | str,
    scratch: Path | None,
    device: torch.device,
) -> pd.DataFrame:
    weights = hashlib.sha256(path.read_bytes()).hexdigest()
    key = engine.digest(
        weights=weights, hardware=hardware, sigma_d=sigma_d, chips=chips, batch_size=batch_size,
        device=device,
    )  # fmt: skip
    kept = scratch and scratch / f"{key}.csv"
    if kept and kept.exists():
        return pd.read_csv(kept)
    network, header = load_trained(path)
    sigma_d = header["sigma_d"] if sigma_d is None else sigma_d
    data = datasets.load(header["dataset"], dataset_folder)
    accuracy = accuracy_over_chips(
        network.to(device), data.test, hardware, sigma_d,
        chips=chips, key="test", batch_size=batch_size,
    )  # fmt: skip
    draws = pd.DataFrame(
        {
            "method": header["method"],
            "trained_sigma_d": header["sigma_d"],
            "seed": header["seed"],
            "preset": hardware.variation.name,
            "mapping": hardware.mapping,
            "sigma_d": sigma_d,
            "chip": range(chips),
            "accuracy": accuracy.numpy(),
        }
    )
    if kept:
        with atomic_path(kept) as partial:
            draws.to_csv(partial, index=False)
    return draws
