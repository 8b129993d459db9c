"""`medclf revisions`: list the states of a project's model with their scores, use one, or go back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from napari_medclf.cli.command import Command
from napari_medclf.cli.tables import columns
from napari_medclf.domain.package import ModelPackage
from napari_medclf.jobs.adapt.commands import (
    AcceptOptions,
    RevisionsOptions,
    RollBackOptions,
    accept_revision,
    list_revisions,
    roll_back_revision,
)
from napari_medclf.jobs.adapt.revise import Moment


def _document(moments: tuple[Moment, ...]) -> dict[str, Any]:
    return {
        "revisions": [
            one.revision.model_dump(mode="json")
            | {"is_current": one.is_current, "data": one.data.model_dump(mode="json") if one.data else None}
            for one in moments
        ]
    }


def _show(moments: tuple[Moment, ...]) -> Iterator[str]:
    if not moments:
        yield "There are no revisions yet: medclf adapt MODEL PROJECT makes the first."
        return
    head = ("", "revision", "by", "cases", "measured", "before", "after", "verdict")
    yield from columns([head, *map(_cells, moments)])


def _cells(moment: Moment) -> tuple[str, ...]:
    made, main = moment.revision, moment.main
    n_cases = str(len(moment.data.annotations)) if moment.data else ""
    numbers = (main.name, f"{main.before:.3f}", f"{main.after:.3f}") if main else ("", "", "")
    said = "" if made.verdict is None else made.verdict.judgement.value
    worse = f" (worse in {', '.join(made.verdict.worse_in)})" if made.verdict and made.verdict.worse_in else ""
    return "*" * moment.is_current, made.revision_id, made.learned_by.value, n_cases, *numbers, said + worse


def _used(package: ModelPackage) -> dict[str, Any]:
    card = package.card
    return {"in_use": package.folder.name, "model": card.name, "version": card.version, "folder": str(package.folder)}


def _show_used(package: ModelPackage) -> Iterator[str]:
    yield f"{package.folder.name} is in use: {package.name} {package.card.version}"


COMMANDS = {
    "list": Command(
        RevisionsOptions, list_revisions, _document, _show, summary="list all revisions with their verdicts"
    ),
    "accept": Command(AcceptOptions, accept_revision, _used, _show_used, summary="take a revision into use"),
    "rollback": Command(
        RollBackOptions, roll_back_revision, _used, _show_used, summary="go back to the revision used before"
    ),
}
