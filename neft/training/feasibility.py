"""What can be known of a training before it starts: that its shapes fit, and its memory."""

import os

import torch

from neft import networks
from neft.training.base import Method
from neft.training.grid import Benchmark

STATE = 4 * 4
"""Bytes that a weight in training takes: itself, its gradient and Adam's two means, in float32."""


def check_training(method: Method, benchmark: Benchmark) -> None:
    """Build the network and what a method adds to it, without their memory.

    Nothing is checked on a folder of your own images, whose classes are counted when it is loaded.

    Args:
        method: any.
        benchmark: network and data set.

    Raises:
        ValueError: images are too small for the network; the method's snapshots, their gammas or
            its heads do not fit the network; or weights and images take more memory than there is.
    """
    facts, side = benchmark.data.facts, benchmark.data.side or 32
    if facts is None:
        return
    try:
        with torch.device("meta"):
            network = networks.build(
                benchmark.network, classes=facts.classes, channels=facts.channels,
                width=benchmark.width, side=side, seed=0,
                initialisation=method.initialisation or benchmark.initialisation,
            )  # fmt: skip
            parts = method.auxiliary(network, torch.zeros(1, facts.channels, side, side))
    except (OverflowError, RuntimeError, TypeError) as error:  # of sizes beyond 64 bits
        raise ValueError(
            f"width must be one that memory has addresses for, got {benchmark.width}"
        ) from error
    weights = sum(weight.numel() for part in (network, parts) for weight in part.parameters())
    pixels = facts.training_images * facts.channels * side**2
    needed, there = weights * STATE + pixels, memory()
    if needed > there:
        raise ValueError(
            f"{weights:,} weights in training and {facts.training_images:,} images must fit into "
            f"memory, {there / 1e9:.0f} GB, got {needed / 1e9:.0f} GB"
        )


def memory() -> int:
    """Return the bytes of this machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
