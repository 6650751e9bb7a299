"""Reads of a programmed chip, which differ from each other by the read noise of its devices."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from neft._utils.checks import positive
from neft.chip.hardware import Hardware
from neft.chip.layers import Where, device_weights, on_devices
from neft.chip.programming import Deploy, full_scales, program
from neft.devices import ReadNoise


def chip_reads(
    chip: Mapping[str, Tensor],
    model: nn.Module,
    hardware: Hardware,
    noise: ReadNoise | None = None,
    *,
    interval_s: float,
    generator: torch.Generator,
    where: Where = on_devices,
) -> Iterator[dict[str, Tensor]]:
    """Yield a programmed chip as its successive reads show it, without end.

    w'(t) = w' + s sum_i k_i e_i(t): s is the weight that full conductance stands for, e_i the noise
    of device i, a fraction of its full range, and k_i its significance 2^(iK) / sum_j 2^(jK). The
    mapping "differential" subtracts the noise of a second set of devices. The mapping "weight"
    draws one noise for the whole weight, times c(M, K), which has the spread of the sum.

    A read can serve a whole batch: the noise is then the same for all its inputs. Gradients take it
    as a constant.

    Args:
        chip: what `program` or another `Deploy` returned for the model; it is not changed.
        model: the module that was programmed.
        hardware: its devices, bits and mapping.
        noise: of a device; None for none.
        interval_s: time from one read to the next.
        generator: source of the draws, on the weights' device.
        where: the one that the chip was programmed with.

    Yields:
        Weights (and what else `chip` holds) by name, for `torch.func.functional_call`. Without
        noise they are the tensors of `chip` themselves.

    Raises:
        ValueError: the chip lacks a weight that is on devices, or interval_s is not positive.

    Examples:
        >>> from neft._utils.seeding import generator
        >>> layer, hardware, draw = nn.Linear(4, 2), Hardware.load("RRAM1"), generator("chip", 0)
        >>> chip = program(layer, hardware, 0.1, generator=draw)
        >>> noise = ReadNoise("n", "made up", 0.01, 0.02, 1.0, 0.0, 1.0, low_Hz=0.1, high_Hz=100)
        >>> reads = chip_reads(chip, layer, hardware, noise, interval_s=1e-2, generator=draw)
        >>> [torch.func.functional_call(layer, next(reads), torch.ones(1, 4)).shape for _ in "ab"]
        [torch.Size([1, 2]), torch.Size([1, 2])]
    """
    positive(interval_s=interval_s)
    weights = device_weights(model, where)
    missing = sorted(weights.keys() - chip.keys())
    if missing:
        raise ValueError(f"chip must hold all weights on devices, got none for {missing}")
    if noise is None or noise.sigma == 0:
        return iter(lambda: dict(chip), None)
    scales = full_scales(weights, model, hardware)
    shares = _shares(hardware)
    each = {
        name: [
            noise.reads(
                weight.shape, interval_s=interval_s, generator=generator, dtype=_wide(weight.dtype)
            )
            for _ in shares
        ]
        for name, weight in weights.items()
    }
    return _noisy(chip, scales, shares, each)


def _noisy(
    chip: Mapping[str, Tensor],
    scales: Mapping[str, Tensor],
    shares: list[float],
    noise: Mapping[str, list[Iterator[Tensor]]],
) -> Iterator[dict[str, Tensor]]:
    while True:
        read = dict(chip)
        for name, devices in noise.items():
            total = sum(k * next(device) for k, device in zip(shares, devices, strict=True))
            read[name] = chip[name] + (scales[name] * total).to(chip[name].dtype)
        yield read


@torch.no_grad()
def read_noise_once(
    weights: Mapping[str, Tensor],
    model: nn.Module,
    hardware: Hardware,
    noise: ReadNoise,
    *,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Draw the noise of one read of each weight, in units of the weights.

    It has the distribution of the noise in any one read of `chip_reads`, where that between reads
    does not matter, in a fraction of its time: of the Gaussian parts of all of a weight's devices
    only the sum is drawn.

    Args:
        weights: on devices, by name, as `neft.chip.layers.device_weights` returns.
        model: the module that has them.
        hardware: its devices, bits and mapping.
        noise: of a device.
        generator: source of the draws, on the weights' device.
    """
    shares = _shares(hardware)
    gaussian = math.hypot(noise.white, noise.flicker) * math.hypot(*shares)
    drawn = {}
    for name, scale in full_scales(weights, model, hardware).items():
        weight = weights[name]
        like: dict[str, Any] = {"device": weight.device, "dtype": _wide(weight.dtype)}
        total = torch.randn(weight.shape, generator=generator, **like).mul_(gaussian)
        for share in shares if noise.telegraph else ():
            upper = torch.rand(weight.shape, generator=generator, **like) < 0.5
            total += torch.where(upper, share * noise.telegraph, -share * noise.telegraph)
        drawn[name] = (scale * total).to(weight.dtype)
    return drawn


def _shares(hardware: Hardware) -> list[float]:
    """Weights of the devices' noises in the noise of a weight."""
    if hardware.mapping == "weight":
        return [hardware.slice_factor]
    significances = [2.0 ** (i * hardware.device_bits) for i in range(hardware.devices_per_weight)]
    shares = [each / sum(significances) for each in significances]
    return shares if hardware.mapping == "sign_bit" else shares + [-each for each in shares]


def _wide(dtype: torch.dtype) -> torch.dtype:
    return dtype if dtype.itemsize >= 4 else torch.float32


def with_read_noise(noise: ReadNoise, deploy: Deploy = program) -> Deploy:
    """Return what programs a chip as `deploy` does and then reads it once, with read noise.

    The read is held for all inputs. As `deploy` of `neft.accuracy_over_chips`, it gives the
    accuracy of one read of each chip. The programming errors stay the same, so that the difference
    from `deploy` alone is that of the read noise.

    Args:
        noise: of a device.
        deploy: programs the network.
    """

    def programmed_and_read(
        network: nn.Module,
        hardware: Hardware,
        sigma_d: float,
        /,
        *,
        generator: torch.Generator,
        where: Where = on_devices,
    ) -> dict[str, Tensor]:
        chip = deploy(network, hardware, sigma_d, generator=generator, where=where)
        reads = chip_reads(
            chip, network, hardware, noise, interval_s=1.0, generator=generator, where=where
        )  # of a single read, the interval does not matter
        return next(reads)

    return programmed_and_read
