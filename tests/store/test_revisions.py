"""Revisions: whole or absent, never changed, linked, and one of them in use."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import CardError, DatasetError, WriteError
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.revision import DataRevision, LearnedBy, ModelRevision
from napari_medclf.domain.run import RunSpec
from napari_medclf.store import revisions as module
from napari_medclf.store.audit_check import check_audit
from napari_medclf.store.bundle import write_package
from napari_medclf.store.revisions import Revisions

Made = Callable[..., ModelRevision]


@pytest.fixture
def revisions(tmp_path: Path) -> Revisions:
    return Revisions(tmp_path / "project")


@pytest.fixture
def make(revisions: Revisions, card: ModelCard, run_spec: RunSpec) -> Made:
    """Keep a revision whose weights are all one number."""

    def added(value: int, parent: str = "", data: DataRevision | None = None) -> ModelRevision:
        import hashlib

        weights = save({"bias": np.full(6, value, dtype=np.float32)})
        draft = ModelRevision(
            revision_id="", parent_id=parent, learned_by=LearnedBy.ADAPT, package="", created="",
            data_revision_id="" if data is None else data.revision_id,
            weights_sha256=hashlib.sha256(weights).hexdigest(),
        )  # fmt: skip

        def write(folder: Path) -> ModelPackage:
            return write_package(folder, card, weights, run_spec, "CC-BY-4.0", replace=False)

        return revisions.add(draft, write, data)

    return added


def test_revision_is_found_again_with_its_parent_and_its_data(revisions: Revisions, make: Made) -> None:
    first = make(1)
    data = DataRevision(revision_id="ab" * 8, annotations=("eye:12",), active_s=60, created="now")
    second = make(2, first.revision_id, data)
    again = Revisions(revisions.project)
    assert again.models() == (first, second)
    assert second.revision_id.startswith("r0002-")
    assert again.find("r0002") == second
    assert again.data()[second.data_revision_id] == data
    with pytest.raises(DatasetError, match="revision"):
        again.find("r0009")


def test_nothing_is_in_use_until_somebody_says_so(revisions: Revisions, make: Made) -> None:
    first, second = make(1), make(2)
    assert revisions.current() is None
    revisions.use(first, "import", "me")
    assert revisions.current() == first
    assert revisions.earlier() is None
    revisions.use(second, "accept", "me")
    assert (revisions.current(), revisions.earlier()) == (second, first)


def test_going_back_goes_through_all_that_were_used(revisions: Revisions, make: Made) -> None:
    made = [make(value) for value in range(3)]
    for one in made:
        revisions.use(one, "accept", "me")
    revisions.use(made[1], "roll-back", "me")
    assert revisions.earlier() == made[0]
    later = make(7)
    revisions.use(later, "accept", "me")
    assert revisions.earlier() == made[1]


def test_changed_weights_are_not_used(revisions: Revisions, make: Made) -> None:
    first, second = make(1), make(2)
    revisions.use(first, "import", "me")
    path = revisions.project / second.package / "models" / "model.safetensors"
    path.write_bytes(save({"bias": np.full(6, 9, dtype=np.float32)}))
    with pytest.raises(CardError, match="not the ones of the card"):
        revisions.use(second, "accept", "me")
    assert revisions.current() == first


def test_package_of_a_killed_writer_is_taken_up(revisions: Revisions, make: Made) -> None:
    make(1)
    revisions.journal.path.unlink()  # as if the process had ended before the entry was written
    assert make(1).revision_id.startswith("r0001-")
    assert len(revisions.models()) == 1


def test_pointer_that_cannot_be_written_changes_nothing(revisions: Revisions, make: Made, monkeypatch) -> None:
    first, second = make(1), make(2)
    revisions.use(first, "import", "me")

    def full(path: Path, content: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "atomic_write", full)
    with pytest.raises(WriteError, match="No space left"):
        revisions.use(second, "accept", "me")
    assert revisions.current() == first
    assert revisions.earlier() is None
    monkeypatch.undo()
    revisions.use(second, "accept", "me")
    assert revisions.earlier() == first


def test_entry_of_a_newer_version_is_refused_in_a_sentence(revisions: Revisions, make: Made) -> None:
    make(1)
    line = json.loads(revisions.journal.path.read_text().splitlines()[0])
    line["revision"]["schema_version"] = 2
    revisions.journal.path.write_text(json.dumps(line, separators=(",", ":")) + "\n")
    with pytest.raises(DatasetError, match="newer version"):
        revisions.models()


def test_exchanged_weights_are_found_by_the_audit(revisions: Revisions, make: Made) -> None:
    first, second = make(1), make(2)
    assert check_audit(revisions.project).is_whole
    files = [revisions.project / one.package / "models" / "model.safetensors" for one in (first, second)]
    files[0].write_bytes(files[1].read_bytes())
    assert any("model.safetensors: was changed" in one for one in check_audit(revisions.project).problems)


def test_damaged_pointer_names_what_can_be_chosen(revisions: Revisions, make: Made) -> None:
    first = make(1)
    revisions.use(first, "import", "me")
    (revisions.project / "revisions" / "current.json").write_text('{"x')
    with pytest.raises(DatasetError, match=f"there are {first.revision_id}"):
        revisions.current()
