"""The report's page: HTML with a style of its own, which folds, scrolls and prints without scripts.

A link into a closed section opens it: browsers open a `<details>` that holds the link's target.
"""

import html
import re
from dataclasses import dataclass
from itertools import groupby

import nbformat
from nbconvert import HTMLExporter

# Of nbconvert's templates this takes how outputs become HTML; page, style and code cells are own.
TEMPLATE = """\
{%- extends 'lab/base.html.j2' -%}
{%- macro described(image, output) -%}
{{ image | replace("<img ", '<img alt="%s" ' | format(output.metadata.alt | default("") | e)) }}
{%- endmacro -%}
{%- block markdowncell -%}{{ cell.source | markdown2html }}{%- endblock -%}
{%- block codecell -%}{{ super.super() }}{%- endblock -%}
{%- block input_group -%}
<details class="code"><summary>code</summary>
{{ cell.source | highlight_code(metadata=cell.metadata) }}</details>
{%- endblock -%}
{%- block data_png -%}{{ described(super(), output) }}{%- endblock -%}
{%- block data_jpg -%}{{ described(super(), output) }}{%- endblock -%}
{%- block data_svg -%}{{ described(super(), output) }}{%- endblock -%}
{%- block footer -%}{%- endblock -%}
"""

STYLE = """\
body { margin: 0 auto; max-width: 66rem; padding: 0 1rem 4rem;
  font: 1rem/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff;
  overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.25; }
h2 { font-size: 1.25rem; }
h3, h4 { font-size: 1.05rem; margin: 2rem 0 0.5rem; }
h2, h3, h4, details { scroll-margin-top: 0.5rem; }
a { color: #0b57a4; }
summary { cursor: pointer; }
summary h2, summary h3 { display: inline; }
main details { border-top: 1px solid #ccc; padding: 0.6rem 0; }
main details details { margin-left: 0.75rem; }
nav ul ul { padding-left: 1.2rem; }
nav p, nav ul { margin: 0.3rem 0; }
.what { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr));
  gap: 0 1.5rem; align-items: start; }
.what ul { padding-left: 1.2rem; margin-top: 0; }
img, svg { max-width: 100%; height: auto; }
table, pre { display: block; width: fit-content; max-width: 100%; overflow-x: auto; }
table { border: 0; border-collapse: collapse; margin: 0.75rem 0; font-size: 0.85rem;
  font-variant-numeric: tabular-nums;
  /* A shadow at the right edge, where a wide table goes on; its end covers the shadow. */
  background: linear-gradient(to left, #fff 1rem, transparent) 100% 0 / 2rem 100% no-repeat local,
    linear-gradient(to left, #0004, transparent) 100% 0 / 0.75rem 100% no-repeat; }
th, td { padding: 0.15rem 0.6rem; border: 0; border-bottom: 1px solid #ddd; text-align: right;
  white-space: nowrap; vertical-align: top; }
tbody th, th:first-child, td:first-child { text-align: left; }
td:first-child { white-space: normal; min-width: 8rem; }
pre, code { font: 0.85rem/1.4 ui-monospace, monospace; }
pre { box-sizing: border-box; padding: 0.5rem; color: #1a1a1a; background: #f6f6f6; }
.jp-RenderedText pre { white-space: pre-wrap; }
main .code { border: 0; margin: 0; padding: 0; font-size: 0.8rem; color: #666; }
.highlight .k, .highlight .kn, .highlight .kc, .highlight .ow { color: #00419e; }
.highlight .s1, .highlight .s2, .highlight .sa, .highlight .si { color: #8c2b0b; }
.highlight .mi, .highlight .mf { color: #11652f; }
.highlight .c1 { color: #666; }
@media print {
  body { max-width: none; }
  .code, nav { display: none; }
  details::details-content { content-visibility: visible; block-size: auto; }
  img, tr { break-inside: avoid; }
  table { font-size: 0.65rem; background: none; }
  th, td { white-space: normal; }
}
"""


