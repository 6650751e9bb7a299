"""The bundled tables: valid, consistent, and rebuilt from their sources to the same numbers."""

import hashlib
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neft.characterize import bundled, variation_models
from neft.characterize.published_ratios import published_ratios
from neft.characterize.reads import read_level_table, read_relaxation_tsv

OTHERS = ("candidates", "distances", "intervals", "ranks")


@pytest.fixture(scope="module")
def raw_folder():
    folder = os.environ.get("NEFT_MEASURED")
    if not folder:
        pytest.skip("NEFT_MEASURED is unset: it names the folder of the raw reads")
    if not Path(folder).is_dir():
        pytest.skip(f"NEFT_MEASURED names no folder: {folder}")
    return Path(folder)


@pytest.fixture(scope="module")
def table():
    return read_level_table(bundled.LEVELS)


def test_every_technology_has_all_levels_at_every_time(table):
    assert table["technology"].unique().tolist() == [s.technology for s in bundled.SOURCES]
    for source in bundled.SOURCES:
        rows = table[table["technology"] == source.technology]
        assert (rows["g_max_S"] == source.g_max_S).all()
        for _, at_time in rows.groupby("time_s"):
            assert at_time["level"].tolist() == list(range(bundled.LEVELS_PER_RANGE))


def test_the_initial_conductance_lies_in_its_level(table):
    assert np.array_equal(np.floor(table["g"] * bundled.LEVELS_PER_RANGE), table["level"])


def test_the_mean_lies_between_the_extreme_quantiles_and_kurtosis_obeys_its_bound(table):
    assert table["mean"].between(table["q0.005"], table["q0.995"]).all()
    # Pearson: kurtosis >= skewness^2 + 1 for every distribution; 1e-4 is the CSV's rounding.
    assert (table["excess_kurtosis"] + 3 > table["skewness"] ** 2 + 1 - 1e-4).all()


def test_fits_to_the_level_table_are_the_candidates_of_the_same_time(table):
    candidates = pd.read_csv(bundled.FOLDER / "candidates.csv")
    candidates = candidates.set_index(["candidate", "technology", "time_s"])[["s", "sigma_d"]]
    for key, rows in table.groupby(["technology", "time_s"]):
        model, sigma_d = variation_models.fit_ratio(rows)
        expected = candidates.loc["s_ratio", *key].tolist()
        assert [model.ratio, sigma_d] == pytest.approx(expected, rel=1e-5)
        assert published_ratios(rows).loc[0, ["s", "sigma_d"]].tolist() == [model.ratio, sigma_d]
        _, sigma_d = variation_models.fit_constant(rows)
        assert sigma_d == pytest.approx(candidates.sigma_d["constant", *key], rel=1e-5)


def test_the_readme_and_licence_travel_with_the_table():
    readme = (bundled.LEVELS.parent / "README.md").read_text()
    for source in bundled.SOURCES:
        assert {source.technology, source.file, source.sha256} <= set(re.findall(r"[\w.]+", readme))
        assert source.url.partition("ca0cfff6/")[2] in readme
    assert "Copyright (c) 2021 Akash Levy" in (bundled.LEVELS.parent / "LICENSE").read_text()


def test_a_missing_raw_file_is_named_with_its_address_and_a_changed_one_with_both_digests(tmp_path):
    source = bundled.SOURCES[0]
    with pytest.raises(ValueError, match=f"{re.escape(source.file)}.*{re.escape(source.url)}"):
        bundled.build(tmp_path)
    (tmp_path / source.file).write_bytes(b"changed")
    digests = f"{source.sha256}.*{hashlib.sha256(b'changed').hexdigest()}"
    with pytest.raises(ValueError, match=f"{re.escape(source.file)}.*{digests}"):
        bundled.build(tmp_path)


def test_the_command_writes_what_build_makes(tmp_path, monkeypatch):
    draw = np.random.default_rng(0)
    rows = []
    for cell in range(320):
        g_0 = (cell % 32 + 0.5) / 32 * 1e-4
        g = {t: g_0 * (1 + t * draw.random()) for t in (0, 1, 2)}
        rows += [f"{cell}\t{t}\t1\t{g[t]}\t1\t1\t{t}" for t in g]
    (tmp_path / "toy.tsv").write_text("\n".join(rows))
    digest = hashlib.sha256((tmp_path / "toy.tsv").read_bytes()).hexdigest()
    toy = replace(bundled.SOURCES[0], technology="toy", g_max_S=1e-4, file="toy.tsv", sha256=digest)
    monkeypatch.setattr(bundled, "SOURCES", (toy,))
    monkeypatch.setattr(bundled, "FOLDER", tmp_path / "new")
    bundled.main([str(tmp_path)])
    tables = bundled.build(tmp_path)
    assert_same(tables["levels"], read_level_table(tmp_path / "new" / "levels.csv"))
    for name in OTHERS:
        assert_same(tables[name], pd.read_csv(tmp_path / "new" / f"{name}.csv"))


def assert_same(built: pd.DataFrame, read: pd.DataFrame) -> None:
    """The CSV keeps six significant digits."""
    pd.testing.assert_frame_equal(built, read, rtol=1e-5, atol=1e-12, check_dtype=False)


def test_the_raw_reads_rebuild_the_tables(raw_folder, table):
    with pytest.warns(UserWarning, match=r"left out 1 negative read"):
        tables = bundled.build(raw_folder)
    assert_same(tables["levels"], table)
    for name in OTHERS:
        assert_same(tables[name], pd.read_csv(bundled.FOLDER / f"{name}.csv"))


def test_held_out_cells_reject_the_measured_quantiles_no_more_often_than_chance_allows():
    """At 1 % in 32 levels: 3 rejections at one time, or 10 in all 11, have chances below 0.5 %."""
    table = pd.read_csv(bundled.FOLDER / "candidates.csv")
    rejected = table[table.candidate == "quantiles"].ks_rejected
    assert len(rejected) == 11
    assert rejected.max() <= 2
    assert rejected.sum() <= 9


@pytest.mark.filterwarnings("ignore:.*negative read")
@pytest.mark.parametrize(
    ("source", "overshoot"), list(zip(bundled.SOURCES, (426, 69), strict=True))
)
def test_counts_agree_with_the_levels_that_upstream_recorded(raw_folder, table, source, overshoot):
    names = ["addr", "time", "r", "g", "gi", "range", "timept"]
    raw = pd.read_csv(raw_folder / source.file, sep="\t", header=None, names=names)
    assert ((raw["range"] > 31) & (raw["timept"] == 0)).sum() == overshoot
    kept = raw[(raw["range"] < 32) & (raw["timept"] > 0) & (raw["g"] >= 0)]
    expected = kept.groupby(["timept", "range"]).size()
    rows = table[table["technology"] == source.technology]
    assert rows.set_index(["time_s", "level"])["n"].to_dict() == expected.to_dict()
    reads = read_relaxation_tsv(raw_folder / source.file)
    assert len(reads) == (raw["g"] >= 0).sum()
