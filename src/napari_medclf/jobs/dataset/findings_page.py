"""Findings as a page for the eye: pictures, sentences, and a box each that builds the list of cases to leave out."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING

from napari_medclf.domain.quality import Severity

if TYPE_CHECKING:
    from napari_medclf.domain.quality import Finding
    from napari_medclf.jobs.dataset.check_report import CheckReport

_STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem; color: #222; background: #fff }
li { display: flex; gap: 1rem; align-items: center; padding: .5rem; border-top: 1px solid #ddd; list-style: none }
ul { padding: 0 } img { max-width: 400px; image-rendering: pixelated; background: #000 }
.error b { color: #b00020 } .warning b { color: #8a5a00 }
button { font: inherit; padding: .4rem 1rem }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #1b1b1b } li { border-color: #444 }
.error b { color: #ff8a8a } .warning b { color: #f0c060 } }
"""
_SCRIPT = """
document.getElementById("save").onclick = () => {
  const exclude = {};
  for (const box of document.querySelectorAll("input:checked"))
    for (const name of JSON.parse(box.dataset.cases)) exclude[name] ??= box.dataset.reason;
  const text = JSON.stringify({schema_version: 1, exclude}, null, 1);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {type: "application/json"}));
  link.download = "exclude.json";
  link.click();
};
"""


def findings_page(report: CheckReport) -> str:
    """Write one page; pictures lie beside it, nothing comes from the network.

    Boxes of errors are ticked; the button saves ``exclude.json`` with the cases of all ticked ones.
    """
    kinds = ", ".join(f"{n} {kind}" for kind, n in report.counts.items()) or "nothing found"
    warnings = "".join(f"<p>{escape(one)}</p>" for one in report.warnings)
    items = "".join(map(_item, report.findings))
    title = f"Findings in {escape(report.name)}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"<h1>{title}</h1><p>{report.n_cases} cases: {escape(kinds)}</p>{warnings}"
        f'<p><button id="save">Save exclude.json</button> with the cases of all ticked findings</p><ul>{items}</ul>'
        f"<script>{_SCRIPT}</script></html>\n"
    )


def _item(finding: Finding) -> str:
    picture = f'<img src="{escape(finding.picture)}" alt="">' if finding.picture else ""
    is_error = finding.severity is Severity.ERROR
    box = ""
    if finding.exclude:
        cases, reason = escape(json.dumps(finding.exclude)), escape(f"{finding.kind}: {finding.sentence}")
        ticked = " checked" if is_error else ""
        box = f'<input type="checkbox" data-cases="{cases}" data-reason="{reason}" aria-label="leave out"{ticked}>'
    return (
        f'<li class="{finding.severity}">{box}{picture}<span><b>{finding.severity}: {finding.kind}</b> '
        f"{escape(finding.sentence)}</span></li>"
    )
