"""Follow a training in TensorBoard or MLflow: every number of every epoch, and the settings."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TypeVar

from napari_medclf.domain.errors import BackendUnavailable
from napari_medclf.domain.events import EpochDone, Job

Result = TypeVar("Result")


class TrackBy(StrEnum):
    """Which program a training can be followed in."""

    NONE = "none"
    TENSORBOARD = "tensorboard"
    MLFLOW = "mlflow"


class Tracker(Protocol):
    """Takes down what a training tells."""

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Note the settings, as dotted names and values."""
        ...

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        """Note the numbers of an epoch, which counts from 1."""
        ...

    def end(self, *, is_finished: bool) -> None:
        """Say that nothing more comes, after the last epoch or after a stop."""
        ...


def make_tracker(kind: TrackBy, place: Path, name: str) -> Tracker | None:
    """Make the tracker that was asked for; None for none.

    Parameters
    ----------
    place : Path
        Folder of TensorBoard's logs, or of MLflow's store.
    name : str
        Of the run.

    Raises
    ------
    BackendUnavailable
        If its package is not installed.
    """
    if kind is TrackBy.NONE:
        return None
    try:
        return TensorBoardTracker(place / name) if kind is TrackBy.TENSORBOARD else MlflowTracker(place, name)
    except ImportError as error:
        # MLflow limits the versions of other packages, so that it is no extra of ours.
        package = "'napari-medclf[track]'" if kind is TrackBy.TENSORBOARD else "mlflow"
        raise BackendUnavailable(
            f"{kind} is not installed. Install it with: pip install {package}, or train without --track."
        ) from error


def tracked(job: Job[Result], tracker: Tracker | None, settings: Mapping[str, Any]) -> Job[Result]:
    """Run a job as it is, and let a tracker take down its epochs."""
    if tracker is None:
        return (yield from job)
    tracker.begin(flat(settings))
    is_finished = False
    try:
        while True:
            try:
                event = next(job)
            except StopIteration as end:
                is_finished = True
                result: Result = end.value
                return result
            if isinstance(event, EpochDone):
                tracker.epoch(event.epoch, event.values)
            yield event
    finally:
        job.close()
        tracker.end(is_finished=is_finished)


class TensorBoardTracker:
    """Writes an event file that TensorBoard reads; the settings stand under its tab Text."""

    def __init__(self, folder: Path) -> None:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._writer = EventFileWriter(str(folder))

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Note the settings as a table in Markdown."""
        from tensorboard.plugins.text.metadata import create_summary_metadata

        rows = [f"| {name} | {value} |" for name, value in settings.items()]
        table = "\n".join(["| setting | value |", "|---|---|", *rows])
        content = {"dtype": "DT_STRING", "string_val": [table.encode()], "tensor_shape": {"dim": [{"size": 1}]}}
        self._add(0, tag="settings", metadata=create_summary_metadata("settings", ""), tensor=content)

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        """Note each number as a curve."""
        for name, value in values.items():
            self._add(number, tag=name, simple_value=value)
        self._writer.flush()

    def end(self, *, is_finished: bool) -> None:
        """Close the file."""
        self._writer.close()

    def _add(self, step: int, **value: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.compat.proto.tensor_pb2 import TensorProto

        if "tensor" in value:
            value["tensor"] = TensorProto(**value["tensor"])
        summary = Summary(value=[Summary.Value(**value)])
        self._writer.add_event(Event(wall_time=time.time(), step=step, summary=summary))


class MlflowTracker:
    """Writes a run into MLflow's store, in a folder or on a server (``MLFLOW_TRACKING_URI``)."""

    def __init__(self, folder: Path, name: str) -> None:
        import os

        from mlflow.tracking import MlflowClient

        uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder.absolute() / 'mlflow.db'}"
        folder.mkdir(parents=True, exist_ok=True)
        self._client = MlflowClient(tracking_uri=uri)
        experiment = self._client.get_experiment_by_name("napari-medclf")
        of = experiment.experiment_id if experiment else self._client.create_experiment("napari-medclf")
        self._run = self._client.create_run(of, run_name=name).info.run_id

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Note the settings as parameters."""
        for name, value in settings.items():
            self._client.log_param(self._run, name, str(value)[:500])

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        """Note each number as a metric."""
        for name, value in values.items():
            self._client.log_metric(self._run, _allowed(name), value, step=number)

    def end(self, *, is_finished: bool) -> None:
        """Close the run, finished or killed."""
        self._client.set_terminated(self._run, "FINISHED" if is_finished else "KILLED")


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Name nested settings with dots.

    >>> flat({"epochs": 3, "loss": {"kind": "ce"}})
    {'epochs': 3, 'loss.kind': 'ce'}
    """
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = json.dumps(value) if isinstance(value, (list, tuple)) else value
    return found


def _allowed(name: str) -> str:
    """MLflow takes letters, digits and ``_-. :/`` in a metric's name."""
    return "".join(letter if letter.isalnum() or letter in "_-. :/" else "_" for letter in name)
