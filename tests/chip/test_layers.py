"""Laws of the choice of weights: which are on devices, which are refused, scale by channel."""

import copy
import warnings

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

from neft._utils.seeding import generator, seeded
from neft.chip.hardware import Hardware
from neft.chip.layers import device_weights, on_devices
from neft.chip.monte_carlo import accuracy_over_chips
from neft.chip.programming import program
from neft.devices.presets import PRESETS

HARDWARE = Hardware(PRESETS["RRAM1"])
EXACT = Hardware(PRESETS["RRAM1"], scale="channel", mapping="sign_bit")


def chip(net: nn.Module, hardware: Hardware = HARDWARE, sigma_d: float = 0.1, **options):
    return program(net, hardware, sigma_d, generator=generator("layers"), **options)


def quantised(*layers: nn.Module, kind: type[nn.Module]) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.ao is on its way out
        return torch.ao.quantization.quantize_dynamic(nn.Sequential(*layers), {kind})


def statically_quantised() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ao = torch.ao.quantization
        net = nn.Sequential(ao.QuantStub(), nn.Conv2d(1, 2, 3), ao.DeQuantStub()).eval()
        net.qconfig = ao.get_default_qconfig("fbgemm")
        ao.prepare(net, inplace=True)(torch.zeros(1, 1, 4, 4))
        return ao.convert(net)


def scripted() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return nn.Sequential(torch.jit.script(nn.Linear(2, 2)))


def old_style(layer: nn.Module, name: str = "weight") -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return nn.Sequential(nn.utils.weight_norm(layer, name))


class LowRank(nn.Linear):
    """A linear layer with two factors that are trained beside its weight."""

    def __init__(self) -> None:
        super().__init__(4, 3)
        self.lora_A, self.lora_B = nn.Parameter(torch.ones(2, 4)), nn.Parameter(torch.ones(3, 2))

    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs) + inputs @ self.lora_A.T @ self.lora_B.T


def tied() -> nn.Module:
    """An output layer whose weight is the embedding's."""
    net = nn.Sequential(nn.Embedding(3, 2), nn.Linear(2, 3, bias=False))
    net[1].weight = net[0].weight
    return net


