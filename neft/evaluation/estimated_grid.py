"""Estimate the mean accuracy of trained networks over chips, in parallel processes."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import torch

from neft._utils import parallel
from neft._utils.parallel import CPU_ONLY, Machine
from neft.chip import Hardware
from neft.data.datasets import FOLDER, Source
from neft.evaluation.estimate import estimate_accuracy
from neft.evaluation.resumable import resumable
from neft.evaluation.trained import load_trained, tested


def estimate_grid(
    paths: Sequence[Path],
    hardware: Hardware,
    *,
    half_width: float,
    dataset_folder: Path | str = FOLDER,
    scratch: Path | str | None = None,
    machine: Machine = CPU_ONLY,
) -> pd.DataFrame:
    """Estimate every network's mean accuracy over chips, at the sigma_d that it was trained for.

    The chips and the other arguments are those of `neft.evaluation.evaluate_grid`.

    Args:
        paths: networks that `neft.training.grid.train_grid` saved.
        half_width: wanted half-width of each 95 % interval, fraction (see `estimate_accuracy`).

    Returns:
        One row per network: method, trained_sigma_d, seed, preset, mapping, sigma_d, then mean,
        low, high, chips, images_per_chip, images, reached of its `AccuracyEstimate`.
    """
    common = {
        "measure": _estimate_one, "names": ["estimates"],
        "hardware": hardware, "half_width": half_width, "device": machine.device,
        "dataset_folder": dataset_folder, "scratch": None if scratch is None else Path(scratch),
    }  # fmt: skip
    tasks = [{"path": path, **common} for path in paths]
    found = parallel.run(resumable, tasks, description="estimates", machine=machine)
    return pd.concat([table for (table,) in found], ignore_index=True)


def _estimate_one(
    *,
    path: Path,
    hardware: Hardware,
    half_width: float,
    dataset_folder: Path | str,
    device: torch.device,
) -> list[pd.DataFrame]:
    network, header = load_trained(path)
    sigma_d = header["sigma_d"]
    test = Source(**header["dataset"], folder=dataset_folder).load().test
    found = estimate_accuracy(
        network.to(device), test, hardware, sigma_d, key="test", half_width=half_width
    )
    return [pd.DataFrame([{**tested(header, hardware, sigma_d), **asdict(found)}])]
