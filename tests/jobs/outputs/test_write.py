"""An answer on a DICOM series goes out in every format, and each comes back with the same voxels and numbers."""

import csv
import errno
import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import GridError, OptionError, WriteError
from napari_medclf.domain.labels import CodedConcept, LabelClass, LabelSchema
from napari_medclf.domain.results import Classification, Prediction, Segmentation
from napari_medclf.io.read import read, read_image
from napari_medclf.io.volume.nifti import read_nifti
from napari_medclf.io.write import write_segmentation
from napari_medclf.jobs.api import run
from napari_medclf.jobs.convert import ConvertOptions, convert
from napari_medclf.jobs.outputs.formats import FORMATS, LABEL_FILES, PICTURE_FILES, REPORT_FILES, check_formats
from napari_medclf.jobs.outputs.write import write_outputs
from napari_medclf.jobs.read import ReadOptions
from napari_medclf.jobs.read import read as list_paths
from napari_medclf.testing.coded_files import write_coded
from napari_medclf.testing.coded_series import all_coded_series

LIVER = CodedConcept(value="10200004", scheme="SCT", meaning="Liver")
SCHEMA = LabelSchema(
    classes=(
        LabelClass(value=1, name="liver", colour="#E69F00", code=LIVER),
        LabelClass(value=2, name="a lump", colour="#56B4E9"),
    )
)


@pytest.fixture
def folder(tmp_path):
    oblique = next(one for one in all_coded_series() if one.name == "oblique")
    return write_coded(oblique, tmp_path / "series")


@pytest.fixture
def image(folder):
    return read_image(folder)


@pytest.fixture
def prediction(image):
    labels = np.zeros(image.geometry.shape, np.uint8)
    labels[1:3, 1:4, 2:5] = 1
    labels[3, 2, 1:3] = 2
    return Prediction(
        "liver-ct",
        "1.0",
        image.name,
        segmentation=Segmentation(labels, image.geometry, SCHEMA),
        classification=Classification({"liver": 0.8, "a lump": 0.2}, ("liver",)),
        weights_sha256="ab" * 32,
    )


def test_every_format_holds_the_same_answer(image, prediction, folder, tmp_path):
    out = tmp_path / "out"
    written = write_outputs(prediction, image, SCHEMA, out, [name for name in FORMATS if name not in ("png", "auto")])

    names = {path.name for path in written.files}
    slices = {f"overlay-slice-{k}.png" for k in (1, 2, 3)}
    also = {"classification.json", "boxes.json", "boxes.csv", "overlay.png", "montage.png"} | slices
    assert names == ({*LABEL_FILES.values(), *REPORT_FILES.values()} - {"segmentation.png"}) | also
    truth = prediction.segmentation
    found = read_nifti(out / "segmentation.nii.gz")
    assert image.geometry.explain_difference(found.geometry) == ""
    assert np.array_equal(found.data, truth.labels)

    report = read(
        [folder, *(out / name for name in ("segmentation.dcm", "labelmap.dcm", "contours.dcm", "report.dcm"))]
    )
    assert not report.refusals
    assert len(report.label_sets) == 3
    for labels in report.label_sets:
        (layer,) = labels.segmentations
        assert labels.is_on_source_grid
        assert image.geometry.explain_difference(layer.geometry) == ""
        for one in SCHEMA.foreground:
            value = layer.schema.named(one.name).value
            assert np.array_equal(layer.labels == value, truth.labels == one.value), (labels.origin, one.name)

    _check_conformance(out.glob("*.dcm"))
    (findings,) = report.reports
    scores, liver, lump = findings.groups
    assert {one.name.meaning: one.value for one in scores.measurements} == pytest.approx({"Liver": 0.8, "a lump": 0.2})
    volume_ml = 18 * image.geometry.voxel_volume_ml
    assert liver.finding == LIVER
    assert liver.measurements[0].value == pytest.approx(volume_ml, rel=1e-6)
    assert lump.segment_number == 2
    rows = list(csv.DictReader((out / "measurements.csv").open(encoding="utf-8-sig")))
    assert any(float(row["value"]) == pytest.approx(volume_ml, rel=1e-6) for row in rows if row["name"] == "Volume")


def _check_conformance(paths):
    tool = Path(sys.executable).with_name("dciodvfy")
    if not tool.exists():
        pytest.skip("dicom3tools is not installed")
    for path in paths:
        done = subprocess.run([tool, "-new", path], capture_output=True, text=True, timeout=60)
        said = done.stdout + done.stderr
        assert "Error" not in said, f"{path.name}: {said}"


def test_picture_without_a_series_gets_no_dicom(image, prediction, tmp_path):
    write_segmentation(prediction.segmentation, tmp_path / "labels.nii.gz")
    plain = read_image(tmp_path / "labels.nii.gz")

    with pytest.raises(WriteError, match="DICOM"):
        write_outputs(prediction, plain, SCHEMA, tmp_path / "out", ["dicom-seg"])

    assert not list((tmp_path / "out").glob("*.dcm"))


