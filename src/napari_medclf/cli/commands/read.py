"""`medclf read`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from napari_medclf.cli.command import BAD_INPUT, DONE, SOME_FAILED, Command, exit_code
from napari_medclf.domain.events import FinishReason, Outcome
from napari_medclf.jobs.read import Listing, ReadOptions, read


def _document(listing: Listing) -> dict[str, Any]:
    return {"images": listing.images, "refused": listing.refused}


def _show(listing: Listing) -> Iterator[str]:
    for image in listing.images:
        size = " x ".join(map(str, image["shape"]))
        spacing = image["spacing_mm"]
        step = " x ".join(f"{one:.4g}" for one in spacing) + " mm" if spacing else "no scale"
        where = f"{image['path']}#{image['member']}" if image["member"] else image["path"]
        facts = [image["modality"] or "modality unknown", size, image["dtype"], step, image["orientation"]]
        yield f"{where}: {', '.join(fact for fact in facts if fact)}"
        for warning in image["warnings"]:
            yield f"    warning: {warning}"
    for one in listing.refused:
        yield f"refused {one['path']}: {one['reason'].rstrip('.')}. {one['hint']}".rstrip()
    yield f"{len(listing.images)} images, {len(listing.refused)} refused"


def _exit_code(outcome: Outcome[Listing]) -> int:
    if outcome.reason is not FinishReason.COMPLETED or outcome.result is None:
        return exit_code(outcome)
    if not outcome.result.images:
        return BAD_INPUT
    return SOME_FAILED if outcome.result.refused else DONE


COMMAND = Command(ReadOptions, read, _document, _show, _exit_code)
