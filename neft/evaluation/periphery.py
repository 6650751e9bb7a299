"""Logits of a network on chips with a periphery: read noise, converters, compensation."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from neft._utils.allocator import keep_freed_memory
from neft._utils.checks import at_least
from neft._utils.evaluation_mode import evaluating
from neft._utils.seeding import generator, seeded
from neft.chip import (
    Execution,
    Hardware,
    Periphery,
    Ranges,
    Where,
    calibrate,
    chip_reads,
    converting,
    device_weights,
    fast_execution,
    fast_layers,
    on_devices,
    program,
)
from neft.data.calibration import training_images
from neft.evaluation.batchnorm import batch_norms, reestimate
from neft.evaluation.drift import drift_factors


@torch.no_grad()
def logits_with_periphery(
    network: nn.Module,
    images: Tensor,
    train: Dataset,
    hardware: Hardware,
    sigma_d: float,
    periphery: Periphery,
    *,
    chips: int,
    key: str,
    where: Where = on_devices,
    execution: Execution | None = None,
) -> Iterator[Tensor]:
    """Yield a network's logits on several chips as `neft.logits_over_chips` does, with a periphery.

    Chip i has the same programmed devices with any periphery, so that differences between two of
    them can be taken chip by chip. With all parts off, the logits are those of `logits_over_chips`
    to the bit.

    Args:
        train: the training part, for the images of calibration.
        periphery: around the devices.
        others: see `neft.logits_over_chips`.

    Yields:
        Logits of one chip, [images, classes].

    Raises:
        ValueError: see `neft.logits_over_chips`; or a part does not apply to the network, or the
            training part has too few images.

    Example:
        >>> from neft.chip import Converters, Percentile, Periphery
        >>> from torch.utils.data import TensorDataset
        >>> network, images = nn.Linear(4, 2), torch.rand(6, 4)
        >>> periphery = Periphery(converters=Converters(8, None, Percentile(100)), images=4)
        >>> train, hardware = TensorDataset(images, torch.ones(6)), Hardware.load("RRAM1")
        >>> over = logits_with_periphery(
        ...     network, images, train, hardware, 0.1, periphery, chips=3, key="test"
        ... )
        >>> [tuple(logits.shape) for logits in over]
        [(6, 2), (6, 2), (6, 2)]
    """
    at_least(1, chips=chips)
    device_weights(network, where)  # refuse before the first chip
    device = next(network.parameters()).device
    converters, ranges = periphery.converters, {}
    calibration = images[:0]
    if not converters.exact or "batchnorm" in periphery.compensation:
        calibration = training_images(train, periphery.images).to(device)
    if "batchnorm" in periphery.compensation:
        batch_norms(network)
    if not converters.exact:
        ranges = calibrate(network, calibration, converters, where=where)
    with converting(network, converters, ranges, where=where):
        execution = execution or fast_execution(network, images[:1])
    made = _Made(network, hardware, sigma_d, periphery, where, calibration, ranges, execution)
    images = images.to(device)
    for chip in range(chips):
        yield made.logits(images, key, chip)


@dataclass(frozen=True)
class _Made:
    """A network with what is the same for all of its chips."""

    network: nn.Module
    hardware: Hardware
    sigma_d: float
    periphery: Periphery
    where: Where
    calibration: Tensor
    ranges: Ranges
    execution: Execution

    def logits(self, images: Tensor, key: str, chip: int) -> Tensor:
        """Return the logits of chip `chip`, [images, classes]."""
        keep_freed_memory()
        network, about, where = self.network, self.periphery, self.where
        draw = generator("chip", key, chip, device=images.device)
        programmed = program(network, self.hardware, self.sigma_d, generator=draw, where=where)
        reads = chip_reads(
            programmed, network, self.hardware, about.read_noise,
            interval_s=about.interval_s, generator=draw, where=where,
        )  # fmt: skip
        first, weights = next(reads), device_weights(network, where)
        factors = drift_factors(weights, first) if "drift" in about.compensation else {}
        ranges = _through(factors, self.ranges, network, weights)
        with converting(network, about.converters, ranges, where=where):
            statistics = {}
            if "batchnorm" in about.compensation:
                statistics = reestimate(network, _times(factors, first), self.calibration)
            served = zip(
                images.split(about.images_per_read or len(images)), chain([first], reads),
                strict=False,  # reads are without end
            )  # fmt: skip
            with evaluating(network), fast_layers(network), seeded("layers", key, chip):
                return torch.cat(
                    [
                        torch.func.functional_call(network, chip_now, (batch,))
                        for part, read in served
                        for chip_now in [_times(factors, read) | statistics]
                        for batch in self.execution.batches(part)
                    ]
                )


Factors = Mapping[str, Tensor | float]


def _times(factors: Factors, read: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: w * factors[name] if name in factors else w for name, w in read.items()}


def _through(
    factors: Factors, ranges: Ranges, network: nn.Module, weights: Mapping[str, Tensor]
) -> Ranges:
    """Return the ranges with which the weights times their factors give the factors' outputs.

    The factor a is digital, behind the ADC: with a quantiser Q_r of range r, a Q_r(x) = Q_ar(a x).
    """
    if not (factors and ranges):
        return ranges
    of_weight = {id(weight): float(factors[name]) for name, weight in weights.items()}
    found: dict[str, dict[str, float]] = {}
    for path, bounds in ranges.items():
        own = map(id, _parameters(network, path))
        factor, *more = (of_weight[each] for each in own if each in of_weight)
        if more:
            rule = "must have one matrix for compensation of drift through converters"
            raise ValueError(f"{path} {rule}, got {1 + len(more)}")
        found[path] = {end: r * factor if end == "output" else r for end, r in bounds.items()}
    return found


def _parameters(network: nn.Module, name: str) -> list[nn.Parameter]:
    """Return the parameters of a layer, or that of a recurrent layer's weight."""
    try:
        return list(network.get_submodule(name).parameters(recurse=False))
    except AttributeError:
        return [network.get_parameter(name)]
