"""Objects that say something about images: each kind goes to its reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.derived import LabelSet, MeasurementReport
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.listing import SeriesEntry
from napari_medclf.io.derived.classes import READER_OF, is_derived
from napari_medclf.io.derived.open_file import open_derived
from napari_medclf.io.derived.reference import read_reference
from napari_medclf.io.derived.source_grid import SourceGrid
from napari_medclf.io.dicom import tags
from napari_medclf.io.dicom.keys import study_key
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.preflight import refusing
from napari_medclf.io.sniff import name_of

_Reader = Callable[[Path, Sequence[SourceGrid]], LabelSet | MeasurementReport | MedImage]


def read_derived(path: Path, grids: Sequence[SourceGrid] = ()) -> LabelSet | MeasurementReport | MedImage:
    """Read a segmentation, a set of contours, a structured report or a parametric map.

    Parameters
    ----------
    grids : sequence of SourceGrid
        Images that it may have been made for.

    Raises
    ------
    ReadError
        If it is damaged, or of a kind or form that is not read.
    """
    module, name = READER_OF[_class_of(path, open_derived(path))]
    reader: _Reader = getattr(import_module(f"napari_medclf.io.derived.{module}"), name)
    return reader(path, grids)


def describe_derived(path: Path) -> SeriesEntry:
    """List a derived object by its header, without its samples.

    Raises
    ------
    ReadError
        If it is damaged, or of a kind that is not read.
    """
    dataset = open_derived(path)
    _class_of(path, dataset)
    with refusing(path, "has a damaged DICOM header", with_text=False), quiet():
        return _describe(path, dataset)


def _class_of(path: Path, dataset: Any) -> str:
    sop_class = tags.text(dataset, "SOPClassUID") or tags.meta_text(dataset, "MediaStorageSOPClassUID")
    if not is_derived(sop_class):
        raise ReadError(path, "is no segmentation, contour set, report or parametric map")
    return sop_class


def _describe(path: Path, dataset: Any) -> SeriesEntry:
    return SeriesEntry(
        ref=FileRef(path),
        name=name_of(path),
        kind=tags.text(dataset, "Modality"),
        study=study_key(tags.text(dataset, "StudyInstanceUID")),
        series_uid=tags.text(dataset, "SeriesInstanceUID"),
        series_number=tags.text(dataset, "SeriesNumber"),
        description=tags.text(dataset, "SeriesDescription"),
        size=_size(dataset),
        refers_to=read_reference(dataset).series_uid,
        files=(path,),
        modality=tags.text(dataset, "Modality"),
        body_part=tags.text(dataset, "BodyPartExamined"),
        series_time=tags.series_time(dataset),
    )


def _size(dataset: Any) -> tuple[int, ...]:
    size = tuple(int(tags.number(dataset, name, 0)) for name in ("NumberOfFrames", "Rows", "Columns"))
    return size if min(size) > 0 else ()
