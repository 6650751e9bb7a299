"""Laws of ablations: one change at a time, each trained once, compared with what fits the chips."""

import dataclasses
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.training import HARDWARE, contents

from neft.devices.presets import PRESETS
from neft.evaluation.grid import load_trained
from neft.pipeline import parameters
from neft.statistics.summary import (
    REFERENCES,
    differences_from_matched,
    differences_from_references,
)
from neft.training import ablations
from neft.training import grid as training_grid
from neft.training.baselines import NoiseInjection, ScaledLogits
from neft.training.irs import IRS
from neft.training.loop import Schedule
from neft.training.ovf import OVF
from neft.training.settings import build_method

pytestmark = pytest.mark.usefixtures("one_process")

ROOT = Path(__file__).parents[2]
METHODS = {
    "noise_injection": {},
    "ovf": {"beta": 0.1, "increments": [0.2, 0.1]},
    "weak": {"method": "irs", "beta": 0.01},
}
SETTINGS = {
    "dataset": "tiny",
    "network": "lenet5",
    "width": 0.5,
    "seeds": [0, 1],
    "schedule": Schedule(epochs=1, batch_size=32, validation_chips=1),
}


def fields(method) -> dict:
    return {field.name: getattr(method, field.name) for field in dataclasses.fields(method)}


def test_variants_are_the_methods_that_one_would_build_by_hand() -> None:
    vary = {
        "ovf": {"beta": [0, 1e-3], "increments": [[0.3], [0.2, 0.1]], "gammas": [[1, 2]]},
        "weak": {"snapshots": [{"features.conv1": 6, "features.pool1": 4}]},
        "noise_injection": {"clip": [None, 2]},
    }
    ovf = OVF(beta=0.1, increments=(0.2, 0.1))
    points = {"features.conv1": 6, "features.pool1": 4}
    expected = [
        ("noise_injection", "", "", NoiseInjection()),
        ("scaled_logits", "", "", ScaledLogits()),
        ("ovf", "beta", "0.1", ovf),
        ("ovf,beta=0", "beta", "0", replace(ovf, beta=0.0)),
        ("ovf,beta=0.001", "beta", "0.001", replace(ovf, beta=1e-3)),
        ("ovf,increments=0.3", "increments", "0.3", replace(ovf, increments=(0.3,))),
        ("ovf", "increments", "0.2, 0.1", ovf),
        ("ovf", "gammas", "unset", ovf),
        ("ovf,gammas=1,2", "gammas", "1, 2", replace(ovf, gammas=(1.0, 2.0))),
        ("weak", "snapshots", "unset", IRS(beta=0.01)),
        (
            "weak,snapshots=features.conv1=6,features.pool1=4",
            "snapshots",
            "features.conv1=6, features.pool1=4",
            IRS(beta=0.01, snapshots=points),
        ),
        ("noise_injection", "clip", "unset", NoiseInjection()),
        ("noise_injection,clip=2", "clip", "2", NoiseInjection(clip=2.0)),
    ]
    found = ablations.variants(vary, METHODS, REFERENCES)
    assert [(v.name, v.setting, v.value, v.method) for v in found] == expected


@pytest.mark.parametrize("path", ["params.yaml", "params/ablations.yaml", "tests/smoke.yaml"])
def test_a_variant_differs_from_its_section_in_its_setting_alone(path: str) -> None:
    run = parameters.load(ROOT / path)
    own = {name: build_method(name, settings) for name, settings in run.methods.items()}
    found = [
        v for v in ablations.variants(run.ablations.vary, run.methods, REFERENCES) if v.setting
    ]
    assert found
    for variant in found:
        theirs, ours = fields(variant.method), fields(own[variant.section])
        changed = {key for key in ours if theirs[key] != ours[key]}
        assert changed == (set() if variant.default else {variant.setting})
    for section, setting in {(v.section, v.setting) for v in found}:
        here = [v.default for v in found if (v.section, v.setting) == (section, setting)]
        assert here.count(True) == 1
    by_name = [(v.name, v.method) for v in found]
    assert all(a == b for name, a in by_name for other, b in by_name if name == other)


