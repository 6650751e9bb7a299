"""Laws of a release: which networks, with what numbers, and from a finished run only."""

import re
import shutil
import statistics
from pathlib import Path

import pandas as pd
import pytest
from helpers.training import BRIEF, HARDWARE, TINY, same
from ruamel.yaml import YAML

from neft import accuracy_over_chips, load_network, pretrained
from neft.data import datasets
from neft.data.datasets import Splits
from neft.evaluation import Condition, evaluate_grid, load_trained, trained_networks
from neft.pipeline import model_card, outputs, release
from neft.statistics import summary
from neft.training import build_method, train_grid, trials

ROOT = Path(__file__).parents[2]
METHODS = {
    "noise_free": {},
    "noise_injection": {},
    "ovf": {"beta": 1.0e-3},
    "irs": {"beta": 1.0e-2, "hidden": 8},
    "recipe": {"method": "noise_injection", "clip": 2.5},
    "mine": {"method": "noise_injection", "clip": 1.5},
}
SIGMA_D, SEEDS, CHIPS = [0.3, 0.1, 0.2], [1, 0], 3


def write_params(run: Path, **methods: dict) -> None:
    """A parameter file of a run on the tiny data."""
    values = YAML(typ="safe").load((ROOT / "tests" / "smoke.yaml").read_text())
    values["dataset"]["name"], values["methods"], values["studies"] = "tiny", methods, {}
    values["training"] |= {"sigma_d": SIGMA_D, "seeds": SEEDS}
    values["montecarlo"]["chips"] = CHIPS
    with (run / "params.yaml").open("w") as file:
        YAML().dump(values, file)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny: Splits) -> Path:
    run = tmp_path_factory.mktemp("finished")
    write_params(run, **METHODS)
    tables = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOKY_MAX_CPU_COUNT", "1")
        patch.setitem(datasets.DATASETS, "tiny", lambda folder: tiny)
        for name, settings in METHODS.items():
            folder, method = run / "out" / "runs" / name, build_method(name, settings)
            train_grid(trials(name, method, HARDWARE, SIGMA_D, SEEDS, folder), TINY, BRIEF)
            networks = trained_networks(folder)
            tables.append(evaluate_grid(networks, [Condition(HARDWARE)], chips=CHIPS).draws)
            outputs.keep(run / "out", f"montecarlo/{name}", tables={"draws": tables[-1]})
    results = summary.summarise(pd.concat(tables))
    outputs.keep(run / "out", "results", tables={"results": results})
    return run


@pytest.fixture
def run(finished: Path, tmp_path: Path, one_process: None, monkeypatch) -> Path:
    """A copy of the finished run, whose networks go to a folder of their own."""
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "released")
    monkeypatch.setitem(model_card.SOURCES, "tiny", "drawn here")
    return Path(shutil.copytree(finished, tmp_path / "run"))


def released(run: Path, sigma_d: float | None = None) -> list[str]:
    return [path.stem for path in release.release(run, pretrained.FOLDER, sigma_d)]


def draws(run: Path, method: str) -> Path:
    return run / "out" / "metrics" / "montecarlo" / method / "draws.csv"


def favour(run: Path, *methods: str) -> None:
    """Let chips of these methods make no errors, and those of the others make some."""
    tables = {}
    for method in METHODS:
        tables[method] = pd.read_csv(draws(run, method))
        tables[method]["accuracy"] = 1.0 if method in methods else 0.5
        tables[method].to_csv(draws(run, method), index=False)
    results = summary.summarise(pd.concat(tables.values()))
    outputs.keep(run / "out", "results", tables={"results": results})


@pytest.mark.parametrize(("given", "expected"), [(None, 0.2), (0.3, 0.3)])
def test_released_network_is_the_trained_one_of_the_first_seed(
    given: float | None, expected: float, run: Path, tiny: Splits
) -> None:
    for name in released(run, given):
        method = name.removeprefix("lenet5_tiny_")
        path = run / "out" / "runs" / method / f"sigma_d={expected:g},seed={SEEDS[0]}.safetensors"
        assert (pretrained.FOLDER / f"{name}.safetensors").read_bytes() == path.read_bytes()
        network, (trained, _) = load_network(name), load_trained(path)
        assert not network.training
        assert same(network, trained)
        images = tiny.test.tensors[0]
        assert network(images).equal(trained(images))


def test_card_has_the_mean_of_the_draws_which_the_network_repeats(run: Path, tiny: Splits) -> None:
    for name in released(run):
        card = (pretrained.FOLDER / f"{name}.md").read_text()
        (cell,) = re.findall(r"^\| 3 chips with 30 images each.* \| (.+) \|$", card, re.MULTILINE)
        mean, low, high = (float(number) for number in re.findall(r"\d+\.\d", cell))
        table = pd.read_csv(draws(run, name.removeprefix("lenet5_tiny_")))
        own = table[(table.sigma_d == 0.2) & (table.seed == SEEDS[0])].accuracy.tolist()
        assert mean == pytest.approx(100 * statistics.fmean(own), abs=0.05 + 1e-9)
        half = 4.302653 * statistics.stdev(own) / 3**0.5  # Student's t, 2 degrees of freedom
        assert [mean - low, high - mean] == pytest.approx([100 * half] * 2, abs=0.1 + 1e-6)
        again = accuracy_over_chips(
            load_network(name), tiny.test, HARDWARE, 0.2, chips=CHIPS, key="test"
        )
        assert again.tolist() == own


