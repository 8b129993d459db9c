"""The hold-out: frozen, growing only, and noticed when it was changed by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_medclf.domain.annotation import Annotation, Origin
from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import DatasetError
from napari_medclf.store.holdout import Member, freeze, read_holdout, said_digest
from napari_medclf.store.holdout_answers import AnswerShelf, HeldOutAnswer


def _member(name: str, answer: str = "a1") -> Member:
    return Member(case_id=name, group_id=f"patient-{name}", image_digest=f"digest-{name}", answer=answer)


def test_hold_out_grows_and_keeps_what_was_frozen(tmp_path: Path) -> None:
    first = freeze(tmp_path, [_member("b"), _member("a")], "me")
    grown = freeze(tmp_path, [_member("a", "another answer"), _member("c")])
    assert [one.case_id for one in grown.members] == ["a", "b", "c"]
    assert grown.members[:2] == first.members
    assert read_holdout(tmp_path) == grown
    assert freeze(tmp_path, [_member("c")]) == grown  # nobody joins: no new version
    assert (tmp_path / "holdout.jsonl").read_text().count("\n") == 2


def test_patient_and_image_are_both_held_out(tmp_path: Path) -> None:
    holdout = freeze(tmp_path, [_member("a")])
    assert holdout.holds("patient-a", "digest-other")
    assert holdout.holds("patient-other", "digest-a")
    assert not holdout.holds("patient-b", "digest-b")


def test_hold_out_that_was_changed_by_hand_is_noticed(tmp_path: Path) -> None:
    freeze(tmp_path, [_member("a"), _member("b")])
    path = tmp_path / "holdout.jsonl"
    path.write_text(path.read_text().replace("patient-a", "patient-x"))
    with pytest.raises(DatasetError, match="was changed"):
        read_holdout(tmp_path)


def test_empty_hold_out_is_none_and_cannot_be_frozen(tmp_path: Path) -> None:
    assert read_holdout(tmp_path) is None
    with pytest.raises(DatasetError, match="at least one case"):
        freeze(tmp_path, [])


def test_what_is_said_is_labels_or_classes_by_task() -> None:
    said = Annotation(
        case_id="a", group_id="a", image_digest="d", label_digest="f" * 64, classes=("x", "y"), origin=Origin.MANUAL,
        author="me", created="now",
    )  # fmt: skip
    assert said_digest(said, Task.SEGMENT) == "f" * 16
    turned = said.model_copy(update={"classes": ("y", "x")})
    assert said_digest(said, Task.CLASSIFY) == said_digest(turned, Task.CLASSIFY)
    assert said_digest(said, Task.CLASSIFY) != said_digest(said.model_copy(update={"classes": ()}), Task.CLASSIFY)


def test_damaged_answers_are_asked_again(tmp_path: Path) -> None:
    shelf = AnswerShelf(tmp_path, "ab" * 32)
    kept = {"image:answer": HeldOutAnswer(learned_key="k", values={"dice/a": 0.5, "dice/b": None})}
    shelf.write(kept)
    assert shelf.read() == kept
    assert AnswerShelf(tmp_path, "cd" * 32).read() == {}
    shelf.path.write_text("{")
    assert shelf.read() == {}
