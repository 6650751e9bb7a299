"""What training and testing cost, beside plain PyTorch and the public codes of our peers.

    python benchmarks/peers.py [--neft-cim PATH] [--parts step inference ...] [--help]

Contenders take turns, each in a process of its own, one at work at a time. A row is the median (and
quartiles) over the rounds of a contender's time over plain PyTorch's in the same round. Memory is
the peak of a contender's process during its first two calls, above what it held before them. The
first call is in seconds.
Linux only.
"""

import statistics
from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from cases import Case
from contenders import PLAIN, lenet5_steps, passes, small_vgg8_steps, steps
from estimating import print_estimating
from growth import print_growth
from measure import machine, multiples
from own_process import Build, in_turn
from whole_chip import print_whole_chips


def compare(title: str, builds: Mapping[str, Build], rounds: int, *, calls: int = 1) -> None:
    """Print each contender's time and memory, in multiples of plain PyTorch's."""
    found = in_turn(builds, rounds, calls=calls, title=title)
    milliseconds = 1000 * statistics.median(found.seconds[PLAIN])
    print(f"{title}: 1 = {milliseconds:.3g} ms, {found.peaks[PLAIN] / 2**20:.3g} MiB")
    print(f"{'':34} {'time':>6} {'quartiles':>13} {'memory':>7} {'first call':>11}")
    for name, (low, median, high) in multiples(found.seconds, PLAIN).items():
        memory = found.peaks[name] / found.peaks[PLAIN]
        quartiles, first = f"{low:.2f}-{high:.2f}", f"{found.first[name]:.2g} s"
        print(f"{name:34} {median:6.2f} {quartiles:>13} {memory:7.2f} {first:>11}")
    for name, reason in found.missing.items():
        print(f"{name:34} {reason}")
    print(flush=True)


def compare_small(case: Case, rounds: int) -> None:
    """Print what steps of small networks cost on one thread, where overheads weigh most."""
    threads, about = torch.get_num_threads(), f"batch {case.batch}, 1 thread"
    torch.set_num_threads(1)
    title = f"step, LeNet-5 (width {case.width:g}), {about}"
    compare(title, lenet5_steps(case), rounds, calls=20)
    title = f"step, 16 x 16 VGG-8 (width {case.width / 4:g}), {about}"
    compare(title, small_vgg8_steps(case), rounds, calls=5)
    torch.set_num_threads(threads)


def arguments(given: Sequence[str] | None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description=__doc__.partition("\n")[0], formatter_class=ArgumentDefaultsHelpFormatter
    )
    whole = Case()
    parts = ["step", "inference", "small", "growth", "estimate", "chip"]
    add = parser.add_argument
    add("--neft-cim", type=Path, help="folder of github.com/YifanQin-ND/NeFT_CIM")
    add("--parts", nargs="+", choices=parts, default=parts, help="what to measure")
    add("--width", type=float, default=whole.width, help="of VGG-8; others are relative to it")
    add("--batch", type=int, default=whole.batch, help="images of a training step")
    add("--images", type=int, default=whole.images, help="that a chip classifies")
    add("--pass-batch", type=int, default=whole.pass_batch, help="images of others' forward passes")
    add("--threads", type=int, default=torch.get_num_threads(), help="of torch")
    add("--rounds", type=int, default=5, help="that count, of each comparison")
    add("--epochs", type=int, default=6, help="of the network whose accuracy is estimated")
    add("--half-width", type=float, default=0.005, help="of the estimate's interval")
    options = parser.parse_args(given)
    if options.neft_cim and not (options.neft_cim / "models" / "vgg8.py").is_file():
        parser.error(f"--neft-cim must be a folder with models/vgg8.py, got {options.neft_cim}")
    return options


def main(given: Sequence[str] | None = None) -> None:
    """Measure and print all parts that were asked for."""
    options = arguments(given)
    torch.set_num_threads(options.threads)
    case = Case(
        width=options.width, batch=options.batch, images=options.images,
        pass_batch=options.pass_batch, neft_cim=options.neft_cim,
    )  # fmt: skip
    quarter = replace(case, width=case.width / 4)
    vgg8 = f"VGG-8 (width {case.width:g})"
    print(machine() + "\n", flush=True)
    if "step" in options.parts:
        compare(f"step, {vgg8}, batch {case.batch}", steps(case), options.rounds)
    if "inference" in options.parts:
        compare(f"chip's pass, {vgg8}, {case.images} images", passes(case), options.rounds)
    if "small" in options.parts:
        compare_small(case, options.rounds)
    if "growth" in options.parts:
        print_growth(case)
    if "estimate" in options.parts:
        print_estimating(quarter.width, options.epochs, options.half_width)
    if "chip" in options.parts:
        print_whole_chips(quarter, options.rounds)


if __name__ == "__main__":
    main()
