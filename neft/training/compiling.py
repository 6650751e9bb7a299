"""Run a network with given weights, eagerly or compiled by `torch.compile`."""

import os
import shutil
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

Call = Callable[[Mapping[str, Tensor], Tensor], Tensor]
"""A network as a function of its weights by name, and of inputs."""


def eager(network: nn.Module) -> Call:
    """Return the network as a function that computes layer by layer."""
    return lambda weights, inputs: torch.func.functional_call(network, dict(weights), (inputs,))


def compiled(network: nn.Module) -> Call:
    """Return the network as a function that is compiled when it is first called.

    Compiling takes seconds for each shape of the inputs and each mode of the network (training or
    evaluation), in each process. Compiled code ignores forward hooks: a network that has some, as
    while IRS takes its snapshots, runs eagerly.
    """
    plain = eager(network)
    fast = torch.compile(plain)

    def call(weights: Mapping[str, Tensor], inputs: Tensor) -> Tensor:
        hooked = any(
            layer._forward_hooks or layer._forward_pre_hooks for layer in network.modules()
        )
        return (plain if hooked else fast)(weights, inputs)

    return call


def check_compiler(device: torch.device) -> None:
    """Refuse a machine on which `torch.compile` cannot work.

    Raises:
        ValueError: the device is the CPU, and there is no C++ compiler.
    """
    names = (os.environ.get("CXX", "g++"), "clang++")
    if device.type == "cpu" and not any(map(shutil.which, names)):
        raise ValueError(f"compile needs a C++ compiler ({' or '.join(names)}), found none")
