"""What a task costs beside its work, on local processes and on Dask, and how far workers help.

    python benchmarks/cluster.py [--parts overhead scaling] [--help]

The overhead is measured. The scaling of the paper's six benchmarks is computed, from one measured
step of each method, as CPU time on one thread: full width, a quarter of the batch, times four.
Validation, about a thirtieth of a training, and the tests are left out.
"""

import time
from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser
from collections.abc import Callable, Sequence
from heapq import heapify, heapreplace
from pathlib import Path

import joblib
import torch
from cases import random_images
from contenders import our_step
from measure import machine

from neft import networks
from neft._utils import parallel
from neft._utils.parallel import CPU_ONLY, Machine
from neft.pipeline import parameters
from neft.pipeline.parameters import Parameters
from neft.training import build_method

ROOT = Path(__file__).parents[1]
BENCHMARKS = sorted({*ROOT.glob("params/*_*.yaml")} - {*ROOT.glob("params/*_reduced.yaml")})
DATA = {
    "mnist": (1, 10, 54_000),
    "cifar10": (3, 10, 45_000),
    "cifar100": (3, 100, 45_000),
    "tiny_imagenet": (3, 200, 90_000),
}
"""Channels, classes, and training images, which are nine tenths of the official ones."""

WORKERS = (8, 64, 512)
SHARE = 4
"""The part of a batch that is measured is one over this."""

DAY = 24 * 3600


def makespan(seconds: Sequence[float], workers: int) -> float:
    """Return when the last task ends, if each free worker takes the next task of the list."""
    free = [0.0] * workers
    heapify(free)
    for task in seconds:
        heapreplace(free, free[0] + task)
    return max(free)


def trainings(run: Parameters, step: Callable[[Parameters, str], float]) -> list[list[float]]:
    """Return the seconds of each training, one list for each method.

    Args:
        run: a benchmark.
        step: (run, name of the method) -> seconds of a step.
    """
    planned = run.training
    steps = planned.epochs * -(-DATA[run.dataset.name][2] // planned.batch_size)
    each = len(planned.sigma_d) * len(planned.seeds)
    return [[steps * step(run, name)] * each for name in run.methods]


def measured_step(run: Parameters, name: str) -> float:
    """Return the CPU seconds of a step of one method, after a first one that does not count."""
    channels, classes, _ = DATA[run.dataset.name]
    method = build_method(name, run.methods[name])
    network = networks.build(
        run.network.name, classes=classes, channels=channels, side=run.dataset.side,
        width=run.network.width, seed=0,
        initialisation=method.initialisation or run.network.initialisation,
    )  # fmt: skip
    batch = run.training.batch_size // SHARE
    images = random_images(batch, channels, run.dataset.side)
    step = our_step(network, method, images, torch.arange(batch) % classes)
    step()
    start = time.process_time()
    step()
    return SHARE * (time.process_time() - start)


def print_scaling(paths: Sequence[Path], step: Callable[[Parameters, str], float]) -> None:
    """Print how many times faster each benchmark's trainings end than on one worker."""
    print("computed: one worker's days, the longest training's, and how many times faster with")
    by_method, together = (" ".join(f"{n:>6}" for n in WORKERS) for _ in range(2))
    print(f"{'':44} {'method by method':^20}   {'all at once':^20}")
    print(f"{'workers':24} {'runs':>5} {'days':>6} {'longest':>7} {by_method}   {together}")
    for path in paths:
        methods = trainings(parameters.load(path), step)
        tasks = [seconds for own in methods for seconds in own]
        alone = sum(tasks)
        faster = [alone / sum(makespan(own, n) for own in methods) for n in WORKERS]
        at_once = [alone / makespan(tasks, n) for n in WORKERS]
        left, right = (" ".join(f"{x:6.3g}" for x in each) for each in (faster, at_once))
        about = f"{len(tasks):5} {alone / DAY:6.0f} {max(tasks) / DAY:7.0f}"
        print(f"{path.stem:24} {about} {left}   {right}", flush=True)


def nothing() -> None:
    """Do nothing: what is left is the overhead."""


def print_overhead(tasks: int) -> None:
    """Print the time of a task that does nothing, on workers that have imported all."""
    from distributed import LocalCluster

    workers = joblib.cpu_count()
    settings = {"threads_per_worker": 1, "memory_limit": 0, "dashboard_address": ":0"}
    with LocalCluster(n_workers=workers, **settings) as cluster:
        scheduler = cluster.scheduler_address
        for name, where in {"joblib": CPU_ONLY, "Dask": Machine(scheduler=scheduler)}.items():
            for count in (workers, tasks):
                start = time.perf_counter()
                parallel.run(nothing, [{}] * count, description=name, machine=where)
            each = (time.perf_counter() - start) / tasks
            print(f"{name:8} {1000 * each:6.2g} ms for each of {tasks} tasks", flush=True)
    print()


def main() -> None:
    """Print the parts that are asked for."""
    parser = ArgumentParser(
        description=__doc__.partition("\n")[0], formatter_class=ArgumentDefaultsHelpFormatter
    )
    parts = ["overhead", "scaling"]
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
    parser.add_argument("--tasks", type=int, default=500, help="number of tasks")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(machine(), "\n")
    if "overhead" in given.parts:
        print_overhead(given.tasks)
    if "scaling" in given.parts:
        print_scaling(BENCHMARKS, measured_step)


if __name__ == "__main__":
    main()
