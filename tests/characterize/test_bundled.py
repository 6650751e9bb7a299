"""The bundled tables: valid, consistent, and rebuilt from their sources to the same numbers."""

import hashlib
import math
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from neft._utils.seeding import generator
from neft.characterize import bundled, variation_models
from neft.characterize.published_ratios import published_ratios
from neft.characterize.reads import read_level_table, read_reads, read_relaxation_tsv
from neft.devices import named_model

OTHERS = ("candidates", "distances", "intervals", "ranks")
MORE = ("stuck", "read_noise", "read_noise_spectra")


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
        levels = 4 if source.technology == "ReRAM_NIST" else bundled.LEVELS_PER_RANGE
        for _, at_time in rows.groupby("time_s"):
            assert at_time["level"].tolist() == list(range(levels))


def test_the_initial_conductance_or_the_target_is_that_of_the_level(table):
    nist = table["technology"] == "ReRAM_NIST"
    rest = table[~nist]
    assert np.array_equal(np.floor(rest["g"] * bundled.LEVELS_PER_RANGE), rest["level"])
    assert table["g"][nist].tolist() == pytest.approx([133 / 233, 167 / 233, 200 / 233, 1])
    assert (table["time_s"][nist] == 0).all()


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
    readme = (bundled.FOLDER / "README.md").read_text()
    for raw in (*bundled.SOURCES, bundled.STUCK_MAP, bundled.TIME_SERIES):
        assert {raw.file, raw.sha256} <= set(re.findall(r"[\w.]+", readme))
        commit, _, path = re.split("/(?=ca0cfff6/|9e565a6/)", raw.url)[1].partition("/")
        assert commit in readme
        assert path.removesuffix("/d").removesuffix("/e") in readme
    assert all(source.technology in readme for source in bundled.SOURCES)
    assert "Copyright (c) 2021 Akash Levy" in (bundled.FOLDER / "LICENSE").read_text()
    kernel = (bundled.FOLDER / "LICENSE_ReRAM_NIST").read_text()
    assert "BSD 3-Clause License\n\nCopyright (c) 2024, ADAM Lab GW" in kernel


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
    others = {name: pd.DataFrame({"x": [0.5]}) for name in MORE}
    monkeypatch.setattr(bundled, "build_stuck", lambda folder: others["stuck"])
    monkeypatch.setattr(bundled, "build_read_noise", lambda folder: others)
    bundled.main([str(tmp_path)])
    tables = bundled.build(tmp_path)
    assert_same(tables["levels"], read_level_table(tmp_path / "new" / "levels.csv"))
    for name, made in ({name: tables[name] for name in OTHERS} | others).items():
        assert_same(made, pd.read_csv(tmp_path / "new" / f"{name}.csv"))


def assert_same(built: pd.DataFrame, read: pd.DataFrame) -> None:
    """The CSV keeps six significant digits."""
    pd.testing.assert_frame_equal(built, read, rtol=1e-5, atol=1e-12, check_dtype=False)


def test_the_raw_reads_rebuild_the_tables(raw_folder, table):
    with pytest.warns(UserWarning, match=r"left out 1 negative read"):
        tables = bundled.build(raw_folder)
    assert_same(tables["levels"], table)
    for name in OTHERS:
        assert_same(tables[name], pd.read_csv(bundled.FOLDER / f"{name}.csv"))
    assert_same(bundled.build_stuck(raw_folder), pd.read_csv(bundled.FOLDER / "stuck.csv"))


def test_the_raw_time_series_rebuild_the_read_noise(raw_folder):
    """A search ends at slightly different parameters on another processor, not at another fit."""
    tables = bundled.build_read_noise(raw_folder)
    for name in ("read_noise", "read_noise_spectra"):
        kept = pd.read_csv(bundled.FOLDER / f"{name}.csv")
        same = kept.columns.intersection(
            ["device", "candidate", "low_Hz", "best", "g", "spread", "frequency_Hz", "measured"]
        )
        assert_same(tables[name][same], kept[same])
    assert tables["read_noise"].held_out.tolist() == pytest.approx(kept_noise().held_out, rel=0.02)


def kept_noise() -> pd.DataFrame:
    return pd.read_csv(bundled.FOLDER / "read_noise.csv")


