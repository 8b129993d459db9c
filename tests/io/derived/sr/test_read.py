"""Reports from elsewhere: numbers with units and codes, and a sentence for what is no measurement report."""

from __future__ import annotations

import re

import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.results import Scope
from napari_medclf.io.derived.sr import tree as sr_tree
from napari_medclf.io.derived.sr.read import read_sr


def _code(value, scheme, meaning):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def _item(value_type, code, children=(), **values):
    item = Dataset()
    item.RelationshipType, item.ValueType = "CONTAINS", value_type
    item.ConceptNameCodeSequence = [code]
    if children:
        item.ContentSequence = list(children)
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def _number(value, unit="mm", **values):
    measured = Dataset()
    measured.NumericValue = value
    measured.MeasurementUnitsCodeSequence = [_code(unit, "UCUM", unit)]
    return _item("NUM", _code("81827009", "SCT", "Diameter"), MeasuredValueSequence=[measured], **values)


def _report(path, groups, title=("126000", "DCM", "SECRET^JANE"), template="1500"):
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.88.33", "1.2.3.4"
    dataset = FileDataset("", Dataset(), file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.88.33", "1.2.3.4"
    dataset.Modality, dataset.PatientName = "SR", "SECRET^JANE"
    dataset.ValueType, dataset.ConceptNameCodeSequence = "CONTAINER", [_code(*title)]
    identified = Dataset()
    identified.MappingResource, identified.TemplateIdentifier = "DCMR", template
    dataset.ContentTemplateSequence = [identified]
    dataset.ContentSequence = groups
    dataset.save_as(path, enforce_file_format=True)
    return path


def _measurements(*groups):
    made = [_item("CONTAINER", _code("125007", "DCM", "Measurement Group"), children) for children in groups]
    return [_item("CONTAINER", _code("126010", "DCM", "Imaging Measurements"), made)]


def test_a_report_of_another_kind_is_named_by_its_codes(tmp_path):
    finding = [_item("TEXT", _code("121071", "DCM", "Finding"), TextValue="SECRET^JANE is ill")]
    path = _report(tmp_path / "dose.dcm", finding, ("113701", "DCM", "SECRET^JANE"), "10001")
    with pytest.raises(ReadError) as caught:
        read_sr(path)
    assert str(caught.value) == (
        f'{path}: is a structured report, a "X-Ray Radiation Dose Report" (template 10001), and only TID 1500 is read.'
    )


def test_an_unknown_title_is_not_repeated(tmp_path):
    path = _report(tmp_path / "x.dcm", [], ("SECRET", "99JANE", "SECRET^JANE"), "SECRET^JANE")
    with pytest.raises(ReadError, match="of an unknown title, and only TID 1500") as caught:
        read_sr(path)
    assert "SECRET" not in str(caught.value)


def test_a_measurement_without_a_value_is_told_and_the_others_are_read(tmp_path):
    empty = _item("NUM", _code("81827009", "SCT", "Diameter"), MeasuredValueSequence=[])
    report = read_sr(_report(tmp_path / "sr.dcm", _measurements([_number("12.5"), empty])))
    (group,) = report.groups
    assert [(one.name.meaning, one.value, one.unit) for one in group.measurements] == [("Diameter", 12.5, "mm")]
    assert report.warnings == ("Group 1 has 1 measurements without a finite value, a name or a unit.",)


def test_an_item_that_points_back_is_not_followed(tmp_path):
    back = Dataset()
    back.RelationshipType, back.ReferencedContentItemIdentifier = "INFERRED FROM", [1, 1]
    number = _number("3")
    number.ContentSequence = [back]
    (group,) = read_sr(_report(tmp_path / "sr.dcm", _measurements([number]))).groups
    assert group.measurements[0].value == 3


@pytest.mark.parametrize("depth", [40, 300, 5000])
def test_a_tree_that_is_too_deep_is_refused_in_one_line(tmp_path, depth):
    item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + b"\x40\x00\x40\xa0CS\x04\x00TEXT"
    opening = item + b"\x40\x00\x30\xa7SQ\x00\x00\xff\xff\xff\xff"
    closing = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00" + b"\xfe\xff\x0d\xe0\x00\x00\x00\x00"
    path = _report(tmp_path / "deep.dcm", [])
    tail = b"\x40\x00\x30\xa7SQ\x00\x00\xff\xff\xff\xff" + opening * depth + closing * depth
    content = path.read_bytes()
    start = content.index(b"\x40\x00\x30\xa7SQ")
    path.write_bytes(content[:start] + tail + b"\xfe\xff\xdd\xe0\x00\x00\x00\x00")
    with pytest.raises(ReadError) as caught:
        read_sr(path)
    assert "deep.dcm" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_tree_that_is_too_wide_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sr_tree, "MOST_ITEMS", 10)
    path = _report(tmp_path / "wide.dcm", _measurements([_number("1")] * 12))
    with pytest.raises(ReadError, match=r"wide\.dcm: is a report of more than 10 items"):
        read_sr(path)


def test_dcmqis_report_is_read_with_its_segment_and_derivations(shared_data):
    folder = shared_data / "dicom_zoo" / "seg_sr_rt" / "dcmqi" / "sr-example"
    report = read_sr(folder / "sr.dcm")
    (group,) = report.groups
    assert report.title == "Imaging Measurement Report"
    assert group.finding.meaning == "Neoplasm, Primary"
    assert group.segmentation_uid == pydicom.dcmread(folder / "seg.dcm", stop_before_pixels=True).SOPInstanceUID
    assert (group.segment_number, group.scope) == (1, Scope.OBJECT)
    assert len(group.measurements) == 22
    found = {(one.name.meaning, one.derivation and one.derivation.meaning): one for one in group.measurements}
    assert found["SUVbw", "Mean"].value == 6.01529
    assert found["SUVbw", "Maximum"].value == 10.3814
    assert found["SUVbw", "Mean"].unit == "{SUVbw}g/ml"
    assert (found["Volume", None].value, found["Volume", None].unit) == (33.5824, "ml")
    assert len(report.reference.sop_instance_uids) == 191


def test_highdicoms_reports_are_read(shared_data):
    folder = shared_data / "dicom_zoo" / "seg_sr_rt" / "highdicom"
    report = read_sr(folder / "sr_document_with_multiple_groups.dcm")
    assert [group.tracking_id for group in report.groups] == [
        "Image0001",
        "LungNodule0001",
        "Aorta0001",
        "Vertebra0001",
    ]
    assert [group.scope for group in report.groups] == [Scope.IMAGE, Scope.OBJECT, Scope.OBJECT, Scope.OBJECT]
    assert [group.measurements[0].unit for group in report.groups] == ["[hnsf'U]", "mm", "mm", "mm3"]
    (spine,) = read_sr(folder / "sr_document.dcm").groups
    assert (spine.measurements[0].value, spine.measurements[0].unit) == (1.7, "cm2")


def test_no_report_of_the_zoo_gives_more_than_one_line(shared_data):
    path = shared_data / "dicom_zoo" / "colour_and_us" / "no-pixel-data.dcm"
    with pytest.raises(ReadError) as caught:
        read_sr(path)
    assert re.fullmatch(r".*no-pixel-data\.dcm: is a structured report, .*only TID 1500 is read\.", str(caught.value))
