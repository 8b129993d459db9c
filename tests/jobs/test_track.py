from __future__ import annotations

import sys

import pytest

from napari_medclf.domain.errors import BackendUnavailable
from napari_medclf.domain.events import EpochDone, Progress
from napari_medclf.jobs.track import TrackBy, flat, make_tracker, tracked

SETTINGS = {"epochs": 2, "optimiser": {"kind": "adamw", "lr": 0.001}, "input": {"patch_vox": (8, 12)}}


def two_epochs():
    yield Progress(0, 2)
    yield EpochDone(1, 2, {"train/loss": 0.5, "val/dice/left part": 0.25})
    yield EpochDone(2, 2, {"train/loss": 0.25, "val/dice/left part": 0.75})
    return "fitted"


class Remembers:
    def __init__(self):
        self.told = []

    def begin(self, settings):
        self.told.append(settings)

    def epoch(self, number, values):
        self.told.append((number, dict(values)))

    def end(self, *, is_finished):
        self.told.append(is_finished)


def run(job):
    events = []
    while True:
        try:
            events.append(next(job))
        except StopIteration as end:
            return end.value, events


def test_job_goes_through_unchanged_and_its_epochs_are_taken_down():
    tracker = Remembers()
    result, events = run(tracked(two_epochs(), tracker, SETTINGS))
    assert result == "fitted"
    assert len(events) == 3
    assert tracker.told[0] == {
        "epochs": 2,
        "optimiser.kind": "adamw",
        "optimiser.lr": 0.001,
        "input.patch_vox": "[8, 12]",
    }
    assert [number for number, _ in tracker.told[1:3]] == [1, 2]
    assert tracker.told[-1] is True


def test_stop_is_taken_down_too():
    tracker = Remembers()
    job = tracked(two_epochs(), tracker, {})
    next(job), next(job)
    job.close()
    assert tracker.told[-1] is False


def test_no_tracker_changes_nothing(tmp_path):
    assert make_tracker(TrackBy.NONE, tmp_path, "m") is None
    assert run(tracked(two_epochs(), None, {}))[0] == "fitted"


def test_tensorboard_reads_every_number_back(tmp_path):
    pytest.importorskip("tensorboard", reason="the extra `track` is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run(tracked(two_epochs(), make_tracker(TrackBy.TENSORBOARD, tmp_path, "model"), SETTINGS))
    found = EventAccumulator(str(tmp_path / "model"))
    found.Reload()
    assert [(one.step, one.value) for one in found.Scalars("val/dice/left part")] == [(1, 0.25), (2, 0.75)]
    assert b"| optimiser.lr | 0.001 |" in found.Tensors("settings")[0].tensor_proto.string_val[0]


def test_mlflow_reads_every_number_back(tmp_path, monkeypatch):
    pytest.importorskip("mlflow", reason="the extra `track` is not installed")
    pytest.importorskip("sqlalchemy", reason="the extra `track` is not installed")
    from mlflow.tracking import MlflowClient

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    run(tracked(two_epochs(), make_tracker(TrackBy.MLFLOW, tmp_path, "model"), SETTINGS))
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    (found,) = client.search_runs([client.get_experiment_by_name("napari-medclf").experiment_id])
    assert found.info.status == "FINISHED"
    assert found.data.params["optimiser.lr"] == "0.001"
    assert [(one.step, one.value) for one in client.get_metric_history(found.info.run_id, "val/dice/left part")] == [
        (1, 0.25),
        (2, 0.75),
    ]


@pytest.mark.parametrize(
    ("kind", "package", "way"),
    [(TrackBy.TENSORBOARD, "tensorboard", r"'napari-medclf\[track\]'"), (TrackBy.MLFLOW, "mlflow", "mlflow")],
)
def test_missing_package_is_named_with_the_way_to_get_it(tmp_path, monkeypatch, kind, package, way):
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(BackendUnavailable, match=rf"{package} is not installed.*pip install {way}"):
        make_tracker(kind, tmp_path, "model")


def test_nested_settings_are_named_with_dots():
    assert flat({"a": {"b": {"c": 1}}, "d": [1, 2]}) == {"a.b.c": 1, "d": "[1, 2]"}
