"""Checkpoints as safetensors: tensors by dotted name and a JSON header, without executable code."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from neft._utils.checks import cut
from neft._utils.files import atomic_path, check_regular


def save(path: Path | str, tensors: dict[str, Tensor], **header: object) -> None:
    """Write tensors and header values (JSON) to one file, atomically."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_path(path) as partial:
        save_file(plain, partial, {"header": json.dumps(header)})  # several keys: in any order


def load(path: Path | str) -> tuple[dict[str, Tensor], dict]:
    """Read what `save` wrote.

    Raises:
        ValueError: the file, named in the message, is not a whole safetensors file.
    """
    check_regular(path)
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads(file.metadata()["header"])
            return {name: file.get_tensor(name) for name in file.keys()}, header  # noqa: SIM118
    except (OSError, RecursionError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(cut(f"{path}: not a checkpoint: {error}")) from error


def prefixed(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Put `prefix.` before every name."""
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors whose names begin with `prefix.`, without it."""
    start = f"{prefix}."
    return {n.removeprefix(start): tensor for n, tensor in tensors.items() if n.startswith(start)}


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Flatten the state of an optimizer whose state is tensors only, such as Adam's."""
    state = optimizer.state_dict()["state"]
    return {f"{i}.{key}": value for i, values in state.items() for key, value in values.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Restore the state that `optimizer_tensors` returned; learning rates do not change."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
