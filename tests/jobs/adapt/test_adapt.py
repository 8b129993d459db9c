"""Learning from corrections, from a project to a verdict, with planted faults that it must find."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from napari_medclf.domain.errors import CardError, DatasetError, OptionError
from napari_medclf.domain.revision import LearnedBy
from napari_medclf.domain.verdict import Judgement
from napari_medclf.jobs.adapt import measure
from napari_medclf.jobs.adapt.adapt import adapt
from napari_medclf.jobs.adapt.options import AdaptOptions, AdaptResult, Learns
from napari_medclf.jobs.adapt.revise import accept, current_package, roll_back, time_line
from napari_medclf.jobs.api import run
from napari_medclf.store.holdout import read_holdout
from napari_medclf.store.project import Project
from napari_medclf.store.revisions import Revisions

LEARN, HOLD = (1, 2, 3, 4), (11, 12, 13, 14, 15)
HELD_B = tuple(f"B{number}" for number in HOLD)


def _adapt(project, model, **more) -> AdaptResult:
    return run(adapt(AdaptOptions(model=str(model.folder), project=project.folder, device="cpu", **more)))


@pytest.fixture(scope="module")
def improved_once(tmp_path_factory, make_project, blob_model):
    """Corrections of site B, and the revision that learned from them."""
    project = make_project(tmp_path_factory.mktemp("once") / "project", {"B": LEARN + HOLD})
    return project.folder, _adapt(project, blob_model, hold_out=HELD_B, steps=40)


@pytest.fixture
def improved(improved_once, tmp_path):
    """A copy of that, to be changed."""
    folder, result = improved_once
    copied = Path(shutil.copytree(folder, tmp_path / "copied"))
    return Project.open(copied), replace(result, folder=copied / result.revision.package)


def test_corrections_of_another_site_make_the_model_better_there(improved) -> None:
    _, result = improved
    main = result.verdict.changes[0]
    assert result.verdict.judgement is Judgement.BETTER
    assert (main.name, main.n_cases, main.n_groups) == ("dice", 5, 5)
    assert main.after > main.before + 0.2
    assert result.verdict.may_be_accepted
    assert result.revision.n_steps <= 50
    assert result.revision.learned_by is LearnedBy.ADAPT


def test_nothing_is_in_use_before_a_person_accepts(improved) -> None:
    project, result = improved
    assert current_package(project).card.name == "blobs"
    assert [one.is_current for one in time_line(project)] == [True, False]
    accept(project, result.revision.revision_id, "me")
    assert [one.is_current for one in time_line(project)] == [False, True]
    assert current_package(project).card.weights_sha256 == result.revision.weights_sha256


def test_roll_back_brings_the_earlier_package_back_to_the_bit(improved, blob_model) -> None:
    project, result = improved
    accept(project, result.revision.revision_id)
    package = roll_back(project)
    assert package.weights_path.read_bytes() == blob_model.weights_path.read_bytes()
    assert _files(package.folder) == _files(blob_model.folder)
    with pytest.raises(OptionError, match="no earlier revision"):
        roll_back(project)


def test_package_that_was_changed_is_neither_accepted_nor_gone_back_to(improved) -> None:
    project, result = improved
    weights = result.folder / "models" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(CardError, match="not the ones of the card"):
        accept(project, result.revision.revision_id)
    assert current_package(project).card.version == "1.0"


def test_same_seed_gives_the_same_weights_and_another_one_others(project_of, blob_model) -> None:
    project = project_of({"B": LEARN})
    shas = [_adapt(project, blob_model, steps=4, seed=seed).revision.weights_sha256 for seed in (0, 0, 1)]
    assert shas[0] == shas[1] != shas[2]


def test_labels_of_another_case_are_called_worse_and_not_accepted(project_of, blob_model) -> None:
    project = project_of({"A": LEARN + HOLD}, poisoned=LEARN)
    result = _adapt(project, blob_model, hold_out=tuple(f"A{number}" for number in HOLD), steps=40)
    assert result.verdict.judgement is Judgement.WORSE
    with pytest.raises(OptionError, match="was not accepted. Worse"):
        accept(project, result.revision.revision_id)
    assert current_package(project).card.version == "1.0"
    accept(project, result.revision.revision_id, is_confirmed=True)  # a person has the last word
    assert current_package(project).card.weights_sha256 == result.revision.weights_sha256


def test_site_that_gets_worse_is_named_though_the_mean_rises(project_of, blob_model) -> None:
    many = (*HOLD, 16, 17, 18, 19, 20)
    project = project_of({"B": LEARN + many, "A": (31, 32, 33)})
    held_out = (*(f"B{number}" for number in many), "A31", "A32", "A33")
    result = _adapt(project, blob_model, hold_out=held_out, steps=40)
    by_group = {(one.name, one.group): one for one in result.verdict.changes}
    assert by_group["dice", ""].after > by_group["dice", ""].before + 0.2
    assert by_group["dice", "site=B"].judgement is Judgement.BETTER
    assert by_group["dice", "site=A"].judgement is Judgement.WORSE
    assert "site=A (dice)" in result.verdict.worse_in
    assert "Worse in" in result.verdict.sentence
    assert not result.verdict.may_be_accepted


def test_held_out_case_is_never_learned_from(improved, blob_model, add_blob) -> None:
    project, result = improved
    assert {name.partition(":")[0] for name in _learned(project, result)} == {"B1", "B2", "B3", "B4"}
    with pytest.raises(DatasetError, match="'B11' is in the hold-out"):
        _adapt(project, blob_model, cases=("B11",))
    with pytest.raises(DatasetError, match="'B1' cannot be held out"):
        _adapt(project, blob_model, hold_out=("B1",))
    later = add_blob(project, 41, "B")
    again = _adapt(project, blob_model, steps=2)
    assert f"{later}:" in " ".join(_learned(project, again))
    assert not {name.partition(":")[0] for name in _learned(project, again)} & set(HELD_B)


def test_hold_out_keeps_the_answers_that_it_was_frozen_with(improved, blob_model, add_blob) -> None:
    project, first = improved
    frozen = read_holdout(project.folder)
    add_blob(project, 11, "B", labels_of=99)  # somebody says something else of a held-out picture
    again = _adapt(project, blob_model, steps=1)
    assert read_holdout(project.folder).sha256 == frozen.sha256
    assert again.verdict.changes[0].before == first.verdict.changes[0].before


def test_model_that_learned_from_a_held_out_image_is_marked(project_of, blob_model, blob_image, tmp_path) -> None:
    from napari_medclf.jobs.dataset.learned import LEARNED_IN_PACKAGE, image_digest
    from napari_medclf.store.bundle import copy_package

    package = copy_package(blob_model, tmp_path / "knows-one")
    learned = {"schema_version": 1, "train": [image_digest(blob_image(12, "B"))], "val": []}
    (package.folder / LEARNED_IN_PACKAGE).write_text(json.dumps(learned))
    project = project_of({"B": LEARN + HOLD})
    verdict = _adapt(project, package, hold_out=HELD_B, steps=1).verdict
    assert verdict.contaminated == ("B12",)
    assert not verdict.may_be_accepted
    assert "Contaminated" in verdict.sentence


def test_parent_is_asked_once_about_the_hold_out(improved, blob_model, monkeypatch) -> None:
    project, _ = improved
    asked = []
    original = measure._ask

    def counted(loaded, reader, case):
        asked.append((loaded.package.card.version, case.case_id))
        return (yield from original(loaded, reader, case))

    monkeypatch.setattr(measure, "_ask", counted)
    _adapt(project, blob_model, steps=1)
    assert len(asked) == len(HOLD)
    assert "1.0" not in {version for version, _ in asked}


def test_few_patients_are_all_learned_from_and_nothing_is_claimed(project_of, blob_model) -> None:
    project = project_of({"B": (1, 2, 3)})
    result = _adapt(project, blob_model, steps=1)
    assert result.verdict.judgement is Judgement.UNKNOWN
    assert result.n_cases == 3
    with pytest.raises(OptionError, match="Confirm it"):
        accept(project, result.revision.revision_id)


def test_revisions_say_which_corrections_made_which_model(improved, blob_model, add_blob) -> None:
    project, first = improved
    accept(project, first.revision.revision_id)
    add_blob(project, 41, "B")
    second = _adapt(project, blob_model, steps=1)
    root, one, two = Revisions(project.folder).models()
    assert (one.parent_id, two.parent_id) == (root.revision_id, one.revision_id)
    data = Revisions(project.folder).data()
    assert len(data[one.data_revision_id].annotations) == 4
    assert len(data[two.data_revision_id].annotations) == 5
    assert data[one.data_revision_id].active_s == 120
    assert second.revision.revision_id.startswith("r0003-")
    spec = json.loads((first.folder / "configs" / "run_spec.json").read_text())
    assert spec["options"]["steps"] == first.revision.n_steps


def test_instant_learning_moves_the_last_layer_and_the_other_kinds_every_weight(project_of, blob_model) -> None:
    project = project_of({"B": LEARN})
    kinds = (LearnedBy.INSTANT, LearnedBy.ADAPT, LearnedBy.FINE_TUNE)
    instant, quick, full = (_adapt(project, blob_model, kind=kind, steps=1).n_moved for kind in kinds)
    assert 0 < instant < quick == full


def test_parts_of_a_network_move_more_and_more_numbers(project_of, blob_model) -> None:
    project = project_of({"B": LEARN})
    parts = (Learns.HEAD, Learns.NORM_AND_HEAD, Learns.ADAPTERS)
    moved = [_adapt(project, blob_model, learns=part, steps=1).n_moved for part in parts]
    assert moved == sorted(set(moved))


def test_instant_learning_changes_the_last_layer_alone_and_not_for_the_worse(improved, blob_model) -> None:
    from safetensors.numpy import load_file

    project, _ = improved
    result = _adapt(project, blob_model, kind=LearnedBy.INSTANT)
    before, after = (load_file(one / "models" / "model.safetensors") for one in (blob_model.folder, result.folder))
    changed = {name.rpartition(".")[0] for name in before if (before[name] != after[name]).any()}
    assert changed <= {"final_conv"}
    assert result.revision.n_steps == 0
    assert result.verdict.judgement is not Judgement.WORSE


def test_classes_are_matched_by_name_where_the_project_numbers_them_otherwise(project_of, blob_model) -> None:
    from napari_medclf.domain.labels import LabelSchema

    project = project_of({"B": LEARN}, value=3)
    assert project.info.classes == LabelSchema.from_names(["blob"], first_value=3)
    same = project_of({"B": LEARN}, name="same")
    shas = [_adapt(one, blob_model, steps=2).revision.weights_sha256 for one in (project, same)]
    assert shas[0] == shas[1]


def _learned(project, result) -> tuple[str, ...]:
    return Revisions(project.folder).data()[result.revision.data_revision_id].annotations


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