def test_models_of_read_noise_are_the_best_fits_and_have_the_spectra_of_the_table():
    models, table = bundled.read_noise_models(), kept_noise()
    assert list(models) == [f"RRAM_A_{level}" for level in (0, 8, 16, 24, 31)]
    spectra = pd.read_csv(bundled.FOLDER / "read_noise_spectra.csv")
    for name, rows in spectra.groupby("device"):
        fitted = models[name].spectrum(rows.frequency_Hz.to_numpy(), 1 / bundled.RATE_HZ)
        assert fitted == pytest.approx(rows.fitted.to_numpy(), rel=1e-4)
        held_out = table[table.device == name].set_index("candidate").held_out
        assert held_out.idxmin() == table[(table.device == name) & table.best].candidate.item()
        assert models[name].source.endswith(bundled.TIME_SERIES.url)


def test_what_is_said_of_read_noise_holds_in_the_table():
    """White noise alone is far behind; the telegraph part is needed in one device."""
    table = kept_noise().set_index(["candidate", "device"])
    behind = table.behind_best / table.behind_best_se
    assert (behind["white"] > 2).all()
    assert behind["white_flicker"][behind["white_flicker"] > 2].index.tolist() == ["RRAM_A_8"]
    sigma = (table[["white", "flicker", "telegraph"]] ** 2).sum(axis=1) ** 0.5
    ratio = (table.spread / sigma)[table.best]
    assert (round(ratio.min(), 1), round(ratio.max(), 1)) == (1.0, 3.0)


def test_stuck_devices_are_those_of_the_two_files():
    table = pd.read_csv(bundled.FOLDER / "stuck.csv").set_index("what")
    assert table.stuck.to_dict() == {"recorded_as_0": 32, "above_300_uS": 27}
    assert (table.devices == 625).all()
    assert table.rate.between(table.low, table.high).all()
    levels = read_level_table(bundled.LEVELS)
    assert levels.n[levels.technology == "ReRAM_NIST"].sum() == 625 - 32


def test_held_out_cells_reject_the_measured_quantiles_no_more_often_than_chance_allows():
    """At 1 % in 32 levels: 3 rejections at one time, or 10 in all 12, have chances below 0.5 %."""
    table = pd.read_csv(bundled.FOLDER / "candidates.csv")
    rejected = table[table.candidate == "quantiles"].ks_rejected
    assert len(rejected) == 12
    assert rejected.max() <= 2
    assert rejected.sum() <= 9


@pytest.mark.filterwarnings("ignore:.*negative read")
@pytest.mark.parametrize(
    ("source", "overshoot"), list(zip(bundled.SOURCES[:2], (426, 69), strict=True))
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


def test_the_guides_reads_are_those_of_every_31st_cell(raw_folder):
    guide = read_reads(Path(__file__).parents[2] / "notebooks" / "guides" / "reads.csv")
    reads = read_relaxation_tsv(raw_folder / bundled.SOURCES[0].file)
    cells = sorted(reads["cell"].unique(), key=int)[::31]
    kept = reads[reads["cell"].isin(cells) & reads["time_s"].isin([0, 1, 1e4])]
    assert len(cells) == 515
    # The guide's file has four digits.
    pd.testing.assert_frame_equal(guide, kept.reset_index(drop=True), rtol=5e-4)


@pytest.mark.parametrize("name", ["RRAM_B", "RRAM_C", "ReRAM_NIST"])
def test_sampled_errors_have_the_measured_quantiles_at_every_level(table, name: str) -> None:
    """Within five standard errors of each quantile's share; the three have 1,156 quantiles.

    The model looks errors up at 257 conductances and 4,096 ranks: up to half a step off the level
    an error is that much nearer to its neighbour's, and a share is off by up to half a rank.
    """
    model, draws = named_model(f"{name}_quantiles"), 20_000
    rows = table[(table.technology == name) & (table.time_s == model.time_s)].sort_values(
        "g", ignore_index=True
    )
    nearer = 0.5 / 256 / np.diff(rows.g).min()
    for place, row in enumerate(rows.to_dict("records")):
        u = torch.full((draws,), row["g"], dtype=torch.float64)
        source = generator("level", name, row["level"])
        found = model.sample(u, model.sigma_d_measured, generator=source)
        for column in (column for column in table if column.startswith("q0")):
            p, around = float(column.removeprefix("q")), rows[column][max(place - 1, 0) : place + 2]
            off = 1e-9 + nearer * (around - row[column]).abs().max()
            below = (found < row[column] - off).double().mean()
            up_to = (found <= row[column] + off).double().mean()
            error = 5 * math.sqrt(p * (1 - p) / draws) + 0.5 / 4096
            assert below - error <= p <= up_to + error, (row["level"], column)
