"""Impossible settings of a method are refused by name, rule and value."""

import math

import pytest
import torch
from helpers.training import HARDWARE, SCHEDULE

from neft.data.datasets import Splits
from neft.training import (
    IRS,
    OVF,
    CorrectNet,
    Distillation,
    NoiseFree,
    ParameterAttack,
    RightCensored,
    ScaledLogits,
    SharpnessAware,
    train,
)
from neft.training.negative_feedback import negative_feedback_loss


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: OVF(beta=-0.1), "beta must be non-negative and finite, got -0.1"),
        (lambda: OVF(beta=math.nan), "beta must be non-negative and finite, got nan"),
        (lambda: OVF(0.1, increments=()), "increments must not be empty"),
        (lambda: OVF(0.1, increments=(0.1, math.inf)), r"increments\[1\] must be finite, got inf"),
        (lambda: OVF(0.1, gammas=(1.0,)), r"gammas .* increments \(3\), got \[1.0\]"),
        (lambda: OVF(0.1, gammas=(1, math.nan, 1)), r"gammas\[1\] must be finite, got nan"),
        (lambda: OVF(0.1, backbone_scale=0), "backbone_scale must be positive"),
        (lambda: OVF(0.1, feedback_scale=math.inf), "feedback_scale must be finite"),
        (lambda: OVF(0.1, clip=1.0), "clip must be above 1 and finite, got 1.0"),
        (
            lambda: negative_feedback_loss(
                *torch.ones(2, 1, 1), torch.zeros(1).long(), beta=1, gammas=[]
            ),
            "gammas must be 1, one per feedback, got 0",
        ),
        (lambda: IRS(0.1, hidden=0), "hidden must be positive"),
        (lambda: IRS(0.1, snapshots={}), "snapshots must not be empty"),
        (lambda: IRS(0.1, snapshots={"a": 0}), "snapshots.a must be positive and finite, got 0"),
        (lambda: IRS(0.1, snapshots={"a": 1}, gammas=(1, 1)), r"gammas .* snapshots \(1\)"),
        (lambda: IRS(math.inf), "beta must be non-negative and finite, got inf"),
        (lambda: ScaledLogits(divisor=0), "divisor must be positive and finite, got 0"),
        (lambda: NoiseFree(clip=0.5), "clip must be above 1 and finite, got 0.5"),
        (lambda: NoiseFree(clip_per="row"), "clip_per must be one of tensor, channel, got 'row'"),
        (lambda: NoiseFree(kurtosis=-1.0), "kurtosis must be non-negative and finite, got -1.0"),
        (lambda: NoiseFree(range_penalty=math.nan), "range_penalty must be non-neg.* got nan"),
        (lambda: NoiseFree(pretraining=1.5), r"pretraining must be in \[0, 1\], got 1.5"),
        (lambda: NoiseFree(pretraining=0.5, ramp=0.5), r"pretraining \+ ramp must be.* got 1"),
        (lambda: NoiseFree(sigma_spread=-0.1), "sigma_spread must be non-negative.* got -0.1"),
        (lambda: SharpnessAware(form="sgd"), "form must be one of sam, asam, awp, got 'sgd'"),
        (lambda: SharpnessAware(radius=-1.0), "radius must be non-negative and finite, got -1.0"),
        (lambda: ParameterAttack(steps=0), "steps must be positive and finite, got 0"),
        (lambda: ParameterAttack(beta=math.inf), "beta must be non-negative and finite, got inf"),
        (lambda: Distillation(), "pretraining must be above 0.* got 0"),
        (lambda: Distillation(temperature=0.0, pretraining=0.5), "temperature must be positive"),
        (lambda: Distillation(label_weight=2.0, pretraining=0.5), "label_weight must be in"),
        (lambda: RightCensored(sides="left"), "sides must be one of right, both, got 'left'"),
        (lambda: RightCensored(0.0, "both"), "bound must be positive and finite, got 0.0"),
        (lambda: CorrectNet(beta=-1), "beta must be non-negative and finite, got -1"),
        (lambda: CorrectNet(lipschitz=-1), "lipschitz must be non-negative and finite, got -1"),
        (lambda: CorrectNet(form="rolled"), "form must be one of unrolled, .*, got 'rolled'"),
        (lambda: RightCensored(bound=math.nan), "bound must be finite, got nan"),
    ],
)
def test_impossible_settings_are_refused(make, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()


@pytest.mark.parametrize("sigma_d", [-0.1, 1.01, 10.0, math.nan, math.inf])
def test_a_sigma_d_outside_of_0_to_1_is_refused(sigma_d: float, tiny: Splits) -> None:
    with pytest.raises(ValueError, match=rf"^sigma_d must be in \[0, 1\], got {sigma_d}$"):
        train(torch.nn.Linear(2, 2), NoiseFree(), tiny, HARDWARE, sigma_d, SCHEDULE, seed=0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"method": NoiseFree}, r"method must be a method, as NoiseInjection\(\), got NoiseFree"),
        ({"data": [1, 2]}, r"data must be Splits \(neft.split_datasets\), got list"),
        ({"hardware": "RRAM4"}, r"hardware must be Hardware, as Hardware.load.*, got str"),
        ({"schedule": 5}, r"schedule must be a Schedule, as Schedule\(epochs=5\), got int"),
    ],
)
def test_arguments_of_another_kind_are_refused_by_name(
    change: dict, said: str, tiny: Splits
) -> None:
    given = {"method": NoiseFree(), "data": tiny, "hardware": HARDWARE, "schedule": SCHEDULE}
    with pytest.raises(ValueError, match=f"^{said}$"):
        train(torch.nn.Linear(2, 2), **given | change, sigma_d=0.1, seed=0)
