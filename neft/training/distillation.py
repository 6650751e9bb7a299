"""Distillation: a noisy network learns what it said before there was noise."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neft._utils.checks import fraction, positive
from neft._utils.evaluation_mode import evaluating
from neft.training.baselines import Baseline
from neft.training.noisy_forward import NoisyForward


class Teacher(nn.Module):
    """A frozen copy of a network, taken when its pretraining ends."""

    ready: Tensor

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.register_buffer("ready", torch.tensor(False))

    @torch.no_grad()
    def logits(self, student: nn.Module, inputs: Tensor) -> Tensor:
        """Return the teacher's logits; at the first call it becomes a copy of the student."""
        if not self.ready:
            self.network.load_state_dict(student.state_dict())
            self.ready.fill_(True)
        with evaluating(self.network):
            return self.network(inputs)


@dataclass(frozen=True)
class Distillation(Baseline, name="distillation"):
    """Noise injection that learns the answers of the network's own noise-free pretraining.

    L = (1 - w) T^2 KL(softmax(t / T) || softmax(z_b / T)) + w CE(z_b, y), with the teacher's logits
    t, the logits z_b under errors, both over `divisor`, and w = label_weight. The student starts
    from the teacher. After Noisy Machines (arXiv 2001.04974), in the form of Analog Foundation
    Models (github.com/IBM/analog-foundation-models at 4f4c505), whose T is 1 and w 0; they also
    clip the student, not the teacher, at 2.5 standard deviations of each channel.

    Args:
        temperature: T.
        label_weight: w, in [0, 1].

    Raises:
        ValueError: temperature is not positive and finite, label_weight outside [0, 1], or there is
            no pretraining, and so no teacher.
    """

    temperature: float = 1.0
    label_weight: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(temperature=self.temperature)
        fraction(label_weight=self.label_weight)
        if not self.pretraining:
            raise ValueError("pretraining must be above 0, as it makes the teacher, got 0")

    def auxiliary(self, network: nn.Module, example: Tensor) -> Teacher:
        return Teacher(network)

    def loss(
        self, forward: NoisyForward, auxiliary: nn.Module, inputs: Tensor, labels: Tensor
    ) -> Tensor:
        assert isinstance(auxiliary, Teacher)
        heat = self.divisor * self.temperature
        target = (auxiliary.logits(forward.network, inputs) / heat).log_softmax(1)
        logits = forward.backbone(inputs)
        answer = (logits / heat).log_softmax(1)
        distance = F.kl_div(answer, target, reduction="batchmean", log_target=True)
        distance = self.temperature**2 * distance
        if not self.label_weight:
            return distance
        own = self.label_weight * self.cross_entropy(logits, labels)
        return (1 - self.label_weight) * distance + own
