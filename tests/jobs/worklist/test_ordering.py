"""Which case comes next, and what is said where that is not known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_medclf.domain.annotation import Annotation, Origin, Status
from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.jobs.worklist.ordering import Order, order_cases
from napari_medclf.store.project import PredictionEntry, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    schema = LabelSchema.from_names(["ill", "well"])
    project = Project.create(tmp_path / "p", name="eyes", task=Task.CLASSIFY, classes=schema)
    for number in (10, 2, 1, 3, 4):
        project.add_case(FileRef(tmp_path / f"eye_{number}.png"), image_digest=f"{number}" * 32, group_id=f"p{number}")
    return project


def _rate(project: Project, case_id: str, *, embedding: list[float] | None = None, at: int = 0, **doubt: float) -> None:
    entry = PredictionEntry(
        case_id=case_id, model=f"m{at}", uncertainty=doubt, created=f"2026-11-21T10:00:{at:02d}+00:00"
    )
    write = None if embedding is None else lambda path: np.save(path, np.array(embedding, dtype=np.float32))
    project.save_prediction(entry, write_embedding=write)


def _answer(project: Project, case_id: str, status: Status = Status.DONE, **more: object) -> None:
    case = project.case(case_id)
    fields = {"case_id": case_id, "group_id": case.group_id, "image_digest": case.image_digest, "author": "ann"}
    fields |= {"origin": Origin.MANUAL, "status": status, "classes": ("ill",), "created": "2026-11-21T10:00:00+00:00"}
    project.save_annotation(Annotation.model_validate(fields | more))


def _names(project: Project, order: Order, **more) -> list[str]:
    return [one.case.case_id for one in order_cases(project.cases(), order, **more).cases]


def test_folder_order_counts_numbers_and_puts_what_is_done_last(project):
    assert _names(project, Order.FOLDER) == ["eye_1", "eye_2", "eye_3", "eye_4", "eye_10"]
    _answer(project, "eye_2")
    _answer(project, "eye_1", Status.SKIPPED)
    assert _names(project, Order.FOLDER) == ["eye_3", "eye_4", "eye_10", "eye_1", "eye_2"]


def test_what_nobody_was_sure_of_comes_up_again(project):
    _answer(project, "eye_1", is_unsure=True)
    _answer(project, "eye_2")
    assert _names(project, Order.FOLDER)[0] == "eye_1"
    assert _names(project, Order.FOLDER, unsure=frozenset({"eye_2"}))[:2] == ["eye_1", "eye_2"]
    project.lock("eye_1")
    assert _names(project, Order.FOLDER)[0] == "eye_3"


def test_least_sure_case_comes_first_and_what_was_not_rated_comes_after_with_a_word(project):
    for name, entropy, tta in (("eye_1", 0.1, 0.9), ("eye_3", 0.5, 0.2), ("eye_10", 0.3, 0.3)):
        _rate(project, name, entropy=entropy, tta=tta)
    found = order_cases(project.cases(), Order.UNCERTAINTY, measure="entropy")
    assert [one.case.case_id for one in found.cases] == ["eye_3", "eye_10", "eye_1", "eye_2", "eye_4"]
    (note,) = found.notes
    assert note.startswith("2 open cases were not rated by the model yet and come last")
    assert _names(project, Order.UNCERTAINTY)[0] == "eye_1", "the largest of all measures counts"


def test_numbers_of_an_older_model_do_not_count(project):
    _rate(project, "eye_1", at=0, entropy=0.9)
    _rate(project, "eye_2", at=1, entropy=0.4)
    found = order_cases(project.cases(), Order.UNCERTAINTY)
    assert [one.doubt for one in found.cases][:2] == [0.4, None]


def test_diversity_begins_far_from_what_is_done(project):
    places = {"eye_1": [0, 0], "eye_2": [0, 1], "eye_3": [9, 9], "eye_4": [1, 0], "eye_10": [9, 8]}
    for name, place in places.items():
        _rate(project, name, embedding=place, entropy=0.5)
    _answer(project, "eye_1")
    names = _names(project, Order.DIVERSITY)
    assert names[0] == "eye_3"
    assert names[-1] == "eye_1"


def test_gain_is_told_and_falls(project):
    for number, name in enumerate(("eye_1", "eye_2", "eye_3", "eye_4", "eye_10")):
        _rate(project, name, embedding=[number % 2 * 9.0, number], entropy=0.2 * number)
    _answer(project, "eye_10")
    found = order_cases(project.cases(), Order.GAIN)
    gains = [one.gain for one in found.cases if one.is_open]
    assert gains == sorted(gains, reverse=True)
    assert found.cases[-1].gain is None


def test_random_order_is_that_of_its_seed(project):
    assert _names(project, Order.RANDOM, seed=1) == _names(project, Order.RANDOM, seed=1)
    assert len({tuple(_names(project, Order.RANDOM, seed=seed)) for seed in range(9)}) > 3


def test_damaged_embedding_is_one_sentence(project):
    _rate(project, "eye_1", embedding=[1.0], entropy=0.5)
    saved = project.case("eye_1").prediction
    saved.embedding.path.write_bytes(b"torn")
    with pytest.raises(ReadError, match="the embedding cannot be read"):
        order_cases(project.cases(), Order.DIVERSITY)
