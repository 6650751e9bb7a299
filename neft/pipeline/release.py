"""Put networks of the finished default run into the package, each with a model card.

    python -m neft.pipeline.release

They are those of OVF, IRS, noise injection and the method with the highest mean accuracy, at the
middle sigma_d of the run and of its first seed: no network is chosen by its own accuracy.
"""

import json
import shutil
import sys
from pathlib import Path

import pandas as pd

from neft._utils import checkpoints
from neft._utils.files import atomic_path
from neft.evaluation.pretrained import FOLDER
from neft.figures.style import method_style
from neft.pipeline import parameters
from neft.pipeline.parameters import Parameters
from neft.statistics.confidence import student_interval

METHODS = "noise_injection", "ovf", "irs"
MEBIBYTES = 5  # of a network at most

CARD = """\
# {name}

A {network} (width {width:g}) that was trained by {label} for analog hardware with errors of
sigma_d = {sigma_d:g}. `neft.load_network("{name}")` loads it.

- Images: {dataset}, {side} x {side} pixels, normalised as `neft.load_dataset` does. For training:
  {training_images}.
- Training: `{settings}`, from {initialisation} initial weights, {epochs} epochs, seed {seed}; the
  epoch that was best on validation images.
- Devices: {preset}, {weight_bits} bits a weight, {device_bits} bits a device.
- Test accuracy on {chips} chips at this sigma_d: {mean:.1f} % ({low:.1f}–{high:.1f}, 95 % interval
  over chips). The network was not chosen by it: it is that of the run's first seed.

Of the default run (params.yaml). Licence: MIT, as the code. Cite CITATION.cff and, for the method,
docs/method.md.
"""


def release(run: Path, to: Path) -> list[str]:
    """Copy the networks of a run and write their model cards.

    Args:
        run: folder of a finished run.
        to: folder of networks; those of the same names are replaced.

    Returns:
        The networks' names.

    Raises:
        ValueError: the run is not finished, lacks a method, or a network is too large.
    """
    settings = parameters.load(run / "params.yaml")
    sigmas = settings.training.sigma_d
    sigma_d, seed = sorted(sigmas)[len(sigmas) // 2], settings.training.seeds[0]
    results = _table(run / "metrics" / "results" / "results.csv")
    at_sigma = results[results.sigma_d == sigma_d].set_index("method")
    if missing := [method for method in METHODS if method not in at_sigma.index]:
        raise ValueError(f"{run}: must have run {', '.join(METHODS)}, not {missing[0]}")
    chosen = dict.fromkeys([*METHODS, str(at_sigma.accuracy.idxmax())])
    names = []
    for method in chosen:
        source = run / "runs" / method / f"sigma_d={sigma_d:g},seed={seed}.safetensors"
        _, header = checkpoints.load(source)
        if source.stat().st_size > MEBIBYTES * 2**20:
            size = source.stat().st_size / 2**20
            raise ValueError(f"{source}: must be at most {MEBIBYTES} MiB, is {size:.1f} MiB")
        names.append(f"{header['network']['name']}_{header['dataset']['name']}_{method}")
        draws = _table(run / "metrics" / "montecarlo" / method / "draws.csv")
        draws = draws[(draws.trained_sigma_d == sigma_d) & (draws.seed == seed)]
        with atomic_path(to / f"{names[-1]}.safetensors") as partial:
            shutil.copy(source, partial)
        with atomic_path(to / f"{names[-1]}.md") as partial:
            partial.write_text(_card(names[-1], header, settings, draws), encoding="utf-8")
    return names


def _table(path: Path) -> pd.DataFrame:
    if not path.exists():
        raise ValueError(f"{path}: no such file: the run must be finished")
    return pd.read_csv(path)


def _card(name: str, header: dict, run: Parameters, draws: pd.DataFrame) -> str:
    shape, data, interval = header["network"], header["dataset"], student_interval(draws.accuracy)
    method = {"method": header["method"], **run.methods[header["method"]]}
    return CARD.format(
        name=name, network=shape["name"], width=shape["width"], sigma_d=header["sigma_d"],
        label=method_style(header["method"]).label, dataset=data["name"], side=shape["side"],
        training_images=data["training_images"] or "all", settings=json.dumps(method),
        initialisation=shape["initialisation"], epochs=run.training.epochs, seed=header["seed"],
        preset=run.hardware.preset, weight_bits=run.hardware.weight_bits,
        device_bits=run.hardware.device_bits, chips=len(draws),
        mean=100 * interval.mean, low=100 * interval.low, high=100 * interval.high,
    )  # fmt: skip


def main() -> None:
    """Release the default run's networks."""
    try:
        print("\n".join(release(Path(), FOLDER)))
    except ValueError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
