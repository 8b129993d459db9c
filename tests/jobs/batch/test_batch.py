"""A folder through a model: nothing stops it, nothing is done twice, nothing is lost."""

import csv
import json
import os
import shutil
from dataclasses import replace

import pytest

from napari_medclf.domain.errors import BackendUnavailable, CardError, OptionError, ReadError
from napari_medclf.domain.events import CaseDone, FinishReason, Progress
from napari_medclf.jobs.api import run
from napari_medclf.jobs.batch.batch import batch
from napari_medclf.jobs.batch.options import BatchOptions
from napari_medclf.jobs.drive import drive
from napari_medclf.jobs.json_text import json_text
from napari_medclf.jobs.predict import PredictOptions, predict
from napari_medclf.store.runs import RunFolder


@pytest.fixture
def folder(vessels_folder, tmp_path):
    """Three good pictures, two of one name; an empty and a truncated file."""
    images = tmp_path / "study"
    (images / "left").mkdir(parents=True)
    (images / "right").mkdir()
    shutil.copy(vessels_folder / "images" / "eye_0.png", images / "left" / "eye.png")
    shutil.copy(vessels_folder / "images" / "eye_1.png", images / "right" / "eye.png")
    shutil.copy(vessels_folder / "images" / "eye_2.png", images / "eye_2.png")
    (images / "cut.png").write_bytes((images / "eye_2.png").read_bytes()[:300])
    (images / "empty.png").touch()
    return images


@pytest.fixture
def options(vessel_model, folder, tmp_path):
    return BatchOptions(model=str(vessel_model.folder), folder=folder, out=tmp_path / "run", device="cpu")


def test_bad_files_have_a_reason_and_the_rest_goes_on(options):
    record = run(batch(options))

    by_status = {}
    for case in record.cases:
        by_status.setdefault(case.status, []).append(case.case_id)
    assert sorted(by_status["done"]) == ["eye_2", "left_eye", "right_eye"]
    assert len(record.cases) == 5
    assert all(case.reason for case in record.cases if case.status != "done")
    rows = list(csv.DictReader((options.out / "results.csv").open()))
    assert {row["case_id"] for row in rows} == {case.case_id for case in record.cases}
    assert json.loads((options.out / "run.json").read_text())["finish_reason"] == "completed"


def test_dry_run_writes_nothing(options):
    record = run(batch(replace(options, dry_run=True)))

    assert not options.out.exists()
    assert sorted(case.case_id for case in record.cases if case.status == "pending") == [
        "cut", "eye_2", "left_eye", "right_eye",
    ]  # fmt: skip
    assert [case.reason for case in record.cases if case.status == "skipped"] == [
        "is empty (0 bytes). The copy may have failed; fetch it again."
    ]


def test_resume_does_only_what_is_missing_or_damaged(options):
    run(batch(options))
    damaged = options.out / "cases" / "eye_2" / "segmentation.png"
    damaged.write_bytes(damaged.read_bytes()[:-10])
    done = []

    outcome = drive(
        batch(replace(options, resume=True)),
        lambda event: done.append(event.case_id) if isinstance(event, CaseDone) else None,
    )

    assert done == ["eye_2"]
    assert sum(case.status == "done" for case in outcome.result.cases) == 3
    assert RunFolder(options.out).finished().keys() == {
        case.source for case in outcome.result.cases if case.status == "done"
    }


def test_stopped_batch_says_so_and_goes_on(options):
    done = []
    stopped = drive(
        batch(options),
        lambda event: done.append(event.case_id) if isinstance(event, CaseDone) else None,
        should_stop=lambda: len(done) == 1,
    )
    assert stopped.reason is FinishReason.CANCELED
    assert json.loads((options.out / "run.json").read_text())["finish_reason"] == "canceled"

    record = run(batch(replace(options, resume=True)))

    assert sum(case.status == "done" for case in record.cases) == 3


def test_results_of_another_run_are_not_mixed(options):
    run(batch(options))

    with pytest.raises(OptionError, match="--resume"):
        run(batch(options))
    (options.out / "ledger.sqlite").unlink()
    run(predict(PredictOptions(model=options.model, paths=(options.folder / "eye_2.png",), out=options.out)))
    with pytest.raises(OptionError, match="another command"):
        run(batch(replace(options, resume=True)))


def test_resume_sees_a_changed_image_model_and_option(options, folder, vessels_folder, chest_model):
    run(batch(options))
    shutil.copy(vessels_folder / "images" / "eye_3.png", folder / "eye_2.png")
    changed = replace(options, resume=True)

    assert _names_run(changed) == ["eye_2"]
    assert _names_run(changed) == []
    assert _names_run(replace(changed, mirror="off")) == ["eye_2", "left_eye", "right_eye"]
    assert _names_run(replace(changed, model=str(chest_model.folder))) == ["eye_2", "left_eye", "right_eye"]
    assert not list(options.out.rglob("segmentation.png"))


def _names_run(options):
    done = []
    drive(batch(options), lambda event: done.append(event.case_id) if isinstance(event, CaseDone) else None)
    return sorted(done)


