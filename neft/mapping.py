"""Weights and the devices that hold them: `program` writes a network's weights onto one chip.

A model is never rewritten: programmed weights are a dictionary of tensors, with which
`torch.func.functional_call` runs any `nn.Module`.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from neft import variation
from neft.files import atomic_path
from neft.variation import PRESETS, VariationModel

DEVICE_LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)


@dataclass(frozen=True)
class Hardware:
    """What a weight is stored on: devices that vary, and how many of them share its bits.

    Args:
        variation: the devices' error.
        weight_bits: M, bits of a weight.
        device_bits: K, bits of a device; a weight takes M / K devices of significance 2^(iK).

    Raises:
        ValueError: a bit count is not positive, or K does not divide M.
    """

    variation: VariationModel
    weight_bits: int = 8
    device_bits: int = 2

    def __post_init__(self) -> None:
        for key in ("weight_bits", "device_bits"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key} must be at least 1, got {getattr(self, key)}")
        if self.weight_bits % self.device_bits:
            raise ValueError(
                f"device_bits must divide weight_bits ({self.weight_bits}), got {self.device_bits}"
            )

    @property
    def slice_factor(self) -> float:
        """c(M, K) = sqrt(sum_i 4^(iK)) / sum_i 2^(iK): a weight's spread per device spread.

        Independent errors of the M / K devices add with their significances (NeFT,
        arXiv 2305.14561); 0.7776 for M = 8, K = 2.
        """
        significances = [2 ** (i * self.device_bits) for i in range(self.devices_per_weight)]
        return math.hypot(*significances) / sum(significances)

    @property
    def devices_per_weight(self) -> int:
        """M / K."""
        return self.weight_bits // self.device_bits

    def save(self, path: Path | str) -> None:
        """Write as JSON, atomically."""
        values = {
            "weight_bits": self.weight_bits,
            "device_bits": self.device_bits,
            "variation": variation.to_dict(self.variation),
        }
        with atomic_path(path) as partial:
            partial.write_text(json.dumps(values, indent=2) + "\n")

    @classmethod
    def load(cls, name_or_path: Path | str) -> "Hardware":
        """Return a published preset with the default bits, or read a file written by `save`.

        Raises:
            ValueError: neither a preset's name nor a hardware file; names what it got.
        """
        if name_or_path in PRESETS:
            return cls(PRESETS[name_or_path])
        try:
            values = json.loads(Path(name_or_path).read_text(encoding="utf-8"))
            return cls(**{**values, "variation": variation.from_dict(values["variation"])})
        except FileNotFoundError as error:
            known = ", ".join(PRESETS)
            raise ValueError(
                f"hardware must be a preset ({known}) or a file, got {str(name_or_path)!r}"
            ) from error
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{name_or_path}: not a hardware file: {error!r}") from error


def on_devices(name: str, layer: nn.Module) -> bool:
    """Say whether a layer's weight lives on devices: all convolution and linear layers' do."""
    return isinstance(layer, DEVICE_LAYERS)


def device_weights(
    model: nn.Module, where: Callable[[str, nn.Module], bool] = on_devices
) -> dict[str, nn.Parameter]:
    """Return the weights that live on devices, by parameter name; a shared weight once.

    Args:
        model: any module.
        where: (layer's name, layer) -> whether its `weight` is on devices.
    """
    weights: dict[int, tuple[str, nn.Parameter]] = {}
    for name, layer in model.named_modules():
        if where(name, layer):
            key = f"{name}.weight" if name else "weight"
            weights.setdefault(id(layer.weight), (key, layer.weight))
    return dict(weights.values())


def program_weight(
    weight: Tensor, hardware: Hardware, sigma_d: float, *, generator: torch.Generator
) -> Tensor:
    """Program one weight tensor: w' = w + max|W| c(M, K) error(|w| / max|W|; sigma_d).

    The paper's weight-level model (NeFT, arXiv 2305.14561): the error is drawn once for the
    weight, at the conductance that its magnitude asks for, not for each of its devices. It is
    a constant to the gradient: dw'/dw = 1.

    Args:
        weight: any shape.
        hardware: devices and bits.
        sigma_d: standard deviation of a device's error, fraction of its full range.
        generator: source of the draw, on the weight's device.

    Returns:
        The programmed weight; `weight` itself if sigma_d is 0.

    Raises:
        ValueError: sigma_d negative or not finite.
    """
    if not (math.isfinite(sigma_d) and sigma_d >= 0):
        raise ValueError(f"sigma_d must be non-negative and finite, got {sigma_d}")
    if sigma_d == 0:
        return weight
    with torch.no_grad():
        u = weight.abs()
        scale = u.max()
        u = u.div_(scale.clamp_min(torch.finfo(u.dtype).tiny))
        error = hardware.variation.sample(u, sigma_d, generator=generator)
        error = error.mul_(scale * hardware.slice_factor)
    return weight + error


def program(
    model: nn.Module,
    hardware: Hardware,
    sigma_d: float,
    *,
    generator: torch.Generator,
    where: Callable[[str, nn.Module], bool] = on_devices,
) -> dict[str, Tensor]:
    """Program a model's weights onto one chip.

    Args:
        model: any module; it is not changed.
        hardware: devices and bits.
        sigma_d: standard deviation of a device's error, fraction of its full range.
        generator: source of the draws, on the weights' device.
        where: (layer's name, layer) -> whether its `weight` is on devices.

    Returns:
        Programmed weights by parameter name, for `torch.func.functional_call`.

    Raises:
        ValueError: sigma_d negative or not finite.

    >>> from neft.seeding import generator
    >>> layer = nn.Linear(4, 2)
    >>> chip = program(layer, Hardware(PRESETS["RRAM1"]), 0.1, generator=generator("chip", 0))
    >>> torch.func.functional_call(layer, chip, torch.ones(1, 4)).shape
    torch.Size([1, 2])
    """
    return {
        name: program_weight(weight, hardware, sigma_d, generator=generator)
        for name, weight in device_weights(model, where).items()
    }


@dataclass(frozen=True)
class NoisyForward:
    """Forward passes of one network on freshly programmed devices, for training.

    Backbone and feedback draw from generators of their own, so that a method's feedback does not
    change which errors the backbone meets.

    Args:
        network: any module.
        hardware: devices and bits.
        sigma_d: standard deviation of a device's error, fraction of its full range.
        generator: source of the backbone's draws.
        feedback_generator: source of all other draws.
    """

    network: nn.Module
    hardware: Hardware
    sigma_d: float
    generator: torch.Generator
    feedback_generator: torch.Generator

    def backbone(self, inputs: Tensor, sigma_d: float | None = None) -> Tensor:
        """Run the network on one fresh draw at sigma_d (default: the training's)."""
        sigma_d = self.sigma_d if sigma_d is None else sigma_d
        weights = program(self.network, self.hardware, sigma_d, generator=self.generator)
        return torch.func.functional_call(self.network, weights, (inputs,))

    def feedback(self, inputs: Tensor, sigma_d: float) -> Tensor:
        """Run the network on one fresh draw at another sigma_d.

        Buffers are left as they were: BatchNorm's running statistics, used at inference, are
        those of the backbone's sigma_d only (our choice; the paper is silent).
        """
        weights = program(self.network, self.hardware, sigma_d, generator=self.feedback_generator)
        buffers = {name: buffer.clone() for name, buffer in self.network.named_buffers()}
        return torch.func.functional_call(self.network, {**buffers, **weights}, (inputs,))

    def auxiliary(self, module: nn.Module, inputs: Tensor) -> Tensor:
        """Run another module, one that training adds, on one fresh draw at sigma_d."""
        weights = program(module, self.hardware, self.sigma_d, generator=self.feedback_generator)
        return torch.func.functional_call(module, weights, (inputs,))
