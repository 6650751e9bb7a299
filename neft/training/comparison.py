"""Compare training methods on a network of the user's own, on equal terms."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from itertools import product

import pandas as pd
from torch import nn
from tqdm import tqdm

from neft._utils.checks import at_least
from neft._utils.seeding import seeded
from neft.chip import Hardware, accuracy_over_chips
from neft.data.datasets import Splits
from neft.training.base import Method
from neft.training.loop import Schedule, train


def compare(
    network: Callable[[], nn.Module],
    methods: Mapping[str, Method],
    data: Splits,
    hardware: Hardware,
    sigma_d: float,
    schedule: Schedule,
    *,
    seeds: Sequence[int],
    chips: int,
    progress: bool = True,
) -> pd.DataFrame:
    """Train a network by each method from each seed, and test all of them on the same chips.

    The methods share a seed's initial weights, order of images and errors, and all networks meet
    the same chips, so that their differences can be taken in pairs of seed and chip
    (`neft.statistics.summary.paired_differences`). It computes in this process; for the networks
    of this package, `neft.training.train_grid` uses many and continues after a kill.

    Args:
        network: makes the untrained network; torch's global generator, from which its initial
            weights come, is seeded before.
        methods: by the names that they have in the table.
        data: the test part is used after training only.
        hardware: devices and bits, for training and test.
        sigma_d: standard deviation of a device's error, for training and test.
        schedule: epochs, batch size, learning rate.
        seeds: of the initial weights and of the training.
        chips: number of draws for each network.
        progress: show a progress bar over the trainings.

    Returns:
        Columns method, sigma_d, seed, chip, accuracy (a fraction); one row per network and chip.

    Raises:
        ValueError: network is a module instead of a function, methods or seeds are empty, or chips
            is below 1; see also `neft.training.train`.
    """
    if isinstance(network, nn.Module):
        rule = "must be a function that makes an untrained network"
        raise ValueError(f"network {rule}, got {type(network).__name__}")
    counts = {"number of methods": len(methods), "number of seeds": len(seeds), "chips": chips}
    at_least(1, **counts)
    tables = []
    runs = tqdm([*product(seeds, methods)], "trainings", disable=not progress)
    for seed, name in runs:
        with seeded("network", seed):
            trained = deepcopy(network())  # a function may return one network again and again
        train(trained, methods[name], data, hardware, sigma_d, schedule, seed=seed, progress=False)
        draws = accuracy_over_chips(trained, data.test, hardware, sigma_d, chips=chips, key="test")
        about = {"method": name, "sigma_d": sigma_d, "seed": seed, "chip": range(chips)}
        tables.append(pd.DataFrame({**about, "accuracy": draws}))
    return pd.concat(tables, ignore_index=True)
