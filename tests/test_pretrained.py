"""The networks that come with the package load, have learnt, and have their cards."""

import re
from pathlib import Path

import pandas as pd
import pytest
import torch

import neft
from neft import pretrained
from neft.chip import accuracy
from neft.data.datasets import Source
from neft.evaluation import load_trained

PATHS = sorted(pretrained.FOLDER.glob("*.safetensors"))
each_network = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
ROOT = Path(__file__).parents[1]
RUNS = {"mnist5k": ROOT, "mnist": ROOT / "results" / "vgg8_mnist_reduced"}
"""Where the results of a data set's networks are."""

README = (ROOT / "README.md").read_text(encoding="utf-8")


@each_network
@torch.no_grad()
def test_network_classifies_images_without_errors_above_chance(path: Path) -> None:
    """By more than five standard errors of guessing; on 5,000 digits, which come with a package."""
    network, (_, header) = neft.load_network(path.stem), load_trained(path)
    images, labels = Source(**header["dataset"] | {"name": "mnist5k"}).load().test.tensors
    chance = 1 / header["network"]["classes"]
    error = (chance * (1 - chance) / len(labels)) ** 0.5
    assert not network.training
    assert accuracy(network(images), labels) > chance + 5 * error


@each_network
def test_network_has_its_card(path: Path) -> None:
    card = path.with_name(f"{path.stem}.md").read_text(encoding="utf-8")
    assert card.startswith(f"# {path.stem}\n")
    assert f'load_network("{path.stem}")' in card
    assert path.stat().st_size < 5_000_000


def test_every_card_has_its_network() -> None:
    assert {path.stem for path in pretrained.FOLDER.glob("*.md")} == {path.stem for path in PATHS}


def test_network_that_readme_names_is_there() -> None:
    (name,) = re.findall(r'load_network\("(\w+)"\)', README)
    assert neft.load_network(name)


def test_unknown_name_gets_the_names_that_there_are() -> None:
    names = ", ".join(path.stem for path in PATHS)
    with pytest.raises(ValueError, match=rf"^name must be one of {names}, got 'vgg9'$"):
        neft.load_network("vgg9")
    with pytest.raises(ValueError, match=r"got '\.\./mine'$"):
        neft.load_network("../mine")


@each_network
def test_networks_are_those_of_the_committed_results(path: Path) -> None:
    """A card's accuracy is that of the network's seed and sigma_d in its run."""
    _, header = load_trained(path)
    run = RUNS[header["dataset"]["name"]]
    draws = pd.read_csv(run / "metrics" / "montecarlo" / header["method"] / "draws.csv")
    rows = draws[(draws.sigma_d == header["sigma_d"]) & (draws.seed == header["seed"])]
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    assert f"| {100 * rows.accuracy.mean():.1f} (" in card
