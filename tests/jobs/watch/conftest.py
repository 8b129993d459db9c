"""Services with a model that only compares with a threshold, and studies that arrive as a test says."""

from __future__ import annotations

import importlib.util
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.events import Progress
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.results import Prediction, Segmentation
from napari_medclf.jobs.drive import drive
from napari_medclf.testing.phantoms import oblique_phantom

PATIENCE_S = 60.0
BRIGHT_HU = 1000


def load_beside(path: str):
    """Import a module of helpers by its place below the tests."""
    file = Path(__file__).parents[2] / path
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class ThresholdModel:
    """Marks what is bright; remembers how many slices the images had."""

    place = "cpu"

    def __init__(self, package) -> None:
        self.package, self.seen = package, []

    def predict(self, image, settings):
        """Segment."""
        yield Progress(0, 1, "thinking")
        self.seen.append(image.geometry.shape[0])
        data = image.data.reshape(image.geometry.shape)
        labels = (np.asarray(data) > BRIGHT_HU).astype(np.uint8)
        segmentation = Segmentation(labels, image.geometry, self.package.card.schema_)
        yield Progress(1, 1, "thinking")
        return Prediction("bright", "1", image.name, segmentation=segmentation)


@pytest.fixture
def model(monkeypatch, tmp_path) -> ThresholdModel:
    """The model that services find under any name."""
    card = ModelCard(
        name="bright",
        version="1",
        task=Task.SEGMENT,
        title="Bright",
        description="What is bright.",
        input=InputSpec(spatial_dims=3, channels=("CT",), intensity=Intensity(kind="none"), patch_vox=(8, 8, 8)),
        output=OutputSpec(schema=LabelSchema.from_names(["bright"], first_value=1)),
        network=NetworkSpec(target="threshold"),
        licence="CC0",
    )
    package = ModelPackage(card, tmp_path)
    found = ThresholdModel(package)
    monkeypatch.setattr("napari_medclf.jobs.models.find_model", lambda name: package)
    monkeypatch.setattr("napari_medclf.jobs.predict.load_package", lambda *arguments: found)
    return found


@pytest.fixture(scope="session")
def write_series():
    """As in the tests of `io`."""
    return load_beside("io/conftest.py")._write_series


@pytest.fixture(scope="session")
def study(tmp_path_factory, write_series):
    """Give a function that writes a study of one CT series, 12 slices in the order of their places."""
    made: dict[int, list[Path]] = {}

    def write(number: int = 0) -> list[Path]:
        if number not in made:
            folder = write_series(tmp_path_factory.mktemp(f"study{number}"), oblique_phantom())
            made[number] = _in_order(folder, number)
        return made[number]

    return write


def _in_order(folder: Path, number: int) -> list[Path]:
    uids = [generate_uid(entropy_srcs=[level, str(number)]) for level in ("study", "series")]
    for path in folder.iterdir():
        dataset = dcmread(path)
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = uids
        dataset.SOPInstanceUID += f".{number}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.save_as(path, enforce_file_format=True)
    return sorted(folder.iterdir(), key=lambda path: -dcmread(path).InstanceNumber)


def bring(paths, folder: Path, prefix: str = "") -> None:
    """Copy files into a folder, as somebody else would."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        shutil.copy(path, folder / f"{prefix}{path.name}")


class Events:
    """Drives a service until something was told, or time is over."""

    def __init__(self) -> None:
        self.all = []

    def drive(self, job, until=lambda events: False, on_event=lambda event: None):
        """Give the outcome; `until` looks at all events so far."""
        self.all = []
        end_s = time.monotonic() + PATIENCE_S

        def note(event):
            self.all.append(event)
            on_event(event)

        def should_stop():
            assert time.monotonic() < end_s, [str(one) for one in self.all[-20:]]
            return until(self.all)

        return drive(job, note, should_stop)

    def of(self, kind):
        """Those of one kind."""
        return [event for event in self.all if isinstance(event, kind)]


@pytest.fixture
def events() -> Events:
    """What a service told."""
    return Events()


def records(out: Path):
    """The rows of a run's ledger, by status."""
    from napari_medclf.store.runs import RunFolder

    found = {}
    for record in RunFolder(out).records().values():
        found.setdefault(record.status.value, []).append(record)
    return found
