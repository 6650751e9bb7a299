"""Laws of reading a programmed kernel: no device is lost or counted twice."""

import math

import pytest

from neft.characterize.levels import level_errors
from neft.characterize.reram_kernel import read_programmed, stuck_rates

PROGRAMMED = "target_uS,conductance_uS\n100,103\n100,0\n100,98\n200,210\n200,205.5\n"
MAP = "row,column,conductance_uS\n0,0,120\n0,1,300\n1,0,300.5\n1,1,900\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "programmed.csv").write_text(PROGRAMMED)
    (tmp_path / "map.csv").write_text(MAP)
    return tmp_path / "programmed.csv", tmp_path / "map.csv"


def test_reads_are_at_time_0_and_leave_out_the_devices_without_one(files) -> None:
    errors = level_errors(read_programmed(files[0]), g_max_S=2e-4)
    assert errors.time_s.tolist() == [0] * 4
    assert errors.level.tolist() == [0, 0, 1, 1]
    assert errors.g.tolist() == pytest.approx([0.5, 0.5, 1, 1])
    assert errors.error.tolist() == pytest.approx([0.015, -0.01, 0.05, 0.0275])


def test_rates_have_wilsons_interval(files) -> None:
    table = stuck_rates("toy", *files).set_index("what")
    assert table.loc["recorded_as_0", ["stuck", "devices"]].tolist() == [1, 5]
    assert table.loc["above_300_uS", ["stuck", "devices"]].tolist() == [2, 4]
    z = 1.959963984540054
    for row in table.itertuples():
        p, n = row.stuck / row.devices, row.devices
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        assert [row.rate, row.low, row.high] == pytest.approx([p, middle - half, middle + half])
