"""A patient who is called something in headers is called nothing in the results, whatever folders and files say."""

from __future__ import annotations

import csv
import gzip
import os
import shutil
import stat
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_medclf.domain.events import CaseFailed
from napari_medclf.domain.output_layout import Naming, Structure
from napari_medclf.domain.run import CaseStatus
from napari_medclf.io.read import read_image
from napari_medclf.io.write import write_image
from napari_medclf.jobs.api import run
from napari_medclf.jobs.batch.batch import batch
from napari_medclf.jobs.batch.options import BatchOptions
from napari_medclf.jobs.drive import drive
from napari_medclf.jobs.outputs.names_file import NAMES, true_ref
from napari_medclf.jobs.predict import PredictOptions, predict
from napari_medclf.store.runs import RunFolder
from napari_medclf.testing.coded_files import write_coded
from napari_medclf.testing.coded_series import PLANTED_ID, PLANTED_NAME, all_coded_series

_FORMATS = ("nifti", "dicom-seg", "dicom-sr", "rtstruct", "csv", "json", "overlay", "montage", "boxes")
_FAMILY, _GIVEN = PLANTED_NAME.split("^")[:2]
_WORDS = (_FAMILY.casefold().encode(), _GIVEN.casefold().encode(), PLANTED_ID.casefold().encode())


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """A series, a copy of it as NIfTI, a picture, a torn file and a note; folders and files named after the patient."""
    folder = tmp_path_factory.mktemp("study")
    oblique = next(one for one in all_coded_series() if one.name == "oblique")
    series = write_coded(oblique, folder / f"{_GIVEN.lower()} {_FAMILY.title()}" / "ct")
    volume = folder / "converted" / f"{_FAMILY}_{_GIVEN}_ct.nii.gz"
    volume.parent.mkdir()
    write_image(read_image(series), volume)
    (folder / PLANTED_ID).mkdir()
    Image.fromarray(np.eye(40, 32, dtype=np.uint8) * 200).save(folder / PLANTED_ID / f"{_FAMILY}.png")
    torn = sorted(series.iterdir())[0].read_bytes()[:300]
    (folder / PLANTED_ID / f"{_GIVEN}{_FAMILY}.dcm").write_bytes(torn)
    (folder / f"note on {_GIVEN}.txt").write_text("see there")
    return folder


def _options(study: Path, out: Path, **more: object) -> BatchOptions:
    return BatchOptions(model="hippocampus-mr", folder=study, out=out, device="cpu", format=_FORMATS, **more)


def _told(out: Path) -> dict[str, bytes]:
    """What is in a folder of results, name by name; DICOM results hold their patient, as they must."""
    found = {}
    for path in (one for one in out.rglob("*") if one.is_file() and one.name != NAMES):
        name, content = path.relative_to(out).as_posix(), path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        found[name] = b"" if path.suffix == ".dcm" else content.lower()
    return found


def _leaks(out: Path) -> list[str]:
    return [
        f"{name}: {word.decode()}"
        for name, content in _told(out).items()
        for word in _WORDS
        if word in name.casefold().encode() or word in content
    ]


@pytest.mark.parametrize(
    ("structure", "names"),
    [(Structure.FLAT, Naming.PLACE), (Structure.MIRRORED, Naming.PLACE), (Structure.FLAT, Naming.KEY)],
)
def test_no_result_names_the_patient(study: Path, tmp_path: Path, structure: Structure, names: Naming) -> None:
    out = tmp_path / "out"
    said: list[str] = []
    job = batch(_options(study, out, structure=structure, names=names))
    record = drive(job, lambda event: said.append(event.reason) if isinstance(event, CaseFailed) else None).result

    assert record is not None
    assert not _leaks(out)
    assert not [text for text in said if any(word in text.casefold().encode() for word in _WORDS)]
    done = [one for one in record.cases if one.status is CaseStatus.DONE]
    assert len(done) >= 2
    assert len({one.source for one in record.cases}) == len(record.cases)
    assert len({one.case_id for one in record.cases}) == len(record.cases)
    for one in done:
        assert all((out / name).is_file() for name in one.outputs)
        assert true_ref(out, one).path.exists()
        assert true_ref(out, one).path.is_relative_to(study)
    if os.name != "nt":
        assert stat.S_IMODE((out / NAMES).stat().st_mode) == 0o600


def test_mixture_of_formats_is_written_where_it_fits(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    record = run(batch(_options(study, out, structure=Structure.MIRRORED)))

    by_member = {true_ref(out, one).path.suffix: one for one in record.cases if one.status is CaseStatus.DONE}
    series, volume = by_member[""], by_member[".gz"]
    files = {Path(name).name for name in series.outputs}
    assert {"segmentation.dcm", "segmentation.nii.gz", "report.dcm", "contours.dcm", "montage.png"} <= files
    assert {Path(name).name for name in volume.outputs} == files - {"segmentation.dcm", "report.dcm", "contours.dcm"}
    assert "Not written as dicom-seg, dicom-sr, rtstruct" in volume.values["warnings"]
    assert all(name.startswith("cases/converted/patient-") for name in volume.outputs)


def test_hidden_places_are_known_again(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = run(batch(_options(study, out)))
    done = []
    again = drive(
        batch(_options(study, out, resume=True)), lambda event: done.append(event) if hasattr(event, "record") else None
    ).result

    assert again is not None
    assert not done
    assert [one.case_id for one in again.cases] == [one.case_id for one in first.cases]
    with (out / NAMES).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["case_id"] for row in rows} == {one.case_id for one in first.cases}
    assert all(Path(row["path"]).exists() for row in rows)


def test_names_are_kept_where_that_is_asked(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    record = run(batch(_options(study, out, names=Naming.NAMED)))
    assert any(_FAMILY.casefold() in one.case_id.casefold() for one in record.cases)
    assert _leaks(out)
    assert not (out / NAMES).exists()


def test_pseudonyms_of_headers_without_identity_are_kept(study: Path, tmp_path: Path) -> None:
    from pydicom import dcmread

    folder = tmp_path / _FAMILY / "ct"
    shutil.copytree(next(study.glob("*/ct")), folder)
    for path in folder.iterdir():
        dataset = dcmread(path)
        dataset.PatientIdentityRemoved = "YES"
        dataset.save_as(path)
    record = run(batch(BatchOptions(model="hippocampus-mr", folder=tmp_path, out=tmp_path / "out", files=False)))
    assert any(one.case_id.startswith(_FAMILY) for one in record.cases)


def test_predict_hides_names_and_writes_no_files_when_asked(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    series = next(study.glob("*/ct"))
    options = PredictOptions(model="hippocampus-mr", paths=(series,), out=out, device="cpu", files=False)
    record = run(predict(options))

    (case,) = record.cases
    assert case.status is CaseStatus.DONE
    assert not case.outputs
    assert not (out / "cases").exists()
    assert not (out / "thumbnails").exists()
    assert "vol" in " ".join(case.values)
    assert not [name for name in _leaks(out) if not name.startswith("run.json") and "ledger" not in name]
    assert true_ref(out, RunFolder(out).records()[case.source]).path == series
