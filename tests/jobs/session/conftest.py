"""A project with an image that somebody painted on, as the window does it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage, Scale
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Prediction, Segmentation
from napari_medclf.domain.stroke import Stroke, StrokeKind
from napari_medclf.io.digest import array_digest, with_digest
from napari_medclf.io.read import read_image
from napari_medclf.io.write import write_image
from napari_medclf.jobs.api import run
from napari_medclf.jobs.correct import save_correction
from napari_medclf.store.project import Project
from napari_medclf.store.strokes.journal import BaseInfo, StrokeJournal

SHAPE = (4, 9, 13)
CLASSES = LabelSchema.from_names(["liver", "spleen"], first_value=1)


@dataclass
class Painter:
    """Paints on one image, and accepts."""

    folder: object
    image: MedImage
    journal: StrokeJournal
    labels: np.ndarray
    model_labels: np.ndarray

    def paint(self, n: int, seed: int = 0) -> list[np.ndarray]:
        """Make n strokes; returns the labels after each."""
        random = np.random.default_rng(seed)
        states = []
        for _ in range(n):
            voxels = np.sort(random.choice(self.labels.size, 25, replace=False))
            after = np.full(25, random.integers(0, 3), np.uint8)
            self.journal.append(Stroke(StrokeKind.PAINT, voxels, self.labels.reshape(-1)[voxels], after, author="ada"))
            self.labels.reshape(-1)[voxels] = after
            states.append(self.labels.copy())
        return states

    def accept(self, *, is_told: bool = True) -> str:
        """Save the labels as an answer; returns the case's id."""
        said = Segmentation(self.labels.copy(), self.image.geometry, CLASSES)
        model = Segmentation(self.model_labels, self.image.geometry, CLASSES)
        base = Prediction("organs", "1.0", self.image.name, model, weights_sha256="ab" * 32)
        saved = run(save_correction(self.folder, self.image, said, None, base, "ada"))
        if is_told:
            self.journal.append_saved(saved.label_digest)
        return saved.case_id


@pytest.fixture
def painter(tmp_path) -> Painter:
    """Somebody who corrects what a model said."""
    random = np.random.default_rng(3)
    geometry = Geometry(np.diag([-0.8, -1.1, 2.5, 1.0]), SHAPE)
    image = MedImage(random.normal(size=SHAPE).astype(np.float32), geometry, name="ct", scale=Scale.RAW)
    write_image(image, tmp_path / "ct.nii.gz")
    image = with_digest(read_image(tmp_path / "ct.nii.gz"))
    said = random.integers(0, 3, image.geometry.shape).astype(np.uint8)
    project = tmp_path / "project"
    Project.create(project, name="p", task="segment", classes=CLASSES)
    journal = StrokeJournal.open(project, image.source.digest, "window")
    about = {"model": "organs", "model_version": "1.0", "weights_sha256": "ab" * 32, "classes": CLASSES}
    base_id = journal.begin_base(BaseInfo(shape=said.shape, dtype="uint8", label_digest=array_digest(said), **about))
    journal.save_base(base_id, said, None, said)
    yield Painter(project, image, journal, said.copy(), said)
    journal.close()
