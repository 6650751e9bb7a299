"""Variation models by name: the published presets, and the measured models in this package.

The measured ones are JSON files in `bundled`. `neft.characterize.bundled_models` makes them from
the bundled tables, at each technology's last time: RRAM_B 10^4 s and RRAM_C 10^5 s after the first
read. A run makes its own at the times that its parameters name.
"""

from functools import cache
from pathlib import Path

from neft._utils.checks import one_of
from neft.devices.model_files import load
from neft.devices.presets import PRESETS
from neft.devices.variation import VariationModel

FOLDER = Path(__file__).parent / "bundled"

MODEL_NAMES = (*PRESETS, *sorted(path.stem for path in FOLDER.glob("*.json")))
"""The presets' names and those of the measured models."""


@cache
def named_model(name: str) -> VariationModel:
    """Return a published preset or a measured model.

    Args:
        name: in `MODEL_NAMES`.

    Raises:
        ValueError: another name.

    Examples:
        >>> named_model("RRAM_C_quantiles").time_s
        100000.0
    """
    one_of(MODEL_NAMES, name=name)
    return PRESETS.get(name) or load(FOLDER / f"{name}.json")
