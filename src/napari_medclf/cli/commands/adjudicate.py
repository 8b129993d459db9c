"""`medclf adjudicate`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from napari_medclf.cli.command import Command
from napari_medclf.cli.tables import columns
from napari_medclf.jobs.people.adjudicate import Adjudicated, AdjudicateOptions, adjudicate


def _document(found: Adjudicated) -> Mapping[str, Any]:
    return {"disputes": found.disputes, "annotation": found.annotation}


def _show(found: Adjudicated) -> Iterator[str]:
    if found.annotation is not None:
        yield f"{found.annotation.case_id}: decided by {found.annotation.author}"
        return
    rows = [
        (one.case_id, f"{one.difference:.3f}", "decided" if one.is_decided else "open", ", ".join(one.readers))
        for one in found.disputes
    ]
    if rows:
        yield from columns([("case", "difference", "state", "readers"), *rows])
    n_open = sum(not one.is_decided for one in found.disputes)
    yield f"{n_open} of {len(rows)} cases that two or more people read are undecided"


COMMAND = Command(AdjudicateOptions, adjudicate, _document, _show)
