"""Laws of conditions changed one at a time: one value differs from the run's own, no other."""

from dataclasses import replace

import pytest

from neft.data.datasets import Source
from neft.training import Benchmark, Schedule
from neft.training.points import SETTINGS, points

BENCHMARK = Benchmark(Source("mnist5k", 16, 1000), "vgg8", 0.125)
SCHEDULE = Schedule(8)


def test_each_point_differs_from_the_run_in_its_setting_alone() -> None:
    vary = {
        "width": [0.25], "side": [8, 16], "training_images": [500], "epochs": [2, 8],
        "learning_rate": [0.01],
    }  # fmt: skip
    assert vary.keys() == SETTINGS.keys()
    found = points(BENCHMARK, SCHEDULE, vary)
    assert [(p.setting, p.value) for p in found] == [(k, v) for k in vary for v in vary[k]]
    made = [(p.benchmark, p.schedule) for p in found]
    assert made == [
        (replace(BENCHMARK, width=0.25), SCHEDULE),
        (replace(BENCHMARK, data=Source("mnist5k", 8, 1000)), SCHEDULE),
        (BENCHMARK, SCHEDULE),
        (replace(BENCHMARK, data=Source("mnist5k", 16, 500)), SCHEDULE),
        (BENCHMARK, Schedule(2)),
        (BENCHMARK, SCHEDULE),
        (BENCHMARK, Schedule(8, learning_rate=0.01)),
    ]


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(ValueError, match=r"vary must be one of width, side, .*, got 'depth'"):
        points(BENCHMARK, SCHEDULE, {"depth": [1]})
