"""A run of a model that only thinks of the mean, over images that are made when they are read."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import OutputsLost
from napari_medclf.domain.events import CaseDone, CaseFailed, FinishReason, Progress
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.results import Classification, Prediction
from napari_medclf.domain.run import CaseStatus, RunSpec
from napari_medclf.jobs.drive import drive
from napari_medclf.jobs.predict import RunOptions
from napari_medclf.jobs.runs.case import RunCase, RunPlan
from napari_medclf.jobs.runs.pipeline import run_pipeline
from napari_medclf.jobs.runs.run_book import RunBook
from napari_medclf.jobs.runs.sources import load_image


class MeanModel:
    """Scores an image by its mean; a case whose image is negative breaks it."""

    place = "cpu"

    def __init__(self, package, before=lambda image: None):
        self.package, self._before = package, before

    def predict(self, image, settings):
        """Score."""
        yield Progress(0, 1, "thinking")
        self._before(image)
        mean = float(np.mean(image.data))
        if mean < 0:
            raise ValueError("the mean is below nothing")
        yield Progress(1, 1, "thinking")
        scores = Classification({"dark": 1 - mean / 255, "bright": mean / 255}, ("dark",))
        return Prediction("mean", "1", image.name, classification=scores)


class ListBook:
    """Keeps what a run enters."""

    def __init__(self):
        self.begun, self.records = [], []

    def begin(self, case):
        """Note that it was begun."""
        self.begun.append(case.case_id)

    def enter(self, record):
        """Note how it ended."""
        self.records.append(record)
        if record.status is CaseStatus.DONE:
            return CaseDone(record.case_id, Path(record.source), record)
        return CaseFailed(record.case_id, Path(record.source), record.reason)

    @property
    def done(self):
        """Names of what was done, sorted."""
        return sorted(one.case_id for one in self.records if one.status is CaseStatus.DONE)


def _image(value, shape=(1, 12, 20)):
    """An image of one value."""
    return MedImage(np.full(shape, value, dtype=np.float32), Geometry(np.eye(4), shape), "flat")


def _case(name, load, folder):
    """A case whose file is there."""
    path = folder / f"{name}.bin"
    path.write_bytes(name.encode())
    return RunCase(name, FileRef(path), load)


@pytest.fixture
def plan(tmp_path):
    """A run of the mean, into a folder of its own."""
    card = ModelCard(
        name="mean",
        version="1",
        task=Task.CLASSIFY,
        title="Mean",
        description="The mean.",
        input=InputSpec(spatial_dims=2, channels=("gray",), intensity=Intensity(kind="range"), patch_vox=(8, 8)),
        output=OutputSpec(schema=LabelSchema.from_names(["dark", "bright"])),
        network=NetworkSpec(target="monai.networks.nets.DenseNet121", arguments={}),
        licence="CC0",
    )
    spec = RunSpec(command="batch", options={})
    made = RunPlan(spec, ModelPackage(card, tmp_path), RunOptions(device="cpu"), tmp_path / "run")
    book = RunBook(made)
    yield made
    with suppress(OutputsLost):
        book.close(FinishReason.COMPLETED)


@pytest.fixture
def cases(tmp_path):
    """Nine cases of growing brightness."""
    return [_case(f"case_{n}", partial(_image, 20.0 * n), tmp_path) for n in range(9)]


@pytest.fixture
def make_image():
    """Make an image of one value."""
    return _image


@pytest.fixture
def make_case():
    """Make a case whose file is there."""
    return _case


@pytest.fixture
def run_line(plan):
    """Run cases in one process; gives how it ended, and the book."""

    def run(cases, before=lambda image: None, plan=plan, **how):
        book = ListBook()
        return drive(run_pipeline(plan, MeanModel(plan.package, before), cases, book), **how), book

    return run


@pytest.fixture
def pictures(tmp_path):
    """Cases of PNG files: a small one, and one that is handed over in shared memory."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, shape in (("small", (12, 20)), ("large", (1400, 1000))):
        Image.fromarray(np.full(shape, 100, dtype=np.uint8)).save(folder / f"{name}.png")
    refs = [FileRef(folder / "small.png"), FileRef(folder / "large.png")]
    return [RunCase(ref.path.stem, ref, partial(load_image, ref)) for ref in refs]