def test_formats_that_do_not_fit_say_so_and_the_others_are_written(image, prediction, tmp_path):
    write_segmentation(prediction.segmentation, tmp_path / "labels.nii.gz")
    plain = read_image(tmp_path / "labels.nii.gz")
    asked = ["dicom-seg", "nifti", "png", "dicom-sr", "json"]

    written = write_outputs(prediction, plain, SCHEMA, tmp_path / "out", asked)

    names = {path.name for path in written.files}
    assert names == {"classification.json", "segmentation.nii.gz", "measurements.json"}
    assert names == {path.name for path in (tmp_path / "out").iterdir()}
    assert "Not written as dicom-seg, dicom-sr: that needs an image from DICOM files" in written.values["warnings"]
    assert f"one slice, and the image has {plain.geometry.shape[0]}." in written.values["warnings"]
    rows = json.loads((tmp_path / "out" / "measurements.json").read_text())["measurements"]
    volume_ml = next(row["value"] for row in rows if row["name"] == "Volume" and row["finding"] == "Liver")
    assert volume_ml == pytest.approx(18 * image.geometry.voxel_volume_ml, rel=1e-6)


@pytest.mark.parametrize(
    "name", [*(name for name in LABEL_FILES if name != "png"), "overlay", "montage", *REPORT_FILES]
)
def test_full_disk_leaves_the_old_file_and_one_sentence(image, prediction, tmp_path, monkeypatch, name):
    from napari_medclf import atomic

    class FullDisk:
        """Takes a hundred bytes and no more."""

        def __init__(self, file):
            self._file, self._n_left = file, 100

        def __getattr__(self, attribute):
            return getattr(self._file, attribute)

        def write(self, data):
            self._n_left -= len(memoryview(data).cast("B"))
            if self._n_left < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return self._file.write(data)

    genuine = atomic.atomic_writer

    @contextmanager
    def full(path, *arguments, **more):
        with genuine(path, *arguments, **more) as file:
            yield FullDisk(file)

    old = tmp_path / (LABEL_FILES | PICTURE_FILES | REPORT_FILES)[name]
    old.write_bytes(b"what was there")
    for module in ("io.write", "io.tables", "io.derived.save_checked"):
        monkeypatch.setattr(f"napari_medclf.{module}.atomic_writer", full)

    told = replace(prediction, segmentation=None) if name == "dicom-sr" else replace(prediction, classification=None)
    with pytest.raises(WriteError, match="No space left") as raised:
        write_outputs(told, image, SCHEMA, tmp_path, [name])

    assert "\n" not in str(raised.value)
    assert old.read_bytes() == b"what was there"
    assert not [path for path in tmp_path.iterdir() if ".tmp" in path.name]


def test_classifier_has_no_labels_to_write():
    check_formats(Task.CLASSIFY, ("auto", "dicom-sr", "csv"))
    with pytest.raises(OptionError, match="no labels to write as rtstruct"):
        check_formats(Task.CLASSIFY, ("rtstruct",))


def test_labels_go_to_dicom_and_back(image, prediction, folder, tmp_path):
    write_segmentation(prediction.segmentation, tmp_path / "labels.nii.gz")
    for form in ("dicom-seg", "dicom-labelmap", "rtstruct"):
        dicom, back = tmp_path / f"{form}.dcm", tmp_path / f"{form}.nii.gz"
        there = ConvertOptions(
            source=tmp_path / "labels.nii.gz",
            target=dicom,
            like=folder,
            form=form,
            names=("liver", "a lump"),
            made="automatic",
            algorithm="liver-ct",
        )
        assert run(convert(there)).targets == (dicom,)
        run(convert(ConvertOptions(source=dicom, target=back, like=folder)))
        found = read_nifti(back)
        assert np.array_equal(found.data, prediction.segmentation.labels)
        assert image.geometry.explain_difference(found.geometry) == ""


def test_labels_of_another_grid_or_of_unknown_making_are_refused(image, prediction, folder, tmp_path):
    shifted = Segmentation(
        prediction.segmentation.labels, image.geometry.cropped((1, 0, 0), image.geometry.shape), SCHEMA
    )
    write_segmentation(shifted, tmp_path / "labels.nii.gz")
    options = {"source": tmp_path / "labels.nii.gz", "target": tmp_path / "seg.dcm", "like": folder}

    with pytest.raises(GridError, match="origin is shifted"):
        run(convert(ConvertOptions(**options, made="manual")))
    write_segmentation(prediction.segmentation, tmp_path / "labels.nii.gz")
    with pytest.raises(OptionError, match="--made"):
        run(convert(ConvertOptions(**options)))
    assert not (tmp_path / "seg.dcm").exists()


def test_listing_shows_labels_reports_and_series(image, prediction, folder, tmp_path):
    write_outputs(prediction, image, SCHEMA, folder, ["dicom-seg", "dicom-sr"])

    read_all = run(list_paths(ReadOptions(paths=(folder,))))
    listed = run(list_paths(ReadOptions(paths=(folder,), headers=True)))

    assert [one["kind"] for one in read_all.labels] == ["SEG"]
    assert read_all.labels[0]["layers"][0]["n_vox"] == {"liver": 18, "a lump": 2}
    assert read_all.labels[0]["refers_to"] == image.source.series_uid
    assert len(read_all.reports) == 1
    assert sorted(one["kind"] for one in listed.series) == ["CT", "SEG", "SR"]
    assert not listed.images
    json.dumps(read_all.__dict__)
