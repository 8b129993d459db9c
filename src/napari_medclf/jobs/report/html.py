"""Pieces of a page; every text from outside is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from napari_medclf.jobs.report.style import STYLE

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""A browser that obeys it loads nothing from anywhere, and runs no script."""


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def shown(text: str | Html) -> str:
    """Escape what is not markup yet."""
    return text if isinstance(text, Html) else escape(text)


def page(title: str, parts: Iterable[str]) -> str:
    """Write a whole page that loads nothing."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def table(header: Sequence[str | Html], body: Iterable[Sequence[str | Html]]) -> Html:
    """Write a table; wide ones scroll by themselves."""
    head = "".join(f"<th>{shown(cell)}</th>" for cell in header)
    lines = ("<tr>" + "".join(f"<td>{shown(cell)}</td>" for cell in row) + "</tr>" for row in body)
    rows = "\n".join(lines)
    return Html(f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table></div>')


def pairs(entries: Mapping[str, str | Html]) -> Html:
    """Write names and what they are; empty ones are left out."""
    lines = (f"<dt>{escape(name)}</dt><dd>{shown(text)}</dd>" for name, text in entries.items() if text)
    return Html("<dl>" + "".join(lines) + "</dl>")


def paragraph(text: str | Html, kind: str = "") -> Html:
    """Write a paragraph, of the class ``note`` or ``banner`` of the style where one is named."""
    return Html(f'<p class="{kind}">{shown(text)}</p>' if kind else f"<p>{shown(text)}</p>")


def figure(title: str, drawing: Html, caption: str | Html = "") -> Html:
    """Frame a drawing with its title above and its explanation below."""
    below = f"<figcaption>{shown(caption)}</figcaption>" if caption else ""
    return Html(f"<figure><b>{escape(title)}</b>{drawing}{below}</figure>")


def folded(title: str, content: str) -> Html:
    """Hide what few people read behind its title; on paper it is unfolded."""
    return Html(f"<details><summary>{escape(title)}</summary>{content}</details>")
