"""README files as a person sees them on a phone."""

import re
from pathlib import Path

import pytest
from nbconvert.filters import markdown2html
from playwright.sync_api import Browser

ROOT = Path(__file__).parents[2]
READMES = [ROOT / "README.md", *sorted(ROOT.glob("results/*/README.md"))]
# What sites that show READMEs do: wide tables and code scroll in boxes of their own.
STYLE = """<meta name="viewport" content="width=device-width"><style>
body { font: 16px/1.5 sans-serif; overflow-wrap: break-word; margin: 16px; }
table, pre { display: block; width: max-content; max-width: 100%; overflow: auto; }
td, th { padding: 6px 13px; border: 1px solid; } img { max-width: 100%; }
</style>"""


@pytest.mark.parametrize("path", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_readme_fits_a_phone_and_leads_to_files_that_exist(
    path: Path, browser: Browser, tmp_path: Path
) -> None:
    shown = STYLE + markdown2html(path.read_text(encoding="utf-8"))
    base = f'<base href="{path.parent.as_uri()}/">'
    (tmp_path / "shown.html").write_text(base + shown, encoding="utf-8")
    tab = browser.new_page(viewport={"width": 390, "height": 800})
    tab.goto((tmp_path / "shown.html").as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert tab.locator("h1").count() == 1
    for image in tab.locator("img").all():
        assert len(image.get_attribute("alt")) > 40
        assert image.evaluate("image => image.naturalWidth > 0")
    for link in re.findall(r'href="([^"]+)"', shown):
        file = path if link.startswith("#") else path.parent / link.partition("#")[0]
        assert re.match("https?://", link) or file.exists(), link
    tab.close()
