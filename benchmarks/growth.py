"""How the cost of a chip's pass, of a Monte Carlo test and of a training step grows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from cases import Case
from contenders import METHODS, our_monte_carlo, our_pass, our_vgg8_step
from measure import Call, multiples
from own_process import in_turn
from torch.utils.flop_counter import FlopCounterMode

ROUNDS = 3


def sweeps(case: Case) -> dict[str, tuple[Callable[[Case], Call], dict[object, Case]]]:
    """Return what grows: a call's builder, and the case of each size.

    The sizes end at half the width and at all images of the case, which bounds the time.
    """
    widths = {w: replace(case, width=w) for w in (case.width / 8, case.width / 4, case.width / 2)}
    narrow = replace(case, width=case.width / 4)
    few = replace(narrow, images=case.images // 4)
    counts = [case.images // 4, case.images // 2, case.images]
    our_step = partial(our_vgg8_step, method=METHODS["noise_injection"])
    return {
        "a chip's pass: width": (our_pass, widths),
        "a chip's pass: images": (our_pass, {n: replace(narrow, images=n) for n in counts}),
        "a chip's pass: classes": (our_pass, {n: replace(few, classes=n) for n in (10, 100, 1000)}),
        "Monte Carlo: chips": (our_monte_carlo, {n: replace(few, chips=n) for n in (4, 8, 16)}),
        "noise_injection step: width": (our_step, widths),
    }


def growth(case: Case) -> Iterator[tuple[str, Sequence[object], list[np.ndarray]]]:
    """Measure each sweep.

    Yields:
        What grows, its sizes, and time, memory and floating-point operations, each [sizes] in
        multiples of those of the first size. Operations are those of layers, not of programming.
    """
    for name, (build, cases) in sweeps(case).items():
        builds = {str(size): partial(build, own) for size, own in cases.items()}
        found = in_turn(builds, ROUNDS, title=name)
        of_rounds = multiples(found.seconds, next(iter(builds)))
        time = [median for _, median, _ in of_rounds.values()]
        memory = list(found.peaks.values())
        operations = [counted(build(own)) for own in cases.values()]
        yield name, list(cases), [np.divide(all_, all_[0]) for all_ in (time, memory, operations)]


def counted(call: Call) -> int:
    """Return the floating-point operations of convolutions and matrix products in a call."""
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()


def print_growth(case: Case) -> None:
    """Print a row for each sweep."""
    columns = "".join(f" {name:>18}" for name in ("time", "memory", "operations"))
    print(f"growth, in multiples of the first size\n{'':28} {'sizes':>24}{columns}")
    for name, sizes, measured in growth(case):
        of_sizes = " ".join(f"{size:g}" for size in sizes)
        row = "".join(f" {' '.join(f'{value:.3g}' for value in each):>18}" for each in measured)
        print(f"{name:28} {of_sizes:>24}{row}", flush=True)
    print()
