"""Laws of the evaluation of a folder of networks: what is tested, kept and continued."""

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from helpers.training import HARDWARE, kill_third_call, train_tiny_grid

from neft._utils import checkpoints
from neft.chip import accuracy_over_chips, logits_over_chips, program
from neft.data.datasets import Splits
from neft.evaluation import (
    Condition,
    Deployment,
    Evaluation,
    OverChips,
    evaluate_grid,
    load_trained,
    trained_networks,
)
from neft.evaluation import grid as evaluation_grid

pytestmark = pytest.mark.usefixtures("one_process")


def evaluate(
    folder: Path, *conditions: Condition, sigma_d: list[float] | None = None, **settings
) -> Evaluation:
    networks = trained_networks(folder, sigma_d)
    conditions = conditions or (Condition(HARDWARE),)
    return evaluate_grid(networks, conditions, chips=3, **settings)


def test_every_network_is_tested_on_every_chip(tmp_path: Path, tiny: Splits) -> None:
    train_tiny_grid(tmp_path)
    draws, uncertainty = evaluate(tmp_path)
    assert len(draws) == 4 * 3
    assert len(uncertainty) == 4
    assert set(draws.method) == set(uncertainty.method) == {"mine"}
    for path in tmp_path.iterdir():
        network, header = load_trained(path)
        about = HARDWARE, header["sigma_d"]
        settings = {"chips": 3, "key": "test"}
        same = (draws.sigma_d == header["sigma_d"]) & (draws.seed == header["seed"])
        expected = accuracy_over_chips(network, tiny.test, *about, **settings)
        assert draws.accuracy[same].tolist() == expected.tolist()
        over = OverChips(tiny.test.tensors[1])
        for logits in logits_over_chips(network, tiny.test.tensors[0], *about, **settings):
            over.add(logits)
        same = (uncertainty.sigma_d == header["sigma_d"]) & (uncertainty.seed == header["seed"])
        ((_, row),) = uncertainty[same].iterrows()
        assert row[list(over.summary())].to_dict() == over.summary()


def test_conditions_together_are_those_alone_in_their_order(tmp_path: Path, monkeypatch) -> None:
    """Each with its labels before the other columns; equal ones are computed once."""
    train_tiny_grid(tmp_path, sigma_d=[0.3])
    pair = replace(HARDWARE, mapping="differential")
    conditions = [
        Condition(made, sigma_d=sigma_d, labels={"place": place, "kind": "mine"})
        for place, (made, sigma_d) in enumerate([(pair, None), (HARDWARE, 0.1), (pair, None)])
    ]
    tasks, original = [], evaluation_grid.parallel.run
    monkeypatch.setattr(
        evaluation_grid.parallel, "run", lambda f, t, **s: tasks.extend(t) or original(f, t, **s)
    )
    together = evaluate(tmp_path, *conditions)
    assert len(tasks) == 2 * 2
    for i, tables in enumerate(zip(*(evaluate(tmp_path, c) for c in conditions), strict=True)):
        expected = pd.concat(tables, ignore_index=True)
        pd.testing.assert_frame_equal(together[i], expected, check_exact=True)
    draws = together.draws
    assert draws.columns[:3].tolist() == ["place", "kind", "method"]
    first, last = (draws[draws.place == place].drop(columns="place") for place in (0, 2))
    pd.testing.assert_frame_equal(first.reset_index(drop=True), last.reset_index(drop=True))
    assert draws.mapping[draws.place == 1].unique() == ["weight"]


def test_chips_may_have_another_sigma_d_than_the_training_s(tmp_path: Path, tiny: Splits) -> None:
    """Where it is the training's, the draws are those of the plain evaluation, bit for bit."""
    train_tiny_grid(tmp_path)
    plain = evaluate(tmp_path)
    matrix = evaluate(tmp_path, *(Condition(HARDWARE, sigma_d=s) for s in (0.0, 0.1, 0.3)))
    for found, expected in zip(matrix, plain, strict=True):
        own = found[found.sigma_d == found.trained_sigma_d].reset_index(drop=True)
        pd.testing.assert_frame_equal(own, expected, check_exact=True)
    assert len(matrix.draws) == 3 * len(plain.draws)
    network, _ = load_trained(tmp_path / "sigma_d=0.1,seed=1.safetensors")
    expected = accuracy_over_chips(network, tiny.test, HARDWARE, 0.3, chips=3, key="test")
    rows = matrix.draws[(matrix.draws.seed == 1) & (matrix.draws.trained_sigma_d == 0.1)]
    assert rows[rows.sigma_d == 0.3].accuracy.tolist() == expected.tolist()


