"""A folder of images and the results made on them reads as one study, and nothing but the files names the patient."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from napari_medclf.domain.authorship import Authorship, Making
from napari_medclf.domain.derived import Measurement, MeasurementGroup, MeasurementReport
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.labels import CodedConcept, LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.derived.capture import write_capture
from napari_medclf.io.derived.rtstruct.write import write_rtstruct
from napari_medclf.io.derived.seg.write import write_seg
from napari_medclf.io.derived.sr.write import write_sr
from napari_medclf.io.read import read

MODEL = Authorship(Making.AUTOMATIC, "liver-ct", "1.2", "ab" * 32)
VOLUME = CodedConcept(value="118565006", scheme="SCT", meaning="Volume")


@pytest.fixture
def folder(tmp_path, phantom, write_series):
    series = write_series(tmp_path / "study", phantom)
    (image,) = read([series]).images
    labels = np.zeros(image.geometry.shape, dtype=np.uint8)
    labels[2:5, 3:9, 3:11], labels[3, 5, 5] = 1, 2
    segmentation = Segmentation(labels, image.geometry, LabelSchema.from_names(["liver", "tumour"], first_value=1))
    seg_uid = write_seg(segmentation, image, MODEL, series / "seg.dcm")
    write_rtstruct(segmentation, image, MODEL, series / "contours.dcm")
    group = MeasurementGroup(
        measurements=(Measurement(VOLUME, 1.5, "mL"),), segment_number=1, segmentation_uid=seg_uid, tracking_id="liver"
    )
    report = MeasurementReport("", "", (group,))
    write_sr(report, image, MODEL, series / "report.dcm", segmentation=series / "seg.dcm")
    write_capture(np.zeros((20, 28, 3), np.uint8), image, series / "picture.dcm", k=3)
    return series, labels, seg_uid


def test_every_result_comes_back_beside_its_image(folder):
    series, labels, seg_uid = folder
    found = read([series])
    assert found.refusals == ()
    assert sorted(image.modality for image in found.images) == ["CT", "OT"]
    assert sorted(str(one.origin) for one in found.label_sets) == ["RTSTRUCT", "SEG"]
    for label_set in found.label_sets:
        assert label_set.is_on_source_grid
        assert np.array_equal(label_set.segmentations[0].labels, labels)
    (report,) = found.reports
    assert report.groups[0].measurements[0].value == 1.5
    assert report.groups[0].segmentation_uid == seg_uid


def test_nothing_that_is_shown_or_logged_names_the_patient(folder, caplog):
    series, _, _ = folder
    with caplog.at_level(logging.DEBUG):
        found = read([series])
    shown = [*found.warnings, caplog.text, *(path.name for path in series.iterdir())]
    shown += [one.name for one in (*found.images, *found.label_sets, *found.reports)]
    shown += [repr(report) for report in found.reports]
    assert not [text for text in shown if "SECRET" in text or "JANE" in text or "mrn-0077" in text]


def test_a_failed_save_does_not_name_the_patient(folder, caplog, monkeypatch):
    series, labels, _ = folder
    image = next(one for one in read([series]).images if one.modality == "CT")
    segmentation = Segmentation(labels, image.geometry, LabelSchema.from_names(["liver", "tumour"], first_value=1))
    image.source.files[4].write_bytes(b"SECRET^JANE")
    with caplog.at_level(logging.DEBUG), pytest.raises(WriteError) as caught:
        write_rtstruct(segmentation, image, MODEL, series / "again.dcm")
    assert "SECRET" not in str(caught.value) + caplog.text
    assert not (series / "again.dcm").exists()
