"""The laws of programming hold for any network: a chip is a copy with other weights in it."""

import copy

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from neft._utils.seeding import generator, seeded
from neft.chip import Hardware, accuracy_over_chips, device_weights, program
from neft.data.datasets import Splits
from neft.devices import PRESETS
from neft.training import OVF, NoiseInjection, Schedule, train

HARDWARE = Hardware(PRESETS["RRAM4"])
IMAGE, SEQUENCE, TOKENS = (4, 3, 32, 32), (4, 7, 6), (4, 7)


class Recurrent(nn.Module):
    """A recurrent layer and a linear one on the mean of its outputs."""

    def __init__(self, layer: nn.Module, outputs: int, classes: int = 3) -> None:
        super().__init__()
        self.layer, self.head = layer, nn.Linear(outputs, classes)

    def forward(self, sequence: Tensor) -> Tensor:
        return self.head(self.layer(sequence)[0].mean(1))


class Cell(nn.Module):
    """A recurrent cell, in a loop."""

    def __init__(self, cell: nn.Module) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, sequence: Tensor) -> Tensor:
        state = None
        for step in sequence.unbind(1):
            state = self.cell(step, state)
        return state[0] if isinstance(state, tuple) else state


class Attention(nn.Module):
    """Attention of a sequence to a narrower view of itself: q, k and v weights of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(6, 2, kdim=4, vdim=3, batch_first=True)

    def forward(self, sequence: Tensor) -> Tensor:
        return self.attention(sequence, sequence[..., :4], sequence[..., 3:])[0]


class Language(nn.Module):
    """A transformer between an embedding and a linear layer."""

    def __init__(self, norm_first: bool = False) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=norm_first)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.output = nn.Linear(8, 11, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.output(self.encoder(self.embedding(tokens)))


def vision_transformer() -> nn.Module:
    net = torchvision.models.VisionTransformer(32, 16, 2, 2, 8, 16, num_classes=3)
    nn.init.normal_(net.heads.head.weight)  # torchvision begins with zeros
    return net


def one_dimensional() -> nn.Module:
    return nn.Sequential(
        nn.Conv1d(7, 6, 3, groups=1), nn.BatchNorm1d(6), nn.ReLU(),
        nn.ConvTranspose1d(6, 4, 2, groups=2), nn.Flatten(), nn.Linear(20, 3),
    )  # fmt: skip


def decoder() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.ConvTranspose2d(4, 2, 3, stride=2)
    )


# Network, shape of its input, number of its weights on devices.
NETWORKS = {
    "resnet18": (lambda: torchvision.models.resnet18(num_classes=3), IMAGE, 21),
    "mobilenet_v2": (
        lambda: torchvision.models.mobilenet_v2(num_classes=3, width_mult=0.25), IMAGE, 53
    ),
    "vision_transformer": (vision_transformer, IMAGE, 1 + 2 * 4 + 1),
    "post_norm": (Language, TOKENS, 2 * 4 + 1),
    "pre_norm": (lambda: Language(norm_first=True), TOKENS, 2 * 4 + 1),
    "attention": (Attention, SEQUENCE, 4),
    "one_dimensional": (one_dimensional, SEQUENCE, 3),
    "decoder": (decoder, IMAGE, 2),
    "lstm": (
        lambda: Recurrent(nn.LSTM(6, 5, 2, batch_first=True, bidirectional=True), 10),
        SEQUENCE, 2 * 2 * 2 + 1,
    ),
    "projected_lstm": (
        lambda: Recurrent(nn.LSTM(6, 5, batch_first=True, proj_size=2), 2), SEQUENCE, 3 + 1
    ),
    "gru": (lambda: Recurrent(nn.GRU(6, 5, 2, batch_first=True, dropout=0.1), 5), SEQUENCE, 5),
    "rnn": (lambda: Recurrent(nn.RNN(6, 5, batch_first=True, bias=False), 5), SEQUENCE, 3),
    "lstm_cell": (lambda: Cell(nn.LSTMCell(6, 5)), SEQUENCE, 2),
    "gru_cell": (lambda: Cell(nn.GRUCell(6, 5)), SEQUENCE, 2),
}  # fmt: skip


def setting(name: str, training: bool) -> tuple[nn.Module, Tensor, dict[str, Tensor]]:
    """A network in the mode, an input, and the network's weights on a chip."""
    make, shape, _ = NETWORKS[name]
    with seeded("any module", name):
        net = make().train()
        inputs = torch.randint(11, shape) if shape == TOKENS else torch.randn(shape)
        for layer in net.modules():
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
                layer.momentum = 1.0  # so that the running statistics are this input's
        net(inputs)
    chip = program(net, HARDWARE, 0.2, generator=generator("chip"))
    return net.train(training), inputs, chip


