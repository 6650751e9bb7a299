"""Laws of comparisons: a row is what training and testing by hand gives, whoever is compared."""

import pandas as pd
import pytest
from helpers.training import HARDWARE, METHODS
from torch import nn

from neft import accuracy_over_chips, compare, train
from neft._utils.seeding import seeded
from neft.data.datasets import Splits
from neft.training import NoiseInjection, Schedule

BRIEF = Schedule(epochs=1, batch_size=32, validation_chips=1)
CHOSEN = {name: METHODS[name] for name in ("ovf", "noise_injection")}


def small() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(1024, 8), nn.ReLU(), nn.Linear(8, 3))


def compared(tiny: Splits, methods=CHOSEN, network=small, seeds=(0, 1), chips=3) -> pd.DataFrame:
    about = dict(seeds=seeds, chips=chips, progress=False)
    return compare(network, methods, tiny, HARDWARE, 0.2, BRIEF, **about)


def test_every_row_is_what_training_and_testing_by_hand_gives(tiny: Splits) -> None:
    rows = []
    for seed in (0, 1):
        for name, method in CHOSEN.items():
            with seeded("network", seed):
                net = small()
            train(net, method, tiny, HARDWARE, 0.2, BRIEF, seed=seed, progress=False)
            draws = accuracy_over_chips(net, tiny.test, HARDWARE, 0.2, chips=3, key="test")
            rows += [(name, 0.2, seed, chip, draws[chip].item()) for chip in range(3)]
    expected = pd.DataFrame(rows, columns=["method", "sigma_d", "seed", "chip", "accuracy"])
    pd.testing.assert_frame_equal(compared(tiny), expected, check_exact=True)
    assert expected.groupby("seed").accuracy.mean().nunique() == 2


def test_a_method_gives_the_same_whatever_it_is_compared_with(tiny: Splits) -> None:
    both = compared(tiny, {"one": NoiseInjection(), "ovf": METHODS["ovf"], "two": NoiseInjection()})
    one, two = (both.accuracy[both.method == name].tolist() for name in ("one", "two"))
    assert one == two == compared(tiny, {"alone": NoiseInjection()}).accuracy.tolist()


def test_a_function_that_returns_one_network_again_does_not_train_it_twice(tiny: Splits) -> None:
    with seeded("network", 0):
        once = small()
    again = compared(tiny, network=lambda: once, seeds=[0])
    pd.testing.assert_frame_equal(again, compared(tiny, seeds=[0]), check_exact=True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"network": small()}, "must be a function that makes an untrained network, got Seq"),
        ({"methods": {}}, "number of methods must be at least 1, got 0"),
        ({"seeds": []}, "number of seeds must be at least 1, got 0"),
        ({"chips": 0}, "chips must be at least 1, got 0"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_any_training(
    given: dict, said: str, tiny: Splits
) -> None:
    with pytest.raises(ValueError, match=said):
        compared(tiny, **given)
