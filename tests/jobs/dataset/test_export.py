"""Every layout holds what was put into it: images, labels, classes, splits and patients come back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import DatasetError, OptionError
from napari_medclf.jobs.api import run
from napari_medclf.jobs.case_reader import CaseReader
from napari_medclf.jobs.data import DataChoice, open_data
from napari_medclf.jobs.dataset.bring_in import ImportOptions, import_data
from napari_medclf.jobs.dataset.export import ExportOptions, export_dataset
from napari_medclf.jobs.dataset.patients import group_patients

_SHAPE = (7, 10, 12)  # (k, j, i)


@pytest.fixture(scope="module")
def volumes(tmp_path_factory) -> Path:
    """Four oblique CT-like volumes with classes 1 and 3, split, two of one patient."""
    folder = tmp_path_factory.mktemp("volumes") / "livers"
    rng = np.random.default_rng(9)
    affine = nibabel.affines.from_matvec([[0.9, 0.1, 0], [-0.1, 0.9, 0], [0, 0, 3]], [5, -7, 30])
    for number in range(4):
        image = rng.integers(-200, 300, _SHAPE[::-1]).astype(np.int16)
        labels = np.zeros(_SHAPE[::-1], np.uint8)
        labels[2:5, 3:6, 1:4] = 1
        labels[7, 2, number] = 3
        for name, data in (("images", image), ("labels", labels)):
            (folder / name).mkdir(parents=True, exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(data, affine), folder / name / f"c{number}.nii.gz")
    (folder / "dataset.json").write_text('{"name": "livers", "labels": {"0": "background", "1": "liver", "3": "cyst"}}')
    (folder / "splits.json").write_text('{"train": ["c0", "c1"], "val": ["c2"], "test": ["c3"]}')
    rows = ["file,patient,sex", "c0,p1,F", "c1,p1,F", "c2,p2,M", "c3,p3,M"]
    (folder / "index.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """Twelve gray pictures in a table: classes, patients, splits, sex."""
    folder = tmp_path_factory.mktemp("pictures") / "moles"
    folder.mkdir()
    rng = np.random.default_rng(10)
    lines = ["path,label,patient,split,sex"]
    for number in range(12):
        Image.fromarray(rng.integers(0, 255, (9, 14), dtype=np.uint8)).save(folder / f"m{number:02}.png")
        split = ("train", "train", "val", "test")[number % 4]
        label, patient = "bad" if number % 3 else "good", f"p{number % 4}-{number // 8}"
        lines.append(f"m{number:02}.png,{label},{patient},{split},{'FM'[number % 2]}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder


def _content(path: Path, choice: DataChoice) -> list[tuple]:
    """What matters of a data set: samples, answer and split of each case, in no order."""
    dataset = open_data(replace(choice, path=path))
    reader = CaseReader(dataset)
    found = []
    for case in dataset.cases:
        image = reader.image(case)
        answer: object = [dataset.schema.names.index(name) for name in case.classes]  # MedMNIST has no names
        if case.label_map is not None:
            labels = reader.label_values(case, image)
            names = {one.value: one.name for one in dataset.schema.classes}
            answer = [(names.get(value, value), int((labels == value).sum())) for value in np.unique(labels) if value]
            answer.append(tuple(map(int, np.argwhere(labels == labels.max())[0])))
        found.append((np.asarray(image.data).astype(float).ravel().tolist(), repr(answer), case.split))
    return sorted(found)


@pytest.mark.parametrize("layout", ["nnunet", "msd", "bids", "images", "table", "project"])
def test_volumes_come_back_from_every_layout(volumes, tmp_path, layout):
    result = run(export_dataset(ExportOptions(volumes, format=layout, out=tmp_path / "new")))

    assert (result.n_cases, result.n_failed) == (4, 0)
    choice = DataChoice(volumes, Task.SEGMENT)
    before, after = _content(volumes, choice), _content(tmp_path / "new", choice)
    assert before == after


@pytest.mark.parametrize("layout", ["folders", "medmnist", "table", "project"])
def test_pictures_come_back_from_every_layout(pictures, tmp_path, layout):
    result = run(export_dataset(ExportOptions(pictures, format=layout, out=tmp_path / "new")))

    assert result.n_cases == 12
    choice = DataChoice(pictures)
    assert _content(pictures, choice) == _content(result.path, choice)


def test_patients_and_facts_come_back_from_a_table_and_from_images(volumes, pictures, tmp_path):
    run(export_dataset(ExportOptions(pictures, format="table", out=tmp_path / "table")))
    run(export_dataset(ExportOptions(volumes, format="images", out=tmp_path / "images")))

    for old, new in ((pictures, tmp_path / "table"), (volumes, tmp_path / "images")):
        known = {case.case_id: (case.group_id, dict(case.facts)) for case in open_data(DataChoice(old)).cases}
        assert {case.case_id: (case.group_id, dict(case.facts)) for case in open_data(DataChoice(new)).cases} == known


def test_nnunet_gets_classes_without_gaps_and_its_own_folds(volumes, tmp_path):
    run(export_dataset(ExportOptions(volumes, format="nnunet", out=tmp_path / "new")))

    document = json.loads((tmp_path / "new" / "dataset.json").read_text())
    assert document["labels"] == {"background": 0, "liver": 1, "cyst": 2}
    assert document["numTraining"] == 3
    assert document["file_ending"] == ".nii.gz"
    assert (tmp_path / "new" / "imagesTs" / "c3_0000.nii.gz").is_file()
    assert json.loads((tmp_path / "new" / "splits_final.json").read_text()) == [{"train": ["c0", "c1"], "val": ["c2"]}]
    one, other = (
        nibabel.load(path) for path in (tmp_path / "new/imagesTr/c0_0000.nii.gz", volumes / "images/c0.nii.gz")
    )
    corner = np.argwhere(np.asarray(one.dataobj) == np.asarray(one.dataobj).max())[0]
    same = np.argwhere(np.asarray(other.dataobj) == np.asarray(other.dataobj).max())[0]
    np.testing.assert_allclose(one.affine @ [*corner, 1], other.affine @ [*same, 1], atol=1e-3)


def test_boxes_come_back_from_voc_and_from_a_table(tmp_path):
    rng = np.random.default_rng(1)
    for name in ("images", "annotations"):
        (tmp_path / "old" / name).mkdir(parents=True)
    for number in range(2):
        colours = rng.integers(0, 255, (12, 20, 3), dtype=np.uint8)
        Image.fromarray(colours).save(tmp_path / "old" / "images" / f"b{number}.png")
        box = f"<xmin>{2 + number}</xmin><ymin>3</ymin><xmax>9</xmax><ymax>7</ymax>"
        text = f"<annotation><object><name>cell</name><bndbox>{box}</bndbox></object></annotation>"
        (tmp_path / "old" / "annotations" / f"b{number}.xml").write_text(text)

    def boxes(path: Path) -> list:
        dataset = open_data(DataChoice(path, Task.DETECT))
        reader = CaseReader(dataset)
        return [reader.boxes(case, reader.image(case)).boxes.tolist() for case in dataset.cases]

    for layout in ("voc", "table"):
        run(export_dataset(ExportOptions(tmp_path / "old", Task.DETECT, format=layout, out=tmp_path / layout)))
        assert boxes(tmp_path / layout) == boxes(tmp_path / "old")


def test_layout_that_cannot_hold_the_data_is_refused(pictures, volumes, tmp_path):
    with pytest.raises(
        DatasetError, match="'nnunet' cannot hold data to classify; choose one of folders, table, medmn"
    ):
        run(export_dataset(ExportOptions(pictures, format="nnunet", out=tmp_path / "a")))
    with pytest.raises(DatasetError, match="'folders' cannot hold data to segment"):
        run(export_dataset(ExportOptions(volumes, format="folders", out=tmp_path / "b")))
    with pytest.raises(OptionError, match="is there already"):
        run(export_dataset(ExportOptions(pictures, format="table", out=pictures)))


def test_imported_table_leads_to_the_images_where_they_lie(pictures, tmp_path):
    run(import_data(ImportOptions(pictures, out=tmp_path / "new")))

    assert [path.name for path in (tmp_path / "new").iterdir()] == ["labels.csv"]
    assert _content(tmp_path / "new", DataChoice(pictures)) == _content(pictures, DataChoice(pictures))


def test_images_meet_a_table_of_labels_by_name(pictures, tmp_path):
    (tmp_path / "said.csv").write_text("case_id,diagnosis,age\nm00,ill,50\nm01,well,60\nm02,well,70\nnope,ill,1\n")
    source = tmp_path / "source"
    source.mkdir()
    for number in range(4):
        (source / f"m{number:02}.png").write_bytes((pictures / f"m{number:02}.png").read_bytes())

    result = run(import_data(ImportOptions(source, labels=tmp_path / "said.csv", out=tmp_path / "new", copy=True)))

    dataset = open_data(DataChoice(tmp_path / "new"))
    assert result.n_cases == 3
    assert [(case.case_id, case.classes, case.facts) for case in dataset.cases] == [
        ("m00", ("ill",), {"age": "50"}),
        ("m01", ("well",), {"age": "60"}),
        ("m02", ("well",), {"age": "70"}),
    ]


def test_images_alone_become_a_table_to_fill_in(pictures, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "m00.png").write_bytes((pictures / "m00.png").read_bytes())

    run(import_data(ImportOptions(source, out=tmp_path / "new")))

    head, row = (tmp_path / "new" / "labels.csv").read_text().splitlines()
    assert head == "case_id,path,patient,label"
    assert row.startswith("m00,")
    assert row.endswith(",m00,")


def test_dicom_series_meet_labels_by_patient_without_naming_anyone(tmp_path):
    for letter in "AB":
        for k in range(3):
            _write_slice(tmp_path / "study" / letter / f"{k}.dcm", f"SECRET-{letter}", k)
    (tmp_path / "said.csv").write_text("patient_id,label\nSECRET-A,ill\nSECRET-B,well\n")

    run(import_data(ImportOptions(tmp_path / "study", labels=tmp_path / "said.csv", out=tmp_path / "new")))

    text = (tmp_path / "new" / "labels.csv").read_text()
    assert "SECRET" not in text
    rows = [line.split(",") for line in text.splitlines()[1:]]
    assert {row[-1] for row in rows} == {"ill", "well"}
    assert len({row[2] for row in rows}) == 2


def test_cases_of_one_dicom_patient_stay_together(tmp_path):
    for number in range(12):
        folder = tmp_path / "data" / ("ill" if number % 2 else "well")
        _write_slice(folder / f"{number:02}.dcm", f"SECRET-{number // 3}", 0)
    dataset = run(group_patients(open_data(DataChoice(tmp_path / "data"))))

    assert dataset.n_groups == 4
    assert "SECRET" not in repr(dataset)


def _write_slice(path: Path, patient: str, k: int) -> None:
    from pydicom import Dataset, FileDataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = f"1.2.3.{len(patient)}.{ord(patient[-1])}.{k}"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one = FileDataset(path, Dataset(), file_meta=meta, preamble=b"\0" * 128)
    one.SOPClassUID, one.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    one.Modality, one.PatientID, one.PatientName = "CT", patient, patient
    one.StudyInstanceUID, one.SeriesInstanceUID = f"1.2.4.{ord(patient[-1])}", f"1.2.5.{ord(patient[-1])}"
    one.FrameOfReferenceUID = f"1.2.6.{ord(patient[-1])}"
    one.ImagePositionPatient, one.ImageOrientationPatient = [0, 0, 3.0 * k], [1, 0, 0, 0, 1, 0]
    one.PixelSpacing, one.Rows, one.Columns = [1, 1], 8, 10
    one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 12, 11, 0
    one.RescaleSlope, one.RescaleIntercept = 1, -1024
    one.PixelData = np.full((8, 10), 900 + k, np.uint16).tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    one.save_as(path, enforce_file_format=True)
