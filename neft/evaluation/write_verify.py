"""Selective write-verify (SWIM): only the weights that matter most are verified."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from neft._utils.checks import fraction, non_negative, one_of
from neft._utils.evaluation_mode import evaluating
from neft._utils.seeding import generator, seeded
from neft.chip import Deploy, Hardware, Where, device_weights, on_devices, program
from neft.data.calibration import training_images
from neft.evaluation.deployment import Deployment

RANKINGS = ("curvature", "magnitude", "random")
"""By what `WriteVerify` can choose the weights that are programmed by write-verify."""


def curvature(
    network: nn.Module,
    images: Tensor,
    *,
    generator: torch.Generator,
    where: Where = on_devices,
    batch_size: int = 10,
) -> dict[str, Tensor]:
    """Estimate the second derivative of the cross-entropy with respect to each device weight.

    Near a minimum it gives the cost of an error dw of the weight: dL = h (dw)^2 / 2 on average.
    SWIM (arXiv 2202.08395) propagates second derivatives back from layer to layer without the
    mixed ones, by a rule for each kind of layer. Here no rules are needed, and the only
    approximation is a random one. Estimated is the diagonal of the generalised Gauss-Newton
    matrix, the mean over images of J^T (diag(p) - p p^T) J, with the logits' derivatives J and the
    probabilities p. With S S^T = diag(p) - p p^T and random signs v, the squared gradient of
    sum v^T S^T logits has this diagonal as its mean (as in Martens et al., arXiv 1206.6464). One
    batch is one draw; over B equal batches the relative standard error of an entry is at most
    sqrt(2 / B). Where logits are piecewise linear in each single weight (ReLU, max pooling,
    BatchNorm in evaluation mode), this is the diagonal of the Hessian itself. No labels are used.

    Args:
        network: any module that returns logits, [batch, classes]; it is not changed.
        images: [images, channels, height, width], of the training part.
        generator: source of the signs, on the CPU.
        where: (weight's name, its layer) -> whether it is on devices (see `neft.chip.layers`).
        batch_size: images for each draw.

    Returns:
        Non-negative estimates by the weight's name, in its shape.
    """
    weights = {
        name: weight.detach().requires_grad_()
        for name, weight in device_weights(network, where).items()
    }
    device = next(iter(weights.values())).device
    found = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    with torch.enable_grad(), evaluating(network), seeded("curvature"):
        for batch in images.to(device).split(batch_size):
            logits = torch.func.functional_call(network, weights, (batch,))
            p = logits.detach().softmax(1)
            signs = torch.randint(0, 2, p.shape, generator=generator).to(p) * 2 - 1
            along = p.sqrt() * signs
            along = along - p * along.sum(1, keepdim=True)
            gradients = torch.autograd.grad(
                logits, list(weights.values()), along, materialize_grads=True
            )
            for total, gradient in zip(found.values(), gradients, strict=True):
                total += gradient.square() / len(images)
    return found


def rank(
    network: nn.Module, ranking: str, images: Tensor, *, where: Where = on_devices
) -> dict[str, Tensor]:
    """Rank all device weights of a network: the order in which they should be verified.

    Weights are in units of their tensor's largest magnitude, of which device errors are a fraction
    (as in SWIM's public code, which normalises each layer's weights before differentiation).

    Args:
        network: it is not changed.
        ranking: "curvature", largest second derivative first, equal ones by magnitude;
            "magnitude", largest first; or "random".
        images: for the curvature, see `curvature`.
        where: (weight's name, its layer) -> whether it is on devices (see `neft.chip.layers`).

    Returns:
        Each weight's rank, 0 for the first to verify, by name and in the weight's shape.

    Raises:
        ValueError: unknown ranking.
    """
    one_of(RANKINGS, ranking=ranking)
    weights = {name: w.detach() for name, w in device_weights(network, where).items()}
    scale = {name: weight.abs().max() for name, weight in weights.items()}
    magnitude = torch.cat([(w / scale[name]).abs().flatten() for name, w in weights.items()])
    draw = generator("write-verify", ranking)
    order = magnitude.nan_to_num().argsort(descending=True, stable=True)
    if ranking == "curvature":
        second = curvature(network, images, generator=draw, where=where)
        score = torch.cat([(h * scale[name] ** 2).flatten() for name, h in second.items()])
        order = order[score[order].argsort(descending=True, stable=True)]
    elif ranking == "random":
        order = torch.randperm(len(magnitude), generator=draw).to(magnitude.device)
    places = torch.empty_like(order)
    places[order] = torch.arange(len(order), device=order.device)
    parts = places.split([weight.numel() for weight in weights.values()])
    return {name: part.view_as(w) for (name, w), part in zip(weights.items(), parts, strict=True)}


def program_verified(
    network: nn.Module,
    hardware: Hardware,
    sigma_d: float,
    *,
    verified: Mapping[str, Tensor],
    sigma_verified: float,
    generator: torch.Generator,
    where: Where = on_devices,
) -> dict[str, Tensor]:
    """Program a network onto one chip, some of its weights with write-verify.

    With verification a device's error has the same direction as without, and is smaller: both are
    drawn from the same state of the generator. If no weight is verified, this is `program` at
    sigma_d; if all are, it is `program` at the smaller of the two sigmas.
    The other arguments are those of `neft.chip.program`.

    Args:
        verified: whether a weight is verified, by name and in its shape.
        sigma_verified: sigma_d of verified weights; it is never above the other sigma_d.

    Returns:
        Programmed weights by parameter name, for `torch.func.functional_call`.
    """
    state = generator.get_state()
    plain = program(network, hardware, sigma_d, generator=generator, where=where)
    generator.set_state(state)
    least = min(sigma_d, sigma_verified)
    careful = program(network, hardware, least, generator=generator, where=where)
    return {name: torch.where(verified[name], careful[name], plain[name]) for name in plain}


@dataclass(frozen=True)
class WriteVerify(Deployment):
    """Program a chip, and verify the share of weights that a ranking puts first.

    Args:
        share: verified fraction of all device weights of the network.
        ranking: see `rank`.
        sigma_verified: sigma_d of verified weights; 0.03 is the default of SWIM's public code (its
            `write_var`).
        images: number of images of the training part, for the curvature.

    Raises:
        ValueError: share is outside [0, 1], or sigma_verified negative or not finite.
    """

    share: float
    ranking: str = "curvature"
    sigma_verified: float = 0.03
    images: int = 500

    def __post_init__(self) -> None:
        fraction(share=self.share)
        non_negative(sigma_verified=self.sigma_verified)

    def prepare(self, network: nn.Module, train: Dataset, *, where: Where = on_devices) -> Deploy:
        """Rank the weights, and return `program_verified` with the first ones verified.

        Raises:
            ValueError: unknown ranking, or the training part has too few images.
        """
        images = training_images(train, self.images)
        ranks = rank(network, self.ranking, images, where=where)
        count = round(self.share * sum(each.numel() for each in ranks.values()))
        verified = {name: each < count for name, each in ranks.items()}
        return partial(
            program_verified, verified=verified, sigma_verified=self.sigma_verified, where=where
        )
