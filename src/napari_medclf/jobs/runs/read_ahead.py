"""Read the next image of a run while the network is busy with this one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_medclf.jobs.background import begin

if TYPE_CHECKING:
    from napari_medclf.domain.image import MedImage
    from napari_medclf.jobs.runs.case import RunCase


def read_ahead(cases: Sequence[RunCase]) -> Iterator[RunCase]:
    """Give the cases back one by one; as soon as one is loaded, the reading of the next begins.

    One image is read ahead and no more, so that two are in memory at most. What goes wrong while reading is raised
    by the case's own `load`.
    """
    begun: dict[int, Future[MedImage]] = {}

    def load(position: int) -> MedImage:
        reading = begun.pop(position, None) or begin(cases[position].load)
        image = reading.result()
        if position + 1 < len(cases):
            begun[position + 1] = begin(cases[position + 1].load)
        return image

    for position, case in enumerate(cases):
        yield replace(case, load=lambda position=position: load(position))  # type: ignore[misc]  # lambda's default
