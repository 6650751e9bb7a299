"""What chips say of a few images: the probability of each class, over chips."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.utils.data import TensorDataset

from neft._utils import checkpoints, parallel
from neft.chip.hardware import Hardware
from neft.chip.monte_carlo import logits_over_chips
from neft.data import datasets
from neft.evaluation.grid import load_trained

COUNT = 4
"""Images that chips are asked about."""

PERCENTILES = (5, 25, 75, 95)


def choose(test: TensorDataset) -> list[int]:
    """Return the places of `COUNT` images, evenly spaced in the test part: nobody chose them."""
    return [len(test) * i // COUNT for i in range(COUNT)]


def class_probabilities(
    folder: Path,
    *,
    hardware: Hardware,
    chips: int,
    dataset_folder: Path | str = datasets.FOLDER,
    device: torch.device = parallel.CPU,
) -> pd.DataFrame:
    """Ask a folder's networks of the first seed about the chosen images, on the test's chips.

    Args:
        folder: what `train_grid` filled.
        hardware: what the networks are programmed onto, at the sigma_d they were trained for.
        chips: number of draws; the first are the same for any number.
        dataset_folder: where downloaded data sets lie, on this machine.
        device: to compute on.

    Returns:
        Columns method, seed, preset, mapping, sigma_d, image (place in the test part), label,
        class, chips, mean, p5, p25, p75, p95 (of the class's probability over chips).

    Raises:
        ValueError: the folder holds no network.
    """
    paths = sorted(Path(folder).glob("*.safetensors"))
    if not paths:
        raise ValueError(f"{folder}: must hold trained networks (*.safetensors), found none")
    seeds = [checkpoints.load(path)[1]["seed"] for path in paths]
    common = {
        "hardware": hardware, "chips": chips, "dataset_folder": dataset_folder, "device": device,
    }  # fmt: skip
    tasks = [
        {"path": path, **common}
        for path, seed in zip(paths, seeds, strict=True)
        if seed == min(seeds)
    ]
    found = parallel.run(_ask_one, tasks, description="examples", device=device)
    return pd.concat(found, ignore_index=True)


def _ask_one(
    *,
    path: Path,
    hardware: Hardware,
    chips: int,
    dataset_folder: Path | str,
    device: torch.device,
) -> pd.DataFrame:
    network, header = load_trained(path)
    test = datasets.load(header["dataset"], dataset_folder).test
    places = choose(test)
    images, labels = test[places]
    said = logits_over_chips(
        network.to(device), images, hardware, header["sigma_d"], chips=chips, key="test"
    )
    p = torch.stack([logits.cpu().double().softmax(1) for logits in said]).numpy()
    about = {
        "method": header["method"],
        "seed": header["seed"],
        "preset": hardware.variation.name,
        "mapping": hardware.mapping,
        "sigma_d": header["sigma_d"],
    }
    names = [f"p{percent}" for percent in PERCENTILES]
    tables = [
        pd.DataFrame(
            {
                **about,
                "image": place,
                "label": int(label),
                "class": range(p.shape[2]),
                "chips": chips,
                "mean": p[:, i].mean(0),
                **dict(zip(names, np.percentile(p[:, i], PERCENTILES, axis=0), strict=True)),
            }
        )
        for i, (place, label) in enumerate(zip(places, labels, strict=True))
    ]
    return pd.concat(tables, ignore_index=True)
