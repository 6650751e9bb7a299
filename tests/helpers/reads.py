"""Small files of reads, and their level table."""

import pandas as pd
import pytest

from neft.characterize.levels import level_errors, summarise_levels

G_MAX, LEVELS = 4e-5, 4
HEADER = "cell,time_s,conductance_S\n"
GOOD = HEADER + "a,0,1e-6\nb,0,2e-6\n"


def level_table(reads: pd.DataFrame, g_max_S: float = G_MAX, levels: int = LEVELS) -> pd.DataFrame:
    errors = level_errors(reads, g_max_S=g_max_S, levels=levels)
    return summarise_levels(errors, technology="toy", g_max_S=g_max_S)


def error_of(reader, path):
    with pytest.raises(ValueError) as error:
        reader(path)
    return str(error.value)
