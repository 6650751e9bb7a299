"""The report and the README's table say what the results say."""

import html
import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from helpers.executed import ROOT, executed

from neft.pipeline import parameters, readme, report
from neft.pipeline.report_page import page

NO_RUN = "<p>found</p>"


def book(folder: Path, name: str, *cells: nbformat.NotebookNode) -> Path:
    title = nbformat.v4.new_markdown_cell(f"# {name}")
    nbformat.write(nbformat.v4.new_notebook(cells=[title, *cells]), folder / f"{name}.ipynb")
    return folder / f"{name}.ipynb"


def image(count: int = 1) -> nbformat.NotebookNode:
    made = nbformat.v4.new_output("display_data", data={"image/png": "AA=="})
    return nbformat.v4.new_code_cell("draw()", outputs=[made] * count)


def text(source: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_markdown_cell(source)


def alternatives(path: Path) -> list[str]:
    quoted = re.findall(r"""<img alt=("[^"]*"|'[^']*')""", report.read(path).body)
    return [html.unescape(alt[1:-1]) for alt in quoted]


def test_page_has_the_summary_first_and_notebooks_in_order(tmp_path: Path) -> None:
    sections = [report.read(book(tmp_path, name)) for name in ("b", "training-x", "a")]
    shown = page("Title", NO_RUN, sections, unfolded="a")
    places = [shown.index(part) for part in ("<h1>Title", NO_RUN, "Contents", "<h2>b", "<h2>a")]
    assert places == sorted(places)
    assert re.findall(r'<details id="([^"]+)"( open)?>', shown) == [
        ("contents", " open"), ("b", ""), ("methods", ""), ("training-x", ""), ("a", " open")
    ]  # fmt: skip


def test_every_section_and_heading_has_one_link_and_one_id(tmp_path: Path) -> None:
    sections = [report.read(path) for path in executed(tmp_path)]
    shown = page("Title", NO_RUN, sections)
    ids, links = re.findall(r' id="([^"]+)"', shown), re.findall(r'href="#([^"]+)"', shown)
    assert len(ids) == len(set(ids))
    assert sorted(links) == sorted(set(ids) - {"contents"})
    for path, section in zip(executed(tmp_path), sections, strict=True):
        cells = nbformat.read(path, as_version=4).cells
        lines = [line for c in cells if c.cell_type == "markdown" for line in c.source.split("\n")]
        headings = [line.lstrip("# ") for line in lines if line.startswith("#")]
        assert [section.title, *(name for _, name in section.headings)] == headings
    assert "<h3>2 · Train one method: Noise-free</h3>" in shown


def test_page_shows_without_a_network_and_from_another_folder(tmp_path: Path) -> None:
    sections = [report.read(path) for path in executed(tmp_path)]
    shown = page("Title", report.summary(parameters.load(ROOT / "params.yaml"), ROOT), sections)
    assert not re.search(
        r"""(src|srcset)=["']?+(?!data:)|@import|url\(["']?http|<link|<script""", shown
    )
    for link in re.findall(r'href="([^"#][^"]*)"', shown):
        assert link.startswith("https://") or (ROOT / link).exists(), link


def test_links_out_of_a_notebook_lead_to_what_every_run_has(tmp_path: Path) -> None:
    links = "[a](../neft/a.md), [b](../../own/b.md), [c](../../results/c), [d](https://d.org)"
    body = report.read(book(tmp_path, "x", text(links))).body
    assert re.findall('href="([^"]+)"', body) == ["neft/a.md", "own/b.md", "https://d.org"]
    assert ", c, " in body


def test_alternative_text_is_heading_method_and_the_paragraph_before(tmp_path: Path) -> None:
    cells = [
        text("An introduction."), image(),
        text("Reading: `low`.\n\n## Chips\n\nNo.\n\nThe **figure** has [a \"b\"](c) & `d`."),
        image(2),
        text("## Alone"), image(),
    ]  # fmt: skip
    found = alternatives(book(tmp_path, "training-ovf", *cells))
    said = ', OVF ({} of 2): The figure has a "b" & d.'
    assert found == [
        "training-ovf, OVF: An introduction.",
        *(f"Chips{said.format(number)}" for number in (1, 2)),
        "Alone, OVF",
    ]


def test_every_figure_of_the_pipeline_has_a_paragraph_before_it(tmp_path: Path) -> None:
    for path in executed(tmp_path):
        for alt in alternatives(path):
            assert len(alt.partition(": ")[2]) > 40, f"{path.name}: {alt}"


def test_a_tables_own_style_does_not_reach_other_tables(tmp_path: Path) -> None:
    cell = nbformat.v4.new_code_cell("t")
    table = pd.DataFrame({("a", "b"): [1.25]})._repr_html_()
    cell.outputs = [nbformat.v4.new_output("display_data", data={"text/html": table})]
    body = report.read(book(tmp_path, "x", cell)).body
    assert "<style" in table
    assert "<style" not in body and "<td>1.25</td>" in body


def test_summary_says_what_the_run_was_and_found(tmp_path: Path) -> None:
    run = parameters.load(ROOT / "params.yaml")
    said = html.unescape(re.sub("<[^>]+>", " ", report.summary(run, ROOT)))
    assert readme.setting(run) in said
    assert f"each network on {run.montecarlo.chips} chips" in said
    shown = readme.results_block(ROOT / "metrics", ROOT / "params.yaml", "params.yaml")
    numbers = re.findall(r"\d+\.\d", shown)
    assert len(numbers) > 100
    assert set(numbers) <= set(re.findall(r"\d+\.\d", said))


def test_missing_or_broken_notebook_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.ipynb").write_text("{")
    for name in ("missing", "broken"):
        with pytest.raises(ValueError, match=rf"{name}\.ipynb: not a notebook"):
            report.read(tmp_path / f"{name}.ipynb")


def test_table_holds_every_number_once() -> None:
    results = pd.DataFrame(
        {
            "method": ["irs", "irs", "mine"],
            "sigma_d": [0.1, 0.2, 0.1],
            "seeds": 3,
            "chips": 50,
            "accuracy": [0.9512, 0.81, 0.5],
            "low": [0.94, 0.8, 0.4],
            "high": [0.96, 0.82, 0.6],
        }
    )
    lines = readme.table(results, "A net", "make it").splitlines()
    assert lines[0] == "| method | σ_d = 0.1 | σ_d = 0.2 |"
    assert lines[2] == "| IRS | 95.1 (94.0–96.0) | 81.0 (80.0–82.0) |"
    assert lines[3] == "| mine | 50.0 (40.0–60.0) | not run |"
    assert lines[-1].startswith("A net: ")
    assert "3 seeds, 50 chips" in lines[-1]
    assert lines[-1].endswith("`make it`.")


def test_a_name_is_text_wherever_it_is_shown(tmp_path: Path) -> None:
    """Parameters refuse such names; tables made elsewhere may have them."""
    columns = ("method", "sigma_d", "accuracy", "low", "high", "seeds", "chips")
    results = pd.DataFrame([("a|b <i>", 0.1, 0.5, 0.4, 0.6, 2, 2)], columns=columns)
    assert "| a&#124;b &lt;i&gt; | 50.0" in readme.table(results, "made up", "make repro")
    made = book(tmp_path, "training-x", image()).rename(tmp_path / "training-<b>x.ipynb")
    shown = page("Title", NO_RUN, [report.read(made)])
    assert "&lt;b&gt;x" in shown and "<b>" not in shown


def test_one_seed_is_said_to_give_no_interval() -> None:
    row = {"method": "irs", "sigma_d": 0.1, "seeds": 1, "chips": 50, "accuracy": 0.9512}
    results = pd.DataFrame([row | dict.fromkeys(["low", "high"], float("nan"))])
    *_, line, _, caption = readme.table(results, "A net", "make it").splitlines()
    assert line == "| IRS | 95.1 |"
    assert "mean over chips; one seed, which gives no interval, 50 chips each" in caption
    gain = {"method": "irs", "against": "ovf", "sigma_d": 0.1, "difference": 0.01}
    gains = pd.DataFrame([gain | dict.fromkeys(["low", "high"], float("nan"))])
    *_, line, _, note = readme.differences_table(gains).splitlines()
    assert line == "| IRS over OVF | +1.0 |"
    assert note == "Paired by seed and chip; one seed gives no interval."


def test_command_repeats_the_run_of_this_folder(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("")
    (tmp_path / "linked").symlink_to("../../params/mine.yaml")
    assert readme.command(tmp_path / "params.yaml") == "make repro"
    assert readme.command(tmp_path / "linked") == "make repro PARAMS=params/mine.yaml"


def test_differences_are_bold_where_they_are_larger_than_their_interval() -> None:
    nan = float("nan")
    rows = [
        ("ovf", "scaled_logits", 0.1, 0.012, 0.004, 0.02),
        ("ovf", "scaled_logits", 0.2, 0.01, -0.001, 0.021),
        ("irs", "scaled_logits", 0.1, -0.031, -0.04, -0.022),
        ("irs", "scaled_logits", 0.2, 0.005, nan, nan),
        ("scaled_logits", "irs", 0.1, 0.031, 0.022, 0.04),
        ("scaled_logits", "irs", 0.2, -0.005, nan, nan),
    ]
    columns = ["method", "against", "sigma_d", "difference", "low", "high"]
    lines = readme.differences_table(pd.DataFrame(rows, columns=columns)).splitlines()
    assert lines[2:4] == [
        "| OVF over scaled logits | **+1.2 (+0.4 to +2.0)** | +1.0 (-0.1 to +2.1) |",
        "| IRS over scaled logits | **-3.1 (-4.0 to -2.2)** | +0.5 |",
    ]
    assert lines[4] == "", "the same pair in the other order is left out"


def test_orderings_show_the_verdict_with_both_differences() -> None:
    rows = [
        ("torch", "ovf", "noise_injection", 0.1, 0.012, 0.05, "holds"),
        ("torch", "ovf", "noise_injection", 0.2, -0.012, 0.05, "reversed"),
        ("paper", "ovf", "noise_injection", 0.2, 0.5, 0.05, "holds"),
    ]
    columns = ["initialisation", "method", "against", "sigma_d", "difference", "published"]
    found = pd.DataFrame(rows, columns=[*columns, "verdict"])
    assert readme.orderings_table(found).splitlines()[:4] == [
        "| ordering of the paper | σ_d = 0.1 | σ_d = 0.2 |",
        "|---|---|---|",
        "| OVF over noise injection, torch's initial weights | holds (+1.2; +5.00) "
        "| reversed (-1.2; +5.00) |",
        "| OVF over noise injection, paper's initial weights | – | holds (+50.0; +5.00) |",
    ]


def hundred(metrics: Path) -> list[str]:
    """Write the results of a hundred methods, and return their names."""
    own = ROOT / "metrics" / "results"
    (metrics / "results").mkdir(parents=True)
    names = [f"own{i}" for i in range(100)]
    one = pd.read_csv(own / "results.csv").query("method == 'ovf'")
    made = pd.concat(one.assign(method=name, accuracy=i / 100) for i, name in enumerate(names))
    made.to_csv(metrics / "results" / "results.csv", index=False)
    pair = pd.read_csv(own / "differences.csv").query("method == 'ovf'").head(len(one))
    pairs = pd.concat(pair.assign(method=name, against=names[-1]) for name in names[:-1])
    pairs.to_csv(metrics / "results" / "differences.csv", index=False)
    return names


def test_block_of_a_hundred_methods_is_short_and_says_what_it_leaves_out(tmp_path: Path) -> None:
    hundred(tmp_path)
    block = readme.results_block(tmp_path, ROOT / "params.yaml", "make repro")
    assert len(block.splitlines()) < 45
    assert "own99" in block and "own84" not in block and "15 of 100 methods are shown" in block


def test_summary_of_a_hundred_methods_names_those_of_its_figure(tmp_path: Path) -> None:
    methods = dict.fromkeys(hundred(tmp_path / "metrics"), {})
    for name in ("figures", "params.yaml"):
        (tmp_path / name).symlink_to(ROOT / name)
    run = parameters.load(ROOT / "params.yaml").model_copy(update={"methods": methods})
    said = report.summary(run, tmp_path)
    assert "100, among them own85; own86;" in said and "15 of 100 methods are shown" in said
    assert "one line for each method: own85; own86;" in said and "own84" not in said


def test_block_replaces_only_what_is_between_the_markers() -> None:
    text = f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n"
    once = readme.replace_block(text, "new")
    assert once == f"before\n{readme.BEGIN}\nnew\n{readme.END}\nafter\n"
    assert readme.replace_block(once, "new") == once
    with pytest.raises(ValueError, match="must hold"):
        readme.replace_block("no markers", "new")


# The default run at the root, and the committed runs of other parameter files.
COMMITTED = ROOT.glob("results/*/metrics/results/results.csv")
RUNS = [Path(), *(path.parents[2].relative_to(ROOT) for path in COMMITTED)]


@pytest.mark.parametrize("run", RUNS, ids=str)
def test_readme_agrees_with_the_committed_results(run: Path) -> None:
    params = f"params/{run.name}.yaml" if run.name else "params.yaml"
    command = f"make repro PARAMS={params}" if run.name else "make repro"
    text = (ROOT / run / "README.md").read_text(encoding="utf-8")
    block = readme.results_block(ROOT / run / "metrics", ROOT / params, command)
    assert readme.replace_block(text, block) == text
