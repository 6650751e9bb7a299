"""The report says what a run was and found, links within itself, and describes its figures."""

import html
import re
import shutil
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from helpers.executed import ROOT, executed, hundred

from neft.pipeline import parameters, readme, report
from neft.pipeline.report_page import Section, page

NO_RUN = "<p>found</p>"


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Section]:
    """Sections of the pipeline's notebooks, with outputs."""
    return {path: report.read(path) for path in executed(tmp_path_factory.mktemp("executed"))}


def book(folder: Path, name: str, *cells: nbformat.NotebookNode) -> Path:
    title = nbformat.v4.new_markdown_cell(f"# {name}")
    nbformat.write(nbformat.v4.new_notebook(cells=[title, *cells]), folder / f"{name}.ipynb")
    return folder / f"{name}.ipynb"


def image(count: int = 1) -> nbformat.NotebookNode:
    made = nbformat.v4.new_output("display_data", data={"image/png": "AA=="})
    return nbformat.v4.new_code_cell("draw()", outputs=[made] * count)


def text(source: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_markdown_cell(source)


def alternatives(section: Section) -> list[str]:
    quoted = re.findall(r"""<img alt=("[^"]*"|'[^']*')""", section.body)
    return [html.unescape(alt[1:-1]) for alt in quoted]


def test_page_has_the_summary_first_and_notebooks_in_order(tmp_path: Path) -> None:
    sections = [report.read(book(tmp_path, name)) for name in ("b", "training-x", "a")]
    shown = page("Title", NO_RUN, sections, unfolded="a")
    places = [shown.index(part) for part in ("<h1>Title", NO_RUN, "Contents", "<h2>b", "<h2>a")]
    assert places == sorted(places)
    assert re.findall(r'<details id="([^"]+)"( open)?>', shown) == [
        ("contents", " open"), ("b", ""), ("methods", ""), ("training-x", ""), ("a", " open")
    ]  # fmt: skip


def test_every_section_and_heading_has_one_link_and_one_id(pipeline: dict[Path, Section]) -> None:
    shown = page("Title", NO_RUN, [*pipeline.values()])
    ids, links = re.findall(r' id="([^"]+)"', shown), re.findall(r'href="#([^"]+)"', shown)
    assert len(ids) == len(set(ids))
    assert sorted(links) == sorted(set(ids) - {"contents"})
    for path, section in pipeline.items():
        cells = nbformat.read(path, as_version=4).cells
        lines = [line for c in cells if c.cell_type == "markdown" for line in c.source.split("\n")]
        headings = [line.lstrip("# ") for line in lines if line.startswith("#")]
        assert [section.title, *(name for _, name in section.headings)] == headings
    assert "<h3>2 · Train one method: Noise-free</h3>" in shown


def test_page_shows_without_a_network_and_from_another_folder(
    pipeline: dict[Path, Section],
) -> None:
    summary = report.summary(ROOT / "params.yaml", ROOT)
    shown = page("Title", summary, [*pipeline.values()])
    assert not re.search(
        r"""(src|srcset)=["']?+(?!data:)|@import|url\(["']?http|<link|<script""", shown
    )
    for link in re.findall(r'href="([^"#][^"]*)"', shown):
        assert link.startswith("https://") or (ROOT / "neft" / link).exists(), link


def test_the_command_ends_with_the_place_of_its_page(tmp_path: Path, monkeypatch, capsys) -> None:
    section = report.read(book(tmp_path, "results"))
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(report, "read", lambda path: section)
    monkeypatch.setattr(report, "summary", lambda *given: NO_RUN)
    monkeypatch.setattr("sys.argv", ["report", "executed", "out/report.html"])
    report.main()
    said = capsys.readouterr().out.rstrip("\n")
    assert said == f"To read: {tmp_path / 'out' / 'report.html'}"
    assert NO_RUN in (tmp_path / "out" / "report.html").read_text()


def test_links_out_of_a_notebook_lead_to_what_every_run_has(tmp_path: Path) -> None:
    links = "[a](../neft/a.md), [b](../../own/b.md), [c](../../results/c), [d](https://d.org)"
    body = report.read(book(tmp_path, "x", text(links))).body
    assert re.findall('href="([^"]+)"', body) == ["../neft/a.md", "../own/b.md", "https://d.org"]
    assert ", c, " in body


def test_alternative_text_is_heading_method_and_the_paragraph_before(tmp_path: Path) -> None:
    cells = [
        text("An introduction."), image(),
        text("Reading: `low`.\n\n## Chips\n\nNo.\n\nThe **figure** has [a \"b\"](c) & `d`."),
        image(2),
        text("## Alone"), image(),
    ]  # fmt: skip
    found = alternatives(report.read(book(tmp_path, "training-ovf", *cells)))
    said = ', OVF ({} of 2): The figure has a "b" & d.'
    assert found == [
        "training-ovf, OVF: An introduction.",
        *(f"Chips{said.format(number)}" for number in (1, 2)),
        "Alone, OVF",
    ]


def test_every_figure_of_the_pipeline_has_a_paragraph_before_it(
    pipeline: dict[Path, Section],
) -> None:
    texts = [alt for section in pipeline.values() for alt in alternatives(section)]
    assert len(texts) > 30
    assert [alt for alt in texts if len(alt.partition(": ")[2]) <= 40] == []


def test_a_tables_own_style_does_not_reach_other_tables(tmp_path: Path) -> None:
    cell = nbformat.v4.new_code_cell("t")
    table = pd.DataFrame({("a", "b"): [1.25]})._repr_html_()
    cell.outputs = [nbformat.v4.new_output("display_data", data={"text/html": table})]
    body = report.read(book(tmp_path, "x", cell)).body
    assert "<style" in table
    assert "<style" not in body and "<td>1.25</td>" in body


def test_summary_says_what_the_run_was_and_found() -> None:
    run = parameters.load(ROOT / "params.yaml")
    said = html.unescape(re.sub("<[^>]+>", " ", report.summary(ROOT / "params.yaml", ROOT)))
    assert readme.setting(run) in said
    assert f"each network on {run.montecarlo.chips} chips" in said
    shown = readme.results_block(ROOT / "metrics", ROOT / "params.yaml", "params.yaml")
    numbers = re.findall(r"\d+\.\d", shown)
    assert len(numbers) > 100
    assert set(numbers) <= set(re.findall(r"\d+\.\d", said))


def test_summary_of_a_hundred_methods_names_those_of_its_figure(tmp_path: Path) -> None:
    params = hundred(tmp_path / "metrics")
    (tmp_path / "figures").symlink_to(ROOT / "figures")
    said = report.summary(params, tmp_path)
    assert "100, among them own85; own86;" in said and "15 of 100 methods are shown" in said
    assert "one line for each method: own85; own86;" in said and "own84" not in said


def test_missing_or_broken_notebook_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.ipynb").write_text("{")
    for name in ("missing", "broken"):
        with pytest.raises(ValueError, match=rf"{name}\.ipynb: not a notebook"):
            report.read(tmp_path / f"{name}.ipynb")


def test_a_name_is_text_wherever_it_is_shown(tmp_path: Path) -> None:
    """Parameters refuse such names; files made elsewhere may have them."""
    made = book(tmp_path, "training-x", image()).rename(tmp_path / "training-<b>x.ipynb")
    shown = page("Title", NO_RUN, [report.read(made)])
    assert "&lt;b&gt;x" in shown and "<b>" not in shown
