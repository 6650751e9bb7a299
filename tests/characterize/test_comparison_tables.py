"""Tables beside the level table: what is written is read back, and every fault is named."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neft.characterize import bundled
from neft.characterize.analysis import write
from neft.characterize.comparison_tables import COMPARISONS, read_comparison


@pytest.mark.parametrize("name", COMPARISONS)
def test_bundled_tables_are_read_as_they_are(name: str) -> None:
    plain = pd.read_csv(bundled.FOLDER / f"{name}.csv")
    pd.testing.assert_frame_equal(
        read_comparison(bundled.FOLDER, name)[list(plain)], plain, check_dtype=False, rtol=1e-15
    )


def test_a_table_of_no_ranks_is_read_and_other_empty_tables_are_not(tmp_path: Path) -> None:
    for name in COMPARISONS:
        write(tmp_path, {name: pd.read_csv(bundled.FOLDER / f"{name}.csv").head(0)})
    assert read_comparison(tmp_path, "ranks").empty
    with pytest.raises(ValueError, match=r"candidates\.csv: row 2: table must have a row here"):
        read_comparison(tmp_path, "candidates")


BAD = [
    ("candidates", "adequate", "yes", "adequate must be True or False, got 'yes'"),
    ("candidates", "sigma_d", "-1", "sigma_d must be positive, got '-1'"),
    ("candidates", "pinball", "nan", "pinball must be a finite number, got 'nan'"),
    ("candidates", "ks_rejected", "1.5", "ks_rejected must be an integer, got '1.5'"),
    ("candidates", "aic", "x", "aic must be a finite number, got 'x'"),
    ("candidates", "s", "0", "s must be positive, got '0'"),
    ("candidates", "technology", "", "technology must not be empty, got ''"),
    ("distances", "ks", "2", r"ks must lie in \[0, 1\], got '2'"),
    ("distances", "g", "1.1", r"g must lie in \[0, 1\], got '1.1'"),
    ("distances", "ad", "inf", "ad must be a finite number, got 'inf'"),
    ("distances", "level", "-1", "level must be non-negative, got '-1'"),
    ("intervals", "low", "9", "low, high must not decrease, got 9.0"),
    ("intervals", "level", "a", "level must be a finite number, got 'a'"),
    ("intervals", "value", "", "value must be a finite number, got ''"),
    ("ranks", "spearman", "1.01", r"spearman must lie in \[-1, 1\], got '1.01'"),
    ("ranks", "next_time_s", "0", "next_time_s must be positive, got '0'"),
    ("ranks", "n", "1e400", "n must be a finite number, got '1e400'"),
]


@pytest.mark.parametrize(("name", "column", "value", "said"), BAD)
def test_a_bad_field_is_named_with_file_row_and_rule(
    name: str, column: str, value: str, said: str, tmp_path: Path
) -> None:
    table = pd.read_csv(bundled.FOLDER / f"{name}.csv", dtype=str, keep_default_na=False)
    table.loc[1, column] = value
    table.to_csv(tmp_path / f"{name}.csv", index=False)
    with pytest.raises(ValueError, match=rf"{name}\.csv: row 3: {said}"):
        read_comparison(tmp_path, name)


@pytest.mark.parametrize("name", COMPARISONS)
def test_missing_columns_and_files_are_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"{name}\.csv: must be a file, got: No such file"):
        read_comparison(tmp_path, name)
    table = pd.read_csv(bundled.FOLDER / f"{name}.csv").drop(columns="technology")
    table.to_csv(tmp_path / f"{name}.csv", index=False)
    with pytest.raises(ValueError, match=rf"{name}\.csv: row 1: columns must include \['tech"):
        read_comparison(tmp_path, name)


def test_rows_that_repeat_another_are_refused(tmp_path: Path) -> None:
    shutil.copy(bundled.FOLDER / "ranks.csv", tmp_path)
    lines = (tmp_path / "ranks.csv").read_text().splitlines()
    (tmp_path / "ranks.csv").write_text("\n".join([*lines, lines[1]]))
    with pytest.raises(ValueError, match=rf"row {len(lines) + 1}: technology, time_s must be uniq"):
        read_comparison(tmp_path, "ranks")
    assert np.isfinite(read_comparison(bundled.FOLDER, "ranks").spearman).all()
