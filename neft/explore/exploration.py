"""What a choice gives: accuracy of each chip, errors of the weights, answers to four images."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from neft.chip import (
    Converters,
    Ranges,
    accuracy,
    calibrate,
    converting,
    device_weights,
    logits_over_chips,
    program,
)
from neft.data.datasets import Source, Splits
from neft.evaluation import load_trained
from neft.evaluation.example_images import choose
from neft.explore.choices import Choices
from neft.pretrained import FOLDER
from neft.statistics.confidence import student_interval

CALIBRATION_IMAGES = 100  # of the validation part
EDGES = (np.arange(102) - 50.5) / 100
"""Of the bins of weights' errors, fractions of the largest weight; 0 is in the middle of one."""


@dataclass(frozen=True)
class Exploration:
    """What a choice gives.

    Args:
        chips: columns chip, accuracy (fraction).
        summary: one row: mean, low, high (95 % interval of the mean over chips), without_errors
            (accuracy of the trained network, unclipped and without converters), error_mean and
            error_std (of the first chip's weights, as `errors`), images (number of them).
        errors: of the first chip's weights, programmed minus trained, fractions of the largest
            trained weight of their tensor: low and high (of a bin), share (of the weights). The
            outermost bins hold all that is beyond them, too.
        answers: image, label, class, share (of the chips that choose the class).
        pictures: the images of `answers`, [images, height, width], 0 to 1.
    """

    chips: pd.DataFrame
    summary: pd.DataFrame
    errors: pd.DataFrame
    answers: pd.DataFrame
    pictures: np.ndarray


def explore(choices: Choices) -> Exploration:
    """Program a trained network onto chips and let each classify test images.

    The draws of a chip depend on its number and its population alone, so that two choices differ
    by what was chosen: a standard normal number is multiplied by another sigma_d or another
    spread, and a rank (of `*_smooth` and `*_quantiles`) is kept. Images, trained weights and
    ranges of converters are kept in memory from one call to the next.

    Args:
        choices: what to show.

    Raises:
        ValueError: there are fewer test images than asked for.
    """
    test = _images(choices.network, choices.images)
    images, labels = test.tensors
    first_chip: list[dict[str, Tensor]] = []

    def deploy(*about: Any, **settings: Any) -> dict[str, Tensor]:
        weights = program(*about, **settings)
        if not first_chip:
            first_chip.append(weights)
        return weights

    network = _network(choices.network, choices.clip)
    ranges = _ranges(choices.network, choices.clip, choices.converters)
    with converting(network, choices.converters, ranges):
        over_chips = logits_over_chips(
            network, images, choices.hardware, choices.size,
            chips=choices.chips, key=f"explorer {choices.population}", deploy=deploy,
        )  # fmt: skip
        logits = torch.stack(list(over_chips))
    accuracies = [accuracy(each, labels).item() for each in logits]
    errors = _errors(first_chip[0], choices.network)
    interval = student_interval(accuracies)
    summary = {
        **vars(interval),
        "without_errors": _without_errors(choices.network, choices.images),
        "error_mean": errors.mean(),
        "error_std": errors.std(),
        "images": choices.images,
    }
    return Exploration(
        chips=pd.DataFrame({"chip": range(choices.chips), "accuracy": accuracies}),
        summary=pd.DataFrame([summary]),
        errors=_histogram(errors),
        answers=_answers(logits[:, choose(test)], labels[choose(test)]),
        pictures=images[choose(test), 0].mul(0.5).add(0.5).numpy(),
    )


@lru_cache(maxsize=4)
def _data(name: str) -> Splits:
    return Source(**load_trained(FOLDER / f"{name}.safetensors")[1]["dataset"]).load()


@lru_cache(maxsize=4)
def _images(name: str, count: int) -> TensorDataset:
    """Return test images that are evenly spaced in the test part of a network's data set."""
    test = _data(name).test
    if count > len(test):
        raise ValueError(f"images must be at most {len(test)}, the test images, got {count}")
    return TensorDataset(*test[[len(test) * i // count for i in range(count)]])


@lru_cache(maxsize=16)
def _network(name: str, clip: float | None) -> nn.Module:
    """Load a network; clip its weights on devices, as `Method.clip` does, once."""
    network, _ = load_trained(FOLDER / f"{name}.safetensors")
    if clip is not None:
        with torch.no_grad():
            for weight in device_weights(network).values():
                bound = clip * weight.std(correction=0)
                weight.clamp_(-bound, bound)
    return network


@lru_cache(maxsize=64)
def _ranges(name: str, clip: float | None, converters: Converters) -> Ranges:
    """Set the ranges of converters from validation images, without errors of the weights."""
    images, _ = _data(name).validation[:CALIBRATION_IMAGES]
    return calibrate(_network(name, clip), images, converters)


@lru_cache(maxsize=16)
@torch.no_grad()
def _without_errors(name: str, count: int) -> float:
    images, labels = _images(name, count).tensors
    return accuracy(_network(name, None)(images), labels).item()


@torch.no_grad()
def _errors(programmed: dict[str, Tensor], name: str) -> np.ndarray:
    """Return programmed minus trained weights, fractions of the tensor's largest trained weight."""
    trained = device_weights(_network(name, None))
    parts = [
        (programmed[key] - weight).flatten() / weight.abs().max() for key, weight in trained.items()
    ]
    return torch.cat(parts).double().numpy()


def _histogram(errors: np.ndarray) -> pd.DataFrame:
    inside = errors.clip((EDGES[0] + EDGES[1]) / 2, (EDGES[-2] + EDGES[-1]) / 2)
    counts, _ = np.histogram(inside, EDGES)
    return pd.DataFrame({"low": EDGES[:-1], "high": EDGES[1:], "share": counts / len(errors)})


def _answers(logits: Tensor, labels: Tensor) -> pd.DataFrame:
    """Count which class each chip chooses: logits of [chips, images, classes]."""
    images, classes = logits.shape[1:]
    chosen = nn.functional.one_hot(logits.argmax(2), classes).double().mean(0)
    return pd.DataFrame(
        {
            "image": np.repeat(np.arange(images), classes),
            "label": np.repeat(labels.numpy(), classes),
            "class": np.tile(np.arange(classes), images),
            "share": chosen.flatten().numpy(),
        }
    )
