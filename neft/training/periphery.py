"""A chip's periphery in training: read noise and converters, with ranges that can be learned."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.utils.data import Dataset

from neft.chip import (
    Deploy,
    Learned,
    Periphery,
    Where,
    calibrate,
    converting,
    program,
    with_read_noise,
)
from neft.chip.learned_ranges import set_learned_ranges
from neft.data.calibration import training_images

LEAST = 1e-3
"""Share of its start above which a learned range is kept."""


class TrainedPeriphery:
    """What a network in training sees of a periphery: all but compensation, which is for tests.

    Converters' ranges that are not learned are set anew whenever the network gets its converters,
    from its weights as they are then: for training with the images' own statistics in BatchNorm,
    for validation as for a test (`neft.evaluation.logits_with_periphery`).

    Args:
        network: to train, in training mode.
        periphery: around its devices.
        train: the training part, for the images of calibration.
        where: (weight's name, its layer) -> whether it is on devices (see `neft.chip.layers`).

    Raises:
        ValueError: see `neft.chip.calibrate` and `neft.data.calibration.training_images`.
    """

    def __init__(
        self, network: nn.Module, periphery: Periphery, train: Dataset, where: Where
    ) -> None:
        self.network, self.periphery, self.where = network, periphery, where
        self.bounds = nn.ParameterList()
        """The ranges that are learned."""
        self.layers: list[str] = []
        self._least: list[float] = []
        if periphery.converters.exact:
            return
        device = next(network.parameters()).device
        self.images = training_images(train, periphery.images).to(device)
        if isinstance(periphery.converters.input_range, Learned):
            start = self._ranges(training=True)
            self.layers = list(start)
            self.bounds.extend(
                torch.tensor(start[path]["input"], device=device) for path in self.layers
            )
            self._least = [LEAST * bound.item() for bound in self.bounds]
            self.keep()

    @property
    def deploy(self) -> Deploy:
        """What programs a chip of the validation, and reads it once."""
        noise = self.periphery.read_noise
        return program if noise is None else with_read_noise(noise)

    @contextmanager
    def around(self, *, training: bool) -> Iterator[None]:
        """Put the converters around the network inside the block.

        Args:
            training: the ranges to be learned change in the block; otherwise all are fixed.
        """
        converters = self.periphery.converters
        if converters.exact:
            yield
            return
        learning = None
        if training and self.layers:
            learning = dict(zip(self.layers, self.bounds, strict=True))
        ranges = self._ranges(training=training)
        with converting(self.network, converters, ranges, where=self.where, learning=learning):
            yield

    def keep(self) -> None:
        """Write the learned ranges on their layers, where `neft.chip.calibrate` finds them."""
        values = [bound.item() for bound in self.bounds]
        set_learned_ranges(self.network, dict(zip(self.layers, values, strict=True)))

    @torch.no_grad()
    def after_step(self) -> None:
        """Keep the learned ranges positive."""
        for bound, least in zip(self.bounds, self._least, strict=True):
            bound.clamp_(min=least)

    def _ranges(self, *, training: bool) -> dict[str, dict[str, float]]:
        return calibrate(
            self.network, self.images, self.periphery.converters,
            where=self.where, training=training,
        )  # fmt: skip
