"""Forward passes of a network on freshly programmed devices, for training methods."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor, nn

from neft.chip import (
    Hardware,
    Scale,
    Where,
    device_weights,
    on_devices,
    program,
    program_each,
    weight_scales,
)
from neft.training.compiling import Call, eager


@dataclass(frozen=True)
class NoisyForward:
    """One network on devices that are programmed anew for each forward pass.

    Backbone and feedback have separate generators, so that a method's feedback does not change
    the errors of the backbone.

    Args:
        network: any module.
        hardware: devices and bits.
        sigma_d: standard deviation of a device's error, fraction of its full range.
        generator: source of the backbone's draws.
        feedback_generator: source of all other draws.
        where: (weight's name, its layer) -> whether it is on devices (see `neft.chip.layers`).
        call: runs the network with given weights (see `neft.training.compiling`); None to run it
            eagerly.
    """

    network: nn.Module
    hardware: Hardware
    sigma_d: float
    generator: torch.Generator
    feedback_generator: torch.Generator
    where: Where = on_devices
    call: Call | None = None

    def at(self, sigma_d: float) -> "NoisyForward":
        """Return the same passes, with the same generators, at another sigma_d."""
        if sigma_d == self.sigma_d:
            return self
        other = replace(self, sigma_d=sigma_d)
        vars(other)["_weights"] = self._weights  # found once, as the network does not change
        return other

    def scales(self) -> dict[str, Scale]:
        """Return the weights' scales, for all passes up to the next step of the optimiser."""
        return weight_scales(self._weights, self.network, self.hardware)

    def backbone(
        self,
        inputs: Tensor,
        sigma_d: float | None = None,
        *,
        scales: Mapping[str, Scale] | None = None,
    ) -> Tensor:
        """Run the network on one fresh draw at sigma_d (default: that of the training)."""
        sigma_d = self.sigma_d if sigma_d is None else sigma_d
        return self._run(self._program(sigma_d, self.generator, scales), inputs)

    def feedback(
        self, inputs: Tensor, sigma_d: float, *, scales: Mapping[str, Scale] | None = None
    ) -> Tensor:
        """Run the network on one fresh draw at another sigma_d.

        Buffers do not change: BatchNorm's running statistics, used at inference, are those at the
        backbone's sigma_d only (our choice; the paper does not say).
        """
        weights = self._program(sigma_d, self.feedback_generator, scales)
        buffers = {name: buffer.clone() for name, buffer in self.network.named_buffers()}
        return self._run({**buffers, **weights}, inputs)

    def auxiliary(self, module: nn.Module, inputs: Tensor) -> Tensor:
        """Run an auxiliary module of the method on one fresh draw at the training's sigma_d."""
        weights = program(module, self.hardware, self.sigma_d, generator=self.feedback_generator)
        return eager(module)(weights, inputs)

    def _run(self, weights: dict[str, Tensor], inputs: Tensor) -> Tensor:
        return (self.call or eager(self.network))(weights, inputs)

    @cached_property
    def _weights(self) -> dict[str, nn.Parameter]:
        return device_weights(self.network, self.where)

    def _program(
        self, sigma_d: float, generator: torch.Generator, scales: Mapping[str, Scale] | None
    ) -> dict[str, Tensor]:
        return program_each(
            self._weights, self.network, self.hardware, sigma_d, generator=generator, scales=scales
        )
