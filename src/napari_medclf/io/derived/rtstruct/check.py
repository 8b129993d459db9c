"""Is a structure set that was written what was meant: every voxel, slice, name and reference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray, LabelArray
from napari_medclf.domain.authorship import Authorship
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelClass
from napari_medclf.io.derived.open_file import open_derived
from napari_medclf.io.derived.patient_study import taken_over
from napari_medclf.io.derived.reference import items
from napari_medclf.io.derived.rtstruct.contour_data import read_points
from napari_medclf.io.derived.rtstruct.contour_place import step_mm
from napari_medclf.io.derived.rtstruct.contour_raster import fill_polygons
from napari_medclf.io.derived.rtstruct.planes import SlicePlane, read_planes
from napari_medclf.io.derived.sr.code import read_code
from napari_medclf.io.dicom import tags

_OFF_EDGE_PX = 0.01
_OFF_MM = 0.01
_STRAY = 0.05
_TURN = 1e-3


def difference(
    written: Path,
    image: MedImage,
    evidence: Sequence[Any],
    labels: LabelArray,
    regions: Sequence[LabelClass],
    authorship: Authorship,
) -> str:
    """Read a structure set again and say in a sentence where it first differs; empty where nowhere.

    Contours are brought back to pixels in the planes that the headers tell, compared with where the image's affine
    has these pixels, and filled by Pillow as well as by the even-odd rule.

    Parameters
    ----------
    labels : (N, J, I)
        On the acquired slices.
    """
    dataset = open_derived(written)
    planes = read_planes(image.name, image.source, evidence)
    return (
        _header_difference(dataset, evidence[0], image)
        or _list_difference(dataset, regions, authorship)
        or _contour_difference(dataset, image, planes, labels, regions)
    )


def _header_difference(dataset: Any, evidence: Any, image: MedImage) -> str:
    for keyword in (*taken_over(), "FrameOfReferenceUID"):
        if tags.text(dataset, keyword) != tags.text(evidence, keyword):
            return f"{keyword} came back changed."
    (frame,) = items(dataset, "ReferencedFrameOfReferenceSequence")
    (study,) = items(frame, "RTReferencedStudySequence")
    (series,) = items(study, "RTReferencedSeriesSequence")
    frames = [frame, *(items(dataset, "StructureSetROISequence"))]
    uids = {tags.text(one, "FrameOfReferenceUID") or tags.text(one, "ReferencedFrameOfReferenceUID") for one in frames}
    if uids != {tags.text(evidence, "FrameOfReferenceUID")}:
        return "the frame of reference it names is not that of the image."
    named = [tags.text(one, "ReferencedSOPInstanceUID") for one in items(series, "ContourImageSequence")]
    if named != list(dict.fromkeys(image.source.sop_instance_uids)):
        return "the slices it names are not those of the image."
    is_series = tags.text(series, "SeriesInstanceUID") == image.source.series_uid
    return "" if is_series else "the series it names is not that of the image."


def _list_difference(dataset: Any, regions: Sequence[LabelClass], authorship: Authorship) -> str:
    declared = items(dataset, "StructureSetROISequence")
    drawn, observed = items(dataset, "ROIContourSequence"), items(dataset, "RTROIObservationsSequence")
    if not len(regions) == len(declared) == len(drawn) == len(observed):
        return f"{len(declared)} regions came back, and {len(regions)} were written."
    for one, name, colour, code in zip(regions, declared, drawn, observed, strict=True):
        numbers = {int(name.ROINumber), int(colour.ReferencedROINumber), int(code.ReferencedROINumber)}
        found = read_code(code, "RTROIIdentificationCodeSequence")
        shown = "#" + "".join(f"{int(part):02X}" for part in colour.ROIDisplayColor)
        is_coded = (found and (found.value, found.scheme)) == (one.code and (one.code.value, one.code.scheme))
        if numbers != {one.value} or tags.text(name, "ROIName") != one.name.strip() or not is_coded:
            return f"region {one.value} came back with another number, name or code."
        if shown != one.colour.upper() or tags.text(name, "ROIGenerationAlgorithm") != authorship.making:
            return f"region {one.value} came back with another colour or maker."
    return ""


def _contour_difference(
    dataset: Any, image: MedImage, planes: Sequence[SlicePlane], labels: LabelArray, regions: Sequence[LabelClass]
) -> str:
    places = {(plane.sop_instance_uid, plane.frame or 0): number for number, plane in enumerate(planes)}
    for one, item in zip(regions, items(dataset, "ROIContourSequence"), strict=True):
        by_slice: dict[int, list[FloatArray]] = {}
        for contour in items(item, "ContourSequence"):
            (named,) = items(contour, "ContourImageSequence")
            uid, frame = (
                tags.text(named, "ReferencedSOPInstanceUID"),
                int(tags.number(named, "ReferencedFrameNumber", 0)),
            )
            number = places.get((uid, frame), -1)
            if number < 0 or image.source.sop_instance_uids[number] != uid:
                return f"a contour of region {one.value} names a slice that the image has not."
            points = read_points(contour)
            if points is None:
                return f"a contour of region {one.value} came back without whole points."
            polygon, off_mm = _to_pixels(points, planes[number])
            off_mm = max(off_mm, _excess_mm(points, polygon, number, image))
            if off_mm > _OFF_MM:
                return f"a contour of region {one.value} lies {off_mm:.3g} mm off its place on slice {number + 1}."
            by_slice.setdefault(number, []).append(polygon)
        for number, meant in enumerate(labels):
            if not _is_same(by_slice.get(number, []), meant == one.value):
                return f"region {one.value} came back with other voxels on slice {number + 1}."
    return ""


def _to_pixels(points: FloatArray, plane: SlicePlane) -> tuple[FloatArray, float]:
    """(N, 2) pixels (j, i) of points in the plane of a slice, and how many mm the farthest lies off the plane."""
    steps = np.stack([plane.down_column, plane.along_row], axis=1)
    pixels = np.linalg.lstsq(steps, (points - plane.corner).T)[0]
    return pixels.T, float(np.linalg.norm(points - plane.corner - (steps @ pixels).T, axis=1).max())


def _excess_mm(points: FloatArray, polygon: FloatArray, number: int, image: MedImage) -> float:
    """Millimetres between points and where the image's affine has these pixels, beyond what a series may stray.

    An affine comes near to jittered slices by 5 % of their distance, and to turned ones by 1/1000 (see `place`).
    """
    k = image.source.acquired_k[number] if image.source.acquired_k else number
    index = np.column_stack([np.full(len(polygon), k), polygon])
    off_mm = np.linalg.norm(image.geometry.to_world(index) - points, axis=1).max()
    _, rows_mm, columns_mm = np.multiply(image.geometry.spacing, image.geometry.shape)
    stray_mm = _STRAY * step_mm(image.geometry) + _TURN * max(rows_mm, columns_mm)
    return max(float(off_mm - stray_mm), 0.0)


def _is_same(polygons: list[FloatArray], meant: BoolArray) -> bool:
    """Compare by two rules of filling that must agree: uniting the contours, and combining them by XOR."""
    if not polygons:
        return not meant.any()
    if any(_off_edges(polygon) > _OFF_EDGE_PX for polygon in polygons):
        return False
    shape = (meant.shape[0], meant.shape[1])
    is_united = np.array_equal(_unite(polygons, shape), meant)
    return is_united and np.array_equal(fill_polygons(polygons, shape), meant)


def _off_edges(polygon: FloatArray) -> float:
    return float(np.abs(polygon - (np.floor(polygon) + 0.5)).max())


def _unite(polygons: list[FloatArray], shape: tuple[int, int]) -> BoolArray:
    """Fill with Pillow on a grid twice as fine, where centres are odd and edges are even numbers."""
    from PIL import Image, ImageDraw

    canvas = Image.new("1", (2 * shape[1] + 1, 2 * shape[0] + 1))
    draw = ImageDraw.Draw(canvas)
    for polygon in polygons:
        corners = np.rint(2 * polygon + 1).astype(np.int64)
        draw.polygon([(int(column), int(row)) for row, column in corners], fill=1)
    return np.asarray(canvas)[1::2, 1::2]
