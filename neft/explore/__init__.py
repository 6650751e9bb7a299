"""Trained networks on chips, fast enough for sliders: choices, what they give, and the sliders."""

from neft.explore.choices import Choices
from neft.explore.exploration import Exploration, explore
from neft.explore.sliders import Explorer
