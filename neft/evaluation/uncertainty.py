"""Uncertainty and calibration of a network over its chips.

All quantities are sums that are updated chip by chip: memory does not grow with the chips.
"""

import torch
from torch import Tensor

BINS = 15


class OverChips:
    """Running sums over chips of one network's predictions for the same images.

    For each image, p_c are the class probabilities on chip c of C, p their mean over chips, H the
    entropy in nats. `summary` gives, averaged over images (Smith and Gal, arXiv 1803.08533, for
    the decomposition; Schweighofer et al., arXiv 2311.08309, for the pairwise divergence):

    - predictive_entropy: H(p).
    - mutual_information: mean_c KL(p_c || p) = H(p) - mean_c H(p_c).
    - reverse_mutual_information: mean_c KL(p || p_c).
    - ekl: their sum, the mean of KL(p_c || p_d) over all C^2 pairs of chips. It measures how
      much chips disagree, not whether they are right: for a network that always gives the same
      answer it is 0. It must be read together with the accuracy.
    - largest_probability, true_probability: the largest probability and that of the true class,
      means over chips.
    - calibration_error: expected calibration error (Guo et al., arXiv 1706.04599; 15 bins) of one
      chip, mean over chips; ensemble_calibration_error: that of p.

    Args:
        labels: true classes, [images].
    """

    def __init__(self, labels: Tensor) -> None:
        self.labels = labels
        self.chips = 0
        self.probability = self.log_probability = torch.zeros((), dtype=torch.float64)
        self.entropy = self.largest = self.true = self.calibration = 0.0

    def add(self, logits: Tensor) -> None:
        """Add one chip's logits, [images, classes]; if one is not finite, all quantities are NaN.

        Raises:
            ValueError: the logits have not one row for each label.
        """
        if logits.dim() != 2 or len(logits) != len(self.labels):
            rule = f"logits must be [{len(self.labels)}, classes]"
            raise ValueError(f"{rule}, got {list(logits.shape)}")
        log_p = logits.cpu().double().log_softmax(1)
        p = log_p.exp()
        self.chips += 1
        self.probability = self.probability + p
        self.log_probability = self.log_probability + log_p
        self.entropy -= (p * log_p).sum(1).mean().item()
        self.largest += p.amax(1).mean().item()
        self.true += p.gather(1, self.labels[:, None]).mean().item()
        self.calibration += _calibration_error(p, self.labels)

    def summary(self) -> dict[str, float]:
        """Return the quantities above by name.

        Raises:
            ValueError: no chip was added.
        """
        if self.chips == 0:
            raise ValueError("chips must be at least 1, got 0")
        p, mean_log = self.probability / self.chips, self.log_probability / self.chips
        negative_entropy = torch.special.xlogy(p, p).sum(1).mean().item()
        information = -negative_entropy - self.entropy / self.chips
        reverse = negative_entropy - (p * mean_log).sum(1).mean().item()
        return {
            "predictive_entropy": -negative_entropy,
            "mutual_information": information,
            "reverse_mutual_information": reverse,
            "ekl": information + reverse,
            "largest_probability": self.largest / self.chips,
            "true_probability": self.true / self.chips,
            "calibration_error": self.calibration / self.chips,
            "ensemble_calibration_error": _calibration_error(p, self.labels),
        }


def _calibration_error(p: Tensor, labels: Tensor) -> float:
    # Not above: torchmetrics takes seconds to import.
    from torchmetrics.functional.classification import multiclass_calibration_error

    if not p.isfinite().all():
        return float("nan")
    # Rounding may bring a probability above 1; torchmetrics would take the table for logits.
    p = p.clamp(max=1)
    return multiclass_calibration_error(p, labels, p.shape[1], n_bins=BINS).item()
