"""Budgets of a run are those of its methods, network and epochs."""

from pathlib import Path

import pytest

from neft.pipeline import parameters
from neft.pipeline.budgets import budgets
from neft.training.budget import Budget

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "params.yaml", *sorted((ROOT / "params").glob("*.yaml"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_run_says_what_its_trainings_cost(path: Path) -> None:
    run = parameters.load(path)
    found = budgets(run)
    assert list(found) == list(run.methods)
    for name, cost in found.items():
        epochs = run.methods[name].get("epochs", run.training.epochs)
        assert cost == _expected(epochs).get(name, cost)


def _expected(epochs: int) -> dict[str, Budget]:
    return {
        "noise_free": Budget(epochs, 0),
        "noise_injection": Budget(epochs, 1),
        "ovf": Budget(4 * epochs, 4),
        "irs": Budget(epochs, 1),
        "sam": Budget(2 * epochs, 1),
        "distillation": Budget(epochs, 0.5),
    }
