"""What many chips cost: peak memory of accuracy and uncertainty over 1,000 chips and over 100.

    python benchmarks/chips.py

A small network says of 1,000 images to which of 10 or 200 classes they belong, chip by chip.
Each row is the peak of a process of its own, above what it held before its first chip. Linux only.
"""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import torch
from measure import peak_bytes

from neft._utils.seeding import generator
from neft.chip import Hardware, accuracy, logits_over_chips
from neft.evaluation import OverChips

IMAGES, FEW, MANY = 1000, 100, 1000


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


def main() -> None:
    """Print a row for each number of classes."""
    print(f"{'classes':>7} {f'{FEW} chips':>12} {f'{MANY} chips':>12} {'ratio':>6}")
    for classes in (10, 200):
        peaks = []
        for chips in (FEW, MANY):
            with ProcessPoolExecutor(1, get_context("spawn")) as own:
                peaks.append(own.submit(memory, classes, chips).result())
        few, many = peaks
        sizes = [f"{peak / 2**20:8.1f} MiB" for peak in peaks]
        print(f"{classes:7} {sizes[0]:>12} {sizes[1]:>12} {many / few:6.2f}", flush=True)


if __name__ == "__main__":
    main()
