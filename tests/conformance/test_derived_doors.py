"""Labels on coded series come back from SEG and RTSTRUCT in their voxels, and SEG in its place without the images."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.authorship import Authorship, Making
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.derived.rtstruct.write import write_rtstruct
from napari_medclf.io.derived.seg.write import write_seg
from napari_medclf.io.read import read, read_image
from napari_medclf.testing.coded_check import EXACT_MM, THROUGH_TEXT_MM, View, places_of
from napari_medclf.testing.coded_files import write_coded
from napari_medclf.testing.coded_series import Expected, all_coded_series

ALL = {series.name: series for series in all_coded_series()}
SERIES = {
    name: series
    for name, series in ALL.items()
    if series.expected in (Expected.EXACT, Expected.TOLERATED) and "4D" not in series.name
}
# How samples are stored does not touch labels.
for alike in ("big endian", "oblique implicit", "32 bits", "8 bits", "signed", "rescaled", "rescaled by a fraction"):
    SERIES.pop(alike)
CLASSES = LabelSchema.from_names(["first", "second", "third"], first_value=1)
MANUAL = Authorship(Making.MANUAL)


@pytest.fixture(params=SERIES)
def series(request):
    return SERIES[request.param]


@pytest.fixture
def folder(series, tmp_path):
    return write_coded(series, tmp_path / "images")


def labelled(series, image) -> Segmentation:
    """Labels that follow from the codes alone, so that a voxel's label tells whether it is the right voxel."""
    return Segmentation(label_of(series.codes_of(image.data)), image.geometry, CLASSES)


def label_of(codes) -> np.ndarray:
    return (codes * 7 // 5 % 4).astype(np.uint8)


def worst_mm(series, codes, segmentation) -> float:
    """Largest distance of a labelled voxel to the place where the truth has that label, among the image's codes."""
    places = places_of(View(segmentation.labels, segmentation.geometry.affine)).reshape(-1, 3)
    apart = np.linalg.norm(places[:, None] - series.true_world(codes)[None], axis=-1)
    nearest = apart.argmin(axis=1)
    labels = segmentation.labels.ravel()
    is_known = (labels > 0) | (apart.min(axis=1) < EXACT_MM + series.stray_mm)
    assert (labels[is_known] == label_of(codes)[nearest][is_known]).all()
    return float(apart.min(axis=1)[labels > 0].max())


@pytest.mark.parametrize("form", ["binary", "labelmap"])
def test_seg_keeps_every_label_in_its_voxel(series, folder, form, tmp_path):
    for number, image in enumerate(read([folder]).images):
        segmentation = labelled(series, image)
        path = tmp_path / f"{number}.dcm"
        write_seg(segmentation, image, MANUAL, path, form=form)
        (beside,) = read([folder, path]).label_sets
        assert beside.is_on_source_grid
        (back,) = beside.segmentations
        np.testing.assert_array_equal(back.labels, segmentation.labels)
        assert back.geometry.same_grid(image.geometry)
        report = read([path])
        if not report.label_sets:  # a tilted stack has no grid without its images
            assert "mm" in str(report.refusals[0]) or "degrees" in str(report.refusals[0])
            continue
        (alone,) = report.label_sets
        codes = series.codes_of(image.data).ravel()
        for one in alone.segmentations:
            assert worst_mm(series, codes, one) <= THROUGH_TEXT_MM + series.stray_mm


def test_rtstruct_keeps_every_label_in_its_voxel(series, folder, tmp_path):
    for number, image in enumerate(read([folder]).images):
        segmentation = labelled(series, image)
        path = tmp_path / f"{number}.dcm"
        write_rtstruct(segmentation, image, MANUAL, path)
        (beside,) = read([folder, path]).label_sets
        assert beside.is_on_source_grid
        (back,) = beside.segmentations
        np.testing.assert_array_equal(back.labels, segmentation.labels)
        assert back.geometry.same_grid(image.geometry)
        for region in beside.regions:
            for contour in region.contours:
                index = image.geometry.to_index(contour.points)
                off_plane_mm = np.abs(index[:, 0] - np.rint(index[:, 0])) * image.geometry.spacing[0]
                assert off_plane_mm.max() <= THROUGH_TEXT_MM + series.stray_mm


@pytest.mark.parametrize("name", ["missing", "missing two", "uneven", "enhanced missing", "enhanced uneven"])
def test_seg_of_a_gap_filled_image_lies_on_the_acquired_slices(name, tmp_path):
    """Read by pydicom alone: every frame is at an acquired slice, with the labels of that slice."""
    import pydicom

    series = ALL[name]
    (refusal,) = read([write_coded(series, tmp_path / "images")]).refusals
    for number, way in enumerate(refusal.ways):
        image = read_image(way.path, way.member)
        segmentation = spread_labels(series, image)
        path = tmp_path / f"{number}.dcm"
        write_seg(segmentation, image, MANUAL, path)
        dataset = pydicom.dcmread(path)
        frames = np.atleast_3d(dataset.pixel_array).reshape(-1, dataset.Rows, dataset.Columns)
        corners = np.array([plane.corner for plane in series.planes])
        found = np.zeros((len(corners), dataset.Rows, dataset.Columns), np.uint8)
        for bits, group in zip(frames, dataset.PerFrameFunctionalGroupsSequence, strict=True):
            position = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
            off_mm = np.linalg.norm(corners - position, axis=1)
            assert off_mm.min() <= THROUGH_TEXT_MM
            label = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
            found[off_mm.argmin()] += (label * bits).astype(np.uint8)
        np.testing.assert_array_equal(found, label_of(np.arange(series.n_voxels)).reshape(found.shape))


def spread_labels(series, image) -> Segmentation:
    """Give every plane of a filled grid the labels of the acquired slice next to it."""
    truth = label_of(np.arange(series.n_voxels)).reshape(len(series.planes), *image.geometry.shape[1:])
    normal = image.geometry.directions[:, 0]
    along = np.array([np.dot(plane.corner, normal) for plane in series.planes])
    planes = [np.dot(image.geometry.to_world(np.array([k, 0, 0])), normal) for k in range(image.geometry.shape[0])]
    nearest = [int(np.abs(along - mm).argmin()) for mm in planes]
    return Segmentation(truth[nearest], image.geometry, CLASSES)
