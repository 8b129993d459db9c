"""The page of a run: how it went, what failed and why, what the answers are like, and which to look at first."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.run import CaseRecord, CaseStatus, RunRecord
from napari_medclf.domain.triage import TriageRow
from napari_medclf.jobs.json_text import printable
from napari_medclf.jobs.report.html import Html, folded, page, pairs, paragraph, table
from napari_medclf.jobs.triage.histogram import histogram_figure
from napari_medclf.jobs.triage.thumbnail import thumbnail_path

if TYPE_CHECKING:
    from napari_medclf.domain.card import ModelCard

_MOST_PICTURES = 60
_MOST_REASONS = 30
_MOST_CHARTS = 12
_MOST_WORDS = 160
_PLACES = frozenset({"folder", "paths", "out", "data"})
"""Options whose values may be named after patients; run.json has them."""
_CHARTED = ("score:", "volume_", "area_", "n_objects:", "n_boxes:", "value:")


def run_page(out: Path, record: RunRecord, rows: Sequence[TriageRow], card: ModelCard | None = None) -> str:
    """Write ``report.html``: one file that loads nothing, and names no more than the results' folder does.

    Parameters
    ----------
    out : Path
        The run's folder, with its thumbnails.
    rows : sequence of TriageRow
        Worst first.
    card : ModelCard or None
        Of the model; None leaves it out.
    """
    sections = [(anchor, name, parts) for anchor, name, parts in _sections(out, record, rows, card) if parts]
    links = "".join(f'<a href="#{anchor}">{escape(name)}</a>' for anchor, name, _ in sections)
    body = [f'<h2 id="{anchor}">{escape(name)}</h2>\n' + "\n".join(parts) for anchor, name, parts in sections]
    title = f"{record.model} {record.model_version}: {record.spec.command}"
    return page(title, [*_head(record), _tiles(record), f"<nav>{links}</nav>", *body, *_foot(record)])


def _head(record: RunRecord) -> Iterator[str]:
    yield f"<h1>{escape(record.model)} on {len(record.cases)} cases</h1>"
    seconds = f"{record.elapsed_s:.0f} s" if record.elapsed_s < 600 else f"{record.elapsed_s / 3600:.1f} h"
    yield paragraph(f"Version {record.model_version}, on {record.device}. Begun {record.started}, took {seconds}.")
    yield '<span class="research">Research use only. Not a medical device.</span>'
    if record.message:
        yield paragraph(printable(record.message), "banner")


def _tiles(record: RunRecord) -> Html:
    counts = Counter(one.status for one in record.cases)
    tiles = "".join(
        f'<div class="tile"><b>{counts[status]}</b><span>{status.value}</span></div>'
        for status in CaseStatus
        if counts[status]
    )
    return Html(f'<div class="tiles">{tiles}</div>')


def _sections(
    out: Path, record: RunRecord, rows: Sequence[TriageRow], card: ModelCard | None
) -> Iterator[tuple[str, str, list[Html]]]:
    yield "first", "Look at these first", _gallery(out, record, rows)
    yield "charts", "What the answers are like", _charts(record, rows)
    yield "not-run", "Failed and skipped", _reasons(record)
    yield "model", "Model card", _card(card)
    told = {name: value for name, value in record.spec.options.items() if name not in _PLACES}
    options = {name: str(value) for name, value in told.items() if value not in (None, "", False, [])}
    yield "options", "Options", [folded("As the run was started", pairs(options))]


def _gallery(out: Path, record: RunRecord, rows: Sequence[TriageRow]) -> list[Html]:
    if not rows:
        return []
    by_case = {one.case_id: one for one in record.cases}
    figures = [_picture(out, row, by_case[row.case_id]) for row in rows[:_MOST_PICTURES]]
    left = len(rows) - len(figures)
    note = "The higher the score (0 to 1), the more speaks against an answer; none is known to be right or wrong."
    more = f" {left} more stand in triage.csv." if left else ""
    return [paragraph(note + more, "note"), Html(f'<div class="cases">{"".join(figures)}</div>')]


def _picture(out: Path, row: TriageRow, case: CaseRecord) -> str:
    try:
        encoded = base64.b64encode(thumbnail_path(out, row.case_id).read_bytes()).decode()
        image = f'<img src="data:image/jpeg;base64,{encoded}" alt="case {row.rank}" loading="lazy">'
    except OSError:
        image = '<p class="note">no picture</p>'
    said = _short(str(case.values.get("decided") or case.values.get("top_class") or ""))
    answer = f" said: <strong>{escape(said)}</strong>." if said else ""
    caption = f"{row.rank}. <strong>{escape(_short(printable(row.case_id)))}</strong>, score {row.score:.2f}.{answer}"
    return f"<figure>{image}<figcaption>{caption} {escape(_short(printable(row.sentence)))}</figcaption></figure>"


def _charts(record: RunRecord, rows: Sequence[TriageRow]) -> list[Html]:
    done = [one.values for one in record.cases if one.status is CaseStatus.DONE]
    figures = [histogram_figure("Triage score", [row.score for row in rows], (0.0, 1.0))] if rows else []
    names = dict.fromkeys(name for values in done for name in values if name.startswith(_CHARTED))
    for name in list(names)[:_MOST_CHARTS]:
        numbers = [float(one[name]) for one in done if isinstance(one.get(name), int | float)]
        figures.append(histogram_figure(_column_name(name), numbers, (0.0, 1.0) if name.startswith("score:") else None))
    left = len(names) - _MOST_CHARTS
    note = [paragraph(f"{left} more columns stand in results.csv.", "note")] if left > 0 else []
    drawn = [one for one in figures if one is not None]
    return [Html(f'<div class="figures">{"".join(drawn)}</div>'), *note] if drawn else []


def _reasons(record: RunRecord) -> list[Html]:
    """List why cases have no answer, the commonest reason first, with an example of each."""
    without = [one for one in record.cases if one.status is not CaseStatus.DONE]
    if not without:
        return []
    found: dict[tuple[str, str], list[CaseRecord]] = {}
    for one in without:
        found.setdefault((one.status.value, one.reason or "not run yet"), []).append(one)
    common = sorted(found.items(), key=lambda item: -len(item[1]))
    lines = [
        [status, str(len(cases)), _short(printable(reason)), _short(printable(cases[0].case_id))]
        for (status, reason), cases in common[:_MOST_REASONS]
    ]
    left = len(common) - len(lines)
    note = [paragraph(f"{left} more reasons stand in results.csv.", "note")] if left > 0 else []
    return [table(["status", "cases", "reason", "for example"], lines), *note]


def _card(card: ModelCard | None) -> list[Html]:
    from napari_medclf.jobs.report.about import model_card

    return [] if card is None else [folded(card.title, model_card(card, {}))]


def _foot(record: RunRecord) -> Iterator[str]:
    versions: Mapping[str, Any] = record.spec.versions
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    yield paragraph(f"Weights {record.weights_sha256[:16]}... {listed}", "note")


def _column_name(name: str) -> str:
    """Name a column of the results.

    >>> _column_name("volume_ml:liver"), _column_name("score:pneumonia")
    ('volume of liver (ml)', 'score of pneumonia')
    """
    column, _, one_class = name.partition(":")
    if column.startswith("n_"):
        return f"number of {one_class} ({column[2:]})"
    what, _, unit = column.partition("_")
    return f"{what} of {one_class} ({unit})" if unit else f"{what} of {one_class}"


def _short(text: str) -> str:
    return text if len(text) <= _MOST_WORDS else text[: _MOST_WORDS - 3] + "..."
