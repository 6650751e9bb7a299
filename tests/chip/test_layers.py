"""Laws of the choice of weights: which are on devices, and scale by channel."""

import copy

import pytest
import torch
from torch import Tensor, nn

from neft._utils.seeding import generator, seeded
from neft.chip import Hardware, program
from neft.devices import PRESETS

HARDWARE = Hardware(PRESETS["RRAM1"])
EXACT = Hardware(PRESETS["RRAM1"], scale="channel", mapping="sign_bit")


def chip(net: nn.Module, hardware: Hardware = HARDWARE, sigma_d: float = 0.1, **options):
    return program(net, hardware, sigma_d, generator=generator("layers"), **options)


def test_tables_bilinear_forms_and_norms_are_digital_unless_chosen() -> None:
    net = nn.ModuleDict(
        {"a": nn.Embedding(3, 2), "b": nn.Bilinear(2, 2, 3), "n": nn.LayerNorm(2)}
        | {"l": nn.Linear(2, 2)}
    )
    assert set(chip(net)) == {"l.weight"}
    everything = chip(net, where=lambda name, layer: True)
    assert set(everything) == {"a.weight", "b.weight", "l.weight"}


def test_a_predicate_may_choose_some_weights_of_a_layer() -> None:
    net = nn.Sequential(nn.LSTM(3, 2, bidirectional=True))
    assert set(chip(net, where=lambda name, layer: "weight_hh" in name)) == {
        "0.weight_hh_l0", "0.weight_hh_l0_reverse",
    }  # fmt: skip


def test_a_predicate_may_choose_a_parameter_of_a_custom_module() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernel, self.gain = nn.Parameter(torch.eye(3)), nn.Parameter(torch.ones(3))

    net = nn.Sequential(Own(), nn.Linear(3, 3))
    assert set(chip(net, where=lambda name, layer: isinstance(layer, Own))) == {"0.kernel"}


def test_a_matrix_added_to_a_transposed_convolution_has_its_rows_as_output_channels() -> None:
    layer = nn.ConvTranspose1d(4, 4, 1, groups=2)
    layer.lora_A = nn.Parameter(torch.tensor([[1.0, 0.5], [10.0, 2.0], [3.0, 30.0], [0.0, 1.0]]))
    found = chip(layer, EXACT, 0.0, where=lambda name, _: name == "lora_A")["lora_A"]
    largest = layer.lora_A.abs().amax(1, keepdim=True)
    torch.testing.assert_close(found, (layer.lora_A / largest * 255).round() / 255 * largest)


def test_the_biases_that_attention_adds_to_keys_and_values_are_digital() -> None:
    net = nn.MultiheadAttention(4, 2, add_bias_kv=True)
    assert set(chip(net)) == {"in_proj_weight", "out_proj.weight"}


def test_frozen_weights_are_programmed_and_stay_frozen() -> None:
    net = nn.Linear(3, 3).requires_grad_(False)
    programmed = chip(net)["weight"]
    assert not programmed.requires_grad and not torch.equal(programmed, net.weight)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("mapping", ["weight", "differential", "sign_bit"])
def test_half_precision_is_programmed_as_single_and_the_gradient_passes_through(
    mapping: str, dtype
) -> None:
    hardware = Hardware(PRESETS["RRAM4"], mapping=mapping)
    with seeded("half"):
        half = nn.Linear(30, 20).to(dtype)
    programmed = chip(half, hardware)["weight"]
    wide = chip(copy.deepcopy(half).float(), hardware)["weight"]
    assert programmed.dtype == dtype
    assert torch.equal(programmed, wide.to(dtype))
    programmed.sum().backward()
    assert torch.equal(half.weight.grad, torch.ones(20, 30, dtype=dtype))


def channels(layer: nn.Module, inputs: Tensor) -> list[Tensor]:
    """Masks of the weights that each output channel depends on, by autograd."""
    outputs = layer(inputs).movedim(1, 0).flatten(1).sum(1)
    return [torch.autograd.grad(out, layer.weight, retain_graph=True)[0] != 0 for out in outputs]


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(
    "kind",
    [
        *(nn.Conv1d, nn.Conv2d, nn.Conv3d),
        *(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
    ],
)
def test_the_scale_of_a_channel_is_that_of_the_weights_its_output_depends_on(
    kind, groups: int
) -> None:
    with seeded("channel", kind.__name__, groups):
        layer = kind(4, 6, 2, groups=groups, dtype=torch.float64)
    inputs = torch.ones(1, 4, *[3] * (layer.weight.dim() - 2), dtype=torch.float64)
    programmed = chip(layer, EXACT, 0.0)["weight"]
    masks = channels(layer, inputs)
    assert torch.equal(sum(mask.int() for mask in masks), torch.ones_like(programmed))
    for mask in masks:
        w = layer.weight[mask]
        whole = (w.abs() / w.abs().max() * 255).round()
        torch.testing.assert_close(programmed[mask], w.sign() * whole / 255 * w.abs().max())


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_a_transposed_convolution_keeps_its_errors_in_place_and_its_gradient(groups: int) -> None:
    layer = nn.ConvTranspose2d(4, 8, 3, groups=groups)
    programmed = chip(layer, sigma_d=1e-6)["weight"]
    torch.testing.assert_close(programmed, layer.weight, rtol=0, atol=1e-4)
    factor = torch.randn(layer.weight.shape, generator=generator("factor"))
    (programmed * factor).sum().backward()
    torch.testing.assert_close(layer.weight.grad, factor)
