"""`medclf models`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from napari_medclf.cli.command import BAD_INPUT, Command, exit_code
from napari_medclf.cli.commands import ensemble
from napari_medclf.cli.tables import columns, metric_lines
from napari_medclf.domain.events import FinishReason, Outcome
from napari_medclf.domain.package import ModelPackage
from napari_medclf.jobs.models import ModelsOptions, ModelsResult, models
from napari_medclf.store.zoo.entry import ZooEntry, size_text

_MOST_CLASSES = 6
_OFFER_HEADER = ("name", "version", "task", "modality", "size", "licence", "runs", "here", "title")


def _document(result: ModelsResult) -> dict[str, Any]:
    if result.online:
        return {"action": result.action, "online": [_offer(one, result) for one in result.online]}
    return {
        "action": result.action,
        "models": [_describe(one, result) for one in result.packages],
        "problems": list(result.problems),
        **({"removed": result.removed} if result.removed else {}),
    }


def _offer(entry: ZooEntry, result: ModelsResult) -> dict[str, Any]:
    described: dict[str, Any] = entry.model_dump(mode="json")
    return described | {"is_runnable": entry.is_runnable, "is_installed": _is_here(entry, result)}


def _is_here(entry: ZooEntry, result: ModelsResult) -> bool:
    return any(one.name.casefold() == entry.name.casefold() for one in result.packages)


def _describe(package: ModelPackage, result: ModelsResult) -> dict[str, Any]:
    card = package.card
    if result.action == "show":
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
    return described | {
        "backend": card.backend,
        "folder": str(package.folder),
        "files": [path.relative_to(package.folder).as_posix() for path in package.files],
        "is_embedded": package.is_embedded,
        "would_run": [] if package.trust is None else list(package.trust.what),
        "is_trusted": package.name in result.trusted,
    }


def _show(result: ModelsResult) -> Iterator[str]:
    if result.online:
        yield from columns([_OFFER_HEADER, *(_offer_row(one, result) for one in result.online)])
        yield ""
        yield "medclf models install NAME downloads one. A size with ~ is that of the network alone."
    elif result.action == "show":
        for package in result.packages:
            yield from _card_lines(package)
            yield from _trust_lines(package, is_trusted=package.name in result.trusted)
    elif result.action == "trust":
        for package in result.packages:
            yield from _trust_lines(package, is_trusted=package.name in result.trusted)
    elif result.action == "list" and result.packages:
        header = ("name", "version", "task", "kind", "classes", "title", "place")
        yield from columns([header, *(_row(package) for package in result.packages)])
    elif result.action == "remove":
        yield f"removed {result.removed}"
    else:
        yield from (f"{result.action}: {one.name} {one.card.version} in {one.folder}" for one in result.packages)
    if result.action == "verify":
        yield from (f"problem: {one}" for one in result.problems)


def _offer_row(entry: ZooEntry, result: ModelsResult) -> tuple[str, ...]:
    here = "yes" if _is_here(entry, result) else ""
    modality = ", ".join(entry.modality)
    licence = entry.licence.partition(":")[0]
    return (entry.name, entry.version, entry.task, modality, size_text(entry), licence, entry.runs, here, entry.title)


def _row(package: ModelPackage) -> tuple[str, ...]:
    card = package.card
    place = "comes with medclf" if package.is_embedded else str(package.folder)
    return (card.name, card.version, card.task.value, card.backend, _classes(card.schema_.names), card.title, place)


def _classes(names: Sequence[str]) -> str:
    """List a few classes; a whole-body model has a hundred."""
    return ", ".join(names) if len(names) <= _MOST_CLASSES else f"{len(names)} classes"


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
    yield f"kind: {card.backend}"
    yield f"folder: {package.folder}"


def _trust_lines(package: ModelPackage, *, is_trusted: bool) -> Iterator[str]:
    """Show what would run, line by line, as it stands in the files."""
    if package.trust is None:
        yield "runs no code of its own"
        return
    yield "trusted: " + ("yes, this may run:" if is_trusted else "no; this would run:")
    yield from (f"  {line}" for line in package.trust.what)
    if not is_trusted:
        yield f"If you trust whoever made it: medclf models trust {package.name}"


def _exit_code(outcome: Outcome[ModelsResult]) -> int:
    is_verified = outcome.reason is FinishReason.COMPLETED and outcome.result is not None
    if is_verified and outcome.result is not None and outcome.result.action == "verify" and outcome.result.problems:
        return BAD_INPUT
    return exit_code(outcome)


COMMAND = Command(ModelsOptions, models, _document, _show, _exit_code)
BESIDE = {"ensemble": ensemble.COMMAND}
