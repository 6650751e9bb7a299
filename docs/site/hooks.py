"""What MkDocs calls while it builds the site: pages in, formulas as MathML, nothing remote."""

import html
import re
from pathlib import Path

import pages
from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

FORMULA = re.compile(r'(?<=class="arithmatex">)\\([(\[])(.*?)\\[)\]](?=<)', re.DOTALL)
LOADED = re.compile(r'<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)="((?:\w+:)?//[^"]*)')


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Put the repository's files in, and their addresses into `nav`."""
    try:
        named = pages.named_files(config.nav)
        contents = pages.collect(named)
    except ValueError as error:
        raise PluginError(str(error)) from error
    config.nav = pages.with_addresses(config.nav)
    beside = [path for path in Path(__file__).parent.iterdir() if path.suffix in (".css", ".js")]
    contents |= {pages.address(path, page=False): path for path in beside}
    for file in [file for file in files if file.src_dir == config.docs_dir]:
        files.remove(file)
    in_nav = {pages.address(path, page=True) for path in named}
    for address, content in contents.items():
        kind = InclusionLevel.INCLUDED if address in in_nav else InclusionLevel.NOT_IN_NAV
        source = {"abs_src_path" if isinstance(content, Path) else "content": str(content)}
        files.append(File.generated(config, address, inclusion=kind, **source))
    return files


def on_page_content(text: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Write formulas as MathML, which browsers draw without a script."""
    kinds = {"(": "inline", "[": "block"}
    return FORMULA.sub(lambda f: convert(html.unescape(f[2]), display=kinds[f[1]]), text)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Refuse a page that would load something from the network."""
    remote = LOADED.findall(output)
    if remote:
        raise PluginError(f"{page.file.src_uri} must load nothing remote, got {remote[0]}")
    return output
