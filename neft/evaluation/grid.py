"""Test every network of a folder on chips: accuracy of each chip, uncertainty over them."""

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import torch
from torch import nn

from neft import networks
from neft._utils import checkpoints, parallel
from neft._utils.files import atomic_path
from neft.chip.hardware import Hardware
from neft.chip.monte_carlo import accuracy, logits_over_chips
from neft.chip.programming import program
from neft.data import datasets
from neft.evaluation.deployment import Deployment
from neft.evaluation.uncertainty import OverChips


class Evaluation(NamedTuple):
    """What chips say. Both tables have the columns method, trained_sigma_d, seed, preset,
    mapping, sigma_d (of the chips).

    Args:
        draws: and chip, accuracy; a row a chip.
        uncertainty: and chips and those of `OverChips`; a row a network.
    """

    draws: pd.DataFrame
    uncertainty: pd.DataFrame


def load_trained(path: Path | str) -> tuple[nn.Module, dict[str, Any]]:
    """Read a network that `train_grid` saved, and what it was trained for.

    Returns:
        The network in evaluation mode, and method, sigma_d, seed, network, dataset.

    Raises:
        ValueError: not such a checkpoint; names the file.
    """
    _, header = checkpoints.load(path)
    try:
        network = networks.build(**header["network"], seed=0)
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
    sigma_d: Sequence[float] | None = None,
    trained_sigma_d: Sequence[float] | None = None,
    deployment: Deployment | None = None,
    dataset_folder: Path | str = datasets.FOLDER,
    scratch: Path | None = None,
    device: torch.device = parallel.CPU,
) -> Evaluation:
    """Measure every network of a folder on the test part, over chips.

    Args:
        folder: what `train_grid` filled.
        hardware: what the networks are programmed onto; each in turn.
        chips: number of draws; the same chips for every network.
        batch_size: images per forward pass.
        measured_size: give the errors the size that was measured (`sigma_d_measured` of the
            hardware's variation) instead of the sigma_d that the network was trained for.
        sigma_d: of the chips, each in turn, instead of that one.
        trained_sigma_d: test only networks that were trained for one of these.
        deployment: help on each chip beside programming (see `neft.evaluation.deployment`).
        dataset_folder: where downloaded data sets lie, on this machine.
        scratch: where finished networks' draws are kept until all are there; then removed.
        device: to compute on; each draws errors of its own.

    Returns:
        Draws and uncertainty.

    Raises:
        ValueError: the folder holds no network, or none of those asked for, or both measured_size
            and sigma_d are given.
    """
    paths = sorted(Path(folder).glob("*.safetensors"))
    if not paths:
        raise ValueError(f"{folder}: must hold trained networks (*.safetensors), found none")
    if measured_size and sigma_d is not None:
        raise ValueError(f"sigma_d must be None with measured_size, got {list(sigma_d)}")
    if trained_sigma_d is not None:
        paths = [p for p in paths if checkpoints.load(p)[1]["sigma_d"] in trained_sigma_d]
        if not paths:
            asked = ", ".join(map(str, trained_sigma_d))
            raise ValueError(f"{folder}: must hold networks for sigma_d {asked}, found none")
    common = {
        "chips": chips, "batch_size": batch_size, "dataset_folder": dataset_folder,
        "scratch": scratch, "device": device, "deployment": deployment,
    }  # fmt: skip
    tasks = [
        {
            "path": path,
            "hardware": each,
            "sigma_d": each.variation.sigma_d_measured if measured_size else size,
            **common,
        }
        for each in hardware
        for path in paths
        for size in ([None] if sigma_d is None else sigma_d)
    ]
    found = parallel.run(_evaluate_one, tasks, description="chips", device=device)
    if scratch is not None:
        shutil.rmtree(scratch)
    return Evaluation(
        *(pd.concat(tables, ignore_index=True) for tables in zip(*found, strict=True))
    )


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
    deployment: Deployment | None,
) -> Evaluation:
    weights = hashlib.sha256(path.read_bytes()).hexdigest()
    key = parallel.digest(
        weights=weights, hardware=hardware, sigma_d=sigma_d, chips=chips, batch_size=batch_size,
        device=device, deployment=deployment,
    )  # fmt: skip
    kept = [scratch / f"{key}-{name}.csv" for name in Evaluation._fields] if scratch else []
    if kept and all(path.exists() for path in kept):
        return Evaluation(*map(pd.read_csv, kept))
    network, header = load_trained(path)
    sigma_d = header["sigma_d"] if sigma_d is None else sigma_d
    data = datasets.load(header["dataset"], dataset_folder)
    images, labels = data.test.tensors
    network.to(device)
    deploy = program if deployment is None else deployment.prepare(network, data.train)
    uncertainty, accuracies = OverChips(labels), []
    for logits in logits_over_chips(
        network, images, hardware, sigma_d,
        chips=chips, key="test", deploy=deploy, batch_size=batch_size,
    ):  # fmt: skip
        uncertainty.add(logits)
        accuracies.append(accuracy(logits, labels).item())
    about = {
        "method": header["method"],
        "trained_sigma_d": header["sigma_d"],
        "seed": header["seed"],
        "preset": hardware.variation.name,
        "mapping": hardware.mapping,
        "sigma_d": sigma_d,
    }
    draws = pd.DataFrame({**about, "chip": range(chips), "accuracy": accuracies})
    found = Evaluation(draws, pd.DataFrame([{**about, "chips": chips, **uncertainty.summary()}]))
    for file, table in zip(kept, found, strict=False):  # no file without a scratch folder
        with atomic_path(file) as partial:
            table.to_csv(partial, index=False)
    return found
