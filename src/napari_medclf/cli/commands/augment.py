"""`medclf augment`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from napari_medclf.cli.command import Command
from napari_medclf.jobs.augment_preview import AugmentOptions, AugmentSheet, draw_augmentation


def _document(sheet: AugmentSheet) -> dict[str, Any]:
    return dataclasses.asdict(sheet)


def _show(sheet: AugmentSheet) -> Iterator[str]:
    yield from sheet.warnings
    yield f"wrote {sheet.out}"


COMMAND = Command(AugmentOptions, draw_augmentation, _document, _show)
