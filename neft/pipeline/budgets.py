"""What the trainings of a run cost, beside their accuracies."""

import torch

from neft import networks
from neft.pipeline.parameters import Parameters
from neft.training import build_method, method_schedule
from neft.training.budget import Budget, budget


def budgets(run: Parameters) -> dict[str, Budget]:
    """Count what each method's training takes, on a narrow copy of the run's network.

    Returns:
        Name of the method -> gradient evaluations of each training image in all epochs, and
        programmings in a step.
    """
    found = {}
    for name, settings in run.methods.items():
        method, network = build_method(name, settings), run.network
        narrow = networks.build(
            network.name, classes=10, channels=1, width=min(network.width, 0.125),
            side=run.dataset.side, seed=0,
            initialisation=method.initialisation or network.initialisation,
        )  # fmt: skip
        step = budget(method, narrow, torch.zeros(2, 1, run.dataset.side, run.dataset.side))
        epochs = method_schedule(run.training.schedule, settings).epochs
        found[name] = Budget(epochs * step.gradient_evaluations, step.programmings)
    return found