@dataclass(frozen=True)
class Section:
    """A notebook as HTML.

    Args:
        anchor: its id on the page.
        method: whose training or test it is; "" if it is no single method's.
        title: HTML of its first heading.
        headings: ids and HTML of the others.
        body: all but the title.
    """

    anchor: str
    method: str
    title: str
    headings: list[tuple[str, str]]
    body: str


def section(notebook: nbformat.NotebookNode, anchor: str, method: str = "") -> Section:
    """Render a notebook; images get the text in their output's metadata `alt`.

    Headings go down below those of the page, and get ids that no other notebook has.
    """
    exporter = HTMLExporter(
        raw_template=TEMPLATE,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    headings: list[tuple[str, str]] = []

    def take(found: re.Match) -> str:
        level, text = int(found[1]) + (2 if method else 1), found[2]
        headings.append((f"{anchor}/{len(headings)}", text))
        return f'<h{level} id="{headings[-1][0]}">{text}</h{level}>' if headings[1:] else ""

    rendered = exporter.from_notebook_node(notebook)[0]
    # The styles that pandas puts before its tables would apply to all tables.
    rendered = re.sub(r"<style scoped.*?</style>", "", rendered, flags=re.DOTALL)
    body = re.sub(r"<h([1-4])>(.*?)</h\1>", take, rendered, flags=re.DOTALL)
    title, *others = headings or [("", html.escape(anchor))]
    return Section(anchor, method, title[1], others, body)


def page(title: str, summary: str, sections: list[Section], unfolded: str = "") -> str:
    """Join a summary, contents and sections to one page that needs no other file.

    Args:
        title: of the page, as text.
        summary: HTML that comes first.
        sections: in order; those of neighbouring methods are folded together.
        unfolded: anchor of the section that is open from the start.
    """
    parts, links = [], []
    for of_methods, group in groupby(sections, key=lambda part: bool(part.method)):
        members = list(group)
        folded = "".join(_fold(part, part.anchor == unfolded) for part in members)
        if of_methods:
            name = "2, 3 · Each method: its training, and its test on many chips"
            folded = _details("methods", f"<h2>{name}</h2>", folded)
            links.append(f"<li>{_link('methods', name)}\n{_methods(members)}</li>")
        else:
            links += [f"<li>{_link(part.anchor, part.title)}</li>" for part in members]
        parts.append(folded)
    contents = _details("contents", "<h2>Contents</h2>", f"<ul>{''.join(links)}</ul>", True)
    shown = html.escape(title)
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{shown}</title>
<style>
{STYLE}</style>
</head>
<body>
<main>
<h1>{shown}</h1>
{summary}
<nav>{contents}</nav>
{"".join(parts)}
</main>
</body>
</html>
"""


def _fold(part: Section, unfolded: bool) -> str:
    """A section below its title, with links to its headings if it has several."""
    links = " · ".join(_link(*heading) for heading in part.headings)
    inside = f"<nav><p>{links}</p></nav>\n" if part.headings[1:] else ""
    level = "h3" if part.method else "h2"
    title = f"{part.title}: {html.escape(part.method)}" if part.method else part.title
    return _details(part.anchor, f"<{level}>{title}</{level}>", inside + part.body, unfolded)


def _methods(parts: list[Section]) -> str:
    """One line of links per method."""
    lines = []
    for method, members in groupby(parts, key=lambda part: part.method):
        links = ", ".join(_link(part.anchor, part.anchor.partition("-")[0]) for part in members)
        lines.append(f"<li>{html.escape(method)}: {links}</li>")
    return f"<ul>{''.join(lines)}</ul>"


def _link(anchor: str, text: str) -> str:
    return f'<a href="#{html.escape(anchor)}">{text}</a>'


def _details(anchor: str, title: str, inside: str, unfolded: bool = False) -> str:
    state = " open" if unfolded else ""
    return (
        f'<details id="{html.escape(anchor)}"{state}><summary>{title}</summary>\n'
        f"{inside}\n</details>\n"
    )
