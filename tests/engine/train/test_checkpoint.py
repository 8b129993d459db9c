from __future__ import annotations

import pytest
import torch

from napari_medclf.domain.errors import DatasetError
from napari_medclf.engine.train.checkpoint import BEST, LAST, PREVIOUS, CheckpointFolder


def state_of(number: int) -> dict:
    return {"epoch": number, "weights": {"a": torch.full((3,), float(number))}}


def test_last_and_previous_and_best_are_kept(tmp_path):
    folder = CheckpointFolder(tmp_path, "recipe")
    for number in (1, 2, 3):
        folder.save(state_of(number), is_best=number == 2)
    found = {name: torch.load(tmp_path / name, weights_only=True)["epoch"] for name in (LAST, PREVIOUS, BEST)}
    assert found == {LAST: 3, PREVIOUS: 2, BEST: 2}


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04nothing", b"no checkpoint", b"torn"])
def test_damaged_last_gives_the_one_before_with_a_warning(tmp_path, damage):
    folder = CheckpointFolder(tmp_path, "recipe")
    folder.save(state_of(1), is_best=True)
    folder.save(state_of(2), is_best=True)
    (tmp_path / LAST).write_bytes(damage)
    state, warnings = folder.load()
    assert state["epoch"] == 1
    assert len(warnings) == 1
    assert "last.pt is damaged" in warnings[0]


def test_kill_between_the_two_renames_leaves_the_one_before(tmp_path):
    folder = CheckpointFolder(tmp_path, "recipe")
    folder.save(state_of(1), is_best=True)
    (tmp_path / LAST).replace(tmp_path / PREVIOUS)
    state, warnings = folder.load()
    assert state["epoch"] == 1
    assert warnings == ()


def test_failed_write_keeps_the_states_before(tmp_path, monkeypatch):
    folder = CheckpointFolder(tmp_path, "recipe")
    folder.save(state_of(1), is_best=True)

    def refuse(path, content):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("napari_medclf.engine.train.checkpoint.atomic_write", refuse)
    with pytest.raises(OSError, match="No space"):
        folder.save(state_of(2), is_best=True)
    assert folder.load()[0]["epoch"] == 1


def test_nothing_saved_is_nothing_loaded(tmp_path):
    assert CheckpointFolder(tmp_path / "new", "recipe").load() == (None, ())


def test_state_of_another_training_is_refused(tmp_path):
    CheckpointFolder(tmp_path, "one").save(state_of(1), is_best=True)
    with pytest.raises(DatasetError, match="another recipe"):
        CheckpointFolder(tmp_path, "other").load()
