"""The page of a run: how it went, what failed and why, what the answers are like, and which to look at first."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.run import CaseStatus, RunRecord
from napari_medclf.domain.triage import TriageRow
from napari_medclf.jobs.json_text import printable
from napari_medclf.jobs.report.html import Html, folded, page, pairs, paragraph, table
from napari_medclf.jobs.triage.histogram import histogram_figure
from napari_medclf.jobs.triage.tally import Tally
from napari_medclf.jobs.triage.thumbnail import thumbnail_path

if TYPE_CHECKING:
    from napari_medclf.domain.card import ModelCard

MOST_PICTURES = 60
_MOST_REASONS = 30
_MOST_WORDS = 160
_UNITS = {"ml": "mL", "mm2": "mm²", "vox": "voxels"}
_PLACES = frozenset({"folder", "paths", "out", "data"})
"""Options whose values may be named after patients; run.json has them."""


@dataclass(frozen=True)
class RunSummary:
    """What a page tells of a run.

    Parameters
    ----------
    head : RunRecord
        How it was run; its own cases are not looked at.
    first : sequence of TriageRow
        The first of the list, worst first.
    scores : sequence of float
        Of all answers.
    """

    head: RunRecord
    tally: Tally
    first: Sequence[TriageRow]
    scores: Sequence[float]


def run_page(out: Path, run: RunSummary, card: ModelCard | None = None) -> str:
    """Write ``report.html``: one file that loads nothing, and names no more than the results' folder does.

    Parameters
    ----------
    out : Path
        The run's folder, with its thumbnails.
    card : ModelCard or None
        Of the model; None leaves it out.
    """
    sections = [(anchor, name, parts) for anchor, name, parts in _sections(out, run, card) if parts]
    links = "".join(f'<a href="#{anchor}">{escape(name)}</a>' for anchor, name, _ in sections)
    body = [f'<h2 id="{anchor}">{escape(name)}</h2>\n' + "\n".join(parts) for anchor, name, parts in sections]
    title = f"{run.head.model} {run.head.model_version}: {run.head.spec.command}"
    return page(title, [*_head(run), _tiles(run.tally), f"<nav>{links}</nav>", *body, *_foot(run.head)])


def _head(run: RunSummary) -> Iterator[str]:
    record = run.head
    n_cases = run.tally.n_cases
    yield f"<h1>{escape(record.model)} on {n_cases:,} {'case' if n_cases == 1 else 'cases'}</h1>"
    seconds = f"{record.elapsed_s:.0f} s" if record.elapsed_s < 600 else f"{record.elapsed_s / 3600:.1f} h"
    yield paragraph(
        f"Version {record.model_version}, on {record.device}. Begun {_time(record.started)}, took {seconds}."
    )
    yield '<span class="research">Research use only. Not a medical device.</span>'
    if record.message:
        yield paragraph(printable(record.message), "banner")


def _tiles(tally: Tally) -> Html:
    tiles = "".join(
        f'<div class="tile"><b>{tally.counts[status]:,}</b><span>{status.value}</span></div>'
        for status in CaseStatus
        if tally.counts[status]
    )
    return Html(f'<div class="tiles">{tiles}</div>')


def _sections(out: Path, run: RunSummary, card: ModelCard | None) -> Iterator[tuple[str, str, list[Html]]]:
    yield "first", "Look at these first", _gallery(out, run)
    yield "charts", "What the answers are like", _charts(run)
    yield "not-run", "Failed and skipped", _reasons(run.tally)
    yield "model", "Model card", _card(card)
    told = {name: value for name, value in run.head.spec.options.items() if name not in _PLACES}
    options = {name: _option(value) for name, value in told.items() if value not in (None, "", False, [])}
    yield "options", "Options", [folded("As the run was started", pairs(options))]


def _gallery(out: Path, run: RunSummary) -> list[Html]:
    if not run.first:
        return []
    figures = [_picture(out, row, run.tally.said.get(row.case_id, "")) for row in run.first]
    left = len(run.scores) - len(figures)
    note = "The higher the score (0 to 1), the more speaks against an answer; none is known to be right or wrong."
    more = f" {left} more stand in triage.csv." if left else ""
    return [paragraph(note + more, "note"), Html(f'<div class="cases">{"".join(figures)}</div>')]


def _picture(out: Path, row: TriageRow, said: str) -> str:
    try:
        encoded = base64.b64encode(thumbnail_path(out, row.case_id).read_bytes()).decode()
        image = f'<img src="data:image/jpeg;base64,{encoded}" alt="case {row.rank}" loading="lazy">'
    except OSError:
        image = '<p class="note">no picture</p>'
    answer = f" said: <strong>{escape(_short(said))}</strong>." if said else ""
    caption = f"{row.rank}. <strong>{escape(_short(printable(row.case_id)))}</strong>, score {row.score:.2f}.{answer}"
    return f"<figure>{image}<figcaption>{caption} {escape(_short(printable(row.sentence)))}</figcaption></figure>"


def _charts(run: RunSummary) -> list[Html]:
    figures = [histogram_figure("Triage score", run.scores, (0.0, 1.0))] if run.scores else []
    for name, numbers in run.tally.charted.items():
        figures.append(histogram_figure(_column_name(name), numbers, (0.0, 1.0) if name.startswith("score:") else None))
    left = run.tally.n_uncharted
    note = [paragraph(f"{left} more columns stand in results.csv.", "note")] if left > 0 else []
    drawn = [one for one in figures if one is not None]
    return [Html(f'<div class="figures">{"".join(drawn)}</div>'), *note] if drawn else []


def _reasons(tally: Tally) -> list[Html]:
    """List why cases have no answer, the commonest reason first, with an example of each."""
    common = tally.reasons
    if not common:
        return []
    lines = [
        [one.status.value, str(one.n_cases), _short(printable(one.reason)), _short(printable(one.example))]
        for one in common[:_MOST_REASONS]
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
    ('Volume of liver (mL)', 'Score of pneumonia')
    """
    column, _, one_class = name.partition(":")
    if column.startswith("n_"):
        return f"Number of {one_class} ({column[2:]})"
    what, _, unit = column.partition("_")
    return f"{what.capitalize()} of {one_class}" + (f" ({_UNITS.get(unit, unit)})" if unit else "")


def _time(started: str) -> str:
    """Write a time as people read it.

    >>> _time("2026-11-22T02:43:25+00:00")
    '2026-11-22 02:43 UTC'
    """
    try:
        return datetime.fromisoformat(started).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:  # of another program
        return started


def _option(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else "yes" if value is True else str(value)


def _short(text: str) -> str:
    return text if len(text) <= _MOST_WORDS else text[: _MOST_WORDS - 3] + "..."
