"""What a training step costs: time and memory of each method, in multiples of noise_free's.

    python benchmarks/training.py

One step is forward, backward and Adam's update of a VGG-8 of half its width on a batch of 64.
Times are medians; memory is the peak of a process of its own during its first two steps, above
what it held before them: gradients, Adam's moments, activations and programmed weights.
"""

from multiprocessing import get_context

import torch
from measure import peak_bytes, seconds

from neft import networks
from neft._utils.seeding import generator
from neft.chip import Hardware
from neft.training import (
    IRS,
    OVF,
    CorrectNet,
    NoiseFree,
    NoiseInjection,
    NoisyForward,
    RightCensored,
    ScaledLogits,
)

METHODS = {
    "noise_free": NoiseFree(),
    "noise_injection": NoiseInjection(),
    "noise_injection, clipped": NoiseInjection(clip=2.0),
    "scaled_logits": ScaledLogits(),
    "right_censored": RightCensored(),
    "correctnet, unrolled": CorrectNet(),
    "correctnet, per slice": CorrectNet(form="per_slice"),
    "irs": IRS(1e-3),
    "ovf": OVF(1e-3),
    "ovf, no feedback gradient": OVF(1e-3, feedback_gradient=False),
}
BATCH = 64


def cost(name: str) -> tuple[float, int]:
    """Return the seconds of one step and the peak bytes of two."""
    method = METHODS[name]
    net = networks.build("vgg8", classes=10, channels=1, width=0.5, seed=0)
    inputs = torch.randn(BATCH, 1, 32, 32, generator=generator("inputs"))
    labels = torch.arange(BATCH) % 10
    heads = method.auxiliary(net, inputs)
    optimizer = torch.optim.Adam([*net.parameters(), *heads.parameters()])
    forward = NoisyForward(
        net, Hardware.load("RRAM1"), 0.1, generator("backbone"), generator("feedback")
    )

    def step() -> None:
        optimizer.zero_grad()
        method.loss(forward, heads, inputs, labels).backward()
        optimizer.step()
        method.after_step(forward, heads)

    def steps() -> None:
        step()
        step()

    peak = peak_bytes(steps)
    return seconds(step), peak


def main() -> None:
    """Print a row for each method."""
    costs = {}
    for name in METHODS:
        with get_context("spawn").Pool(1) as pool:
            costs[name] = pool.apply(cost, (name,))
    unit, memory = costs["noise_free"]
    print(f"{torch.get_num_threads()} threads, batch {BATCH}; noise_free: ", end="")
    print(f"{1000 * unit:.0f} ms, {memory / 2**20:.0f} MiB")
    print(f"{'method':28} {'time':>6} {'memory':>7}")
    for name, (took, peak) in costs.items():
        print(f"{name:28} {took / unit:6.2f} {peak / memory:7.2f}")


if __name__ == "__main__":
    main()
