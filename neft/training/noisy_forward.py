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
    read_noise_once,
    weight_scales,
)
from neft.devices import ReadNoise
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
        read_noise: of a device; None for none. Each pass is one read of the devices.
    """

    network: nn.Module
    hardware: Hardware
    sigma_d: float
    generator: torch.Generator
    feedback_generator: torch.Generator
    where: Where = on_devices
    call: Call | None = None
    read_noise: ReadNoise | None = None

    def at(self, sigma_d: float) -> "NoisyForward":
        """Return the same passes, with the same generators, at another sigma_d."""
        if sigma_d == self.sigma_d:
            return self
        other = replace(self, sigma_d=sigma_d)
        vars(other)["weights"] = self.weights  # found once, as the network does not change
        return other

    def scales(self) -> dict[str, Scale]:
        """Return the weights' scales, for all passes up to the next step of the optimiser."""
        return weight_scales(self.weights, self.network, self.hardware)

    def backbone(
        self,
        inputs: Tensor,
        sigma_d: float | None = None,
        *,
        scales: Mapping[str, Scale] | None = None,
    ) -> Tensor:
        """Run the network on one fresh draw at sigma_d (default: that of the training)."""
        return self.run(self.program(sigma_d, scales=scales), inputs)

    def program(
        self,
        sigma_d: float | None = None,
        *,
        scales: Mapping[str, Scale] | None = None,
        weights: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """Return the weights of one fresh draw at sigma_d (default: that of the training).

        Others than the network's own are programmed where `weights` has them, all by name.
        """
        sigma_d = self.sigma_d if sigma_d is None else sigma_d
        return self._program(sigma_d, self.generator, scales, weights)

    def run(self, weights: dict[str, Tensor], inputs: Tensor, *, aside: bool = False) -> Tensor:
        """Run the network with these weights.

        Args:
            weights: by parameter name.
            inputs: of the network.
            aside: leave its buffers as they are.
        """
        buffers = {}
        if aside:
            buffers = {name: buffer.clone() for name, buffer in self.network.named_buffers()}
        return (self.call or eager(self.network))({**buffers, **weights}, inputs)

    def feedback(
        self, inputs: Tensor, sigma_d: float, *, scales: Mapping[str, Scale] | None = None
    ) -> Tensor:
        """Run the network on one fresh draw at another sigma_d.

        Buffers do not change: BatchNorm's running statistics, used at inference, are those at the
        backbone's sigma_d only (our choice; the paper does not say).
        """
        weights = self._program(sigma_d, self.feedback_generator, scales)
        return self.run(weights, inputs, aside=True)

    def auxiliary(self, module: nn.Module, inputs: Tensor) -> Tensor:
        """Run an auxiliary module of the method on one fresh draw at the training's sigma_d."""
        source = self.feedback_generator
        weights = program(module, self.hardware, self.sigma_d, generator=source)
        weights = self._read(weights, device_weights(module), module, source)
        return eager(module)(weights, inputs)

    @cached_property
    def weights(self) -> dict[str, nn.Parameter]:
        """The network's weights on devices, by name."""
        return device_weights(self.network, self.where)

    def _program(
        self,
        sigma_d: float,
        generator: torch.Generator,
        scales: Mapping[str, Scale] | None,
        weights: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        weights = self.weights if weights is None else weights
        programmed = program_each(
            weights, self.network, self.hardware, sigma_d, generator=generator, scales=scales
        )
        return self._read(programmed, weights, self.network, generator)

    def _read(
        self,
        programmed: dict[str, Tensor],
        weights: Mapping[str, Tensor],
        module: nn.Module,
        generator: torch.Generator,
    ) -> dict[str, Tensor]:
        if self.read_noise is None:
            return programmed
        noise = read_noise_once(
            weights, module, self.hardware, self.read_noise, generator=generator
        )
        return {name: weight + noise[name] for name, weight in programmed.items()}