def run(net: nn.Module, chip: dict[str, Tensor], inputs: Tensor) -> Tensor:
    with seeded("dropout"):
        return torch.func.functional_call(net, chip, (inputs,))


def written(net: nn.Module, chip: dict[str, Tensor]) -> nn.Module:
    """The slow oracle: a copy of the network with the weights written into its parameters."""
    other = copy.deepcopy(net)
    with torch.no_grad():
        for name, weight in chip.items():
            other.get_parameter(name).copy_(weight)
    return other


@pytest.mark.parametrize("name", NETWORKS)
def test_all_weights_of_device_layers_are_programmed_and_no_other(name: str) -> None:
    net, _, chip = setting(name, training=True)
    weights = device_weights(net)
    assert all(net.get_parameter(key) is weight for key, weight in weights.items())
    assert chip.keys() == weights.keys() and len(chip) == NETWORKS[name][2]
    on_chip = set(map(id, weights.values()))
    digital = {key: p for key, p in net.named_parameters() if id(p) not in on_chip}
    tables = ("class_token", "pos_embedding", "embedding.weight")
    assert all(p.dim() == 1 or key.endswith(tables) for key, p in digital.items()), digital.keys()


@pytest.mark.parametrize("name", NETWORKS)
def test_every_programmed_weight_changes_the_output_also_on_fast_paths(name: str) -> None:
    net, inputs, chip = setting(name, training=False)
    with torch.no_grad():
        clean = run(net, {}, inputs)
        for key, weight in chip.items():
            change = (run(net, {key: weight}, inputs) - clean).abs().max()
            assert change > 1e-5 * clean.abs().max(), key


# Without gradients, torch's attention and transformer layers take fast paths in evaluation.
@pytest.mark.parametrize(
    ("training", "gradients"),
    [(True, True), (False, True), (False, False)],
    ids=["train", "eval", "fast"],
)
@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_and_gradients_of_a_chip_are_those_of_a_copy_with_other_weights(
    name: str, training: bool, gradients: bool
) -> None:
    net, inputs, chip = setting(name, training)
    other = written(net, chip)
    with torch.set_grad_enabled(gradients):
        clean = run(net, {}, inputs)
        on_chip, on_copy = run(net, chip, inputs), run(other, {}, inputs)
        torch.testing.assert_close(on_chip, on_copy)
        assert torch.equal(run(net, {}, inputs), clean)
    if gradients:
        on_chip.square().mean().backward()
        on_copy.square().mean().backward()
        for key in chip:
            gradient, expected = (of.get_parameter(key).grad for of in (net, other))
            assert gradient.any(), key
            torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "method"), [("mobilenet_v2", NoiseInjection()), ("lstm", OVF(beta=0.01))]
)
def test_three_calls_make_a_users_network_noisy_trained_and_evaluated(
    kind: str, method, tiny: Splits
) -> None:
    with seeded("user", kind):
        if kind == "lstm":
            net = Recurrent(nn.LSTM(32, 16, batch_first=True), 16)
        else:
            net = NETWORKS[kind][0]()
    parts = []
    for images, labels in (part.tensors for part in (tiny.train, tiny.validation, tiny.test)):
        images = images.squeeze(1) if kind == "lstm" else images.expand(-1, 3, -1, -1)
        parts.append(TensorDataset(images, labels))  # for the LSTM, sequences of rows
    data = Splits(*parts, tiny.classes)
    before = {key: weight.detach().clone() for key, weight in device_weights(net).items()}

    hardware = Hardware.load("RRAM1")
    history = train(net, method, data, hardware, 0.1, Schedule(epochs=1, batch_size=32), seed=0)
    draws = accuracy_over_chips(net, data.test, hardware, 0.1, chips=3, key="test")

    assert history.train_loss.notna().all() and draws.shape == (3,)
    for key, weight in device_weights(net).items():
        assert not torch.equal(weight, before[key]), key
