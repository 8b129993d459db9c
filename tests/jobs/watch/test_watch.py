"""A watched folder: what is complete is run once, what is not is waited for, and a restart goes on."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from pydicom import dcmread
from tests.jobs.watch.conftest import bring, records

from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.events import CaseDone, CaseFailed, FinishReason, Warned
from napari_medclf.jobs.watch.options import Incomplete, WatchOptions
from napari_medclf.jobs.watch.watch import watch


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "in"
    path.mkdir()
    return path


def options(folder, **changes):
    settings = {"settle": 0.2, "patience": 0.8, "every": 0.05} | changes
    return WatchOptions(folder=folder, model="bright", out=folder.parent / "out", **settings)


def n_done(n):
    return lambda events: sum(isinstance(one, CaseDone) for one in events) >= n


def test_studies_mixed_in_one_folder_are_run_each_as_a_whole(model, study, events, folder):
    bring(study(0), folder, "a")
    bring(study(1), folder, "b")
    outcome = events.drive(watch(options(folder, once=True)))
    assert outcome.reason is FinishReason.COMPLETED
    assert model.seen == [12, 12]
    (first, second) = records(outcome.result.spec and folder.parent / "out")["done"]
    assert first.case_id != second.case_id
    assert sorted(first.outputs)[0].endswith("segmentation.nii.gz")
    assert (folder.parent / "out" / "results.csv").read_text().count("done") == 2


def test_study_that_comes_slice_by_slice_is_run_once_and_whole(model, study, events, folder):
    slices = study()
    bring(slices[:1], folder)
    left = iter(slices[1:])

    def on_event(event):
        path = next(left, None)
        if path is not None:
            bring([path], folder)

    events.drive(watch(options(folder, settle=1.5, patience=5.0)), n_done(1), on_event)
    assert model.seen == [12]


def test_incomplete_study_is_waited_for_and_run_when_the_rest_comes(model, study, events, folder):
    slices = study()
    bring([*slices[:4], *slices[6:]], folder)

    def on_event(event):
        if isinstance(event, Warned) and "missing slices: 2" in event.message:
            bring(slices[4:6], folder)

    events.drive(watch(options(folder, patience=30.0)), n_done(1), on_event)
    assert model.seen == [12]
    assert events.of(CaseFailed) == []


def test_study_that_stays_incomplete_is_refused_and_run_when_the_rest_comes_later(model, study, events, folder):
    slices = study()
    bring([*slices[:4], *slices[6:]], folder)
    outcome = events.drive(watch(options(folder, once=True)))
    (refused,) = [*records(folder.parent / "out").get("skipped", []), *records(folder.parent / "out").get("failed", [])]
    assert "missing slices: 2" in refused.reason
    assert outcome.reason is FinishReason.COMPLETED
    assert model.seen == []
    bring(slices[4:6], folder)
    events.drive(watch(options(folder, once=True)))
    assert model.seen == [12]


def test_study_that_stays_incomplete_is_run_with_a_warning_where_that_is_wanted(model, study, events, folder):
    slices = study()
    bring([*slices[:4], *slices[6:]], folder)
    events.drive(watch(options(folder, once=True, incomplete=Incomplete.RUN)))
    (done,) = records(folder.parent / "out")["done"]
    assert model.seen == [12]  # two of them blank
    assert "seems to be incomplete" in done.values["warnings"]
    assert "left blank" in done.values["warnings"]
    bring(slices[4:6], folder)
    events.drive(watch(options(folder, once=True, incomplete=Incomplete.RUN)))
    found = records(folder.parent / "out")
    assert [one.case_id for one in found["done"]] == [done.case_id]
    assert "warnings" not in found["done"][0].values


def test_doubtful_study_is_run_with_a_warning_after_patience(model, study, events, folder):
    bring(study()[::2], folder)
    events.drive(watch(options(folder, once=True)))
    (done,) = records(folder.parent / "out")["done"]
    assert "instance numbers" in done.values["warnings"]


def test_restart_runs_nothing_again_and_what_came_meanwhile(model, study, events, folder):
    bring(study(0), folder, "a")
    events.drive(watch(options(folder)), n_done(1))
    assert model.seen == [12]
    bring(study(1), folder, "b")
    events.drive(watch(options(folder, once=True)))
    assert model.seen == [12, 12]
    assert len(events.of(CaseDone)) == 1
    events.drive(watch(options(folder, once=True)))
    assert len(model.seen) == 2


def test_restart_with_the_notes_lost_goes_by_the_ledger(model, study, events, folder):
    bring(study(), folder)
    events.drive(watch(options(folder, once=True)))
    (folder.parent / "out" / "handled.jsonl").unlink()
    events.drive(watch(options(folder, once=True)))
    assert model.seen == [12]


def test_image_that_changed_is_run_again(model, study, events, folder):
    bring(study(), folder)
    events.drive(watch(options(folder, once=True)))
    (path, *_) = sorted(folder.iterdir())
    dataset = dcmread(path)
    dataset.PixelData = (np.frombuffer(dataset.PixelData, "<u2") + 1).tobytes()
    dataset.save_as(path, enforce_file_format=True)
    events.drive(watch(options(folder, once=True)))
    assert model.seen == [12, 12]
    assert len(records(folder.parent / "out")["done"]) == 1


def test_late_slice_of_a_study_brings_the_whole_study_again(model, study, events, folder):
    slices = study()
    bring(slices[:11], folder)

    def on_event(event):
        if isinstance(event, CaseDone):
            bring(slices[11:], folder)

    events.drive(watch(options(folder)), n_done(2), on_event)
    assert model.seen == [11, 12]
    assert len(records(folder.parent / "out")["done"]) == 1


def test_study_that_is_tidied_away_keeps_its_result(model, study, events, folder):
    bring(study(0), folder, "a")
    names = iter(sorted(folder.iterdir()))

    def on_event(event):
        if events.of(CaseDone) and (path := next(names, None)) is not None:
            path.unlink()
            if not any(folder.iterdir()):
                bring(study(1), folder, "b")

    events.drive(watch(options(folder, every=0.2)), n_done(2), on_event)
    assert model.seen == [12, 12]


def test_file_that_was_half_copied_when_it_was_first_seen_is_taken_up(model, study, events, folder):
    slices = study()
    bring(slices[1:], folder)
    (folder / "last").write_bytes(b"")

    def on_event(event):
        if (folder / "last").stat().st_size == 0:
            (folder / "last").write_bytes(slices[0].read_bytes())

    events.drive(watch(options(folder, settle=0.6, patience=2.0)), n_done(1), on_event)
    assert model.seen == [12]


def test_same_names_of_two_studies_get_cases_of_their_own(model, study, events, folder):
    bring(study(0), folder / "a_b")
    events.drive(watch(options(folder, once=True)))
    bring(study(1), folder / "a" / "b")
    events.drive(watch(options(folder, once=True)))
    done = records(folder.parent / "out")["done"]
    assert len({record.case_id for record in done}) == 2


def test_junk_beside_a_study_is_told_and_does_not_stop_it(model, study, events, folder):
    bring(study(), folder / "ct")
    (folder / "notes.dcm").write_text("no DICOM at all, but a long text " * 9)
    (folder / "scan.nii.gz").write_bytes(b"\x1f\x8b not packed")
    outcome = events.drive(watch(options(folder, once=True)))
    found = records(folder.parent / "out")
    assert outcome.reason is FinishReason.COMPLETED
    assert len(found["done"]) == 1
    assert len(found.get("skipped", [])) + len(found.get("failed", [])) == 2


def test_only_images_like_the_rule_are_run(model, study, events, folder):
    bring(study(), folder)
    events.drive(watch(options(folder, once=True, modality=("MR",))))
    (skipped,) = records(folder.parent / "out")["skipped"]
    assert "MR was asked for" in skipped.reason
    assert model.seen == []


def test_results_below_the_folder_are_not_taken_for_images(model, study, events, folder):
    bring(study(), folder)
    inside = WatchOptions(
        folder=folder, model="bright", out=folder / "results", settle=0.2, patience=0.8, every=0.05, once=True
    )
    events.drive(watch(inside))
    events.drive(watch(inside))
    assert model.seen == [12]


def test_results_name_no_patient_and_lead_back_to_their_images(model, study, events, folder):
    from napari_medclf.jobs.outputs.names_file import true_ref

    bring(study(), folder / "Jane_Secret")
    events.drive(watch(options(folder, once=True)))
    out = folder.parent / "out"
    (done,) = records(out)["done"]
    texts = "".join((out / name).read_text() for name in ("results.csv", "run.json", "handled.jsonl"))
    assert "secret" not in texts.lower() + " ".join(str(path.relative_to(out)) for path in out.rglob("*")).lower()
    assert true_ref(out, done).path == folder / "Jane_Secret"
    events.drive(watch(options(folder, once=True)))
    assert model.seen == [12]


def test_share_that_goes_away_is_tried_again(model, study, events, folder):
    bring(study(), folder)
    hidden = folder.with_name("away")

    def on_event(event):
        if isinstance(event, CaseDone):
            folder.rename(hidden)
        if isinstance(event, Warned) and "cannot be looked through" in event.message:
            hidden.rename(folder)
            bring(study(1), folder, "b")

    outcome = events.drive(watch(options(folder)), n_done(2), on_event)
    assert outcome.reason is FinishReason.CANCELED
    assert model.seen == [12, 12]


def test_stop_takes_less_than_two_seconds_and_leaves_the_tables(model, study, events, folder):
    bring(study(), folder)
    outcome = events.drive(watch(options(folder)), n_done(1))
    assert outcome.reason is FinishReason.CANCELED
    assert "done" in (folder.parent / "out" / "results.csv").read_text()
    assert not (folder.parent / "out" / "run.json").read_text().count('"finish_reason": "failed"')


def test_results_that_cannot_be_written_end_the_service_with_one_sentence(model, study, events, folder):
    bring(study(), folder)
    out = folder.parent / "out"

    def on_event(event):
        if (out / "ledger.sqlite").exists() and not events.of(CaseDone):
            shutil.rmtree(out, ignore_errors=True)

    outcome = events.drive(watch(options(folder, settle=1.0, patience=2.0)), on_event=on_event)
    assert outcome.reason is FinishReason.FAILED
    assert str(out) in outcome.message


def test_results_among_the_images_are_refused(tmp_path):
    with pytest.raises(OptionError, match="among the images"):
        WatchOptions(folder=tmp_path, model="bright", out=tmp_path)


def test_patience_must_be_longer_than_the_time_to_settle(tmp_path):
    with pytest.raises(OptionError, match="--patience is 5 s"):
        options(tmp_path, settle=10.0, patience=5.0)
