"""A table for every figure, and helpers for tests of figures."""

from functools import partial
from itertools import product

import pandas as pd

from neft import figures

LEVELS = pd.DataFrame(
    {"g": [0.0, 0.5, 1.0], "std": [0.01, 0.03, 0.02], "std_error": [0.001, 0.002, 0.003]}
)
MODELS = pd.DataFrame(
    {
        "model": ["late"] * 2 + ["early"] * 2,
        "g": [1.0, 0.5, 0.0, 1.0],
        "sigma": [0.02, 0.03, 0.025, 0.025],
    }
)
DRIFT = pd.DataFrame(
    [(t, g, -0.001 * i * g) for i, t in enumerate([1e4, 0.01, 0, 100, 0.1, 1]) for g in (1.0, 0.2)],
    columns=["time_s", "g", "mean"],
)
ACCURACY = pd.DataFrame(
    [
        (method, sigma_d, a, a - 0.02, a + 0.01, a - 0.08, a + 0.03)
        for method, top in [("irs", 0.95), ("ovf", 0.94), ("my_method", 0.9)]
        for sigma_d, a in [(0.2, top - 0.3), (0.0, top), (0.1, top - 0.1)]
    ],
    columns=["method", "sigma_d", "accuracy", "low", "high", "p5", "p95"],
)
DRAWS = pd.DataFrame(
    [(m, 0.5 + 0.01 * i) for m in ("ovf", "noise_free", "my_method") for i in range(21)],
    columns=["method", "accuracy"],
)
HISTORY = pd.DataFrame(
    [
        (method, seed, epoch, 0.5 + 0.1 * epoch + 0.01 * seed)
        for method in ("irs", "my_method")
        for seed in (3, 7)
        for epoch in (2, 1, 3)
    ],
    columns=["method", "seed", "epoch", "validation_accuracy"],
)
LOSS = HISTORY.rename(columns={"validation_accuracy": "train_loss"})
DISTANCES = pd.DataFrame(
    {
        "candidate": ["late"] * 2 + ["early"] * 2,
        "g": [0.75, 0.25, 0.25, 0.75],
        "ks": [0.2, 0.1, 0.3, 0.4],
        "ks_p": [0.5, 0.001, 0.02, 0.03],
        "ad": [2.0, 1.0, 3.0, 4.0],
    }
)
STUCK = pd.DataFrame(
    [
        (stuck, share, 0.9 - share, 0.85 - share, 0.92 - share)
        for stuck in ("low", "high")
        for share in (0.05, 0.0, 0.001)
    ],
    columns=["stuck", "share", "accuracy", "low", "high"],
)
VERIFIED = STUCK.rename(columns={"stuck": "ranking"}).replace(
    {"low": "curvature", "high": "random"}
)
RECALIBRATED = pd.DataFrame(
    [(m, n, 0.7 + n / 1000, 0.65, 0.95) for m in ("noise_free", "ovf") for n in (200, 0, 50)],
    columns=["method", "images", "accuracy", "low", "high"],
)
CLASSES = pd.DataFrame(
    [
        (method, 2, c, p, p / 4, p / 2, (1 + p) / 2, (3 + p) / 4)
        for method, right in (("my_method", 0.7), ("ovf", 0.6))
        for c, p in [(2, right), (0, 0.9 - right), (1, 0.1)]
    ],
    columns=["method", "label", "class", "mean", "p5", "p25", "p75", "p95"],
)
SETTING = pd.DataFrame(
    {
        "section": "irs",
        "value": ["unset", "0.15, 0.1", "features.conv1=6, features.pool1=4"],
        "default": [False, True, False],
        "accuracy": [0.9, 0.8, 0.7],
        "low": [0.88, 0.75, float("nan")],
        "high": [0.91, 0.85, float("nan")],
    }
)
MATRIX = pd.DataFrame(
    [
        (0.3, 0.1, 0.9, -0.012, -0.02, -0.004),
        (0.1, 0.1, 0.912, 0.0, 0.0, 0.0),
        (0.1, 0.3, 0.5, -0.3, float("nan"), float("nan")),
        (0.3, 0.3, 0.8, 0.0, float("nan"), float("nan")),
    ],
    columns=["trained", "tested", "accuracy", "difference", "difference_low", "difference_high"],
)
PROBIT = pd.DataFrame(
    {"model": ["measured"] * 2 + ["fit"] * 2, "z": [-1, 1] * 2, "error": [-0.1, 0.3, -0.2, 0.2]}
)
WEIGHT_ERRORS = pd.DataFrame({"mapping": ["weight"] * 2 + ["sign_bit"] * 2, "u": [0, 1] * 2})
WEIGHT_ERRORS["std"] = [0.1, 0.2, 0.3, 0.4]
WEIGHT_ERRORS[["low", "high"]] = [[-2 * std, 3 * std] for std in WEIGHT_ERRORS["std"]]
MAPPINGS = pd.DataFrame(
    {
        "preset": ["A", "A", "B", "B"],
        "mapping": ["weight", "differential"] * 2,
        "accuracy": [0.9, 0.8, 0.7, 0.6],
        "low": [0.8, 0.7, 0.6, 0.5],
        "high": [0.95, 0.85, 0.75, 0.65],
    }
)
TIMES = pd.DataFrame({"model": "m", "time_s": [100.0, 0.01], "accuracy": [0.8, 0.9]})
TIMES[["low", "high"]] = [[0.7, 0.9], [0.8, 1.0]]
QUANTITY = ACCURACY.drop(columns=["p5", "p95"]).rename(columns={"accuracy": "mean"})
PERCENTILES = DRAWS.groupby("method").accuracy.quantile([0.01, 0.05]).unstack().reset_index()
PERCENTILES.columns = ["method", "p1", "p5"]


