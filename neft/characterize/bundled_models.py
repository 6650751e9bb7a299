"""The measured models in the package, made from its tables: those of each technology's last time.

`neft.devices.named_model` loads them by name. To write them again after a change of the tables:

    python -c "from neft.characterize import bundled_models; bundled_models.write()"
"""

from neft.characterize import bundled
from neft.characterize.reads import read_level_table
from neft.characterize.variation_models import at_time, empirical, gaussian, smooth
from neft.devices import VariationModel, model_files
from neft.devices.named_models import FOLDER


def build() -> dict[str, VariationModel]:
    """Make the models of every bundled technology at its last time, by their names."""
    levels = read_level_table(bundled.LEVELS)
    models = [
        make(at_time(levels, technology, float(rows.time_s.max())))
        for technology, rows in levels.groupby("technology")
        for make in (gaussian, smooth, empirical)
    ]
    return {model.name: model for model in models}


def write() -> None:
    """Write each model as a JSON file into the folder from which they are loaded."""
    for name, model in build().items():
        model_files.save(model, FOLDER / f"{name}.json")