def test_networks_of_some_sigma_d_are_tested_as_among_all(tmp_path: Path) -> None:
    train_tiny_grid(tmp_path)
    every = evaluate(tmp_path).draws
    some = evaluate(tmp_path, sigma_d=[0.3]).draws
    expected = every[every.trained_sigma_d == 0.3].reset_index(drop=True)
    pd.testing.assert_frame_equal(some, expected, check_exact=True)
    with pytest.raises(ValueError, match=r"must hold networks for sigma_d 0\.2, 0\.5, found none"):
        trained_networks(tmp_path, [0.2, 0.5])


@dataclass(frozen=True)
class Scaled(Deployment):
    """Multiplies sigma_d, and looks at what it is given."""

    factor: float

    def prepare(self, network, train, *, where=None):
        assert len(train) == 96  # the training part's size, and no other's

        def deploy(network, hardware, sigma_d, **others):
            return program(network, hardware, self.factor * sigma_d, **others)

        return deploy


def test_a_deployment_sees_the_training_part_and_takes_the_place_of_programming(
    tmp_path: Path,
) -> None:
    """And what is kept of one deployment is not taken for another's."""
    runs, settings = tmp_path / "runs", {"scratch": tmp_path / "scratch"}
    train_tiny_grid(runs, sigma_d=[0.3])
    plain = evaluate(runs, Condition(HARDWARE)).draws
    same, other, again = (
        evaluate(runs, Condition(HARDWARE, deployment=Scaled(factor)), **settings).draws
        for factor in (1.0, 3.0, 1.0)
    )
    pd.testing.assert_frame_equal(same, plain, check_exact=True)
    pd.testing.assert_frame_equal(again, plain, check_exact=True)
    assert list(other.columns) == list(plain.columns)
    assert not other.accuracy.equals(plain.accuracy)


def test_killed_evaluation_continues_to_the_same_draws(tmp_path: Path, monkeypatch) -> None:
    train_tiny_grid(tmp_path / "runs")
    whole = evaluate(tmp_path / "runs")
    calls = kill_third_call(monkeypatch, evaluation_grid, "logits_over_chips")
    with pytest.raises(KeyboardInterrupt):
        evaluate(tmp_path / "runs", scratch=tmp_path / "scratch")
    again = evaluate(tmp_path / "runs", scratch=tmp_path / "scratch")
    assert calls[0] == 3 + 2  # the two finished networks were not tested again
    for before, after in zip(whole, again, strict=True):
        pd.testing.assert_frame_equal(before, after, check_exact=True)


def test_trained_network_comes_back_with_what_it_is(tmp_path: Path) -> None:
    train_tiny_grid(tmp_path, sigma_d=[0.1], seeds=[7])
    network, header = load_trained(next(tmp_path.iterdir()))
    assert not network.training
    assert header["sigma_d"] == 0.1
    assert header["seed"] == 7
    shape = {"name": "lenet5", "classes": 3, "channels": 1, "width": 0.5, "side": 32}
    assert header["network"] == {**shape, "initialisation": "torch"}


def test_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    checkpoints.save(tmp_path / "other.safetensors", {"a": torch.zeros(1)})
    with pytest.raises(ValueError, match=r"other\.safetensors: not a trained network"):
        load_trained(tmp_path / "other.safetensors")


def test_folder_without_networks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must hold trained networks"):
        trained_networks(tmp_path)
    with pytest.raises(ValueError, match="paths and conditions must not be empty, got 0 and 1"):
        evaluate_grid([], [Condition(HARDWARE)], chips=1)


def test_networks_that_are_half_written_or_not_finite_are_not_tested(tmp_path: Path) -> None:
    train_tiny_grid(tmp_path, sigma_d=[0.1], seeds=[0])
    (path,) = trained_networks(tmp_path)
    (tmp_path / f".half.{path.name}").write_bytes(path.read_bytes())
    assert trained_networks(tmp_path) == [path]
    tensors, header = checkpoints.load(path)
    tensors["classifier.7.bias"][0] = float("nan")
    checkpoints.save(path, tensors, **header)
    with pytest.raises(ValueError, match=rf"{path.name}: .*classifier.7.bias must be finite"):
        load_trained(path)
