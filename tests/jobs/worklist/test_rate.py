"""A model is asked about every case once; what it says is kept with doubts and embeddings."""

from __future__ import annotations

import numpy as np
import pytest

import napari_medclf
from napari_medclf.domain.annotation import CaseState, Status
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.events import Warned
from napari_medclf.io.labels import read_label_map
from napari_medclf.jobs.api import run
from napari_medclf.jobs.correct import save_correction
from napari_medclf.jobs.drive import drive
from napari_medclf.jobs.worklist.changed_copies import changed_copies
from napari_medclf.jobs.worklist.listing import WorklistOptions, list_cases
from napari_medclf.jobs.worklist.ordering import Order
from napari_medclf.jobs.worklist.rate import RateOptions, rate_cases
from napari_medclf.store.project import Project


@pytest.fixture
def chests(chest_folder, tmp_path):
    """Four pictures, one of them skipped by a person."""
    folder = tmp_path / "project"
    for name in ("clear_0", "clear_1", "opacity_0", "opacity_1"):
        image = napari_medclf.read_image(chest_folder / name.split("_")[0] / f"{name}.png")
        said = ("clear",) if name == "clear_0" else None
        status = Status.DONE if said else Status.SKIPPED
        schema = napari_medclf.domain.labels.LabelSchema.from_names(["clear", "opacity"])
        run(save_correction(folder, image, None, said, None, "ann", status, schema))
    return folder


def test_every_case_is_asked_once_and_order_follows(chests, chest_model):
    options = RateOptions(model=str(chest_model.folder), project=chests, device="cpu", tta=True)
    rated = run(rate_cases(options))
    assert (rated.n_rated, rated.n_known, rated.n_failed) == (4, 0, 0)
    for case in Project.open(chests).cases():
        assert set(case.prediction.entry.uncertainty) == {"entropy", "tta"}
        assert all(0 <= one <= 1 for one in case.prediction.entry.uncertainty.values())
        assert sum(case.prediction.entry.scores.values()) == pytest.approx(1, abs=1e-5)
        assert np.load(case.prediction.embedding.path).ndim == 1
        image = napari_medclf.read_image(case.image.path)
        said = napari_medclf.predict(image, chest_model).classification
        assert case.prediction.entry.scores == pytest.approx(said.scores, abs=1e-4)
    assert run(rate_cases(options)).n_known == 4

    found = run(list_cases(WorklistOptions(chests, order=Order.UNCERTAINTY, measure="entropy")))
    assert found.counts == {CaseState.CORRECTED: 1, CaseState.SKIPPED: 3}
    assert found.notes == ()


def test_labels_are_kept_and_doubt_is_of_the_found(vessels_folder, vessel_model, tmp_path):
    image = napari_medclf.read_image(vessels_folder / "images" / "eye_0.png")
    run(
        save_correction(
            tmp_path / "p", image, None, None, None, status=Status.SKIPPED, schema=vessel_model.card.schema_
        )
    )
    run(rate_cases(RateOptions(model=str(vessel_model.folder), project=tmp_path / "p", device="cpu")))
    (case,) = Project.open(tmp_path / "p").cases()
    said = napari_medclf.predict(image, vessel_model)
    np.testing.assert_array_equal(read_label_map(case.prediction.label_map.path).labels, said.segmentation.labels)
    assert set(case.prediction.entry.uncertainty) <= {"entropy", "disagreement"}
    assert len(case.prediction.entry.uncertainty) == 1


def test_one_unreadable_image_does_not_end_the_rating(chests, chest_model):
    case = Project.open(chests).cases()[1]
    moved = case.image.path.rename(case.image.path.with_suffix(".gone"))
    try:
        outcome = drive(rate_cases(RateOptions(model=str(chest_model.folder), project=chests, device="cpu")))
    finally:
        moved.rename(case.image.path)
    assert outcome.result.n_rated == 3
    assert [one.case_id for one in outcome.failures] == [case.case_id]


def test_stop_keeps_what_was_rated(chests, chest_model):
    options = RateOptions(model=str(chest_model.folder), project=chests, device="cpu")
    n_done = 0

    def count(event):
        nonlocal n_done
        n_done += type(event).__name__ == "CaseDone"

    drive(rate_cases(options), count, lambda: n_done == 2)
    assert sum(bool(case.predictions) for case in Project.open(chests).cases()) == 2


def test_changed_copies_mean_the_same_and_come_back(vessels_folder, vessel_model):
    image = napari_medclf.read_image(vessels_folder / "images" / "eye_0.png")
    card = vessel_model.card
    mirrored = card.model_copy(update={"output": card.output.model_copy(update={"mirror_axes": (0, 1)})})
    copies = {copy.name: copy for copy in changed_copies(image, mirrored)}
    assert set(copies) == {"noise", "contrast", "mirror"}
    labels = np.arange(48 * 48)
    labels = labels.reshape(image.geometry.shape)
    np.testing.assert_array_equal(copies["mirror"].bring_back(labels[..., ::-1]), labels)
    assert copies["noise"].image.data.dtype == image.data.dtype
    unmirrored = card.model_copy(update={"output": card.output.model_copy(update={"mirror_axes": ()})})
    assert "mirror" not in {copy.name for copy in changed_copies(image, unmirrored)}


def test_list_locks_and_unlocks(chests):
    run(list_cases(WorklistOptions(chests, lock=("clear_0",))))
    found = run(list_cases(WorklistOptions(chests, state=("locked",))))
    assert [row.case_id for row in found.rows] == ["clear_0"]
    assert run(list_cases(WorklistOptions(chests, unlock=("clear_0",)))).counts[CaseState.CORRECTED] == 1
    with pytest.raises(DatasetError, match="no answer to lock"):
        run(list_cases(WorklistOptions(chests, lock=("clear_1",))))


def test_blind_reader_sees_the_list_without_answers_of_others(chests):
    found = run(list_cases(WorklistOptions(chests, reader="bob")))
    assert found.counts == {CaseState.TO_DO: 4}
    assert {row.author for row in found.rows} == {""}
    assert found.effort.cases == ()


def test_damaged_line_of_the_journal_is_told(chests):
    journal = chests / "journal.jsonl"
    journal.write_text(journal.read_text().replace('{"kind":"annotation"', '{"kind":"annot', 1))
    told = [one.message for one in list_cases(WorklistOptions(chests)) if isinstance(one, Warned)]
    assert any("1 torn or damaged lines of journal.jsonl" in one and "medclf audit" in one for one in told)
