"""The bundled models are those of the bundled tables, and all documented devices load by name."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from neft import Hardware
from neft.characterize import bundled, bundled_models, read_level_table
from neft.devices import MODEL_NAMES, PRESETS, model_files, named_model
from neft.devices.named_models import FOLDER

METHOD = Path(__file__).parents[2] / "docs" / "method.md"


def test_files_hold_the_models_of_the_tables_and_no_others(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(bundled_models, "FOLDER", tmp_path)
    bundled_models.write()
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == sorted(path.name for path in FOLDER.iterdir())
    for name in written:
        made, there = (asdict(model_files.load(folder / name)) for folder in (tmp_path, FOLDER))
        quantiles = [values.pop("quantiles", ()) for values in (made, there)]
        assert made == there, "run neft.characterize.bundled_models.write()"
        np.testing.assert_allclose(*quantiles, rtol=1e-6, atol=1e-9)  # libraries' splines differ


@pytest.mark.parametrize("technology", ["RRAM_B", "RRAM_C"])
def test_measured_devices_are_those_of_the_last_time(technology: str) -> None:
    levels = read_level_table(bundled.LEVELS)
    rows = levels[levels.technology == technology]
    last = rows[rows.time_s == rows.time_s.max()]
    size = float(np.sqrt(np.mean(last["std"] ** 2)))
    assert Hardware.load(technology).sigma_d_measured == pytest.approx(size)
    for name in (technology, f"{technology}_smooth", f"{technology}_quantiles"):
        assert named_model(name).time_s == last.time_s.iloc[0]


def test_every_device_of_the_documentation_loads_by_name() -> None:
    table = METHOD.read_text(encoding="utf-8").partition("## Devices")[2].partition("##")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {name.strip(" `") for row in rows for name in row.split(",")}
    assert named == set(MODEL_NAMES) > set(PRESETS)
    assert {Hardware.load(name).variation.name for name in named} == named


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"name must be one of RRAM1, .*, got 'RRAM_D'"):
        named_model("RRAM_D")
