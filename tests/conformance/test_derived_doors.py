"""Labels on coded series come back from SEG and RTSTRUCT in their voxels, and SEG in its place without the images."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.authorship import Authorship, Making
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.derived.rtstruct_write import write_rtstruct
from napari_medclf.io.derived.seg_write import write_seg
from napari_medclf.io.read import read
from napari_medclf.testing.coded_check import EXACT_MM, THROUGH_TEXT_MM, View, places_of
from napari_medclf.testing.coded_files import write_coded
from napari_medclf.testing.coded_series import Expected, all_coded_series

SERIES = {
    series.name: series
    for series in all_coded_series()
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
    labels = (series.codes_of(image.data) * 7 // 5 % 4).astype(np.uint8)
    return Segmentation(labels, image.geometry, CLASSES)


def worst_mm(series, codes, segmentation) -> float:
    """Largest distance of a labelled voxel to the place where the truth has that label, among the image's codes."""
    places = places_of(View(segmentation.labels, segmentation.geometry.affine)).reshape(-1, 3)
    apart = np.linalg.norm(places[:, None] - series.true_world(codes)[None], axis=-1)
    nearest = apart.argmin(axis=1)
    labels = segmentation.labels.ravel()
    is_known = (labels > 0) | (apart.min(axis=1) < EXACT_MM + series.stray_mm)
    assert (labels[is_known] == (codes * 7 // 5 % 4)[nearest][is_known]).all()
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
