from __future__ import annotations

import json

from napari_medclf.jobs.adapt.adapt import adapt
from napari_medclf.jobs.adapt.options import AdaptOptions
from napari_medclf.jobs.adapt.revise import accept
from napari_medclf.jobs.api import run
from napari_medclf.jobs.drive import drive
from napari_medclf.jobs.session.rerun import rerun_session
from napari_medclf.store.project import Project


def _adapt(project, model, **more):
    return run(adapt(AdaptOptions(model=model, project=project.folder, device="cpu", steps=6, **more)))


def test_two_adaptations_learn_again_to_the_same_weights_though_answers_came_since(
    project_of, blob_model, add_blob, tmp_path
):
    project = project_of({"B": (1, 2, 3, 11, 12, 13)})
    first = _adapt(project, str(blob_model.folder), seed=3, hold_out=("B11", "B12"))
    accept(project, first.revision.revision_id, is_confirmed=True)
    add_blob(project, 4, "B")
    second = _adapt(Project.open(project.folder), "current", seed=5)
    add_blob(project, 1, "B", labels_of=30)  # another answer for a case that was learned from
    again = run(rerun_session(project.folder, tmp_path / "again"))
    assert [one.revision_id for one in again.models] == [first.revision.revision_id, second.revision.revision_id]
    assert [one.is_same for one in again.models] == [True, True], again.models


def test_other_seed_is_found(project_of, blob_model, tmp_path):
    project = project_of({"B": (1, 2, 3)})
    made = _adapt(project, str(blob_model.folder), seed=3)
    spec = made.folder / "configs" / "run_spec.json"
    content = json.loads(spec.read_text())
    content["options"]["seed"] = 4
    spec.write_text(json.dumps(content))
    outcome = drive(rerun_session(project.folder, tmp_path / "again"))
    assert "other weights" in outcome.failures[0].reason
