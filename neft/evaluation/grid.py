"""Test trained networks on many chips, under several conditions, in parallel processes."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from neft._utils import parallel
from neft._utils.parallel import CPU_ONLY, Machine
from neft.chip import Hardware, Periphery, accuracy, logits_over_chips, program
from neft.data.datasets import FOLDER, Source
from neft.evaluation.deployment import Deployment
from neft.evaluation.periphery import logits_with_periphery
from neft.evaluation.resumable import resumable
from neft.evaluation.trained import load_trained, tested
from neft.evaluation.uncertainty import OverChips


@dataclass(frozen=True)
class Condition:
    """What networks are tested under.

    Args:
        hardware: devices and bits that the networks are programmed onto.
        sigma_d: of the chips; None for the sigma_d that each network was trained for.
        deployment: correction after programming; None for none.
        periphery: around the devices; None for none.
        labels: columns that tell the condition from others in the tables, name -> value.

    Raises:
        ValueError: there are both a deployment and a periphery, which has its own corrections.
    """

    hardware: Hardware
    sigma_d: float | None = None
    deployment: Deployment | None = None
    periphery: Periphery | None = None
    labels: Mapping[str, Hashable] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.deployment and self.periphery:
            raise ValueError(f"deployment must be None with a periphery, got {self.deployment}")

    def size(self, trained: float) -> float:
        """Return the chips' sigma_d for a network that was trained for `trained`."""
        return trained if self.sigma_d is None else self.sigma_d

    def logits(
        self, network: nn.Module, images: Tensor, train: Dataset, sigma_d: float, chips: int
    ) -> Iterator[Tensor]:
        """Yield a network's logits on each of several test chips, [images, classes].

        Args:
            network: trained.
            images: [images, channels, height, width].
            train: the training part, for corrections and the periphery.
            sigma_d: for which the network was trained.
            chips: number of draws.
        """
        sigma_d = self.size(sigma_d)
        if self.periphery:
            return logits_with_periphery(
                network, images, train, self.hardware, sigma_d, self.periphery,
                chips=chips, key="test",
            )  # fmt: skip
        deploy = program if self.deployment is None else self.deployment.prepare(network, train)
        return logits_over_chips(
            network, images, self.hardware, sigma_d, chips=chips, key="test", deploy=deploy
        )


class Evaluation(NamedTuple):
    """Results of an evaluation, in the order of conditions and networks.

    Both tables begin with the labels' columns and method, trained_sigma_d, seed, preset, mapping,
    sigma_d (of the chips).

    Attributes:
        draws: one row per chip, with chip and accuracy.
        uncertainty: one row per network, with chips and the quantities of `OverChips.summary`.
    """

    draws: pd.DataFrame
    uncertainty: pd.DataFrame


def evaluate_grid(
    paths: Sequence[Path],
    conditions: Sequence[Condition],
    *,
    chips: int,
    dataset_folder: Path | str = FOLDER,
    scratch: Path | str | None = None,
    machine: Machine = CPU_ONLY,
) -> Evaluation:
    """Measure every network on the test part under every condition, over chips.

    Args:
        paths: networks that `neft.training.grid.train_grid` saved.
        conditions: equal ones (labels apart) are computed once.
        chips: number of draws; the same chips for every network.
        dataset_folder: where downloaded data sets lie, on this machine.
        scratch: folder that keeps finished draws, so that a killed evaluation continues; remove it
            when all results are written.
        machine: what computes; each kind of device draws other errors.

    Raises:
        ValueError: no network or no condition; see also `neft.chip.monte_carlo`.
    """
    if not (paths and conditions):
        raise ValueError(
            f"paths and conditions must not be empty, got {len(paths)} and {len(conditions)}"
        )
    common = {
        "measure": _evaluate_one, "names": Evaluation._fields,
        "chips": chips, "device": machine.device, "dataset_folder": dataset_folder,
        "scratch": None if scratch is None else Path(scratch),
    }  # fmt: skip
    distinct = {repr(condition): condition for condition in conditions}
    tasks = [
        {"path": path, "condition": condition, **common}
        for condition in distinct.values()
        for path in paths
    ]
    results = iter(parallel.run(resumable, tasks, description="chips", machine=machine))
    found = {key: [next(results) for _ in paths] for key in distinct}
    labelled = [
        [_labelled(table, condition.labels) for table in evaluation]
        for condition in conditions
        for evaluation in found[repr(condition)]
    ]
    return Evaluation(
        *(pd.concat(tables, ignore_index=True) for tables in zip(*labelled, strict=True))
    )


def _labelled(table: pd.DataFrame, labels: Mapping[str, Hashable]) -> pd.DataFrame:
    return pd.concat([pd.DataFrame(dict(labels), index=table.index), table], axis=1)


def _evaluate_one(
    *,
    path: Path,
    condition: Condition,
    chips: int,
    dataset_folder: Path | str,
    device: torch.device,
) -> Evaluation:
    network, header = load_trained(path)
    data = Source(**header["dataset"], folder=dataset_folder).load()
    images, labels = data.test.tensors
    over_chips = condition.logits(network.to(device), images, data.train, header["sigma_d"], chips)
    uncertainty, accuracies = OverChips(labels), []
    for logits in over_chips:
        uncertainty.add(logits)
        accuracies.append(accuracy(logits, labels).item())
    about = tested(header, condition.hardware, condition.size(header["sigma_d"]))
    draws = pd.DataFrame({**about, "chip": range(chips), "accuracy": accuracies})
    return Evaluation(draws, pd.DataFrame([{**about, "chips": chips, **uncertainty.summary()}]))