PLAIN = r"must be a plain parameter \(not parametrised, .*\), got a layer "
UNFIT = {
    "weight_norm": (
        lambda: nn.Sequential(parametrizations.weight_norm(nn.Linear(2, 2))),
        "0.weight " + PLAIN + "ParametrizedLinear",
    ),
    "spectral_norm": (
        lambda: nn.Sequential(parametrizations.spectral_norm(nn.Conv2d(1, 2, 3))),
        "0.weight " + PLAIN + "ParametrizedConv2d",
    ),
    "attention": (
        lambda: nn.utils.parametrize.register_parametrization(
            nn.MultiheadAttention(4, 2), "in_proj_weight", nn.Tanh()
        ),
        "^in_proj_weight " + PLAIN + "ParametrizedMultiheadAttention",
    ),
    "old attention": (
        lambda: nn.utils.spectral_norm(nn.MultiheadAttention(4, 2), "in_proj_weight"),
        "^in_proj_weight " + PLAIN + "MultiheadAttention",
    ),
    "old weight_norm": (lambda: old_style(nn.Linear(2, 2)), "0.weight " + PLAIN + "Linear"),
    "old weight_norm of LSTM": (
        lambda: old_style(nn.LSTM(2, 2), "weight_hh_l0"), "0.weight_hh_l0 " + PLAIN + "LSTM"
    ),
    "old spectral_norm": (
        lambda: nn.utils.spectral_norm(nn.Linear(2, 2)), "^weight " + PLAIN + "Linear"
    ),
    "pruned": (
        lambda: prune.random_unstructured(nn.Conv1d(1, 2, 3), "weight", 0.5),
        "^weight " + PLAIN + "Conv1d",
    ),
    "dynamic linear": (
        lambda: quantised(nn.Linear(2, 2), kind=nn.Linear), "0.weight " + PLAIN + "Linear"
    ),
    "dynamic LSTM": (
        lambda: quantised(nn.LSTM(2, 2), kind=nn.LSTM), "0.weight " + PLAIN + "LSTM"
    ),
    "static": (statically_quantised, "0.weight " + PLAIN + "Quantize"),
    "scripted": (scripted, "0.weight " + PLAIN + "RecursiveScriptModule"),
    "lazy": (
        lambda: nn.Sequential(nn.LazyLinear(2)), r"0.weight must be initialised \(run the network"
    ),
    "complex": (
        lambda: nn.Linear(2, 2, dtype=torch.complex64),
        "weight must be real floating point, got torch.complex64",
    ),
    "meta": (
        lambda: nn.Linear(2, 2, device="meta"), "weight must be in memory, got device meta"
    ),
    "tied to a table": (tied, "1.weight and 0.weight share one weight and must both be on dev"),
    "low rank": (
        lambda: nn.Sequential(LowRank()), "0.lora_A must be chosen or left out by `where`, .*LowR"
    ),
    "data parallel": (
        lambda: nn.DataParallel(nn.Linear(2, 2)), r"model must be given without DataParallel \(use"
    ),
    "inner data parallel": (
        lambda: nn.Sequential(nn.DataParallel(nn.Linear(2, 2))), "^0 must be given without Data"
    ),
    "nothing": (nn.ReLU, "model must have a weight on devices, got none in ReLU"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNFIT)
def test_a_layer_that_cannot_be_programmed_is_named_with_the_rule(name: str) -> None:
    make, said = UNFIT[name]
    net = make()
    before = {key: buffer.clone() for key, buffer in net.named_buffers()}
    with pytest.raises(ValueError, match=said):
        chip(net)
    assert all(torch.equal(before[key], buffer) for key, buffer in net.named_buffers())


def test_accuracy_over_chips_refuses_before_it_computes() -> None:
    data = torch.utils.data.TensorDataset(torch.zeros(1, 2), torch.zeros(1, dtype=torch.int64))
    with pytest.raises(ValueError, match="weight must be in memory"):
        accuracy_over_chips(UNFIT["meta"][0](), data, HARDWARE, 0.1, chips=1, key="test")


def test_an_unfit_layer_that_stays_digital_does_no_harm() -> None:
    normed = parametrizations.weight_norm(nn.Linear(2, 2))
    pruned = prune.random_unstructured(nn.Linear(2, 2), "weight", 0.5)
    net = nn.Sequential(normed, pruned, nn.Linear(2, 2))
    digital = ("0.weight", "1.weight")
    chosen = chip(net, where=lambda name, layer: on_devices(name, layer) and name not in digital)
    assert set(chosen) == {"2.weight"}


def test_parametrised_layers_of_any_kind_are_refused_when_chosen() -> None:
    net = nn.Sequential(parametrizations.weight_norm(nn.Embedding(3, 2)))
    with pytest.raises(ValueError, match=r"0\.weight must be a plain parameter"):
        chip(net, where=lambda name, layer: True)


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


@pytest.mark.parametrize("further", [set(), {"lora_A", "lora_B"}])
def test_a_predicate_decides_about_the_matrices_that_a_subclass_adds(further: set[str]) -> None:
    net, chosen, inputs = LowRank(), {"weight", *further}, torch.eye(4)
    noisy = chip(net, where=lambda name, layer: name in chosen)
    assert set(noisy) == chosen
    weights = {**dict(net.named_parameters()), **noisy}
    product = inputs @ (weights["weight"] + weights["lora_B"] @ weights["lora_A"]).T
    found = torch.func.functional_call(net, noisy, (inputs,))
    torch.testing.assert_close(found, product + net.bias)


def test_a_matrix_added_to_a_transposed_convolution_has_its_rows_as_output_channels() -> None:
    layer = nn.ConvTranspose1d(4, 4, 1, groups=2)
    layer.lora_A = nn.Parameter(torch.tensor([[1.0, 0.5], [10.0, 2.0], [3.0, 30.0], [0.0, 1.0]]))
    found = chip(layer, EXACT, 0.0, where=lambda name, _: name == "lora_A")["lora_A"]
    largest = layer.lora_A.abs().amax(1, keepdim=True)
    torch.testing.assert_close(found, (layer.lora_A / largest * 255).round() / 255 * largest)


def test_the_biases_that_attention_adds_to_keys_and_values_are_digital() -> None:
    net = nn.MultiheadAttention(4, 2, add_bias_kv=True)
    assert set(chip(net)) == {"in_proj_weight", "out_proj.weight"}


def test_an_embedding_and_a_layer_share_a_weight_on_devices_or_digitally() -> None:
    net, tokens = tied(), torch.arange(3)
    noisy = chip(net, where=lambda name, layer: True)
    assert list(noisy) == ["0.weight"]
    expected = noisy["0.weight"] @ noisy["0.weight"].T
    torch.testing.assert_close(torch.func.functional_call(net, noisy, (tokens,)), expected)
    assert device_weights(net, lambda name, layer: False) == {}


def test_frozen_weights_are_programmed_and_stay_frozen() -> None:
    net = nn.Linear(3, 3).requires_grad_(False)
    programmed = chip(net)["weight"]
    assert not programmed.requires_grad and not torch.equal(programmed, net.weight)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("mapping", ["weight", "differential", "sign_bit"])
def test_half_precision_is_programmed_as_single_and_rounded(mapping: str, dtype) -> None:
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


def test_names_are_those_of_the_networks_parameters() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.ModuleList([nn.GRUCell(2, 2)]))
    for name, weight in device_weights(net).items():
        assert net.get_parameter(name) is weight
