"""Say what is in files and folders: images with their geometry, labels, reports, and what is refused and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.options import check_options, option

if TYPE_CHECKING:
    from napari_medclf.domain.derived import LabelSet, MeasurementReport
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.listing import SeriesEntry
    from napari_medclf.domain.results import Segmentation
    from napari_medclf.io.report import Refusal


@dataclass(frozen=True)
class ReadOptions:
    """What to look at."""

    paths: tuple[Path, ...] = option(
        help="files, folders, zips: DICOM, NIfTI, NRRD, MetaImage, Analyze, PNG, JPEG, TIFF, GIF, BMP, npz",
        positional=True,
    )
    headers: bool = option(False, help="list the series from their headers, without reading pixels")

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class Listing:
    """What was found, as plain values.

    Parameters
    ----------
    images : tuple of dict
        One an image: ``name, path, member, shape, spacing_mm, affine_lps, modality, warnings`` and more.
    labels, reports : tuple of dict
        Segmentations and contours, and structured reports, with what they refer to.
    series : tuple of dict
        With ``headers`` only: one for everything that could be opened.
    refused : tuple of dict
        ``path, reason, hint`` of what could not be read, and the ``ways`` to open it all the same.
    """

    images: tuple[dict[str, Any], ...]
    refused: tuple[dict[str, Any], ...]
    labels: tuple[dict[str, Any], ...] = ()
    reports: tuple[dict[str, Any], ...] = ()
    series: tuple[dict[str, Any], ...] = ()


def read(options: ReadOptions) -> Job[Listing]:
    """Read paths one after the other and list what is in them; a bad file is listed, never raised.

    A path may be ``folder#member`` to choose one image of several, or one way to open it.
    """
    found = _Found()
    for position, path in enumerate(options.paths):
        yield Progress(position, len(options.paths), f"reading {path.name}")
        found.take(_list_headers(path) if options.headers else _read(path))
    return found.listing()


def _read(path: Path) -> Iterable[Any]:
    from napari_medclf.io.read import read_each, read_entry
    from napari_medclf.io.report import Refusal
    from napari_medclf.jobs.runs.sources import split_member

    ref = split_member(path)
    if not ref.member:
        yield from read_each([ref.path])
        return
    try:
        yield read_entry(ref)
    except ReadError as error:
        yield Refusal.of(error)


def _list_headers(path: Path) -> Iterable[Any]:
    from napari_medclf.io.read import discover

    discovery = discover(path)
    yield from discovery.entries
    listed = {(entry.ref.path, entry.reason) for entry in discovery.entries if entry.reason}
    yield from (one for one in discovery.refusals if (one.path, one.reason) not in listed)


class _Found:
    """Sorts what reading gives into the lists of a `Listing`."""

    def __init__(self) -> None:
        self._by_kind: dict[str, list[dict[str, Any]]] = {
            name: [] for name in ("images", "labels", "reports", "series", "refused")
        }

    def take(self, items: Iterable[Any]) -> None:
        from napari_medclf.domain.derived import LabelSet, MeasurementReport
        from napari_medclf.domain.image import MedImage
        from napari_medclf.domain.listing import SeriesEntry

        for item in items:
            if isinstance(item, MedImage):
                self._by_kind["images"].append(describe_image(item))
            elif isinstance(item, LabelSet):
                self._by_kind["labels"].append(describe_labels(item))
            elif isinstance(item, MeasurementReport):
                self._by_kind["reports"].append(describe_report(item))
            elif isinstance(item, SeriesEntry):
                self._by_kind["series"].append(describe_entry(item))
            else:
                self._by_kind["refused"].append(_describe_refusal(item))

    def listing(self) -> Listing:
        return Listing(**{name: tuple(found) for name, found in self._by_kind.items()})


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
        "channel_values": list(image.channel_values),
        "channel_unit": image.channel_unit,
        "spacing_mm": list(geometry.spacing) if geometry.unit.value == "mm" else None,
        "unit": geometry.unit.value,
        "orientation": geometry.axis_codes if geometry.unit.value == "mm" else "",
        "is_oblique": geometry.is_oblique,
        "affine_lps": geometry.affine.tolist(),
        "shear_deg": round(geometry.shear_deg, 4),
        "frame_of_reference_uid": geometry.frame_of_reference_uid,
        "series_uid": source.series_uid,
        "n_acquired_slices": len(source.sop_instance_uids) or None,
        "is_lazy": image.is_lazy,
        "scale": image.scale.value,
        "window": list(image.window) if image.window else None,
        "digest": source.digest,
        "warnings": list(image.warnings),
    }


def describe_labels(labels: LabelSet) -> dict[str, Any]:
    """Reduce labels that came from a file to what a listing shows; ``layers`` has one entry a segmentation."""
    return {
        "name": labels.name,
        "path": str(labels.source.path),
        "member": labels.source.member,
        "kind": labels.origin.value,
        "layers": [_describe_segmentation(one) for one in labels.segmentations],
        "regions": [
            {"number": one.number, "name": one.name, "n_contours": len(one.contours)} for one in labels.regions
        ],
        "refers_to": labels.reference.series_uid,
        "is_on_source_grid": labels.is_on_source_grid,
        "warnings": list(labels.warnings),
    }


def describe_report(report: MeasurementReport) -> dict[str, Any]:
    """Reduce a structured report to its numbers, statements and what they are about."""
    return {
        "name": report.name,
        "path": str(report.source.path),
        "title": report.title,
        "algorithm": report.algorithm,
        "groups": [
            {
                "finding": group.finding.meaning if group.finding else "",
                "scope": group.scope.value,
                "segment_number": group.segment_number,
                "measurements": [
                    {"name": one.name.meaning, "value": one.value, "unit": one.unit} for one in group.measurements
                ],
                "statements": {concept.meaning: value.meaning for concept, value in group.statements},
            }
            for group in report.groups
        ],
        "refers_to": report.reference.series_uid,
        "warnings": list(report.warnings),
    }


def describe_entry(entry: SeriesEntry) -> dict[str, Any]:
    """Reduce a row of the series list to plain values."""
    return {
        "name": entry.name,
        "path": str(entry.ref.path),
        "member": entry.ref.member,
        "kind": entry.kind,
        "study": entry.study,
        "series_uid": entry.series_uid,
        "series_number": entry.series_number,
        "description": entry.description,
        "size": list(entry.size),
        "spacing_mm": list(entry.spacing_mm) if entry.spacing_mm else None,
        "n_files": entry.n_files,
        "warnings": list(entry.warnings),
        "reason": entry.reason,
        "hint": entry.hint,
        "ways": [str(way) for way in entry.ways],
        "refers_to": entry.refers_to,
    }


def _describe_segmentation(segmentation: Segmentation) -> dict[str, Any]:
    geometry = segmentation.geometry
    return {
        "name": segmentation.name,
        "shape": list(geometry.shape),
        "spacing_mm": list(geometry.spacing) if geometry.unit.value == "mm" else None,
        "affine_lps": geometry.affine.tolist(),
        "is_instances": segmentation.is_instances,
        "classes": {one.name: one.value for one in segmentation.schema.foreground},
        "n_vox": {one.name: int((segmentation.labels == one.value).sum()) for one in segmentation.schema.foreground},
    }


def _describe_refusal(refusal: Refusal) -> dict[str, Any]:
    return {
        "path": str(refusal.path),
        "reason": refusal.reason,
        "hint": refusal.hint,
        "ways": [str(way) for way in refusal.ways],
    }
