"""Contours and reports of every series that can be opened come back to the slices they were made on."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest

from napari_medclf.domain.authorship import Authorship, Making
from napari_medclf.domain.derived import Measurement, MeasurementGroup, MeasurementReport
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.labels import CodedConcept, LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.derived.acquired import to_acquired
from napari_medclf.io.derived.rtstruct.read import read_rtstruct
from napari_medclf.io.derived.rtstruct.write import write_rtstruct
from napari_medclf.io.derived.source_grid import SourceGrid
from napari_medclf.io.derived.sr.read import read_sr
from napari_medclf.io.derived.sr.write import write_sr
from napari_medclf.io.read import read, read_image
from napari_medclf.testing.coded_files import write_coded
from napari_medclf.testing.coded_series import all_coded_series

BY_HAND = Authorship(Making.MANUAL)
SCORE = Measurement(CodedConcept(value="NORMAL", scheme="99MEDCLF", meaning="normal"), 0.25, "1")
PLACELESS = "no orientation"


def _images(series, folder):
    """All images of a series, also those that are opened only when a person allows gaps."""
    report = read([write_coded(series, folder)])
    ways = [ref for refusal in report.refusals for ref in refusal.ways]
    return [*report.images, *(read_image(ref.path, ref.member) for ref in ways)]


def _labelled(image):
    labels = (np.random.default_rng(1).random(image.geometry.shape) > 0.6).astype(np.uint8)
    return Segmentation(labels, image.geometry, LabelSchema.from_names(["spots"], first_value=1))


@pytest.mark.parametrize(
    "series", [one for one in all_coded_series() if one.name != PLACELESS], ids=lambda one: one.name
)
def test_labels_come_back_to_the_acquired_slices(series, tmp_path):
    for number, image in enumerate(_images(series, tmp_path / "series")):
        path, segmentation = tmp_path / f"rs{number}.dcm", _labelled(image)
        write_rtstruct(segmentation, image, BY_HAND, path)
        (found,) = read_rtstruct(path, [SourceGrid.of_image(image)]).segmentations
        source = image.source
        assert np.array_equal(to_acquired(found.labels, source), to_acquired(segmentation.labels, source))
        named = {
            (
                one.ContourImageSequence[0].ReferencedSOPInstanceUID,
                one.ContourImageSequence[0].get("ReferencedFrameNumber"),
            )
            for one in pydicom.dcmread(path).ROIContourSequence[0].ContourSequence
        }
        frames = source.frame_numbers or (None,) * len(source.sop_instance_uids)
        assert named <= set(zip(source.sop_instance_uids, frames, strict=True))


@pytest.mark.parametrize("name", ["oblique", "tilt", "missing", "jitter 8 %", "enhanced shuffled", "enhanced missing"])
def test_what_is_written_conforms(name, tmp_path, assert_conforms):
    series = next(one for one in all_coded_series() if one.name == name)
    for number, image in enumerate(_images(series, tmp_path / "series")):
        contours, report = tmp_path / f"rs{number}.dcm", tmp_path / f"sr{number}.dcm"
        write_rtstruct(_labelled(image), image, BY_HAND, contours)
        write_sr(MeasurementReport("", "", (MeasurementGroup(measurements=(SCORE,)),)), image, BY_HAND, report)
        assert_conforms(contours)
        assert_conforms(report)
        assert read_sr(report).groups[0].measurements == (SCORE,)
        assert read_sr(report).reference.sop_instance_uids == tuple(dict.fromkeys(image.source.sop_instance_uids))


def test_images_without_a_place_get_no_contours(tmp_path):
    series = next(one for one in all_coded_series() if one.name == PLACELESS)
    image = _images(series, tmp_path / "series")[0]
    with pytest.raises(WriteError, match="does not tell where in the patient it lies"):
        write_rtstruct(_labelled(image), image, BY_HAND, tmp_path / "rs.dcm")