def test_results_below_the_images_are_not_run_again(options, folder):
    inside = replace(options, out=folder / "results")
    run(batch(inside))

    again = run(batch(replace(inside, resume=True)))

    assert len(again.cases) == 5


def test_folder_without_images_is_refused(options, tmp_path):
    (tmp_path / "nothing").mkdir()

    with pytest.raises(ReadError, match="holds no readable image"):
        run(batch(replace(options, folder=tmp_path / "nothing")))
    with pytest.raises(ReadError, match="does not exist"):
        run(batch(replace(options, folder=tmp_path / "absent")))
    with pytest.raises(OptionError, match="must not go among the images"):
        replace(options, out=options.folder)
    assert not options.out.exists()


def test_names_that_are_no_text_are_run_like_others(options, folder):
    name = os.fsencode(str(folder)) + b"/\xff\xfe.png"
    try:
        os.rename(folder / "eye_2.png", name)
    except OSError:
        pytest.skip("this disk takes UTF-8 names only")

    record = run(batch(options))
    again = run(batch(replace(options, resume=True)))

    assert [case.status for case in record.cases if "\\xff\\xfe" in case.source] == ["done"]
    assert [one for one in again.cases if one.status == "done"] == [one for one in record.cases if one.status == "done"]
    assert json_text(record.model_dump())


def test_what_cannot_begin_leaves_nothing(options, vessel_model, tmp_path):
    with pytest.raises(BackendUnavailable):
        run(batch(replace(options, device="cuda" if not has_cuda() else "mps")))
    copy = tmp_path / "damaged"
    shutil.copytree(vessel_model.folder, copy)
    (copy / "models" / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(CardError):
        run(batch(replace(options, model=str(copy))))

    assert not options.out.exists()


def has_cuda():
    import torch

    return torch.cuda.is_available()


def test_full_disk_stops_with_a_sentence(options, monkeypatch):
    from napari_medclf.store.runs import leader

    def full(*_):
        raise OSError(28, "No space left on device", "ledger.tail")

    monkeypatch.setattr(leader.Tail, "append", full)

    outcome = drive(batch(options))

    assert outcome.reason is FinishReason.FAILED
    assert "No space left on device" in outcome.message
    assert "--resume" in outcome.message


def test_image_that_vanishes_fails_alone_and_is_run_when_it_is_back(options, folder, tmp_path):
    def vanish(event):
        if isinstance(event, Progress) and event.message.startswith("loading") and (folder / "eye_2.png").exists():
            shutil.move(folder / "eye_2.png", tmp_path / "eye_2.png")

    outcome = drive(batch(options), vanish)

    failed = {case.case_id: case.reason for case in outcome.result.cases if case.status == "failed"}
    assert "was there when the folder was listed" in failed["eye_2"]
    assert sum(case.status == "done" for case in outcome.result.cases) == 2
    shutil.move(tmp_path / "eye_2.png", folder / "eye_2.png")
    assert _names_run(replace(options, resume=True)) == ["eye_2"]


def test_results_that_vanish_end_the_run_and_are_gone_on_with(options, tmp_path):
    def vanish(event):
        if isinstance(event, CaseDone) and options.out.exists():
            shutil.move(options.out, tmp_path / "moved")

    outcome = drive(batch(options), vanish)

    assert outcome.reason is FinishReason.FAILED
    assert "the folder of results is gone" in outcome.message
    assert not options.out.exists()
    shutil.move(tmp_path / "moved", options.out)
    assert len(_names_run(replace(options, resume=True))) <= 2
    assert sum(case.status == "done" for case in RunFolder.read(options.out).cases) == 3


def _radiograph(path, gray):
    """Write a picture as a single JPEG 2000 radiograph."""
    import imagecodecs
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import ComputedRadiographyImageStorage, JPEG2000Lossless, generate_uid

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.SeriesInstanceUID, dataset.Modality = generate_uid(), "CR"
    dataset.Rows, dataset.Columns = gray.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PixelRepresentation = 1, "MONOCHROME2", 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelData = encapsulate([imagecodecs.jpeg2k_encode(gray, level=0, reversible=True, codecformat="j2k")])
    dataset.save_as(path, enforce_file_format=True)


def test_reduced_reading_scores_radiographs_nearly_the_same(chest_model, tmp_path):
    from napari_medclf.testing.phantoms import chest_phantom

    size = max(chest_model.card.input.resize_to)
    folder = tmp_path / "films"
    folder.mkdir()
    for name in ("clear", "opacity"):
        gray = chest_phantom(with_opacity=name == "opacity", rows=8 * size, columns=9 * size).data[0]
        _radiograph(folder / f"{name}.dcm", gray)
    options = BatchOptions(model=str(chest_model.folder), folder=folder, out=tmp_path / "whole", device="cpu")

    whole = run(batch(options))
    reduced = run(batch(replace(options, out=tmp_path / "reduced", reduced=True)))

    for one, other in zip(whole.cases, reduced.cases, strict=True):
        assert "of its size" in str(other.values["warnings"])
        assert other.values["score:opacity"] == pytest.approx(one.values["score:opacity"], abs=0.02)


def test_reduced_reading_is_for_classifiers(options):
    with pytest.raises(OptionError, match="for models that classify"):
        run(batch(replace(options, reduced=True)))
