"""A network on devices: choice of weights, storage, programming, reading, Monte Carlo inference."""

from neft.chip.execution import Execution, fast_execution
from neft.chip.fast_layers import fast_layers
from neft.chip.hardware import MAPPINGS, Hardware
from neft.chip.layers import DEVICE_LAYERS, Where, device_weights, on_devices
from neft.chip.monte_carlo import (
    accuracy,
    accuracy_over_chips,
    images_and_labels,
    logits_of_chip,
    logits_over_chips,
)
from neft.chip.programming import (
    Deploy,
    Scale,
    error_deviations,
    full_scales,
    program,
    program_each,
    program_weight,
    weight_scales,
)
from neft.chip.reading import chip_reads, with_read_noise
