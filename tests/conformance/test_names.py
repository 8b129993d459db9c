"""The patient's name and number stay in the files: no log line, warning, message, listing or file name has them."""

from __future__ import annotations

import io
import logging
import warnings
from contextlib import redirect_stderr, redirect_stdout

import numpy as np
import pytest

from napari_medclf.cli.main import main
from napari_medclf.domain.authorship import Authorship, Making
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.derived.rtstruct.write import write_rtstruct
from napari_medclf.io.derived.seg.write import write_seg
from napari_medclf.io.read import discover, read
from napari_medclf.testing.coded_files import write_coded
from napari_medclf.testing.coded_series import all_coded_series

SERIES = {series.name: series for series in all_coded_series()}
PLANTED = ("SECRET", "JANE", "MRN-4711")
KINDS = ["axial", "oblique implicit", "big endian", "missing", "tilt", "4D by trigger time", "enhanced two stacks"]


@pytest.fixture
def heard(monkeypatch, recwarn):
    """Everything that is said, in every way, at the finest level."""
    out, log = io.StringIO(), io.StringIO()
    handler = logging.StreamHandler(log)
    for name in ("", "pydicom", "highdicom", "nibabel", "napari_medclf"):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.DEBUG)
    logging.getLogger().addHandler(handler)
    warnings.simplefilter("always")
    with redirect_stdout(out), redirect_stderr(out):
        yield lambda: [out.getvalue(), log.getvalue(), *(str(one.message) for one in recwarn)]
    logging.getLogger().removeHandler(handler)


def names_somebody(texts) -> list[str]:
    return [text for text in texts if any(one in text for one in PLANTED)]


@pytest.mark.parametrize("name", KINDS)
def test_reading_and_listing_name_nobody(name, tmp_path, heard):
    folder = write_coded(SERIES[name], tmp_path / "images")
    report, found = read([folder]), discover(folder)
    shown = [repr(image.source) + image.name + "".join(image.warnings) for image in report.images]
    shown += [str(one) for one in report.refusals]
    shown += [repr(one) for one in (*found.found, *found.refusals, *found.entries)]
    assert names_somebody([*shown, *heard()]) == []


@pytest.mark.parametrize("name", KINDS)
def test_the_command_line_names_nobody(name, tmp_path, heard):
    folder = write_coded(SERIES[name], tmp_path / "images")
    main(["read", str(folder)])
    main(["read", str(folder), "--json"])
    main(["convert", str(folder), str(tmp_path / "a.nii.gz")])
    main(["convert", str(folder), str(tmp_path / "a.nrrd")])
    assert names_somebody(heard()) == []
    written = [path for path in tmp_path.rglob("*") if path.is_file() and folder not in path.parents]
    assert (
        names_somebody(str(path.relative_to(tmp_path)) + path.read_bytes().decode("latin-1") for path in written) == []
    )


@pytest.mark.parametrize("name", KINDS)
def test_layers_and_exports_name_nobody(name, tmp_path, heard):
    from napari_medclf.bridge.layers import image_layer

    schema = LabelSchema.from_names(["first"], first_value=1)
    for number, image in enumerate(read([write_coded(SERIES[name], tmp_path / "images")]).images):
        _, keywords, _ = image_layer(image)
        assert names_somebody([repr(keywords)]) == []
        labels = np.ones(image.geometry.shape, np.uint8)
        segmentation = Segmentation(labels, image.geometry, schema)
        write_seg(segmentation, image, Authorship(Making.MANUAL), tmp_path / f"{number}-seg.dcm")
        write_rtstruct(segmentation, image, Authorship(Making.MANUAL), tmp_path / f"{number}-structures.dcm")
        report = read(sorted(tmp_path.glob("*.dcm")))
        shown = [one.name + repr(one.source) + "".join(one.warnings) for one in report.label_sets]
        assert names_somebody([*shown, *map(str, report.refusals)]) == []
    assert names_somebody(heard()) == []
    assert names_somebody(path.name for path in tmp_path.rglob("*")) == []


def test_a_prediction_names_nobody_outside_dicom(tmp_path, heard):
    folder = write_coded(SERIES["tilt"], tmp_path / "images")
    out = tmp_path / "out"
    assert main(["predict", "hippocampus-mr", str(folder), "--out", str(out), "--format", "dicom-seg"]) == 0
    assert names_somebody(heard()) == []
    for path in out.rglob("*"):
        assert names_somebody([path.name]) == []
        if path.is_file() and path.suffix != ".dcm":
            assert names_somebody([path.read_text(encoding="utf-8", errors="replace")]) == []


def test_a_name_that_is_said_would_be_heard(heard):
    logging.getLogger("pydicom").info("reading SECRET^JANE")
    assert names_somebody(heard())
