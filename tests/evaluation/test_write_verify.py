"""Laws of selective write-verify: curvature, ranking, programming."""

import math

import pytest
import torch
from torch import nn
from torch.func import functional_call, hessian, jacrev
from torch.nn import functional as F

from neft._utils.seeding import generator, seeded
from neft.chip import MAPPINGS, Hardware, program
from neft.data.calibration import training_images
from neft.data.datasets import Splits
from neft.devices import PRESETS
from neft.evaluation import RANKINGS, WriteVerify
from neft.evaluation.write_verify import curvature, program_verified, rank

REPEATS = 2000


def tiny_network(activation: nn.Module) -> nn.Module:
    with seeded("tiny network"):
        network = nn.Sequential(
            nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), activation, nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(8, 4), activation, nn.Linear(4, 3),
        )  # fmt: skip
        network[1].running_mean.uniform_(-0.2, 0.2)
    return network.double().eval()


IMAGES = torch.randn(6, 1, 6, 6, generator=generator("images"), dtype=torch.float64)
NAMES = ("0.weight", "5.weight", "7.weight")


def exact_hessian(network: nn.Module, labels: torch.Tensor) -> dict[str, torch.Tensor]:
    """Diagonal of the loss's Hessian, from the full matrix."""

    def loss(weight: torch.Tensor, name: str) -> torch.Tensor:
        return F.cross_entropy(functional_call(network, {name: weight}, (IMAGES,)), labels)

    found = {}
    for name in NAMES:
        weight = network.get_parameter(name).detach()
        whole = hessian(loss)(weight, name).reshape(weight.numel(), weight.numel())
        found[name] = whole.diagonal().view_as(weight)
    return found


def exact_gauss_newton(network: nn.Module) -> dict[str, torch.Tensor]:
    found = {}
    for name in NAMES:
        weight = network.get_parameter(name).detach()
        jacobian = jacrev(lambda w, name=name: functional_call(network, {name: w}, (IMAGES,)))
        rows = jacobian(weight).flatten(2)
        p = network(IMAGES).detach().softmax(1)
        middle = torch.diag_embed(p) - p[:, :, None] * p[:, None]
        diagonal = torch.einsum("bcw,bcd,bdw->w", rows, middle, rows) / len(IMAGES)
        found[name] = diagonal.view_as(weight)
    return found


def estimated(network: nn.Module) -> dict[str, torch.Tensor]:
    many = IMAGES.repeat(REPEATS, 1, 1, 1)
    return curvature(network, many, generator=generator("signs"), batch_size=len(IMAGES))


def assert_within_five_standard_errors(found, exact) -> None:
    for name in NAMES:
        error = (found[name] - exact[name]).abs()
        assert (error <= 5 * math.sqrt(2 / REPEATS) * exact[name] + 1e-12).all(), name


@pytest.mark.parametrize("labels", [[0, 1, 2, 0, 1, 2], [2, 2, 2, 2, 2, 2]])
def test_curvature_of_a_piecewise_linear_network_is_the_hessians_diagonal(labels) -> None:
    network = tiny_network(nn.ReLU())
    exact = exact_hessian(network, torch.tensor(labels))
    assert_within_five_standard_errors(estimated(network), exact)
    assert max(entry.max() for entry in exact.values()) > 1e-3


def test_curvature_of_any_network_is_the_gauss_newton_diagonal() -> None:
    network = tiny_network(nn.Tanh())
    assert_within_five_standard_errors(estimated(network), exact_gauss_newton(network))


def test_curvature_is_non_negative_also_of_frozen_weights_and_without_gradients() -> None:
    network = tiny_network(nn.ReLU()).requires_grad_(False)
    with torch.no_grad():
        found = curvature(network, IMAGES, generator=generator("signs"))
    assert list(found) == list(NAMES)
    assert all((estimate >= 0).all() for estimate in found.values())


def in_order(network: nn.Module, ranking: str) -> torch.Tensor:
    """Indices of the weights, in the order of verification."""
    places = rank(network, ranking, IMAGES)
    flat = torch.cat([place.flatten() for place in places.values()])
    assert flat.sort().values.tolist() == list(range(flat.numel()))
    return flat.argsort()


def relative(network: nn.Module) -> torch.Tensor:
    weights = [network.get_parameter(name).detach() for name in NAMES]
    return torch.cat([(w / w.abs().max()).abs().flatten() for w in weights])


def test_each_ranking_orders_by_its_quantity() -> None:
    network = tiny_network(nn.ReLU())
    draw = generator("write-verify", "curvature")
    second = curvature(network, IMAGES, generator=draw)
    score = [h * network.get_parameter(name).abs().max() ** 2 for name, h in second.items()]
    score = torch.cat([part.flatten() for part in score])[in_order(network, "curvature")]
    assert (score.diff() <= 0).all()
    size = relative(network)[in_order(network, "magnitude")]
    assert (size.diff() <= 0).all()
    assert not torch.equal(in_order(network, "random"), in_order(network, "magnitude"))


