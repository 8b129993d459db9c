"""Label images: whole numbers on a grid, however they were stored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Geometry, Unit
from napari_medclf.domain.image import ChannelKind
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.io.label_file import label_layers
from napari_medclf.io.medmnist import read_headers, read_row
from napari_medclf.io.open_one import open_one
from napari_medclf.io.raster.picture import load_raster
from napari_medclf.io.raster.tiff import load_pages, page_geometry
from napari_medclf.io.sniff import Kind
from napari_medclf.io.walk import identify
from napari_medclf.io.whole import whole_numbers

_VOLUMES = (Kind.NIFTI, Kind.NRRD, Kind.METAIMAGE, Kind.ANALYZE)
_MASK_ARRAYS = ("masks", "labels")


@dataclass(frozen=True, eq=False)
class LabelMap:
    """Label values on a grid, before anybody said what they mean.

    Parameters
    ----------
    labels : (K, J, I) integer
        In the smallest dtype they were stored in; never negative.
    geometry : Geometry
        In pixels where the file has no scale.
    schema : LabelSchema or None
        The classes, where the file names them.
    """

    labels: LabelArray
    geometry: Geometry
    schema: LabelSchema | None = None


def read_label_map(path: Path, member: str = "") -> LabelMap:
    """Read labels: bool becomes 0 and 1, palette entries their index, whole floats integers.

    Parameters
    ----------
    member : str
        In an npz: ``"train/17"`` takes row 17 of ``train_masks`` (or of ``train_labels`` where those
        are images).

    Raises
    ------
    ReadError
        If the samples are not whole numbers of one channel, or the file cannot be read.
    """
    path = Path(path)
    kind = identify(path)
    if kind is Kind.NPZ:
        return _from_npz(path, member)
    if member:
        raise ReadError(path, f"is one image and has no member {member!r}")
    if kind in _VOLUMES:
        image = open_one(path, kind)
        if image.channel_kind is not ChannelKind.NONE:
            raise ReadError(path, f"has {image.n_channels} {image.channel_kind} channels, and one was expected")
        layers = label_layers(path, kind)
        return LabelMap(whole_numbers(path, image.data), image.geometry, layers[0].schema if layers else None)
    if kind is Kind.TIFF:
        pages = load_pages(path)
        samples = pages.samples if pages.kind is ChannelKind.NONE else _one_channel(path, pages.samples, axis=0)
        return LabelMap(whole_numbers(path, samples), page_geometry(samples.shape, pages.spacing))
    if kind in (Kind.PNG, Kind.JPEG, Kind.GIF, Kind.BMP):
        raster = load_raster(path)
        samples = raster.samples if raster.samples.ndim == 2 else _one_channel(path, raster.samples, axis=2)
        samples = _as_stored(path, samples) if kind is Kind.PNG else samples
        return LabelMap(whole_numbers(path, samples[None]), Geometry.flat(*samples.shape))
    raise ReadError(path, f"is {kind}, and labels as NIfTI, NRRD, MetaImage, PNG, TIFF or npz were expected")


def _as_stored(path: Path, samples: NDArray[Any]) -> NDArray[Any]:
    """Undo the spreading of gray with 2 or 4 bits over a byte (Pillow 13); labels are what is stored."""
    with path.open("rb") as file:
        bits, colour_type = file.read(26)[24:]
    is_spread = colour_type == 0 and bits in (2, 4) and samples.dtype == np.uint8
    return samples // np.uint8(255 // (2**bits - 1)) if is_spread else samples


def _from_npz(path: Path, member: str) -> LabelMap:
    split, _, number = member.partition("/")
    headers = read_headers(path)
    array = next((f"{split}_{name}" for name in _MASK_ARRAYS if len(_shape(headers, f"{split}_{name}")) >= 3), None)
    if array is None or not (number.isascii() and number.isdigit()):
        raise ReadError(path, f"has no label image {member!r}", f"Its arrays are {', '.join(sorted(headers))}.")
    stored = read_row(path, array, int(number))
    samples = stored[None] if stored.ndim == 2 else stored
    if samples.ndim != 3:
        raise ReadError(path, f"has label images of shape {stored.shape}, and 2 or 3 dimensions were expected")
    return LabelMap(whole_numbers(path, samples), Geometry.from_spacing(samples.shape, unit=Unit.PIXEL))


def _shape(headers: dict[str, Any], name: str) -> tuple[int, ...]:
    return headers[name].shape if name in headers else ()


def _one_channel(path: Path, samples: NDArray[Any], axis: int) -> NDArray[Any]:
    """Take gray that was stored as colour; alpha does not count."""
    channels = np.moveaxis(samples, axis, 0)
    n_colours = len(channels) - (len(channels) in (2, 4))
    if any(not np.array_equal(channels[0], other) for other in channels[1:n_colours]):
        raise ReadError(
            path, "is a colour picture, and label values cannot be told from colours", "Save labels as gray or palette."
        )
    return np.asarray(channels[0])
