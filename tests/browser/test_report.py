"""The report as a person sees it: on a wide screen, on a phone, and printed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.executed import ROOT, executed
from playwright.sync_api import Browser, Page

from neft.pipeline import report
from neft.pipeline.report_page import page

# Elements that are wider than the window although no box around them scrolls.
OUTSIDE = """() => [...document.querySelectorAll("body *")].filter(element => {
    if (element.getBoundingClientRect().right <= innerWidth + 0.5) return false
    for (let box = element.parentElement; box; box = box.parentElement)
        if (getComputedStyle(box).overflowX === "auto") return false
    return true
}).map(element => element.outerHTML.slice(0, 200))"""
OPEN_ALL = "document.querySelectorAll('details').forEach(each => { each.open = true })"
WIDTHS = pytest.mark.parametrize("width", [1280, 390])


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    summary = report.summary(ROOT / "params.yaml", ROOT)
    sections = [report.read(path) for path in executed(folder)]
    text = page(report.TITLE, summary, sections, unfolded="results")
    (folder / "report.html").write_text(text, encoding="utf-8")
    return folder / "report.html"


@pytest.fixture
def tab(browser: Browser, file: Path) -> Iterator[Page]:
    """The page, which must load nothing and complain of nothing, whatever a test does with it."""
    tab, events = browser.new_page(), []
    tab.on("request", lambda request: events.append(request.url))
    tab.on("console", lambda message: events.append(message.text))
    tab.on("pageerror", lambda error: events.append(str(error)))
    tab.goto(file.as_uri())
    yield tab
    tab.close()
    assert [event for event in events if not event.startswith((file.as_uri(), "data:"))] == []


@WIDTHS
def test_nothing_is_wider_than_the_window_but_tables_in_their_own_boxes(
    tab: Page, width: int
) -> None:
    tab.set_viewport_size({"width": width, "height": 800})
    tab.evaluate(OPEN_ALL)
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert tab.evaluate(OUTSIDE) == []
    scrolling = "[...document.querySelectorAll('table')].some(t => t.scrollWidth > t.clientWidth)"
    assert tab.evaluate(scrolling), "the tables of this test are wide"


@WIDTHS
def test_first_screen_says_what_was_run_and_shows_the_figure(tab: Page, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 800})
    for part in ("h1", ".what li", ".what img"):
        assert tab.locator(part).first.bounding_box()["y"] < 800
    assert "Network, data, devices" in tab.inner_text(".what")


def test_results_are_open_and_all_else_is_folded(tab: Page) -> None:
    opened = [each.get_attribute("id") for each in tab.locator("details[open]").all()]
    assert opened == ["contents", "results"]
    assert tab.locator("[id='results/1']").is_visible()
    assert not tab.locator("[id='montecarlo-ovf/1']").is_visible()
    assert not tab.locator(".code pre").first.is_visible()


def test_every_link_within_the_page_opens_what_it_leads_to(tab: Page) -> None:
    links = tab.locator("a[href^='#']").all()
    assert len(links) > 30
    for link in links:
        tab.evaluate("document.querySelectorAll('details').forEach(each => { each.open = false })")
        link.evaluate("""link => { for (let box = link.closest("details"); box;
            box = box.parentElement.closest("details")) box.open = true }""")
        link.click()
        target = tab.locator(f"[id='{link.get_attribute('href')[1:]}']")
        assert target.is_visible()
        assert -1 <= target.bounding_box()["y"] < tab.viewport_size["height"]


def test_every_figure_has_a_text_that_says_what_it_shows(tab: Page) -> None:
    texts = [image.get_attribute("alt") for image in tab.locator("img").all()]
    assert len(texts) == len(set(texts)) > 30
    assert all(len(text) > 40 and "No description" not in text for text in texts)
    assert texts[0].startswith("Accuracy against device variation")
    assert any(text.startswith("2 · Train one method, OVF (1 of 2): The figure") for text in texts)


def test_print_has_what_the_screen_folds_but_no_code(tab: Page) -> None:
    tab.emulate_media(media="print")
    assert tab.locator("[id='montecarlo-ovf/1']").is_visible()
    assert not tab.locator(".code").first.is_visible()
