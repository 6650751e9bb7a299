"""Made-up variation models that tests share."""

from neft.devices import MeasuredGaussian, MeasuredQuantiles

STAIRS = MeasuredGaussian("stairs", "made up", 1.0, g=(0.1, 0.5, 0.9), sigma=(0.01, 0.03, 0.02))
DRIFTING = MeasuredQuantiles(
    "drifting",
    "made up",
    1.0,
    g=(0.1, 0.9),
    probabilities=(0.01, 0.25, 0.5, 0.75, 0.99),
    quantiles=((-0.02, -0.01, 0.0, 0.01, 0.1), (-0.1, -0.06, -0.05, -0.04, 0.01)),
)
