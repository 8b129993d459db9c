"""A folder of numbered pictures read as one volume, when a person asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_medclf.domain.arrays import PixelArray
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Geometry, Unit
from napari_medclf.domain.image import ChannelKind, MedImage, Source
from napari_medclf.io.open_one import open_one
from napari_medclf.io.preflight import check_budget
from napari_medclf.io.raster.picture import picture_window
from napari_medclf.io.sniff import Kind, name_of
from napari_medclf.io.walk import Found, natural_key

STACK_MEMBER = "+stack"
"""Member of a folder that asks for its pictures as one volume."""

FEWEST_SLICES = 3
_PICTURES = (Kind.PNG, Kind.TIFF, Kind.JPEG, Kind.BMP)


def stackable(found: Sequence[Found], folder: Path) -> tuple[Path, ...]:
    """List the pictures that lie directly in a folder, in natural order; empty where they are too few or of two kinds.

    Only names and kinds are looked at; sizes are compared when the stack is read.
    """
    here = [one for one in found if one.path.parent == folder and one.kind in _PICTURES]
    if len(here) < FEWEST_SLICES or len({one.kind for one in here}) > 1:
        return ()
    numbered = [one.path for one in here if any(character.isdigit() for character in one.path.stem)]
    return tuple(sorted(numbered, key=lambda path: natural_key(path.name))) if len(numbered) == len(here) else ()


def read_stack(folder: Path, found: Sequence[Found]) -> MedImage:
    """Read the pictures of a folder as slices k = 0, 1 ... in the natural order of their names.

    The distance of the slices is not known, so the volume is in pixels.

    Raises
    ------
    ReadError
        If there are fewer than three, or one differs from the first in size, kind or sample type.
    """
    paths = stackable(found, folder)
    if not paths:
        raise ReadError(
            folder,
            f"holds no stack of slices: {FEWEST_SLICES} or more pictures of one kind with numbers in their names were "
            "expected",
        )
    kind = next(one.kind for one in found if one.path == paths[0])
    first = open_one(paths[0], kind)
    check_budget(folder, first.data.nbytes * len(paths))
    others = [_same(open_one(path, kind), first, path) for path in paths[1:]]
    data = np.concatenate([first.data, *others], axis=-3)
    is_colour = first.channel_kind is ChannelKind.COLOUR
    note = (
        f"{len(paths)} pictures were stacked in the order of their names, {paths[0].name} to {paths[-1].name}; how far "
        "they are apart is not known."
    )
    return replace(
        first,
        data=data,
        geometry=Geometry.from_spacing(data.shape[-3:], unit=Unit.PIXEL),
        name=name_of(folder),
        window=None if is_colour else picture_window(data),
        source=Source(folder, STACK_MEMBER, files=paths),
        warnings=(note, *first.warnings),
    )


def _same(image: MedImage, first: MedImage, path: Path) -> PixelArray:
    if image.data.shape != first.data.shape or image.data.dtype != first.data.dtype:
        raise ReadError(
            path,
            f"is {image.data.shape} of {image.data.dtype}, and the first picture of the stack is {first.data.shape} of "
            f"{first.data.dtype}",
        )
    if not first.is_flat:
        raise ReadError(path, "holds several slices itself, and one a file was expected")
    return image.data
