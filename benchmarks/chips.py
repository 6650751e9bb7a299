"""What chips cost: memory of 1,000 of them and of 100, and the time of their parts.

    python benchmarks/chips.py

A small network says of 1,000 images to which of 10 or 200 classes they belong, chip by chip.
Each row is the peak of a process of its own, above what it held before its first chip. Linux only.

Then one chip with the parts of params/chip.yaml, in multiples of one without, medians of rounds.
Each pass sets the ranges of the converters anew, which a study does once for each network.
"""

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import torch
from measure import multiples, peak_bytes, rounds

from neft import networks
from neft._utils.seeding import generator
from neft.chip import Hardware, accuracy, logits_over_chips
from neft.devices import named_model
from neft.evaluation import Condition, OverChips, logits_with_periphery
from neft.pipeline import parameters

IMAGES, FEW, MANY = 1000, 100, 1000
PARAMS = Path(__file__).parents[1] / "params" / "chip.yaml"


def memory(classes: int, chips: int) -> int:
    """Peak bytes of testing a two-layer network on `chips` chips."""
    torch.set_num_threads(1)  # as in the pipeline's tasks; so small a network needs no more
    draw = generator("benchmark")
    images = torch.randn(IMAGES, 64, generator=draw)
    labels = torch.randint(classes, (IMAGES,), generator=draw)
    network = torch.nn.Sequential(
        torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, classes)
    )

    def test() -> dict[str, float]:
        over, accuracies = OverChips(labels), []
        hardware = Hardware.load("RRAM4")
        for logits in logits_over_chips(network, images, hardware, 0.1, chips=chips, key="test"):
            over.add(logits)
            accuracies.append(accuracy(logits, labels).item())
        return over.summary()

    return peak_bytes(test)


def print_parts(params: Path = PARAMS) -> None:
    """Print the time of a chip with each part of a run's study, added and alone."""
    run = parameters.load(params)
    data, shape = run.dataset.source.load(), run.network
    network = networks.build(
        shape.name, classes=data.classes, channels=data.channels, side=data.side,
        width=shape.width, seed=0,
    )  # fmt: skip
    images = data.test.tensors[0]

    def test(condition: Condition) -> None:
        over = logits_with_periphery(
            network, images, data.train, condition.hardware, 0.1, condition.periphery,
            chips=1, key="test",
        )  # fmt: skip
        next(over)

    conditions = run.hardware.conditions(run.hardware.on(named_model(run.hardware.preset)))
    calls = {tuple(each.labels.values()): partial(test, each) for each in conditions}
    found = multiples(rounds(calls), ("added", conditions[0].labels["part"]))
    print(f"{'part':12} {'added':>6} {'alone':>6}")
    for part in dict.fromkeys(each.labels["part"] for each in conditions):
        print(f"{part:12} {found['added', part][1]:6.2f} {found['alone', part][1]:6.2f}")


def main() -> None:
    """Print a row for each number of classes, then one for each part."""
    print(f"{'classes':>7} {f'{FEW} chips':>12} {f'{MANY} chips':>12} {'ratio':>6}")
    for classes in (10, 200):
        peaks = []
        for chips in (FEW, MANY):
            with ProcessPoolExecutor(1, get_context("spawn")) as own:
                peaks.append(own.submit(memory, classes, chips).result())
        few, many = peaks
        sizes = [f"{peak / 2**20:8.1f} MiB" for peak in peaks]
        print(f"{classes:7} {sizes[0]:>12} {sizes[1]:>12} {many / few:6.2f}", flush=True)
    torch.set_num_threads(1)
    print_parts()


if __name__ == "__main__":
    main()
