"""Training steps and chips' passes that are compared: plain PyTorch, ours, and our peers'."""

from collections.abc import Callable
from functools import partial

import peer_codes
import torch
from cases import HARDWARE, SIGMA_D, Case, random_images
from measure import Call
from own_process import Build
from torch import Tensor, nn
from torch.nn import functional as F

from neft import networks
from neft._utils.allocator import keep_freed_memory
from neft._utils.seeding import generator
from neft.chip import fast_execution, fast_layers, logits_over_chips
from neft.training import (
    IRS,
    OVF,
    CorrectNet,
    Method,
    NoiseFree,
    NoiseInjection,
    NoisyForward,
    RightCensored,
    ScaledLogits,
)

PLAIN = "plain PyTorch, contiguous"

METHODS: dict[str, Method] = {
    "noise_free": NoiseFree(),
    "noise_injection": NoiseInjection(),
    "noise_injection, clipped": NoiseInjection(clip=2.0),
    "scaled_logits": ScaledLogits(),
    "right_censored": RightCensored(),
    "correctnet, unrolled": CorrectNet(),
    "correctnet, per slice": CorrectNet(form="per_slice"),
    "irs": IRS(1e-1),
    "ovf": OVF(1e-3),
    "ovf, no feedback gradient": OVF(1e-3, feedback_gradient=False),
}


def steps(case: Case) -> dict[str, Build]:
    """Return what builds each contender's training step, by the contender's name."""
    return {
        PLAIN: partial(plain_vgg8_step, case),
        "plain PyTorch, channels_last": partial(plain_vgg8_step, case, channels_last=True),
        **{
            f"neft, {name}": partial(our_vgg8_step, case, method)
            for name, method in METHODS.items()
        },
        "aihwkit-lightning, weight noise": partial(peer_codes.aihwkit_step, case),
        "paper's code, noise training": partial(peer_codes.paper_step, case, "base"),
        "paper's code, irs": partial(peer_codes.paper_step, case, "irs"),
        "paper's code, ovf": partial(peer_codes.paper_step, case, "ovf"),
    }


def passes(case: Case) -> dict[str, Build]:
    """Return what builds each contender's pass of one chip, by the contender's name."""
    return {
        PLAIN: partial(plain_pass, case),
        "plain PyTorch, channels_last": partial(plain_pass, case, channels_last=True),
        "neft, logits_over_chips": partial(our_pass, case),
        "aihwkit-lightning": partial(peer_codes.aihwkit_pass, case),
        "paper's code, its test": partial(peer_codes.paper_pass, case),
        "paper's code, one network": partial(peer_codes.paper_pass, case, new_network=False),
    }


def lenet5_steps(case: Case) -> dict[str, Build]:
    """Return what builds steps of LeNet-5."""
    return small_steps(lenet5, case, channels=1, side=32)


def small_vgg8_steps(case: Case) -> dict[str, Build]:
    """Return what builds steps of a VGG-8 with a quarter of the width, for 16 x 16 images."""
    return small_steps(small_vgg8, case, channels=3, side=16)


def lenet5(width: float) -> nn.Module:
    """Return a LeNet-5."""
    return networks.build("lenet5", classes=10, channels=1, width=width, seed=0)


def small_vgg8(width: float) -> nn.Module:
    """Return a VGG-8 with a quarter of the width and a classifier for 16 x 16 images."""
    quarter = Case(width=width / 4)
    channels, hidden = (networks.scaled(count, quarter.width) for count in (512, 1024))
    return nn.Sequential(
        quarter.network().features, nn.Flatten(), nn.Linear(channels * 2 * 2, hidden), nn.ReLU(),
        nn.Linear(hidden, 10),
    )  # fmt: skip


def small_steps(
    make: Callable[[float], nn.Module], case: Case, channels: int, side: int
) -> dict[str, Build]:
    """Return what builds the plain step and those of three of our methods."""
    given = make, case, channels, side
    ours = ("noise_free", "noise_injection", "ovf")
    return {
        PLAIN: partial(small_step, None, *given),
        **{f"neft, {name}": partial(small_step, METHODS[name], *given) for name in ours},
    }


def small_step(
    method: Method | None,
    make: Callable[[float], nn.Module],
    case: Case,
    channels: int,
    side: int,
) -> Call:
    """Return a step of a small network: ours, or the plain one without a method."""
    inputs, labels = random_images(case.batch, channels, side), torch.arange(case.batch) % 10
    if method is None:
        return plain_step(make(case.width), inputs, labels)
    return our_step(make(case.width), method, inputs, labels)


def plain_step(network: nn.Module, inputs: Tensor, labels: Tensor) -> Call:
    """Return a noise-free training step as a user of PyTorch would write it."""
    optimizer = torch.optim.Adam(network.parameters())

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(network(inputs), labels).backward()
        optimizer.step()

    return step


def plain_vgg8_step(case: Case, channels_last: bool = False) -> Call:
    """Return the plain step with weights and images in a memory layout."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    inputs, labels = case.training_batch()
    network = case.network().to(memory_format=layout)
    return plain_step(network, inputs.to(memory_format=layout), labels)


def plain_pass(case: Case, channels_last: bool = False) -> Call:
    """Return a pass over all images without errors, as a user of PyTorch would write it."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    network = case.network().to(memory_format=layout).eval()
    images = random_images(case.images).to(memory_format=layout)

    @torch.no_grad()
    def logits() -> Tensor:
        return torch.cat([network(batch) for batch in images.split(case.pass_batch)])

    return logits


def our_step(network: nn.Module, method: Method, inputs: Tensor, labels: Tensor) -> Call:
    """Return a training step as `neft.training.train` takes it."""
    keep_freed_memory()
    execution = fast_execution(network, inputs[:1])
    heads = method.auxiliary(network, inputs[:1])
    optimizer = torch.optim.Adam([*network.parameters(), *heads.parameters()], fused=True)
    forward = NoisyForward(network, HARDWARE, SIGMA_D, generator("backbone"), generator("feedback"))

    def step() -> None:
        optimizer.zero_grad()
        with fast_layers(network):
            batch = execution.formatted(inputs), labels
            method.step_loss(forward, heads, *batch, progress=1.0).backward()
        optimizer.step()
        method.after_step(forward, heads)

    return step


def our_vgg8_step(case: Case, method: Method) -> Call:
    """Return our step of a case's network."""
    return our_step(case.network(), method, *case.training_batch())


def our_pass(case: Case) -> Call:
    """Return a call that takes one more chip of a running Monte Carlo test."""
    over_chips = logits_over_chips(
        case.network(), random_images(case.images), HARDWARE, SIGMA_D, chips=10**6, key="benchmark"
    )
    return partial(next, over_chips)


def our_monte_carlo(case: Case) -> Call:
    """Return a whole Monte Carlo test, which keeps nothing of a chip."""
    network, images = case.network(), random_images(case.images)

    def run() -> None:
        for _ in logits_over_chips(
            network, images, HARDWARE, SIGMA_D, chips=case.chips, key="benchmark"
        ):
            pass

    return run
