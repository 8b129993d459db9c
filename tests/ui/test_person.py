"""A person's afternoon, with real keys and a real mouse: open, run, paint, accept, train, run again, batch."""

from __future__ import annotations

import json

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_medclf.domain.annotation import Origin, Status
from napari_medclf.store.project import Project
from napari_medclf.ui.batch.rows import RowState

TINY_RECIPE = {
    "network": {
        "target": "monai.networks.nets.BasicUNet",
        "arguments": {"spatial_dims": 2, "in_channels": 1, "out_channels": 2, "features": [4, 4, 4, 4, 4, 4]},
    },
    "input": {
        "spatial_dims": 2,
        "channels": ["gray"],
        "intensity": {"kind": "percentile", "low": 1.0, "high": 99.0},
        "patch_vox": [32, 32],
        "divisible_by": 16,
    },
    "epochs": 2,
    "samples_per_epoch": 8,
    "batch": 4,
}


@pytest.mark.timeout(300)
def test_open_run_paint_accept_train_run_again_batch(
    workbench, person, install_threshold, threshold_card, pictures, tmp_path, until
) -> None:
    session, viewer = workbench.session, workbench.session.viewer
    install_threshold(threshold_card())

    # open a folder; the keys go to the viewer from then on
    person.type_path(workbench.data.path, pictures)
    until(lambda: session.image is not None)
    assert not workbench.data.path.line.hasFocus()
    assert len(session.work.items) == 4

    # run the model on the first image, paint a stroke on its labels
    person.press(Qt.Key.Key_Space)
    until(lambda: session.labels_layer is not None)
    model_labels = session.labels_layer.data.copy()
    assert np.count_nonzero(model_labels) == pytest.approx(np.pi * 14**2, rel=0.05)
    workbench.show_tab("Correct")
    person.press(Qt.Key.Key_1)
    person.click(workbench.correct.tools.group.buttons()[0])
    person.stroke((0.75, 0.2), (0.75, 0.7))
    n_painted = np.count_nonzero(session.labels_layer.data != model_labels)
    assert n_painted > 20
    assert "painted" in workbench.correct.subject.text()

    # accept it, and the others as they are
    project_path = session.user_folder / "projects" / "bright-segment-2d"
    for done in range(1, 5):
        if done > 1:
            person.press(Qt.Key.Key_Space)
            until(lambda: session.labels_layer is not None and not workbench.bar.is_running)
        person.press(Qt.Key.Key_N)
        until(lambda done=done: session.work.count(Status.DONE) == done and not session.lane.is_busy)
    cases = Project.open(project_path).cases()
    answers = [case.answer.annotation for case in cases]
    assert [answer.origin for answer in answers] == [Origin.CORRECTED, *[Origin.ACCEPTED] * 3]
    assert answers[0].n_edited_vox == n_painted
    assert (answers[0].model, answers[0].model_version) == ("bright-segment-2d", "1.0")

    # train two epochs from the corrections
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps(TINY_RECIPE), encoding="utf-8")
    workbench.show_tab("Train")
    workbench.train.form.show_values(
        {"data": project_path, "recipe": str(recipe), "name": "from-corrections", "val_fraction": 0.25}
    )
    workbench.train.form.show_values({"test_fraction": 0.0, "device": "cpu"})
    person.click(workbench.train.start)
    until(lambda: not workbench.bar.is_running, 120)
    until(lambda: "from-corrections" in [package.name for package in session.packages])
    assert {len(points) for points in workbench.train.curve.series.values()} == {2}

    # measure it on the same project
    workbench.show_tab("Evaluate")
    assert workbench.evaluate.model.choose("from-corrections")
    workbench.evaluate.form.show_values({"data": project_path, "split": "all", "device": "cpu"})
    install_threshold.undo()
    person.click(workbench.evaluate.start)
    until(lambda: not workbench.bar.is_running, 120)
    assert "4 cases" in workbench.evaluate.message.text()
    table = workbench.evaluate.metrics
    assert "dice" in [table.item(row, 0).text() for row in range(table.rowCount())]

    # run what was trained
    workbench.show_tab("Run")
    assert workbench.run.models.choose("from-corrections")
    person.press(Qt.Key.Key_Space)
    until(lambda: session.answer is not None and session.answer.card.name == "from-corrections", 60)
    assert any(layer.name.endswith("from-corrections") for layer in viewer.layers)

    # and on the whole folder, one file of which is broken
    (pictures / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n then nothing")
    workbench.show_tab("Batch")
    workbench.batch.model.choose("from-corrections")
    workbench.batch.form.show_values({"folder": pictures, "out": tmp_path / "results", "device": "cpu"})
    person.click(workbench.batch.start)
    until(lambda: not workbench.bar.is_running, 120)
    triage = workbench.batch.triage
    until(lambda: triage.seen is not None and triage.seen.ended == "completed")
    assert triage.isVisible()  # the answers come in while it runs
    assert [row.state for row in triage.table.lines.rows] == [RowState.TO_LOOK] * 4 + [RowState.FAILED]
    assert (tmp_path / "results" / "results.csv").is_file()
    assert len(list((tmp_path / "results" / "cases").iterdir())) == 4
    assert "4 done" in workbench.batch.message.text()
