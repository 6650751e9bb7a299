"""Selective write-verify: only the weights that matter most are programmed with care (SWIM)."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from neft._utils.evaluation_mode import evaluating
from neft._utils.seeding import generator, seeded
from neft.chip.hardware import Hardware
from neft.chip.layers import Where, device_weights, on_devices
from neft.chip.programming import Deploy, program
from neft.evaluation.deployment import Deployment, training_images

RANKINGS = ("curvature", "magnitude", "random")


def curvature(
    network: nn.Module,
    images: Tensor,
    *,
    generator: torch.Generator,
    where: Where = on_devices,
    batch_size: int = 10,
) -> dict[str, Tensor]:
    """Estimate the second derivative of the cross-entropy with respect to each device weight.

    What an error of a weight costs, near a minimum: dL = h (dw)^2 / 2 on average. SWIM
    (arXiv 2202.08395) hands second derivatives back from layer to layer and leaves out mixed
    ones, with a rule for each kind of layer. Ours needs no such rules, and no approximation but a
    random one: the diagonal of the generalised Gauss-Newton matrix, mean over images of
    J^T (diag(p) - p p^T) J, J the logits' derivatives and p the probabilities. With S S^T =
    diag(p) - p p^T and random signs v, the square of the gradient of sum v^T S^T logits has this
    diagonal as its mean (as in Martens et al., arXiv 1206.6464); one batch is one draw, and over
    B equal batches an entry's standard error is at most sqrt(2 / B) of it. Where logits are
    piecewise linear in each single weight (ReLU, max pooling, BatchNorm in evaluation mode), it
    is the Hessian's diagonal itself. Labels do not enter.

    Args:
        network: any module that returns logits, [batch, classes]; it is left as it was.
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
    """Order all device weights of a network, those first that should be verified first.

    Weights count in units of their tensor's largest, of which device errors are a fraction (as
    in SWIM's public code, which normalises each layer's weights before it differentiates).

    Args:
        network: it is not changed.
        ranking: "curvature", largest second derivative first, equal ones by magnitude;
            "magnitude", largest first; or "random".
        images: what the curvature is taken on, see `curvature`.
        where: (weight's name, its layer) -> whether it is on devices (see `neft.chip.layers`).

    Returns:
        Each weight's place in the order, 0 the first, by name and in the weight's shape.

    Raises:
        ValueError: unknown ranking.
    """
    if ranking not in RANKINGS:
        raise ValueError(f"ranking must be one of {', '.join(RANKINGS)}, got {ranking!r}")
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
    """Program a network onto one chip, some of its weights by write-verify.

    The same devices err in the same direction with verification as without, less so: both are
    drawn from the same state of the generator. With no weight verified this is `program` at
    sigma_d, with all of them `program` at the smaller of the two sigmas.

    Args:
        network: any module; it is not changed.
        hardware: devices and bits.
        sigma_d: standard deviation of a device's error, fraction of its full range.
        verified: whether a weight is verified, by name and in its shape.
        sigma_verified: what write-verify leaves of sigma_d; it never adds to it.
        generator: source of the draws, on the weights' device.
        where: (weight's name, its layer) -> whether it is on devices (see `neft.chip.layers`).

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
        share: of all device weights of the network.
        ranking: see `rank`.
        sigma_verified: what write-verify leaves of sigma_d; 0.03 is the default of SWIM's public
            code (its `write_var`).
        images: how many of the training part the curvature is taken on.

    Raises:
        ValueError: share outside [0, 1], or sigma_verified negative.
    """

    share: float
    ranking: str = "curvature"
    sigma_verified: float = 0.03
    images: int = 500

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"share must be in [0, 1], got {self.share}")
        if not self.sigma_verified >= 0:
            raise ValueError(f"sigma_verified must be non-negative, got {self.sigma_verified}")

    def prepare(self, network: nn.Module, train: Dataset, *, where: Where = on_devices) -> Deploy:
        """Rank the weights, and return what programs and verifies.

        Raises:
            ValueError: unknown ranking, or not so many images.
        """
        images = training_images(train, self.images)
        places = rank(network, self.ranking, images, where=where)
        count = round(self.share * sum(place.numel() for place in places.values()))
        verified = {name: place < count for name, place in places.items()}

        def deploy(
            network: nn.Module,
            hardware: Hardware,
            sigma_d: float,
            *,
            generator: torch.Generator,
            where: Where = where,
        ) -> dict[str, Tensor]:
            return program_verified(
                network, hardware, sigma_d, verified=verified,
                sigma_verified=self.sigma_verified, generator=generator, where=where,
            )  # fmt: skip

        return deploy
