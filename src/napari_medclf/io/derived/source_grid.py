"""Grids of images that labels and measurements may have been made for, and how to find the right one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    """Find the image that something was made for, among those at hand.

    By the instances it names, then by the series, then by the frame of reference; of several that fit,
    the one that holds most of the instances. A frame of reference alone decides only where a single image has it.
    """
    named = set(reference.sop_instance_uids)
    best = _best(grids, lambda grid: len(named.intersection(grid.source.sop_instance_uids)))
    if best is not None:
        return best
    if reference.series_uid:
        alike = [grid for grid in grids if grid.source.series_uid == reference.series_uid]
        if len(alike) == 1:
            return alike[0]
    frame_uid = reference.frame_of_reference_uid
    alike = [grid for grid in grids if frame_uid and grid.geometry.frame_of_reference_uid == frame_uid]
    return alike[0] if len(alike) == 1 else None


def _best(grids: Sequence[SourceGrid], score: Callable[[SourceGrid], int]) -> SourceGrid | None:
    best = max(grids, key=score, default=None)
    return best if best is not None and score(best) > 0 else None
