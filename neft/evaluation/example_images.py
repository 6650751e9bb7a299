"""Class probabilities of a few example images, over chips."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.utils.data import TensorDataset

from neft._utils import checkpoints, parallel
from neft._utils.parallel import CPU_ONLY, Machine
from neft.data.datasets import FOLDER, Source
from neft.evaluation.grid import Condition
from neft.evaluation.trained import load_trained, trained_networks

COUNT = 4
"""Number of example images."""

PERCENTILES = (5, 25, 75, 95)


def choose(test: TensorDataset) -> list[int]:
    """Return the indices of `COUNT` images, evenly spaced in the test part: no hand selection."""
    return [len(test) * i // COUNT for i in range(COUNT)]


def class_probabilities(
    folder: Path,
    *,
    condition: Condition,
    chips: int,
    dataset_folder: Path | str = FOLDER,
    machine: Machine = CPU_ONLY,
) -> pd.DataFrame:
    """Run the first seed's networks of a folder on the example images and the test chips.

    Args:
        folder: the output of `train_grid`.
        condition: what they are tested under.
        chips: number of draws; the first ones are the same for any number.
        dataset_folder: folder of downloaded data sets on this machine.
        machine: what computes.

    Returns:
        Columns method, seed, preset, mapping, sigma_d, image (index in the test part), label,
        class, chips, and mean, p5, p25, p75, p95 of the class's probability over chips.

    Raises:
        ValueError: the folder holds no network.
    """
    paths = trained_networks(folder)
    seeds = [checkpoints.load(path)[1]["seed"] for path in paths]
    common = {
        "condition": condition, "chips": chips, "device": machine.device,
        "dataset_folder": dataset_folder,
    }  # fmt: skip
    tasks = [
        {"path": path, **common}
        for path, seed in zip(paths, seeds, strict=True)
        if seed == min(seeds)
    ]
    found = parallel.run(_one_network, tasks, description="examples", machine=machine)
    return pd.concat(found, ignore_index=True)


def _one_network(
    *,
    path: Path,
    condition: Condition,
    chips: int,
    dataset_folder: Path | str,
    device: torch.device,
) -> pd.DataFrame:
    network, header = load_trained(path)
    data = Source(**header["dataset"], folder=dataset_folder).load()
    chosen = choose(data.test)
    images, labels = data.test[chosen]
    over_chips = condition.logits(network.to(device), images, data.train, header["sigma_d"], chips)
    p = torch.stack([logits.cpu().double().softmax(1) for logits in over_chips]).numpy()
    about = {
        "method": header["method"],
        "seed": header["seed"],
        "preset": condition.hardware.variation.name,
        "mapping": condition.hardware.mapping,
        "sigma_d": condition.size(header["sigma_d"]),
    }
    names = [f"p{percent}" for percent in PERCENTILES]
    tables = [
        pd.DataFrame(
            {
                **about,
                "image": index,
                "label": int(label),
                "class": range(p.shape[2]),
                "chips": chips,
                "mean": p[:, i].mean(0),
                **dict(zip(names, np.percentile(p[:, i], PERCENTILES, axis=0), strict=True)),
            }
        )
        for i, (index, label) in enumerate(zip(chosen, labels, strict=True))
    ]
    return pd.concat(tables, ignore_index=True)