def trials(folder: Path) -> list[ablations.Trial]:
    first = ablations.Trial("mine", NoiseInjection(), HARDWARE, 0.1, folder / "a")
    other = replace(HARDWARE, variation=PRESETS["RRAM4"])
    return [
        first,
        replace(first, folder=folder / "b"),
        replace(first, sigma_d=0.3),
        replace(first, name="other", method=NoiseInjection(divisor=2.0)),
        replace(first, hardware=other, folder=folder / "c"),
    ]


def test_trials_are_grids_of_their_own(tmp_path: Path) -> None:
    ablations.train(trials(tmp_path), scratch=tmp_path / "scratch", **SETTINGS)
    for i, trial in enumerate(trials(tmp_path)):
        alone = tmp_path / f"alone{i}"
        training_grid.train_grid(
            trial.name, trial.method, hardware=trial.hardware, sigma_d=[trial.sigma_d],
            folder=alone, **SETTINGS,
        )  # fmt: skip
        there = contents(trial.folder)
        assert len(contents(alone)) == 2
        for name, content in contents(alone).items():
            assert there[f"{trial.name},{name}"] == content
    assert len(contents(tmp_path / "a")) == 6
    _, header = load_trained(tmp_path / "a" / "other,sigma_d=0.1,seed=1.safetensors")
    assert header["method"] == "other"
    assert not (tmp_path / "scratch").exists()


def test_equal_trials_are_trained_once_and_a_killed_run_keeps_those_that_finished(
    tmp_path: Path, monkeypatch
) -> None:
    trained, original, most = [], training_grid.train_grid, 2

    def counted(name: str, *arguments, **settings) -> pd.DataFrame:
        if len(trained) == most:
            raise KeyboardInterrupt
        trained.append(name)
        return original(name, *arguments, **settings)

    monkeypatch.setattr(ablations, "train_grid", counted)
    with pytest.raises(KeyboardInterrupt):
        ablations.train(trials(tmp_path / "again"), scratch=tmp_path / "scratch", **SETTINGS)
    most = 10
    ablations.train(trials(tmp_path / "again"), scratch=tmp_path / "scratch", **SETTINGS)
    assert len(trained) == 4  # of five trials two are equal
    ablations.train(trials(tmp_path / "whole"), scratch=tmp_path / "scratch", **SETTINGS)
    for folder in "abc":
        assert contents(tmp_path / "again" / folder) == contents(tmp_path / "whole" / folder)


def matrix_draws(sizes: list[float]) -> pd.DataFrame:
    random = np.random.default_rng(0)
    rows = [
        (trained, tested, tested, seed, chip, random.uniform(0.5, 0.9))
        for trained in sizes
        for tested in sizes
        for seed in range(3)
        for chip in range(4)
    ]
    columns = ["trained_sigma_d", "sigma_d", "tested", "seed", "chip", "accuracy"]
    return pd.DataFrame(rows, columns=columns)


def test_a_matrix_compares_down_its_columns_with_the_diagonal() -> None:
    draws = matrix_draws([0.0, 0.1, 0.3])
    matrix = differences_from_matched(draws, "trained_sigma_d", "sigma_d")
    assert len(matrix) == 9
    for row in matrix.itertuples():
        theirs, own = (
            draws[(draws.sigma_d == row.sigma_d) & (draws.trained_sigma_d == size)]
            for size in (row.trained_sigma_d, row.sigma_d)
        )
        assert row.accuracy == pytest.approx(theirs.accuracy.mean())
        pairs = pd.concat([own.assign(method="noise_injection"), theirs.assign(method="theirs")])
        expected = differences_from_references(pairs).iloc[0]
        assert (row.difference, row.difference_low, row.difference_high) == (
            expected.difference,
            expected.low,
            expected.high,
        )
        assert (row.difference == 0) == (row.sigma_d == row.trained_sigma_d)


def test_a_matrix_without_its_diagonal_is_refused() -> None:
    draws = matrix_draws([0.0, 0.1])
    with pytest.raises(ValueError, match=r"every trained_sigma_d must have .* as 0\.1"):
        differences_from_matched(draws[draws.trained_sigma_d == 0], "trained_sigma_d", "sigma_d")
