"""A network on devices: choice of weights, programming, reading, converters, Monte Carlo."""

from neft.chip.converter_ranges import (
    Deviations,
    Fixed,
    Learned,
    Percentile,
    Ranges,
    load_ranges,
    save_ranges,
)
from neft.chip.converters import Converters
from neft.chip.converting import calibrate, converting
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
from neft.chip.periphery import COMPENSATIONS, Periphery
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
from neft.chip.quantising import quantise
from neft.chip.reading import chip_reads, read_noise_once, with_read_noise
