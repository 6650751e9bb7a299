"""Trained networks: their files, found, checked and loaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from neft import networks
from neft._utils import checkpoints
from neft._utils.checks import cut
from neft._utils.strict import strictly
from neft.chip import Hardware
from neft.chip.learned_ranges import set_learned_ranges


@dataclass(frozen=True)
class _Header:
    """What a file says beside the weights."""

    method: str
    sigma_d: float
    seed: int
    network: dict[str, Any]
    dataset: dict[str, Any]
    learned_ranges: dict[str, float] | None = None


@dataclass(frozen=True)
class _Shape:
    """What `neft.networks.build` needs for the network of a file."""

    name: str
    classes: int
    channels: int
    side: int
    width: float
    initialisation: str = "torch"


def trained_networks(folder: Path | str, sigma_d: Sequence[float] | None = None) -> list[Path]:
    """List the networks of a folder, in the order of their names.

    Args:
        folder: what `neft.training.grid.train_grid` filled.
        sigma_d: only networks that were trained for one of these; None for all.

    Raises:
        ValueError: there is none.
    """
    paths = sorted(Path(folder).glob("[!.]*.safetensors"))  # a dot begins one that is half-written
    if not paths:
        raise ValueError(f"{folder}: must hold trained networks (*.safetensors), found none")
    if sigma_d is not None:
        paths = [path for path in paths if _read(path)[1].sigma_d in sigma_d]
        if not paths:
            asked = ", ".join(map(str, sigma_d))
            raise ValueError(f"{folder}: must hold networks for sigma_d {asked}, found none")
    return paths


def load_trained(path: Path | str) -> tuple[nn.Module, dict[str, Any]]:
    """Read a network that `train_grid` saved, and what it was trained for.

    Returns:
        The network in evaluation mode, and method, sigma_d, seed, network, dataset, and
        learned_ranges if its layers have some (`neft.chip.Learned`).

    Raises:
        ValueError: not such a file, or weights of other shapes or not finite; it names the file.
    """
    tensors, header = _read(path)
    try:
        shape = strictly(_Shape, header.network)
        with torch.device("meta"):  # without memory: a header can ask for any size
            expected = networks.build(**vars(shape), seed=0).state_dict()
        _check_shapes(expected, tensors)
        network = networks.build(**vars(shape), seed=0)
        set_learned_ranges(network, header.learned_ranges or {})
    except (OverflowError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(cut(f"{path}: not a trained network: {error}")) from error
    network.load_state_dict(tensors)
    return network.eval(), {key: each for key, each in vars(header).items() if each is not None}


def _read(path: Path | str) -> tuple[dict[str, Tensor], _Header]:
    tensors, header = checkpoints.load(path)
    try:
        return tensors, strictly(_Header, header)
    except (TypeError, ValueError) as error:
        raise ValueError(cut(f"{path}: not a trained network: {error}")) from error


def _check_shapes(expected: dict[str, Tensor], tensors: dict[str, Tensor]) -> None:
    if odd := sorted(expected.keys() ^ tensors.keys()):
        there = "missing" if odd[0] in expected else "unknown"
        raise ValueError(f"weights must be the network's, {odd[0]} is {there}")
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            rule = f"{name} must have the shape {list(expected[name].shape)}"
            raise ValueError(f"{rule}, got {list(tensor.shape)}")
        if not tensor.isfinite().all():
            raise ValueError(f"{name} must be finite, got NaN or infinity")


def tested(header: dict[str, Any], hardware: Hardware, sigma_d: float) -> dict[str, Any]:
    """Return the columns that tell which network was tested, and on what chips."""
    return {
        "method": header["method"],
        "trained_sigma_d": header["sigma_d"],
        "seed": header["seed"],
        "preset": hardware.variation.name,
        "mapping": hardware.mapping,
        "sigma_d": sigma_d,
    }
