"""`medclf read`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from napari_medclf.cli.command import BAD_INPUT, DONE, SOME_FAILED, Command, exit_code
from napari_medclf.domain.events import FinishReason, Outcome
from napari_medclf.jobs.read import Listing, ReadOptions, read


def _document(listing: Listing) -> dict[str, Any]:
    return dataclasses.asdict(listing)


def _show(listing: Listing) -> Iterator[str]:
    for image in listing.images:
        size = " x ".join(map(str, image["shape"]))
        facts = [image["modality"] or "modality unknown", size, image["dtype"], _step(image), image["orientation"]]
        yield from _entry(image, facts)
    for labels in listing.labels:
        for layer in labels["layers"] or [{}]:
            size = " x ".join(map(str, layer.get("shape", ())))
            names = ", ".join(layer.get("classes", ())) or f"{len(labels['regions'])} regions without a grid"
            yield from _entry(labels, [labels["kind"], size, _step(layer) if layer else "", names])
    for report in listing.reports:
        yield from _entry(report, ["report", f"{len(report['groups'])} groups"])
        for group in report["groups"]:
            numbers = ", ".join(f"{one['name']} {one['value']:g} {one['unit']}" for one in group["measurements"])
            said = ", ".join(f"{concept}: {value}" for concept, value in group["statements"].items())
            yield f"    {group['finding'] or group['scope']}: {'; '.join(filter(None, (numbers, said)))}"
    for entry in listing.series:
        size = " x ".join(map(str, entry["size"]))
        named = " ".join(filter(None, (entry["series_number"], entry["description"])))
        facts = [entry["kind"], named, size, _step(entry), f"{entry['n_files']} files"]
        yield from _entry(entry, facts)
        yield from _refusal(entry) if entry["reason"] else ()
    for one in listing.refused:
        yield from _refusal(one)
    refused_series = [entry for entry in listing.series if entry["reason"]]
    counts = {
        "images": listing.images,
        "label sets": listing.labels,
        "reports": listing.reports,
        "series": listing.series,
        "refused": (*refused_series, *listing.refused),
    }
    always = {"images", "refused"} if not listing.series else {"series", "refused"}
    yield ", ".join(f"{len(found)} {name}" for name, found in counts.items() if found or name in always)


def _entry(one: dict[str, Any], facts: list[str]) -> Iterator[str]:
    where = f"{one['path']}#{one['member']}" if one.get("member") else one["path"]
    where = "".join(
        character if character.isprintable() else "?" for character in where
    )  # one line, also for odd names
    yield f"{where}: {', '.join(fact for fact in facts if fact)}"
    for warning in one["warnings"]:
        yield f"    warning: {warning}"


def _refusal(one: dict[str, Any]) -> Iterator[str]:
    yield f"refused {one['path']}: {one['reason'].rstrip('.')}. {one['hint']}".rstrip()
    for way in one["ways"]:
        yield f"    to open it all the same: {way}"


def _step(one: dict[str, Any]) -> str:
    spacing = one["spacing_mm"]
    return " x ".join(f"{step:.4g}" for step in spacing) + " mm" if spacing else "no scale"


def _exit_code(outcome: Outcome[Listing]) -> int:
    if outcome.reason is not FinishReason.COMPLETED or outcome.result is None:
        return exit_code(outcome)
    found = outcome.result
    if not (found.images or found.labels or found.reports or any(not one["reason"] for one in found.series)):
        return BAD_INPUT
    return SOME_FAILED if found.refused or any(one["reason"] for one in found.series) else DONE


COMMAND = Command(ReadOptions, read, _document, _show, _exit_code)