@pytest.mark.parametrize(
    ("favoured", "extra"),
    [(["mine"], "mine"), (["noise_free", "mine"], "noise_free"), (["irs", "mine"], None)],
)
def test_best_method_is_released_once_and_its_card_says_that_it_was_chosen(
    favoured: list[str], extra: str | None, run: Path
) -> None:
    """The first of equal ones."""
    favour(run, *favoured)
    always = ["noise_injection", "ovf", "irs", "recipe"]
    expected = [f"lenet5_tiny_{method}" for method in [*always, *([extra] if extra else [])]]
    assert released(run) == expected
    cards = {path.stem: path.read_text() for path in pretrained.FOLDER.glob("*.md")}
    assert sorted(cards) == sorted(expected)
    chosen = [name for name, card in cards.items() if "chosen on the test images" in card]
    assert chosen == expected[4:]


def test_card_names_the_settings_of_the_run(run: Path) -> None:
    favour(run, "mine")
    released(run)
    card = (pretrained.FOLDER / "lenet5_tiny_mine.md").read_text()
    assert "32 x 32 pixels, 3 classes, 96 training images" in card
    assert "`method: noise_injection, clip: 1.5`" in card
    assert "`epochs: 1, batch_size: 500," in card
    assert "seed 1 |" in card
    assert "preset: RRAM_B, weight_bits: 8" in card
    assert 'load_dataset("tiny")' in card


def lose(path: str):
    return lambda run: (run / path).unlink()


def stale(run: Path) -> None:
    before = (run / "out/metrics/results/results.csv").read_text()
    favour(run, "ovf")
    (run / "out/metrics/results/results.csv").write_text(before)


def fewer_draws(run: Path) -> None:
    pd.read_csv(draws(run, "irs")).iloc[1:].to_csv(draws(run, "irs"), index=False)


def without_irs(run: Path) -> None:
    write_params(run, **{name: METHODS[name] for name in METHODS if name != "irs"})


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lose("params.yaml"), "params.yaml: .*No such file"),
        (lose("out/metrics/results/results.csv"), "results.csv: file must exist; finish the run"),
        (lose("out/metrics/montecarlo/ovf/draws.csv"), "ovf/draws.csv: file must exist; finish"),
        (
            lose("out/runs/irs/sigma_d=0.2,seed=1.safetensors"),
            "irs: must hold a .*seed 1",
        ),
        (stale, "results.csv: must hold the means over .*; finish the run"),
        (fewer_draws, "montecarlo: must hold the methods, .*; finish the run"),
        (without_irs, "params.yaml: methods must have irs, got noise_free, noise_injection, ovf"),
    ],
)
def test_unfinished_run_is_refused_and_nothing_written(damage, said: str, run: Path) -> None:
    damage(run)
    with pytest.raises(ValueError, match=said) as caught:
        released(run)
    assert "\n" not in str(caught.value)
    assert not pretrained.FOLDER.exists()


def test_unknown_sigma_d_data_and_large_networks_are_refused(run: Path, monkeypatch) -> None:
    with pytest.raises(ValueError, match=r"sigma_d must be one of 0\.1, 0\.2, 0\.3, got 0\.15"):
        released(run, 0.15)
    with monkeypatch.context() as patch:
        patch.setattr(release, "LARGEST", 1_000)
        with pytest.raises(ValueError, match=r"size must be at most 1,000 bytes, got \d+"):
            released(run)
    monkeypatch.delitem(model_card.SOURCES, "tiny")
    with pytest.raises(ValueError, match=r"dataset\.name must be one of mnist, .*got 'tiny'"):
        released(run)
    assert not pretrained.FOLDER.exists()


def test_a_run_of_more_than_devices_is_refused(run: Path) -> None:
    """The card's example would give another accuracy."""
    path = run / "params.yaml"
    values = YAML(typ="safe").load(path.read_text())
    values["hardware"]["converters"] = {"dac_bits": 8, "input_range": {"fixed": 1.0}}
    del values["montecarlo"]["half_width"]
    values["hardware"]["calibration_images"] = 2
    with path.open("w") as file:
        YAML().dump(values, file)
    with pytest.raises(ValueError, match=r"hardware must have devices alone, .*, got converters"):
        released(run)


def test_command_says_what_it_wrote_or_one_line(run: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.argv", ["release", "--run", str(run), "--sigma-d", "0.1"])
    release.main()
    written = capsys.readouterr().out.split()
    assert sorted(written) == sorted(map(str, pretrained.FOLDER.glob("*.safetensors")))
    monkeypatch.setattr("sys.argv", ["release", "--run", str(run), "--sigma-d", "7"])
    with pytest.raises(SystemExit, match=r"^error: sigma_d must be one of"):
        release.main()
