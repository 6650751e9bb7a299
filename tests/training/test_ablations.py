"""Laws of ablations: one change at a time."""

import dataclasses
from dataclasses import replace
from pathlib import Path

import pytest

from neft.pipeline import parameters
from neft.statistics.summary import REFERENCES
from neft.training import IRS, OVF, NoiseInjection, ScaledLogits, ablations, build_method

ROOT = Path(__file__).parents[2]
METHODS = {
    "noise_injection": {},
    "ovf": {"beta": 0.1, "increments": [0.2, 0.1]},
    "weak": {"method": "irs", "beta": 0.01},
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


@pytest.mark.parametrize("path", ["params/ablations.yaml", "tests/smoke.yaml"])
def test_a_variant_differs_from_its_section_in_its_setting_alone(path: str) -> None:
    run = parameters.load(ROOT / path)
    own = {name: build_method(name, settings) for name, settings in run.methods.items()}
    found = [
        v
        for v in ablations.variants(run.studies.ablations.vary, run.methods, REFERENCES)
        if v.setting
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
