"""`medclf models`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from napari_medclf.cli.command import BAD_INPUT, Command, exit_code
from napari_medclf.cli.tables import columns, metric_lines
from napari_medclf.domain.events import FinishReason, Outcome
from napari_medclf.domain.package import ModelPackage
from napari_medclf.jobs.models import ModelsOptions, ModelsResult, models


def _document(result: ModelsResult) -> dict[str, Any]:
    return {
        "action": result.action,
        "models": [_describe(one, is_whole=result.action == "show") for one in result.packages],
        "problems": list(result.problems),
        **({"removed": result.removed} if result.removed else {}),
    }


def _describe(package: ModelPackage, *, is_whole: bool) -> dict[str, Any]:
    card = package.card
    if is_whole:
        described: dict[str, Any] = card.model_dump(mode="json", by_alias=True)
    else:
        described = {
            "name": card.name,
            "version": card.version,
            "task": card.task,
            "title": card.title,
            "classes": card.schema_.names,
            "modality": card.input.modality,
            "licence": card.licence,
            "metrics": card.metrics,
        }
    return described | {"folder": str(package.folder), "is_embedded": package.is_embedded}


def _show(result: ModelsResult) -> Iterator[str]:
    if result.action == "show":
        for package in result.packages:
            yield from _card_lines(package)
    elif result.action == "list" and result.packages:
        header = ("name", "version", "task", "classes", "title")
        yield from columns([header, *(_row(package) for package in result.packages)])
    elif result.action == "remove":
        yield f"removed {result.removed}"
    else:
        yield from (f"{result.action}: {one.name} {one.card.version} in {one.folder}" for one in result.packages)
    if result.action == "verify":
        yield from (f"problem: {one}" for one in result.problems)


def _row(package: ModelPackage) -> tuple[str, ...]:
    card = package.card
    return (card.name, card.version, card.task.value, ", ".join(card.schema_.names), card.title)


def _card_lines(package: ModelPackage) -> Iterator[str]:
    card = package.card
    yield f"{card.title} ({card.name} {card.version}, {card.task})"
    yield card.description
    yield f"classes: {', '.join(card.schema_.names)}"
    modality = " or ".join(card.input.modality) or "any modality"
    yield f"input: {card.input.spatial_dims}D, {', '.join(card.input.channels)}, {modality}"
    yield f"intended use: {card.intended_use}"
    yield from (f"limit: {limit}" for limit in card.limits)
    yield f"licence: {card.licence}"
    for credit in card.data:
        counts = f"train {credit.n_train}, val {credit.n_val}, test {credit.n_test}"
        yield f"data: {credit.name} ({credit.licence}), {counts}"
        yield from (text for text in (credit.attribution, credit.split) if text)
    yield from metric_lines(card.metrics)
    yield f"folder: {package.folder}"


def _exit_code(outcome: Outcome[ModelsResult]) -> int:
    is_verified = outcome.reason is FinishReason.COMPLETED and outcome.result is not None
    if is_verified and outcome.result is not None and outcome.result.action == "verify" and outcome.result.problems:
        return BAD_INPUT
    return exit_code(outcome)


COMMAND = Command(ModelsOptions, models, _document, _show, _exit_code)
