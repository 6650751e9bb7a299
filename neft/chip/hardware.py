"""Hardware: the devices that store weights, their bits and mapping; presets and JSON files."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

from neft._utils.checks import at_least, cut, fraction, one_of
from neft._utils.files import atomic_path, read_json
from neft._utils.strict import strictly
from neft.devices import MODEL_NAMES, VariationModel, named_model
from neft.devices.model_files import from_dict, to_dict

SCALES = ("tensor", "channel")
MAPPINGS = ("weight", "differential", "sign_bit")
"""Names of the ways to put a weight on devices, for `Hardware.mapping`."""
MOST_BITS = 32


@dataclass(frozen=True)
class Hardware:
    """The devices that store weights, and how a weight maps to them.

    Args:
        variation: model of the devices' error.
        weight_bits: M, bits of a weight.
        device_bits: K, bits of a device; a weight takes M / K devices of significance 2^(iK).
        scale: the weight that full conductance stands for, max|W| of the "tensor" (as in the
            paper) or of each output "channel".
        mapping: "weight" draws one error for a whole weight (the paper's model); "differential"
            and "sign_bit" draw one error for each device (see `neft.chip.bit_slicing`).
        stuck_low: share of devices stuck at the lowest level.
        stuck_high: share of devices stuck at the highest level.

    Raises:
        ValueError: a bit count is not positive, M is above 32, K does not divide M, scale or
            mapping is unknown, a share is outside [0, 1], or devices are stuck although the mapping
            is "weight", which simulates no single devices.
    """

    variation: VariationModel
    weight_bits: int = 8
    device_bits: int = 2
    scale: str = "tensor"
    mapping: str = "weight"
    stuck_low: float = 0.0
    stuck_high: float = 0.0

    def __post_init__(self) -> None:
        at_least(1, weight_bits=self.weight_bits, device_bits=self.device_bits)
        if self.weight_bits > MOST_BITS:
            raise ValueError(f"weight_bits must be at most {MOST_BITS}, got {self.weight_bits}")
        if self.weight_bits % self.device_bits:
            raise ValueError(
                f"device_bits must divide weight_bits ({self.weight_bits}), got {self.device_bits}"
            )
        one_of(SCALES, scale=self.scale)
        one_of(MAPPINGS, mapping=self.mapping)
        fraction(stuck_low=self.stuck_low, stuck_high=self.stuck_high)
        both = self.stuck_low + self.stuck_high
        if both > 1:
            raise ValueError(f"stuck_low + stuck_high must be at most 1, got {both}")
        if both and self.mapping == "weight":
            raise ValueError(
                f"mapping must be device-level with stuck devices, got {self.mapping!r}"
            )

    @property
    def slice_factor(self) -> float:
        """c(M, K) = sqrt(sum_i 4^(iK)) / sum_i 2^(iK): a weight's spread over a device's spread.

        It holds for independent errors of the M / K devices, added with their significances (NeFT,
        arXiv 2305.14561). It is 0.7776 for M = 8, K = 2.
        """
        significances = [2 ** (i * self.device_bits) for i in range(self.devices_per_weight)]
        return math.hypot(*significances) / sum(significances)

    @property
    def devices_per_weight(self) -> int:
        """M / K, devices that store one weight."""
        return self.weight_bits // self.device_bits

    @property
    def sigma_d_measured(self) -> float:
        """Size of the error that was measured on these devices, fraction of their full range.

        Raises:
            ValueError: the devices' model has no measured size.
        """
        size = getattr(self.variation, "sigma_d_measured", None)
        if size is None:
            raise ValueError(f"variation must have a measured size, got {self.variation.name!r}")
        return float(size)

    def save(self, path: Path | str) -> None:
        """Write as JSON, atomically."""
        values = {**vars(self), "variation": to_dict(self.variation)}
        with atomic_path(path) as partial:
            partial.write_text(json.dumps(values, indent=2) + "\n")

    @classmethod
    def load(cls, name_or_path: Path | str) -> "Hardware":
        """Return named devices with the default bits, or read a file written by `save`.

        Args:
            name_or_path: of a published preset or a measured model (`neft.devices.MODEL_NAMES`),
                or of a file.

        Raises:
            ValueError: `name_or_path` is neither such a name nor a hardware file.

        Examples:
            >>> round(Hardware.load("RRAM_B").sigma_d_measured, 3)
            0.055
        """
        if name_or_path in MODEL_NAMES:
            return cls(named_model(str(name_or_path)))
        if not Path(name_or_path).exists():
            known = ", ".join(MODEL_NAMES)
            rule = f"hardware must be named devices ({known}) or a file"
            raise ValueError(f"{rule}, got {str(name_or_path)!r}")
        values = read_json(name_or_path, "hardware file")
        try:
            variation = values.pop("variation", None)
            if not isinstance(variation, dict):
                raise ValueError(f"variation must be an object, got {variation!r}")
            return strictly(cls, values, variation=from_dict(variation))
        except ValueError as error:
            raise ValueError(cut(f"{name_or_path}: not a hardware file: {error}")) from error