def test_weights_of_equal_curvature_are_ordered_by_magnitude() -> None:
    network = tiny_network(nn.ReLU())
    with torch.no_grad():
        network[0].weight.zero_()[:, :, 0, 0] = 1.0
        network[1].running_mean.fill_(100.0)  # no signal passes: all curvature is 0
        network[5].bias.fill_(-1.0)
    size = relative(network)[in_order(network, "curvature")]
    with_curvature = sum((h > 0).sum() for h in curvature(
        network, IMAGES, generator=generator("write-verify", "curvature")).values())  # fmt: skip
    assert with_curvature == 0
    assert (size.diff() <= 0).all()


def test_unknown_rankings_are_refused() -> None:
    with pytest.raises(ValueError, match=r"ranking must be one of curvature, .*got 'size'"):
        rank(tiny_network(nn.ReLU()), "size", IMAGES)


def deployed(network, hardware, tiny, **settings) -> dict[str, torch.Tensor]:
    deployment = WriteVerify(**{"images": 20, "sigma_verified": 0.03, **settings})
    deploy = deployment.prepare(network, tiny.train)
    return deploy(network, hardware, 0.2, generator=generator("chip", 0))


@pytest.fixture(scope="module")
def network() -> nn.Module:
    with seeded("network"):
        return nn.Sequential(
            nn.Conv2d(1, 4, 5, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(196, 3)
        )


@pytest.mark.parametrize("ranking", RANKINGS)
@pytest.mark.parametrize("mapping", MAPPINGS)
def test_a_share_is_verified_and_a_larger_one_contains_the_smaller(
    mapping: str, ranking: str, network: nn.Module, tiny: Splits
) -> None:
    """None verified is plain programming bit for bit, and all verified at the smaller sigma_d."""
    hardware = Hardware(PRESETS["RRAM4"], mapping=mapping)
    plain, careful = (
        program(network, hardware, sigma_d, generator=generator("chip", 0))
        for sigma_d in (0.2, 0.03)
    )
    before, total = None, sum(weight.numel() for weight in plain.values())
    for share in (0.0, 0.05, 0.25, 0.5, 1.0):
        found = deployed(network, hardware, tiny, share=share, ranking=ranking)
        assert found.keys() == plain.keys()
        verified = torch.cat([(found[n] == careful[n]).flatten() for n in plain])
        untouched = torch.cat([(found[n] == plain[n]).flatten() for n in plain])
        assert (verified | untouched).all()
        assert verified.sum() == round(share * total)
        assert before is None or (verified | ~before).all()
        before = verified


def test_the_share_is_of_the_weights_that_a_predicate_chooses(
    network: nn.Module, tiny: Splits
) -> None:
    def where(name: str, layer: nn.Module) -> bool:
        return name == "3.weight"

    hardware, draw = Hardware(PRESETS["RRAM1"]), generator("chip", 0)
    careful = program(network, hardware, 0.03, generator=draw, where=where)["3.weight"]
    deploy = WriteVerify(0.5, images=20).prepare(network, tiny.train, where=where)
    found = deploy(network, hardware, 0.2, generator=generator("chip", 0))["3.weight"]
    assert (found == careful).sum() == 0.5 * careful.numel()


def test_curvature_is_taken_on_the_requested_number_of_training_images(
    network: nn.Module, tiny: Splits
) -> None:
    hardware, found = Hardware(PRESETS["RRAM1"]), []
    careful = program(network, hardware, 0.03, generator=generator("chip", 0))
    for images in (5, 40):
        ranks = rank(network, "curvature", training_images(tiny.train, images))
        first = round(0.2 * sum(each.numel() for each in ranks.values()))
        chip = deployed(network, hardware, tiny, share=0.2, images=images)
        found.append(chip["3.weight"] == careful["3.weight"])
        assert torch.equal(found[-1], ranks["3.weight"] < first)
    assert not torch.equal(*found)


def test_verification_never_adds_to_an_error(network: nn.Module) -> None:
    hardware = Hardware(PRESETS["RRAM1"])
    everything = {n: torch.ones_like(w, dtype=torch.bool) for n, w in network.named_parameters()}
    found = program_verified(
        network, hardware, 0.01,
        verified=everything, sigma_verified=0.03, generator=generator("chip", 0),
    )  # fmt: skip
    plain = program(network, hardware, 0.01, generator=generator("chip", 0))
    assert all(torch.equal(found[name], plain[name]) for name in plain)


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("share", 1.5, r"in \[0, 1\]"),
        ("share", -0.1, r"in \[0, 1\]"),
        ("sigma_verified", -1.0, "non-negative and finite"),
        ("sigma_verified", math.nan, "non-negative and finite"),
    ],
)
def test_impossible_settings_are_refused(key: str, value: float, rule: str) -> None:
    with pytest.raises(ValueError, match=f"{key} must be {rule}, got {value}"):
        WriteVerify(**{"share": 0.1, key: value})
