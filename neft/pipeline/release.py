"""Release networks of a finished run: copy them to neft/pretrained, each with a model card.

    neft release [--run results/NAME] [--sigma-d 0.1]

Released are the networks of `METHODS`, of `RECIPE` if the run has it, and of the run's best method,
at one sigma_d, each of the first seed. Earlier networks of other names stay.
"""

import argparse
import shutil
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from neft import pretrained
from neft._utils.checks import one_of
from neft._utils.commands import one_line
from neft._utils.files import atomic_path
from neft.evaluation import load_trained, trained_networks
from neft.pipeline import parameters
from neft.pipeline.model_card import model_card, name_of
from neft.pipeline.parameters import Parameters
from neft.pipeline.run import OUT

METHODS = ("noise_injection", "ovf", "irs")
"""Sections of `methods` that every release has."""

RECIPE = "recipe"
"""Section of `methods` that was found on validation images."""

LARGEST = 5_000_000
"""Size of the largest network that the package takes, in bytes."""


def release(run: Path, folder: Path, sigma_d: float | None = None) -> list[Path]:
    """Write the networks and their cards, NAME.safetensors and NAME.md; check all before.

    Args:
        run: folder of a finished pipeline run.
        folder: where the files go.
        sigma_d: of the networks; None for the middle one of the run, the lower of two.

    Returns:
        The networks' files.

    Raises:
        ValueError: the run is not finished, has not this sigma_d, lacks a method or has more than
            devices, or a network is too large or cannot have a card.
    """
    params = parameters.load(run / "params.yaml")
    grid, seed = sorted(params.training.sigma_d), params.training.seeds[0]
    sigma_d = grid[(len(grid) - 1) // 2] if sigma_d is None else sigma_d
    one_of(grid, sigma_d=sigma_d)
    for method in METHODS:
        if method not in params.methods:
            known = ", ".join(params.methods)
            raise ValueError(f"{run / 'params.yaml'}: methods must have {method}, got {known}")
    if around := [part for part in params.hardware.parts if part != "stuck"]:
        rule = "must have devices alone, which the card's example tests"
        raise ValueError(f"{run / 'params.yaml'}: hardware {rule}, got {', '.join(around)}")
    draws = finished_draws(run, params)
    draws = draws[draws.sigma_d == sigma_d]
    best = draws.groupby("method", sort=False).accuracy.mean().idxmax()
    files: dict[str, tuple[Path, str]] = {}
    always = [*METHODS, *([RECIPE] if RECIPE in params.methods else [])]
    for method in dict.fromkeys([*always, best]):
        path = _network(run / OUT / "runs" / method, sigma_d, seed)
        accuracies = draws.accuracy[(draws.method == method) & (draws.seed == seed)]
        chosen = method not in always
        card = model_card(path, params, accuracies.tolist(), chosen_on_test=chosen)
        files[name_of(load_trained(path)[1])] = path, card
    for name, (path, card) in files.items():
        with atomic_path(folder / f"{name}.safetensors") as partial:
            shutil.copyfile(path, partial)
        with atomic_path(folder / f"{name}.md") as partial:
            partial.write_text(card, encoding="utf-8")
    return [folder / f"{name}.safetensors" for name in files]


def finished_draws(run: Path, params: Parameters) -> pd.DataFrame:
    """Read the accuracies on all chips, in the order of the methods in params.yaml.

    Raises:
        ValueError: a table is missing, or does not belong to the others.
    """
    metrics = run / OUT / "metrics"
    results = _table(metrics / "results" / "results.csv")
    draws = pd.concat(
        _table(metrics / "montecarlo" / method / "draws.csv") for method in params.methods
    )
    training, chips = params.training, params.montecarlo.chips
    networks = product(params.methods, training.sigma_d, training.seeds)
    tested = draws.groupby(["method", "sigma_d", "seed"]).size().to_dict()
    if tested != dict.fromkeys(networks, chips):
        rule = "must hold the methods, sigma_d, seeds and chips of params.yaml, got others"
        raise ValueError(f"{metrics / 'montecarlo'}: {rule}; finish the run first")
    means = draws.groupby(["method", "sigma_d"]).accuracy.mean()
    stored = results.set_index(["method", "sigma_d"]).accuracy.sort_index()
    if not (means.index.equals(stored.index) and np.allclose(means, stored, rtol=0, atol=1e-9)):
        rule = "must hold the means over out/metrics/montecarlo, got others"
        raise ValueError(f"{metrics / 'results' / 'results.csv'}: {rule}; finish the run first")
    return draws


def _table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise ValueError(f"{path}: file must exist; finish the run first")
    return pd.read_csv(path)


def _network(folder: Path, sigma_d: float, seed: int) -> Path:
    """Find the network of a sigma_d and a seed."""
    for path in trained_networks(folder, [sigma_d]):
        if load_trained(path)[1]["seed"] == seed:
            if (size := path.stat().st_size) > LARGEST:
                raise ValueError(f"{path}: size must be at most {LARGEST:,} bytes, got {size:,}")
            return path
    raise ValueError(f"{folder}: must hold a network of sigma_d {sigma_d}, seed {seed}, found none")


def main(arguments: Sequence[str] | None = None) -> None:
    """Release networks of a run; exit 1 with one line if it cannot be released."""
    parser = argparse.ArgumentParser(prog="neft release", description=main.__doc__)
    parser.add_argument("--run", type=Path, default=Path(), help="folder of the run")
    parser.add_argument("--sigma-d", type=float, help="default: the run's middle one")
    chosen = parser.parse_args(arguments)
    with one_line():
        for path in release(chosen.run, pretrained.FOLDER, chosen.sigma_d):
            print(path)


if __name__ == "__main__":
    main()
