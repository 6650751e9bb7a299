"""Laws of a search: it keeps to its space, learns from scores, repeats, goes on after a kill."""

import math
from pathlib import Path

import pandas as pd
import pytest
from helpers.training import BRIEF, HARDWARE, TINY, kill_third_call, train_tiny_grid

from neft.training import NoiseInjection, grid
from neft.training.search import Range, check_space, propose, search_settings

SPACE = {"x": Range(-3.0, 5.0), "y": Range(1e-3, 1e3, log=True), "kind": ["a", "b"]}


def score(batch: list[dict]) -> list[float]:
    """Best at x = 1, y = 10, kind b."""
    return [
        -((each["x"] - 1) ** 2) - math.log10(each["y"] / 10) ** 2 - (each["kind"] == "a")
        for each in batch
    ]


def test_proposals_stay_in_the_space_and_come_near_its_best_place() -> None:
    found = propose(SPACE, score, count=80, batch=5, seed=0)
    assert len(found) == 80
    assert found.x.between(-3, 5).all() and found.y.between(1e-3, 1e3).all()
    assert set(found.kind) == {"a", "b"}
    best = found.loc[found.score.idxmax()]
    assert abs(best.x - 1) < 0.5 and 1 < best.y < 100 and best.kind == "b"
    assert found.score.tail(40).mean() > found.score.head(20).mean() + 1


def test_the_same_seed_and_scores_give_the_same_proposals_and_another_seed_others() -> None:
    first, again = (propose(SPACE, score, count=24, batch=4, seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    other = propose(SPACE, score, count=24, batch=4, seed=4)
    assert (first.x != other.x).all()


def test_a_batch_is_asked_before_its_scores_are_known() -> None:
    sizes = []

    def counted(batch: list[dict]) -> list[float]:
        sizes.append(len(batch))
        return score(batch)

    propose(SPACE, counted, count=10, batch=4, seed=0)
    assert sizes == [4, 4, 2]


def test_failed_settings_do_not_end_a_search() -> None:
    def failing(batch: list[dict]) -> list[float]:
        return [math.nan if each["kind"] == "a" else 1.0 for each in batch]

    found = propose(SPACE, failing, count=20, batch=5, seed=0)
    assert (found.score.isna() == (found.kind == "a")).all()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"count": 0}, "count must be positive"),
        ({"batch": 0}, "batch must be positive"),
        ({"space": {}}, "space must have a setting, got none"),
    ],
)
def test_searches_of_nothing_are_refused(settings: dict, said: str) -> None:
    whole = {"space": SPACE, "count": 4, "batch": 2, "seed": 0, **settings}
    with pytest.raises(ValueError, match=said):
        propose(whole.pop("space"), score, **whole)


@pytest.mark.parametrize(
    ("low", "high", "log"), [(1.0, 1.0, False), (0.0, 1.0, True), (0.0, math.inf, False)]
)
def test_ranges_that_are_none_are_refused(low: float, high: float, log: bool) -> None:
    with pytest.raises(ValueError, match=r"(low|high) must be"):
        Range(low, high, log)


def test_values_that_a_method_cannot_have_are_refused_before_any_training() -> None:
    for space, said in (
        ({"clip": Range(0.5, 3.0)}, "space.noise_injection: clip must be above 1"),
        ({"clipp": [2.0]}, "space.noise_injection.clipp: unknown key"),
        ({"initialisation": ["torch", "he"]}, "initialisation must be one of"),
        (
            {"pretraining": Range(0.0, 0.6), "ramp": Range(0.0, 0.6)},
            "pretraining . ramp must be below 1, got 1.2",
        ),
    ):
        with pytest.raises(ValueError, match=said):
            check_space("noise_injection", space)


def test_settings_that_need_one_another_are_searched_together() -> None:
    check_space("distillation", {"temperature": Range(1.0, 4.0), "pretraining": [0.3, 0.5]})
    check_space("irs", {"clip": Range(1.5, 3.0), "beta": Range(1e-3, 1e-1, log=True)})


def search(folder: Path, scratch: Path | None = None) -> pd.DataFrame:
    return search_settings(
        "noise_injection", {"clip": Range(1.5, 4.0)}, TINY, BRIEF, HARDWARE, 0.3,
        seeds=[0, 1], count=3, batch=2, seed=0, folder=folder, scratch=scratch,
    )  # fmt: skip


def test_settings_of_which_one_seed_diverges_have_failed(tmp_path: Path, monkeypatch) -> None:
    def trained(planned, *others, **settings) -> pd.DataFrame:
        accuracy = [math.nan, 0.9, 0.8, 0.9]  # proposal 0 and 1 of seeds 0 and 1
        names = [trial.name for trial in planned]
        seeds = [trial.seed for trial in planned]
        return pd.DataFrame({"method": names, "seed": seeds, "validation_accuracy": accuracy})

    monkeypatch.setattr("neft.training.search.train_grid", trained)
    found = search_settings(
        "noise_injection", {"clip": Range(1.5, 4.0)}, TINY, BRIEF, HARDWARE, 0.3,
        seeds=[0, 1], count=2, batch=2, seed=0, folder=tmp_path,
    )  # fmt: skip
    assert math.isnan(found.score[0])
    assert found.score[1] == pytest.approx(0.85)


def test_a_score_is_the_mean_best_validation_accuracy_of_the_seeds(
    one_process: None, tmp_path: Path
) -> None:
    found = search(tmp_path / "first")
    for place, row in found.iterrows():
        history = train_tiny_grid(
            tmp_path / str(place), NoiseInjection(clip=row["clip"]), sigma_d=[0.3]
        )
        best = [rows.validation_accuracy.max() for _, rows in history.groupby("seed")]
        assert row.score == pytest.approx(sum(best) / 2, abs=1e-12)


def test_a_killed_search_goes_on_and_ends_with_the_same_proposals(
    one_process: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = search(tmp_path / "whole")
    with monkeypatch.context() as patch:
        kill_third_call(patch, grid, "train")
        with pytest.raises(KeyboardInterrupt):
            search(tmp_path / "killed", tmp_path / "scratch")
    pd.testing.assert_frame_equal(search(tmp_path / "killed", tmp_path / "scratch"), whole)
