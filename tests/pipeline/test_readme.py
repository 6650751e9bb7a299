"""The README's tables say what the results say."""

from pathlib import Path

import pandas as pd
import pytest
from helpers.executed import ROOT, hundred

from neft.pipeline import publish, readme
from neft.training.budget import Budget


def test_table_holds_every_number_once() -> None:
    results = pd.DataFrame(
        {
            "method": ["irs", "irs", "mine"],
            "sigma_d": [0.1, 0.2, 0.1],
            "seeds": 3,
            "chips": 50,
            "accuracy": [0.9512, 0.81, 0.5],
            "low": [0.94, 0.8, 0.4],
            "high": [0.96, 0.82, 0.6],
        }
    )
    lines = readme.table(results, "A net", "make it").splitlines()
    assert lines[0] == "| method | σ_d = 0.1 | σ_d = 0.2 |"
    assert lines[2] == "| IRS | 95.1 (94.0–96.0) | 81.0 (80.0–82.0) |"
    assert lines[3] == "| mine | 50.0 (40.0–60.0) | not run |"
    assert lines[-1].startswith("A net: ")
    assert "3 seeds, 50 chips" in lines[-1]
    assert lines[-1].endswith("`make it`.")
    counted = {"irs": Budget(8.0, 1.0), "mine": Budget(12.0, 0.5)}
    lines = readme.table(results, "A net", "make it", counted).splitlines()
    assert lines[0] == "| method | σ_d = 0.1 | σ_d = 0.2 | gradients | programmings |"
    assert lines[2] == "| IRS | 95.1 (94.0–96.0) | 81.0 (80.0–82.0) | 8 | 1 |"
    assert lines[3] == "| mine | 50.0 (40.0–60.0) | not run | 12 | 0.5 |"
    exact = [
        [m, s, a, a - 0.01, a + 0.01] for m, a in (("irs", 0.97), ("mine", 0.9)) for s in (0.1, 0.2)
    ]
    exact = pd.DataFrame(exact, columns=["method", "trained_sigma_d", "accuracy", "low", "high"])
    exact.loc[exact.trained_sigma_d == 0.1, "accuracy"] = 0
    lines = readme.table(results, "A net", "make it", counted, exact).splitlines()
    assert lines[0] == "| method | σ_d = 0.1 | σ_d = 0.2 | no errors | gradients | programmings |"
    assert lines[3] == "| mine | 50.0 (40.0–60.0) | not run | 90.0 (89.0–91.0) | 12 | 0.5 |"
    assert "no errors: networks trained for σ_d = 0.2, without device errors" in lines[-1]


def test_a_name_is_text_in_a_table() -> None:
    """Parameters refuse such names; tables made elsewhere may have them."""
    columns = ("method", "sigma_d", "accuracy", "low", "high", "seeds", "chips")
    results = pd.DataFrame([("a|b <i>", 0.1, 0.5, 0.4, 0.6, 2, 2)], columns=columns)
    assert "| a&#124;b &lt;i&gt; | 50.0" in readme.table(results, "made up", "make repro")


def test_one_seed_is_said_to_give_no_interval() -> None:
    row = {"method": "irs", "sigma_d": 0.1, "seeds": 1, "chips": 50, "accuracy": 0.9512}
    results = pd.DataFrame([row | dict.fromkeys(["low", "high"], float("nan"))])
    *_, line, _, caption = readme.table(results, "A net", "make it").splitlines()
    assert line == "| IRS | 95.1 |"
    assert "mean over chips; one seed, which gives no interval, 50 chips each" in caption
    gain = {"method": "irs", "against": "ovf", "sigma_d": 0.1, "difference": 0.01}
    gains = pd.DataFrame([gain | dict.fromkeys(["low", "high"], float("nan"))])
    *_, line, _, note = readme.differences_table(gains).splitlines()
    assert line == "| IRS over OVF | +1.0 |"
    assert note == "Paired by seed and chip; one seed gives no interval."


def test_command_repeats_the_run_of_this_folder(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("")
    (tmp_path / "linked").symlink_to("../../params/mine.yaml")
    assert readme.command(tmp_path / "params.yaml") == "make repro"
    assert readme.command(tmp_path / "linked") == "make repro PARAMS=params/mine.yaml"


def test_differences_are_bold_where_they_are_larger_than_their_interval() -> None:
    nan = float("nan")
    rows = [
        ("ovf", "scaled_logits", 0.1, 0.012, 0.004, 0.02),
        ("ovf", "scaled_logits", 0.2, 0.01, -0.001, 0.021),
        ("irs", "scaled_logits", 0.1, -0.031, -0.04, -0.022),
        ("irs", "scaled_logits", 0.2, 0.005, nan, nan),
        ("scaled_logits", "irs", 0.1, 0.031, 0.022, 0.04),
        ("scaled_logits", "irs", 0.2, -0.005, nan, nan),
    ]
    columns = ["method", "against", "sigma_d", "difference", "low", "high"]
    lines = readme.differences_table(pd.DataFrame(rows, columns=columns)).splitlines()
    assert lines[2:4] == [
        "| OVF over scaled logits | **+1.2 (+0.4 to +2.0)** | +1.0 (-0.1 to +2.1) |",
        "| IRS over scaled logits | **-3.1 (-4.0 to -2.2)** | +0.5 |",
    ]
    assert lines[4] == "", "the same pair in the other order is left out"


def test_orderings_show_the_verdict_with_both_differences() -> None:
    rows = [
        ("torch", "ovf", "noise_injection", 0.1, 0.012, 0.05, "holds"),
        ("torch", "ovf", "noise_injection", 0.2, -0.012, 0.05, "reversed"),
        ("paper", "ovf", "noise_injection", 0.2, 0.5, 0.05, "holds"),
    ]
    columns = ["initialisation", "method", "against", "sigma_d", "difference", "published"]
    found = pd.DataFrame(rows, columns=[*columns, "verdict"])
    assert readme.orderings_table(found).splitlines()[:4] == [
        "| ordering of the paper | σ_d = 0.1 | σ_d = 0.2 |",
        "|---|---|---|",
        "| OVF over noise injection, torch's initial weights | holds (+1.2; +5.00) "
        "| reversed (-1.2; +5.00) |",
        "| OVF over noise injection, paper's initial weights | – | holds (+50.0; +5.00) |",
    ]


def test_block_of_a_hundred_methods_is_short_and_says_what_it_leaves_out(tmp_path: Path) -> None:
    block = readme.results_block(tmp_path, hundred(tmp_path), "make repro")
    assert len(block.splitlines()) < 45
    assert "own99" in block and "own84" not in block and "15 of 100 methods are shown" in block


# The default run at the root, and the committed runs of other parameter files.
COMMITTED = ROOT.glob("results/*/metrics/results/results.csv")
RUNS = [Path(), *(path.parents[2].relative_to(ROOT) for path in COMMITTED)]


@pytest.mark.parametrize("run", RUNS, ids=str)
def test_readme_agrees_with_the_committed_results(run: Path) -> None:
    params = f"params/{run.name}.yaml" if run.name else "params.yaml"
    command = f"make repro PARAMS={params}" if run.name else "make repro"
    text = (ROOT / run / "README.md").read_text(encoding="utf-8")
    block = readme.results_block(ROOT / run / "metrics", ROOT / params, command)
    assert publish.replace_block(text, block) == text
