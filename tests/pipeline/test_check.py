"""The first stage: nothing is written unless all is well, and own code is told by its digest."""

import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from neft.pipeline import check

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(ROOT / "tests" / "smoke.yaml", tmp_path / "params.yaml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["check", "out/executed/methods"])
    return tmp_path


def test_a_file_for_each_method_says_the_same_whatever_its_settings(here: Path) -> None:
    check.main()
    before = {path.name: path.read_bytes() for path in (here / "out/executed/methods").iterdir()}
    assert before.keys() == {"noise_injection.txt", "irs.txt"}
    text = (here / "params.yaml").read_text()
    (here / "params.yaml").write_text(text.replace("beta: 1.0e-2", "beta: 2.0e-2"))
    check.main()
    after = {path.name: path.read_bytes() for path in (here / "out/executed/methods").iterdir()}
    assert after == before


def test_bad_parameters_and_missing_data_leave_nothing(here: Path) -> None:
    text = (here / "params.yaml").read_text()
    for old, new in (("epochs: 1", "epochs: 0"), ("name: mnist5k", "name: mnist")):
        (here / "params.yaml").write_text(text.replace(old, new))
        with pytest.raises(SystemExit, match=r"^error: "):
            check.main()
    assert not (here / "out").exists()


def test_every_stage_whose_command_has_a_name_waits_for_the_check() -> None:
    stages = YAML(typ="safe", pure=True).load(ROOT / "dvc.yaml")["stages"]
    assert list(stages["check"]["outs"]) == ["out/executed/methods"]
    named = {name: stage["do"] for name, stage in stages.items() if "foreach" in stage}
    assert named.keys() == {"training", "montecarlo", "study"}
    for name, stage in named.items():
        own = "out/executed/methods" if name == "study" else "out/executed/methods/${key}.txt"
        assert own in stage["deps"]
    others = [stage["cmd"] for name, stage in stages.items() if name not in named]
    assert not any("$" in command for command in others)
