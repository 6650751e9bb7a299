"""A chip's periphery: what stands around its devices, in the order of a signal."""

from dataclasses import dataclass

from neft._utils.checks import at_least, one_of, positive
from neft.chip.converters import Converters
from neft.devices import ReadNoise

COMPENSATIONS = ("drift", "batchnorm")
"""How a digital circuit can correct a chip: a factor for each layer, or BatchNorm's statistics."""


@dataclass(frozen=True)
class Periphery:
    """What stands around the devices of a chip. Each part is off by default.

    With inputs x, the weights w'(t) of a programmed chip at a read, tiles T_1, T_2, ... and the
    digital bias b, a layer's output is

        y = b + a sum_t Q_adc(sum_{i in T_t} w'_i(t) Q_dac(x_i)).

    w'(t) is w' with `read_noise` (`neft.chip.chip_reads`). Q_dac, Q_adc and the tiles are
    `converters` (`neft.chip.Converters`); their ranges are those that training learned, or are
    set once from the network without errors, and are those of every chip. `compensation` is
    digital: "drift" sets a for each layer from the chip's first read (`neft.evaluation.drift`; a is
    1 otherwise), then "batchnorm" re-estimates BatchNorm's statistics, with a, through the
    converters (`neft.evaluation.batchnorm`). Both see the first read, which the first test images
    share.

    Args:
        read_noise: of a device; None for none.
        images_per_read: test images that one read serves; None for all of them. The devices are
            read anew for the next ones.
        interval_s: time from one read to the next.
        converters: around the devices; without converters and tiles by default.
        compensation: of `COMPENSATIONS`, each at most once.
        images: number of unlabelled training images that set the converters' ranges and
            BatchNorm's statistics.

    Raises:
        ValueError: a number is out of its range, or a compensation is unknown or named twice.
    """

    read_noise: ReadNoise | None = None
    images_per_read: int | None = None
    interval_s: float = 1.0
    converters: Converters = Converters()  # noqa: RUF009  # frozen
    compensation: tuple[str, ...] = ()
    images: int = 500

    def __post_init__(self) -> None:
        if self.images_per_read is not None:
            at_least(1, images_per_read=self.images_per_read)
        positive(interval_s=self.interval_s)
        for name in self.compensation:
            one_of(COMPENSATIONS, compensation=name)
        if len(set(self.compensation)) < len(self.compensation):
            raise ValueError(f"compensation must name each at most once, got {self.compensation}")
        at_least(2, images=self.images)
