"""Reporting guidelines: their items in our words, and what the program knows about each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from napari_medclf.jobs.report.html import Html, paragraph, table

OPEN = "to be written by the authors"


@dataclass(frozen=True)
class Item:
    """One thing that a guideline asks for.

    Parameters
    ----------
    number : str
        Its number in the guideline.
    topic : str
        What is asked for, in our words.
    knows : str
        Name of the known fact that answers it, of `known.known_facts`; empty where only the authors can say.
    """

    number: str
    topic: str
    knows: str = ""


def checklist(items: Sequence[Item], known: Mapping[str, str], source: str) -> Html:
    """List the items with what is known; the others are marked as open."""
    rows = [[item.number, item.topic, _answer(item, known)] for item in items]
    n_known = sum(1 for item in items if known.get(item.knows))
    head = f"{n_known} of {len(items)} items are filled from the model, the data and this evaluation. {source}"
    return Html(paragraph(head, "note") + table(["item", "what is asked for", "here"], rows))


def _answer(item: Item, known: Mapping[str, str]) -> str | Html:
    return known.get(item.knows) or Html(f'<span class="open">{OPEN}</span>')
