"""A report that was written says the same to us and to dcmqi, or is not saved."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from napari_medclf.domain.authorship import Authorship, Making
from napari_medclf.domain.derived import Measurement, MeasurementGroup, MeasurementReport
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.labels import CodedConcept, LabelSchema
from napari_medclf.domain.results import Scope, Segmentation
from napari_medclf.io.derived.equipment import device_uid
from napari_medclf.io.derived.seg.write import write_seg
from napari_medclf.io.derived.sr import write as sr_write
from napari_medclf.io.derived.sr.read import read_sr
from napari_medclf.io.derived.sr.write import write_sr
from napari_medclf.io.read import read


def _private(value, meaning):
    return CodedConcept(value=value, scheme="99MEDCLF", meaning=meaning)


def _snomed(value, meaning):
    return CodedConcept(value=value, scheme="SCT", meaning=meaning)


MODEL = Authorship(Making.AUTOMATIC, "liver-ct", "1.2", "ab" * 32, (("threshold", "0.5"),), "reader 1")
LIVER, VOLUME = _snomed("10200004", "Liver"), _snomed("118565006", "Volume")
PREDICTED = _private("PREDICTED", "Predicted class")
SCORES = MeasurementGroup(
    measurements=(
        Measurement(_private("PNEUMONIA", "Lungenentzündung"), 1 / 3, "1"),
        Measurement(_private("a-class-with-a-long-code", "long"), 2 / 3, "1"),
    ),
    statements=((PREDICTED, _private("a-class-with-a-long-code", "long")),),
)
AREA = MeasurementGroup(
    finding=LIVER,
    scope=Scope.SLICE,
    measurements=(Measurement(_snomed("42798000", "Area"), 12.5, "mm2"),),
)


@pytest.fixture
def image(tmp_path, phantom, write_series):
    return read([write_series(tmp_path / "series", phantom)]).images[0]


@pytest.fixture
def segmentation(tmp_path, image):
    labels = np.zeros(image.geometry.shape, dtype=np.uint8)
    labels[2:5, 3:9, 3:11], labels[6, 2:4, 5] = 1, 2
    schema = LabelSchema.from_names(["liver", "tumour"], first_value=1)
    path = tmp_path / "seg.dcm"
    return path, write_seg(Segmentation(labels, image.geometry, schema), image, MODEL, path)


def _sizes(uid):
    mean = _snomed("373098007", "Mean")
    hounsfield = Measurement(
        CodedConcept(value="112031", scheme="DCM", meaning="Attenuation"), -40.25, "[hnsf'U]", mean
    )
    return MeasurementGroup(
        tracking_id="liver",
        finding=LIVER,
        scope=Scope.OBJECT,
        measurements=(Measurement(VOLUME, 1234.5678901234567, "mL"), hounsfield),
        segment_number=2,
        segmentation_uid=uid,
    )


def _report(*groups):
    return MeasurementReport("name", "title", tuple(groups))


def _without_ids(group):
    return replace(group, tracking_id="", tracking_uid="")


def test_what_was_written_is_read_back_to_the_last_digit(tmp_path, image, segmentation, assert_conforms):
    path, uid = segmentation
    groups = (SCORES, _sizes(uid), AREA)
    report_uid = write_sr(_report(*groups), image, MODEL, tmp_path / "sr.dcm", segmentation=path)
    found = read_sr(tmp_path / "sr.dcm")
    assert [_without_ids(one) for one in found.groups] == [_without_ids(one) for one in groups]
    assert [one.tracking_id for one in found.groups] == ["image 1", "liver", "Liver 3"]
    assert len({one.tracking_uid for one in found.groups}) == 3
    assert found.algorithm == "liver-ct 1.2"
    assert found.source.sop_instance_uids == (report_uid,)
    assert found.reference.sop_instance_uids == image.source.sop_instance_uids
    assert found.reference.series_uid == image.source.series_uid
    assert_conforms(tmp_path / "sr.dcm")


def test_dcmqi_reads_the_same_values_units_and_segment(tmp_path, image, segmentation):
    tool = Path(sys.executable).parent / "tid1500reader"
    if not tool.exists():
        pytest.skip("tid1500reader is not installed (package dcmqi)")
    path, uid = segmentation
    write_sr(_report(SCORES, _sizes(uid)), image, MODEL, tmp_path / "sr.dcm", segmentation=path)
    command = [tool, "--inputDICOM", tmp_path / "sr.dcm", "--outputMetadata", tmp_path / "sr.json"]
    subprocess.run(command, check=True, capture_output=True)
    scores, sizes = json.loads((tmp_path / "sr.json").read_text())["Measurements"]
    assert [float(one["value"]) for one in scores["measurementItems"]] == pytest.approx([1 / 3, 2 / 3], rel=1e-12)
    assert scores["measurementItems"][0]["quantity"]["CodeMeaning"] == "Lungenentzündung"
    assert scores["qualitativeEvaluations"][0]["conceptValue"]["CodeMeaning"] == "long"
    values = [(float(one["value"]), one["units"]["CodeValue"]) for one in sizes["measurementItems"]]
    assert values == [(pytest.approx(1234.5678901234567, rel=1e-12), "mL"), (-40.25, "[hnsf'U]")]
    assert sizes["ReferencedSegment"] == 2
    assert sizes["segmentationSOPInstanceUID"] == uid
    assert sizes["SourceSeriesForImageSegmentation"] == image.source.series_uid
    algorithm = sizes["measurementItems"][0]["measurementAlgorithmIdentification"]
    assert (algorithm["AlgorithmName"], algorithm["AlgorithmVersion"]) == ("liver-ct", "1.2")
    assert algorithm["AlgorithmParameters"] == ["threshold=0.5", "weights_sha256=" + "ab" * 32]


def test_the_report_says_that_nobody_has_verified_it(tmp_path, image):
    write_sr(_report(SCORES), image, MODEL, tmp_path / "sr.dcm")
    dataset = pydicom.dcmread(tmp_path / "sr.dcm")
    assert (dataset.VerificationFlag, dataset.PreliminaryFlag) == ("UNVERIFIED", "PRELIMINARY")
    assert dataset.SeriesDescription == "Research use only, not for diagnosis: findings"
    assert dataset.PatientName == "SECRET^JANE"
    named = {
        (item.ConceptNameCodeSequence[0].CodeMeaning, str(item.get("UID", ""))) for item in dataset.ContentSequence
    }
    assert ("Device Observer UID", device_uid()) in named


def test_what_a_person_measured_names_no_algorithm(tmp_path, image, assert_conforms):
    write_sr(_report(AREA), image, Authorship(Making.MANUAL), tmp_path / "sr.dcm")
    assert read_sr(tmp_path / "sr.dcm").algorithm == ""
    assert_conforms(tmp_path / "sr.dcm")


def _first_number(dataset):
    container = next(one for one in dataset.ContentSequence if one.ConceptNameCodeSequence[0].CodeValue == "126010")
    group = container.ContentSequence[0]
    return next(one for one in group.ContentSequence if one.ValueType == "NUM"), group


def _value(dataset, image):
    measured = _first_number(dataset)[0].MeasuredValueSequence[0]
    measured.NumericValue, measured.FloatingPointValue = "0.5", 0.5


def _decimal(dataset, image):
    _first_number(dataset)[0].MeasuredValueSequence[0].NumericValue = "0.5"


def _unit(dataset, image):
    _first_number(dataset)[0].MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue = "%"


def _concept(dataset, image):
    _first_number(dataset)[0].ConceptNameCodeSequence[0].CodeValue = "COVID"


def _algorithm(dataset, image):
    number = _first_number(dataset)[0]
    number.ContentSequence = [one for one in number.ContentSequence if "sha256" not in one.get("TextValue", "")]


def _statement(dataset, image):
    group = _first_number(dataset)[1]
    group.ContentSequence = [one for one in group.ContentSequence if one.ValueType != "CODE"]


def _image_uid(dataset, image):
    one = next(one for one in _first_number(dataset)[1].ContentSequence if one.ValueType == "IMAGE")
    one.ReferencedSOPSequence[0].ReferencedSOPInstanceUID = image.source.sop_instance_uids[3]


def _dropped_slice(dataset, image):
    series = dataset.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
    series.ReferencedSOPSequence = series.ReferencedSOPSequence[1:]


def _segment(dataset, image):
    container = next(one for one in dataset.ContentSequence if one.ConceptNameCodeSequence[0].CodeValue == "126010")
    named = [one for one in container.ContentSequence[1].ContentSequence if one.ValueType == "IMAGE"]
    named[0].ReferencedSOPSequence[0].ReferencedSegmentNumber = 1


FAULTS = {
    "a value": (_value, "group 1 came back different in its measurements: Lungenentzündung 0.333333 1 became 0.5 1"),
    "the decimal string alone": (_decimal, "two different numbers"),
    "a unit": (_unit, "Lungenentzündung 0.333333 1 became 0.333333 %"),
    "a code": (_concept, "group 1 came back different in its measurements"),
    "the weights": (_algorithm, "without its algorithm"),
    "the decided class": (_statement, "group 1 came back different in its statements"),
    "a slice that is referred to": (_image_uid, "do not refer to each slice"),
    "a slice that is listed": (_dropped_slice, "slices it names are not those"),
    "a segment": (_segment, "group 2 came back different in its segment number"),
    "the patient": (lambda d, _: setattr(d, "PatientID", "other"), "PatientID came back changed"),
    "the study": (lambda d, _: setattr(d, "StudyInstanceUID", "1.2.3"), "StudyInstanceUID came back changed"),
    "the flag": (lambda d, _: setattr(d, "VerificationFlag", "VERIFIED"), "VerificationFlag came back as 'VERIFIED'"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_what_was_written_stops_the_save(fault, tmp_path, image, segmentation, monkeypatch):
    edit, sentence = FAULTS[fault]
    save = sr_write.save_checked

    def spoil(dataset, path, check):
        edit(dataset, image)
        save(dataset, path, check)

    monkeypatch.setattr(sr_write, "save_checked", spoil)
    path, uid = segmentation
    (tmp_path / "out").mkdir()
    with pytest.raises(WriteError) as caught:
        write_sr(_report(SCORES, _sizes(uid)), image, MODEL, tmp_path / "out" / "sr.dcm", segmentation=path)
    assert sentence in str(caught.value)
    assert "sr.dcm" in str(caught.value)
    assert "SECRET" not in str(caught.value)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_segment_without_its_file_is_refused(tmp_path, image, segmentation):
    path, uid = segmentation
    with pytest.raises(WriteError, match="need the DICOM segmentation"):
        write_sr(_report(_sizes(uid)), image, MODEL, tmp_path / "sr.dcm")
    with pytest.raises(WriteError, match="is not the segmentation"):
        write_sr(_report(_sizes("1.2.3")), image, MODEL, tmp_path / "sr.dcm", segmentation=path)
    other = replace(_sizes(uid), segment_number=7)
    with pytest.raises(WriteError, match="has no segment 7"):
        write_sr(_report(other), image, MODEL, tmp_path / "sr.dcm", segmentation=path)


@pytest.mark.parametrize(
    ("group", "sentence"),
    [
        (MeasurementGroup(measurements=(Measurement(VOLUME, float("nan"), "mL"),)), "'Volume' has no finite value"),
        (MeasurementGroup(measurements=(Measurement(VOLUME, 1.0, ""),)), "'Volume' has no finite value or no unit"),
        (MeasurementGroup(measurements=(Measurement(_private("X", "x" * 65), 1.0, "1"),)), "1 to 64 characters"),
    ],
)
def test_what_a_report_cannot_hold_is_refused(tmp_path, image, group, sentence):
    with pytest.raises(WriteError, match=sentence):
        write_sr(_report(group), image, MODEL, tmp_path / "sr.dcm")


def test_nothing_to_say_is_refused(tmp_path, image):
    with pytest.raises(WriteError, match="nothing to report"):
        write_sr(_report(), image, MODEL, tmp_path / "sr.dcm")
