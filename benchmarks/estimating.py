"""What it costs to know a network's mean accuracy over chips to a wanted precision.

Compared are `estimate_accuracy`, whole test sets with the same stopping rule, and 1,000 chips with
10,000 test images each, as the paper's code tests. Times for 10,000 test images, of which there are
1,000 here, follow from those of programming and of an image.
"""

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from cases import HARDWARE
from measure import rounds
from torch import nn
from torch.utils.data import TensorDataset
from tqdm import tqdm

from neft import networks
from neft._utils.seeding import generator
from neft.chip import accuracy, logits_over_chips, program
from neft.data.datasets import mnist5k
from neft.evaluation import estimate_accuracy
from neft.evaluation.estimate import SequentialMean
from neft.training import NoiseInjection, Schedule, train

SIGMA_D = 0.2
LEVEL = 0.95
CHIPS, IMAGES = 1000, 10_000
KEYS = ("a", "b", "c")
"""Populations of chips: where a rule stops is random, so that the median of three is reported."""


@dataclass(frozen=True)
class Cost:
    """What a protocol took: chips, images of all chips, seconds; and the mean that it found."""

    chips: int
    images: int
    seconds: float
    mean: float = math.nan


def trained(width: float, epochs: int) -> tuple[nn.Module, TensorDataset]:
    """Train a VGG-8 on 5,000 digits with noise injection; return it with the test images."""
    data = mnist5k()
    network = networks.build("vgg8", classes=10, channels=1, width=width, seed=0)
    train(network, NoiseInjection(), data, HARDWARE, SIGMA_D, Schedule(epochs), seed=0)
    return network, data.test


def estimated(network: nn.Module, test: TensorDataset, half_width: float, key: str) -> Cost:
    """Return the cost of `estimate_accuracy`, all included."""
    start = time.perf_counter()
    estimate = estimate_accuracy(
        network, test, HARDWARE, SIGMA_D, key=key, half_width=half_width, level=LEVEL
    )
    return Cost(estimate.chips, estimate.images, time.perf_counter() - start, estimate.mean)


def whole_test_sets(network: nn.Module, test: TensorDataset, half_width: float, key: str) -> Cost:
    """Return the cost of the same stopping rule when every chip sees all test images."""
    start, draws, (images, labels) = time.perf_counter(), SequentialMean(), test.tensors
    for logits in logits_over_chips(network, images, HARDWARE, SIGMA_D, chips=10**6, key=key):
        draws.add(accuracy(logits, labels).item())
        if draws.half_width(LEVEL, 1 / len(labels)) <= half_width:
            break
    took = time.perf_counter() - start
    return Cost(draws.count, draws.count * len(labels), took, draws.mean)


def parts(network: nn.Module, test: TensorDataset) -> tuple[float, float]:
    """Return the seconds to program a chip, and those of an image in a pass over all images."""
    images, draw = test.tensors[0], generator("benchmark")
    chips = logits_over_chips(network, images, HARDWARE, SIGMA_D, chips=10**6, key="parts")

    @torch.no_grad()
    def programming() -> None:
        program(network, HARDWARE, SIGMA_D, generator=draw)

    times = rounds({"programming": programming, "chip": lambda: next(chips)})
    programmed, whole = (statistics.median(own) for own in times.values())
    return programmed, (whole - programmed) / len(images)


def costs(
    network: nn.Module, test: TensorDataset, half_width: float, programming: float, image: float
) -> dict[str, Cost]:
    """Return the median cost of each protocol; seconds of programming and of an image are given."""

    def median(protocol: Callable[..., Cost]) -> Cost:
        measured = [protocol(network, test, half_width, key) for key in tqdm(KEYS, leave=False)]
        return sorted(measured, key=lambda cost: cost.seconds)[len(measured) // 2]

    def extrapolated(chips: int) -> Cost:
        return Cost(chips, chips * IMAGES, chips * (programming + IMAGES * image))

    whole = median(whole_test_sets)
    return {
        "estimate_accuracy": median(estimated),
        f"until then, {len(test):,} images each": whole,
        f"until then, {IMAGES:,} images each": extrapolated(whole.chips),
        f"{CHIPS:,} chips, {IMAGES:,} images each": extrapolated(CHIPS),
    }


def print_estimating(width: float, epochs: int, half_width: float) -> None:
    """Train, measure, and print a row for each protocol."""
    network, test = trained(width, epochs)
    programming, image = parts(network, test)
    print(
        f"mean accuracy to +-{100 * half_width:g} points at {LEVEL:.0%}: VGG-8 (width {width:g}), "
        f"{epochs} epochs on mnist5k, sigma_d {SIGMA_D:g}\n"
        f"programming {1000 * programming:.3g} ms, an image {1000 * image:.3g} ms"
    )
    print(f"{'':32} {'chips':>6} {'images':>9} {'seconds':>8} {'time':>6} {'mean':>6}")
    of_protocols = costs(network, test, half_width, programming, image)
    for name, cost in of_protocols.items():
        time_ = cost.seconds / of_protocols["estimate_accuracy"].seconds
        mean = "" if math.isnan(cost.mean) else f"{cost.mean:6.1%}"
        print(f"{name:32} {cost.chips:6} {cost.images:9} {cost.seconds:8.3g} {time_:6.3g} {mean}")
