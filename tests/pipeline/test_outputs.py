"""What a stage keeps is where its name says, whole, and only if there is a place for it."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from neft.pipeline import outputs


def test_everything_goes_to_the_stages_folders(tmp_path: Path) -> None:
    table = pd.DataFrame({"method": ["ovf"], "accuracy": [0.1 + 0.2]})
    figure = plt.figure()
    outputs.keep(
        tmp_path,
        "montecarlo/ovf",
        tables={"draws": table},
        metrics={"accuracy": {"ovf": 0.1}},
        figures={"shape": figure},
    )
    plt.close(figure)
    folder = tmp_path / "metrics" / "montecarlo" / "ovf"
    pd.testing.assert_frame_equal(pd.read_csv(folder / "draws.csv"), table, check_exact=True)
    assert json.loads((folder / "accuracy.json").read_text()) == {"ovf": 0.1}
    assert (tmp_path / "figures/montecarlo/ovf/shape.svg").read_text().startswith("<?xml")
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 3


def test_without_an_output_nothing_is_written(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    outputs.keep(None, "results", tables={"draws": pd.DataFrame({"a": [1]})})
    assert not any(tmp_path.iterdir())
