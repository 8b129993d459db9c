"""Files that hold one image each: which reader opens them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from napari_medclf.domain.image import MedImage
from napari_medclf.io.preflight import refusing
from napari_medclf.io.sniff import Kind, kind_by_name

_READERS = {
    Kind.NIFTI: ("volume.nifti", "read_nifti"),
    Kind.NRRD: ("volume.nrrd", "read_nrrd"),
    Kind.METAIMAGE: ("volume.metaimage", "read_metaimage"),
    Kind.ANALYZE: ("volume.analyze", "read_analyze"),
    Kind.PNG: ("raster.picture", "read_picture"),
    Kind.JPEG: ("raster.picture", "read_picture"),
    Kind.GIF: ("raster.picture", "read_picture"),
    Kind.BMP: ("raster.picture", "read_picture"),
    Kind.TIFF: ("raster.tiff", "read_tiff"),
    Kind.DICOM: ("dicom.read", "read_file"),
}
# Names that stand for two kinds which share them.
_ALIKE = {Kind.ANALYZE: Kind.NIFTI, Kind.DICOMDIR: Kind.DICOM}


def open_one(path: Path, kind: Kind) -> MedImage:
    """Read the one image of a file.

    Raises
    ------
    ReadError
        If it cannot be read.
    """
    module, name = _READERS[kind]
    reader: Callable[[Path], MedImage] = getattr(import_module(f"napari_medclf.io.{module}"), name)
    with refusing(path, f"cannot be read as {kind}", with_text=kind is not Kind.DICOM):
        return note_name(reader(path), kind)


def note_name(image: MedImage, kind: Kind) -> MedImage:
    """Say so when a file's name promises another kind than its content."""
    named = kind_by_name(image.source.path)
    if named in (kind, Kind.UNKNOWN) or _ALIKE.get(named) is kind or image.source.path.is_dir():
        return image
    note = f"Its name ends in {image.source.path.suffix}, and its content is {kind}; it was read as {kind}."
    return replace(image, warnings=(*image.warnings, note))
