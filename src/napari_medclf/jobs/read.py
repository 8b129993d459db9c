"""Say what is in files and folders: every image with its geometry, and everything refused with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.options import check_options, option

if TYPE_CHECKING:
    from napari_medclf.domain.image import MedImage


@dataclass(frozen=True)
class ReadOptions:
    """What to look at."""

    paths: tuple[Path, ...] = option(help="files or folders: DICOM, NIfTI, PNG, JPEG, TIFF, npz", positional=True)

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class Listing:
    """What was found, as plain values.

    Parameters
    ----------
    images : tuple of dict
        One an image: ``name, path, member, shape, spacing_mm, affine_lps, modality, warnings`` and more.
    refused : tuple of dict
        ``path, reason, hint`` of what could not be read.
    """

    images: tuple[dict[str, Any], ...]
    refused: tuple[dict[str, str], ...]


def read(options: ReadOptions) -> Job[Listing]:
    """Read paths one after the other and list what is in them; a bad file is listed, never raised."""
    from napari_medclf.io.read import read as read_paths

    images: list[dict[str, Any]] = []
    refused: list[dict[str, str]] = []
    for position, path in enumerate(options.paths):
        yield Progress(position, len(options.paths), f"reading {path.name}")
        report = read_paths([path])
        images += [describe_image(image) for image in report.images]
        refused += [{"path": str(one.path), "reason": one.reason, "hint": one.hint} for one in report.refusals]
    return Listing(tuple(images), tuple(refused))


def describe_image(image: MedImage) -> dict[str, Any]:
    """Reduce an image to what a listing or a table shows; holds nothing that names a patient.

    ``shape`` and ``spacing_mm`` are in (k, j, i); ``spacing_mm`` is None where the image carries no scale;
    ``affine_lps`` maps (k, j, i, 1) to LPS millimetres.
    """
    geometry, source = image.geometry, image.source
    return {
        "name": image.name,
        "path": str(source.path),
        "member": source.member,
        "description": source.description,
        "modality": image.modality,
        "shape": list(image.data.shape),
        "dtype": str(image.data.dtype),
        "channels": image.channel_kind.value,
        "channel_names": list(image.channel_names),
        "spacing_mm": list(geometry.spacing) if geometry.unit.value == "mm" else None,
        "unit": geometry.unit.value,
        "orientation": geometry.axis_codes if geometry.unit.value == "mm" else "",
        "is_oblique": geometry.is_oblique,
        "affine_lps": geometry.affine.tolist(),
        "frame_of_reference_uid": geometry.frame_of_reference_uid,
        "series_uid": source.series_uid,
        "scale": image.scale.value,
        "window": list(image.window) if image.window else None,
        "digest": source.digest,
        "warnings": list(image.warnings),
    }