chip_ecdf = partial(figures.plot_chip_ecdf, percentiles=PERCENTILES)
setting = partial(figures.plot_setting, quantity="accuracy", reference=0.6)
matrix = partial(figures.plot_matrix, trained="trained", tested="tested")
ORDERINGS = pd.DataFrame(
    [
        ["ovf", "noise_injection", 0.1, 0.05, 0.021, "holds"],
        ["ovf", "noise_injection", 0.2, 0.10, -0.034, "reversed"],
        ["irs", "ovf", 0.2, -0.01, 0.001, "no significant difference"],
    ],
    columns=["method", "against", "sigma_d", "published", "difference", "verdict"],
)
COMBINATIONS = pd.DataFrame(
    [
        [*levels, 0.3 + 0.071 * i]
        for i, levels in enumerate(
            product(("uniform", "normal"), ("none", "2"), ("torch", "paper"))
        )
    ],
    columns=["shape", "clip", "last", "accuracy"],
)
EFFECTS = pd.DataFrame(
    [
        ["shape", "", -0.4, -0.5, -0.32],
        ["clip", "", 0.1, -0.02, 0.21],
        ["shape", "clip", 0.05, 0.03, 0.08],
    ],
    columns=["factor", "beside", "effect", "low", "high"],
)
DIFFERENCES = pd.DataFrame(
    [["ovf", 0.02, -0.01, 0.05], ["noise_free", -0.3, -0.4, -0.2], ["irs", 0.04, 0.03, 0.06]],
    columns=["method", "difference", "low", "high"],
).assign(against="scaled_logits")
combinations = partial(figures.plot_combinations, rows=["shape"], columns=["clip", "last"])
VALUES = pd.DataFrame(
    [[m, v, a, a - 0.05, a + 0.05] for m, a in (("ovf", 0.6), ("irs", 0.3)) for v in (8, 2)],
    columns=["method", "value", "accuracy", "low", "high"],
)
PARTS = pd.DataFrame(
    [
        (method, series, part, top - lost, top - lost - 0.03, top - lost + 0.02)
        for method, top in (("ovf", 0.9), ("my_method", 0.8))
        for series, each in (("added", 0.2), ("alone", 0.1))
        for part, lost in (("devices", 0.0), ("read_noise", each), ("converters", 2 * each))
    ],
    columns=["method", "series", "part", "accuracy", "low", "high"],
)
SPECTRA = pd.DataFrame(
    [("b", 10.0, 2e-7, 1e-7), ("b", 1.0, 4e-6, 5e-6), ("a", 1.0, 1e-8, 1e-8)],
    columns=["device", "frequency_Hz", "measured", "fitted"],
)
OF_FRACTIONS = [
    (partial(figures.plot_accuracy_vs_setting, setting="epochs"), VALUES),
    (combinations, COMBINATIONS),
    (figures.plot_published, ACCURACY[["method", "sigma_d", "accuracy"]]),
    (figures.plot_accuracy_vs_sigma, ACCURACY),
    (figures.plot_chip_distribution, DRAWS),
    (figures.plot_class_probabilities, CLASSES),
    (figures.plot_history, HISTORY),
    (figures.plot_stuck, STUCK),
    (figures.plot_recalibration, RECALIBRATED),
    (figures.plot_write_verify, VERIFIED),
    (figures.plot_convergence, QUANTITY),
    (figures.plot_mapping_accuracy, MAPPINGS),
    (figures.plot_accuracy_vs_time, TIMES),
    (figures.plot_parts, PARTS),
    (matrix, MATRIX),
]
EVERY_PLOT = [
    *OF_FRACTIONS,
    (figures.plot_orderings, ORDERINGS),
    (figures.plot_effects, EFFECTS),
    (figures.plot_differences, DIFFERENCES),
    (figures.plot_drift, DRIFT),
    (partial(figures.plot_spread, models=MODELS), LEVELS),
    (partial(figures.plot_distances, distance="ks"), DISTANCES),
    (figures.plot_probit, PROBIT),
    (figures.plot_read_noise, SPECTRA),
    (figures.plot_weight_errors, WEIGHT_ERRORS),
    (setting, SETTING),
    (chip_ecdf, DRAWS),
    (partial(figures.plot_history, quantity="train_loss"), LOSS),
    (partial(figures.plot_quantity_vs_sigma, label="EKL"), QUANTITY),
]


def lines(ax):
    """Lines by their legend label."""
    handles, labels = ax.get_legend_handles_labels()
    return dict(zip(labels, handles, strict=True))


def legend_texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]
