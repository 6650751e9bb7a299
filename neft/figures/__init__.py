"""Figures from finished tables; nothing here trains, samples or summarises.

Every `plot_*` takes a table, draws on `ax`, or on a new figure if it is None, and returns the axes.
It raises ValueError if the table is empty, lacks a column, has two rows for one point of a line, or
holds an accuracy outside [0, 1]. Fractions are drawn in percent. `draw_exploration` draws the
explorer's whole figure in the same way.
"""

from neft.figures.ablations import plot_matrix, plot_setting
from neft.figures.chip import plot_parts
from neft.figures.deployment import plot_recalibration, plot_write_verify
from neft.figures.devices import (
    plot_accuracy_vs_time,
    plot_distances,
    plot_drift,
    plot_mapping_accuracy,
    plot_probit,
    plot_spread,
    plot_stuck,
    plot_weight_errors,
)
from neft.figures.differences import plot_differences
from neft.figures.exploration import draw_exploration
from neft.figures.factorial import plot_combinations, plot_effects
from neft.figures.legible import left_out, legible
from neft.figures.methods import (
    plot_accuracy_vs_setting,
    plot_accuracy_vs_sigma,
    plot_chip_distribution,
    plot_chip_ecdf,
    plot_class_probabilities,
    plot_convergence,
    plot_history,
    plot_quantity_vs_sigma,
)
from neft.figures.orderings import plot_orderings, plot_published
from neft.figures.read_noise import plot_read_noise
from neft.figures.search import plot_search, plot_search_setting
from neft.figures.style import method_style, panels, save_svg, time_label, use_style
