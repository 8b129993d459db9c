"""Grids of images that labels and measurements may have been made for, and how to find the right one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from napari_medclf.domain.derived import Reference
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage, Source


@dataclass(frozen=True, eq=False)
class SourceGrid:
    """Where an image lies, and which DICOM instances it is made of; holds no samples."""

    geometry: Geometry
    source: Source
    name: str
    modality: str = ""

    @classmethod
    def of_image(cls, image: MedImage) -> SourceGrid:
        """Take the grid of an image that was read."""
        return cls(image.geometry, image.source, image.name, image.modality)

    @property
    def n_acquired(self) -> int:
        """How many slices were acquired; K, unless gaps were filled."""
        return len(self.source.acquired_k) or self.geometry.shape[0]

    @cached_property
    def _places(self) -> dict[tuple[str, int], int]:
        uids = self.source.sop_instance_uids
        frames = self.source.frame_numbers or (0,) * len(uids)
        return {(uid, frame): n for n, (uid, frame) in enumerate(zip(uids, frames, strict=False))}

    def find_slice(self, sop_instance_uid: str, frame: int | None = None) -> int | None:
        """Tell which acquired slice (from 0) an instance is, or a frame (from 1) of it; None where it is none.

        >>> from pathlib import Path
        >>> source = Source(Path(), sop_instance_uids=("1.1", "1.2"))
        >>> SourceGrid(Geometry.flat(4, 5), source, "two").find_slice("1.2")
        1
        """
        if not self.source.frame_numbers:
            return self._places.get((sop_instance_uid, 0))
        if frame is None and len(self.source.frame_numbers) == 1:
            frame = self.source.frame_numbers[0]
        return self._places.get((sop_instance_uid, frame or 0))


def find_grid(reference: Reference, grids: Sequence[SourceGrid]) -> SourceGrid | None:
    """Find the image that something was made for, among those at hand; None where none, or no single one, fits.

    By the instances it names, then by the series, then by the frame of reference; of several that fit,
    the one that holds most of the instances.
    """
    found = find_grids(reference, grids)
    is_named = bool(found) and _n_named(reference, found[0]) > 0
    return found[0] if is_named or len(found) == 1 else None


def find_grids(reference: Reference, grids: Sequence[SourceGrid]) -> list[SourceGrid]:
    """List the images that something may have been made for, the likeliest first.

    Several may share their instances: the stacks of one multi-frame object. Which of them it was, places tell.
    A frame of reference alone counts only where a single image has it.
    """
    named = [grid for grid in grids if _n_named(reference, grid) > 0]
    if named:
        return sorted(named, key=lambda grid: -_n_named(reference, grid))
    series = [grid for grid in grids if reference.series_uid and grid.source.series_uid == reference.series_uid]
    if series:
        return series
    frame_uid = reference.frame_of_reference_uid
    alike = [grid for grid in grids if frame_uid and grid.geometry.frame_of_reference_uid == frame_uid]
    return alike if len(alike) == 1 else []


def _n_named(reference: Reference, grid: SourceGrid) -> int:
    return len(set(reference.sop_instance_uids).intersection(grid.source.sop_instance_uids))
