"""Laws of the ranges of converters: rules, and files that are checked when they are read."""

import json
import math
from pathlib import Path

import pytest
import torch

from neft._utils.seeding import generator
from neft.chip import Deviations, Fixed, Learned, Percentile, load_ranges, save_ranges

SIGNAL = torch.randn(37, 25, generator=generator("signal"))


@pytest.mark.parametrize("percent", [0.1, 50, 99, 99.9, 100])
def test_a_percentile_is_the_smallest_size_that_the_share_does_not_exceed(percent: float) -> None:
    bound = Percentile(percent).bound(SIGNAL)
    sizes = sorted(map(abs, SIGNAL.flatten().tolist()))
    share = [100 * sum(size <= each for size in sizes) / len(sizes) >= percent for each in sizes]
    assert bound == next(size for size, enough in zip(sizes, share, strict=True) if enough)
    assert Percentile(100).bound(SIGNAL) == SIGNAL.abs().max()


@pytest.mark.parametrize("shift", [0.0, 5.0])
def test_deviations_are_about_zero(shift: float) -> None:
    values = (SIGNAL + shift).flatten().tolist()
    expected = 2.5 * math.sqrt(sum(value**2 for value in values) / len(values))
    assert Deviations(2.5).bound(SIGNAL + shift) == pytest.approx(expected, rel=1e-5)


def test_a_fixed_range_is_that_of_every_signal() -> None:
    assert Fixed(0.7).bound(SIGNAL) == Fixed(0.7).bound(1000 * SIGNAL) == 0.7


@pytest.mark.parametrize("shift", [0.0, 5.0])
def test_a_learned_range_starts_at_deviations_about_the_mean(shift: float) -> None:
    values = SIGNAL.flatten().tolist()
    mean = sum(values) / len(values)
    expected = 3 * math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
    assert Learned().bound(SIGNAL + shift) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"start": 0}, "start must be positive and finite, got 0"),
        ({"decay": -1}, "decay must be non-negative and finite, got -1"),
        ({"inside": 1.1}, r"inside must be in \[0, 1\], got 1.1"),
    ],
)
def test_impossible_learned_ranges_are_refused(settings: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Learned(**settings)


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
@pytest.mark.parametrize("rule", [Fixed, Deviations, Percentile])
def test_impossible_rules_are_refused(rule: type, value: float) -> None:
    with pytest.raises(ValueError, match=f"^(value|count|percent) must be .*, got {value}$"):
        rule(value)
    with pytest.raises(ValueError, match=r"percent must be above 0 and at most 100, got 100\.1"):
        Percentile(100.1)


def test_files_hold_the_ranges_as_they_are(tmp_path: Path) -> None:
    ranges = {"": {}, "a.0": {"input": 1 / 3}, "b": {"input": 2.0, "output": 7.25}}
    save_ranges(ranges, tmp_path / "new" / "ranges.json")
    assert load_ranges(tmp_path / "new" / "ranges.json") == ranges


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"a": {"input": 0.0}}, "input range of a must be positive and finite, got 0.0"),
        ({"a": {"output": math.nan}}, "output range of a must be positive and finite, got nan"),
        ({"a": {"output": "2"}}, "output range of a must be a number, got '2'"),
        ({"a": {"inputs": 1.0}}, "ranges of a must be named input or output, got {'inputs': 1.0}"),
        ({"a": 1.0}, "ranges of a must be named input or output, got 1.0"),
        ([1.0], r"must be an object, got \[1.0\]"),
    ],
)
def test_a_file_with_other_content_is_refused(tmp_path: Path, content: object, said: str) -> None:
    path = tmp_path / "ranges.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=f"ranges.json: not a file of ranges: {said}$"):
        load_ranges(path)


def test_a_file_that_is_missing_or_cut_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ranges.json"
    for content in (None, '{"a": '):
        if content is not None:
            path.write_text(content)
        said = "must be a file" if content is None else "not a file of ranges"
        with pytest.raises(ValueError, match=rf"ranges\.json: {said}"):
            load_ranges(path)
