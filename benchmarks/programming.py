"""What programming costs: time and memory for all weights of a full-width VGG-8 (12.9 M).

    python benchmarks/programming.py

Times are multiples of one `torch.randn` of that size, medians of pairs timed in turn; memory is the
peak of the process above what it held before, as a multiple of the weights. Linux only.
"""

import torch
from measure import peak_bytes, ratio, seconds

from neft import networks
from neft._utils.seeding import generator
from neft.characterize import variation_models
from neft.characterize.bundled import LEVELS
from neft.characterize.reads import read_level_table
from neft.chip import Hardware, device_weights, program
from neft.devices import PRESETS


def main() -> None:
    """Print a row for each kind of hardware."""
    network = networks.build("vgg8", classes=10, channels=3, width=1.0, seed=0)
    count = sum(weight.numel() for weight in device_weights(network).values())
    draw = generator("benchmark")
    levels = variation_models.at_time(read_level_table(LEVELS), "RRAM_B", 1e4)
    measured = (variation_models.gaussian(levels), variation_models.empirical(levels))
    hardware = {
        f"{model.name}, {mapping}": Hardware(model, mapping=mapping)
        for mapping in ("weight", "sign_bit", "differential")
        for model in (PRESETS["RRAM1"], PRESETS["RRAM4"], PRESETS["RRAM_Wan"], *measured)
    }
    unit = lambda: torch.randn(count, generator=draw)  # noqa: E731
    print(
        f"{count} weights, {torch.get_num_threads()} threads; randn {1000 * seconds(unit):.0f} ms"
    )
    print(f"{'hardware':28} {'time':>7} {'memory':>7}")
    for name, made in hardware.items():
        with torch.no_grad():
            run = lambda made=made: program(network, made, 0.1, generator=draw)  # noqa: E731
            took, peak = ratio(run, unit), peak_bytes(run) / (4 * count)
        print(f"{name:28} {took:7.1f} {peak:7.1f}", flush=True)


if __name__ == "__main__":
    main()
