"""Laws of refusal: a layer that cannot be on devices is named; a predicate may decide for it."""

import warnings

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

from neft._utils.seeding import generator
from neft.chip import Hardware, accuracy_over_chips, device_weights, on_devices, program
from neft.devices import PRESETS

HARDWARE = Hardware(PRESETS["RRAM1"])


def chip(net: nn.Module, **options) -> dict[str, Tensor]:
    return program(net, HARDWARE, 0.1, generator=generator("layers"), **options)


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


@pytest.mark.parametrize("further", [set(), {"lora_A", "lora_B"}])
def test_a_predicate_decides_about_the_matrices_that_a_subclass_adds(further: set[str]) -> None:
    net, chosen, inputs = LowRank(), {"weight", *further}, torch.eye(4)
    noisy = chip(net, where=lambda name, layer: name in chosen)
    assert set(noisy) == chosen
    weights = {**dict(net.named_parameters()), **noisy}
    product = inputs @ (weights["weight"] + weights["lora_B"] @ weights["lora_A"]).T
    found = torch.func.functional_call(net, noisy, (inputs,))
    torch.testing.assert_close(found, product + net.bias)


def test_an_embedding_and_a_layer_share_a_weight_on_devices_or_digitally() -> None:
    net, tokens = tied(), torch.arange(3)
    noisy = chip(net, where=lambda name, layer: True)
    assert list(noisy) == ["0.weight"]
    expected = noisy["0.weight"] @ noisy["0.weight"].T
    torch.testing.assert_close(torch.func.functional_call(net, noisy, (tokens,)), expected)
    assert device_weights(net, lambda name, layer: False) == {}
