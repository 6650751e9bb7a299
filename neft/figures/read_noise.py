"""Figure of read noise: spectra of single devices."""

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from neft.figures.style import finish, require


def plot_read_noise(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the spectrum of each device's reads, points as measured and a line as fitted.

    Args:
        table: device, frequency_Hz; measured, fitted (squared fractions of G_max per Hz).
    """
    require(table, ["device", "frequency_Hz", "measured", "fitted"], key=["device", "frequency_Hz"])
    ax = plt.subplots()[1] if ax is None else ax
    colours = sns.color_palette("colorblind", table.device.nunique())
    for i, (device, rows) in enumerate(table.groupby("device", sort=False)):
        rows, marker = rows.sort_values("frequency_Hz"), "osD^vPX"[i % 7]
        f, look = rows.frequency_Hz, {"color": colours[i]}
        ax.plot(f, rows.measured, marker=marker, ms=2.5, linestyle="", label=device, **look)
        ax.plot(f, rows.fitted, linewidth=1.1, **look)
    ax.set(xscale="log", yscale="log")
    return finish(ax, "Frequency (Hz)", r"Read noise ($G_{\max}^2$ / Hz)")
