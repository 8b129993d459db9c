"""A researcher's day with mouse and keys: drop a folder, run, paint, accept, learn, read the verdict, batch, export."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication

from napari_medclf.domain.annotation import Origin, Status
from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.recipe import Recipe
from napari_medclf.domain.results import Sample
from napari_medclf.domain.run import RunSpec
from napari_medclf.domain.stroke import StrokeKind
from napari_medclf.domain.verdict import Judgement
from napari_medclf.io.read import read_image
from napari_medclf.store.project import Project
from napari_medclf.store.strokes.history import StrokeHistory
from napari_medclf.ui.export import FORMATS

SHAPE, N_PICTURES, N_CORRECTED = (24, 32), 17, 15
BLOB = LabelSchema.from_names(["blob"], first_value=1)
NETWORK = NetworkSpec(
    target="monai.networks.nets.BasicUNet",
    arguments={
        "spatial_dims": 2, "in_channels": 1, "out_channels": 2, "features": [8, 8, 16, 16, 16, 8],
        "norm": ["instance", {"affine": True}],
    },
)  # fmt: skip
INPUT = InputSpec(
    spatial_dims=2, channels=("gray",), intensity=Intensity(kind="zscore", low=0, high=100),
    patch_vox=(32, 32), divisible_by=16,
)  # fmt: skip


def blob(number: int, *, is_bright: bool) -> tuple[np.ndarray, np.ndarray]:
    """Draw a blob, bright as the model knows it, or dark: picture and labels, both (24, 32)."""
    random = np.random.default_rng(number)
    j, i = np.mgrid[: SHAPE[0], : SHAPE[1]]
    centre, radius = random.uniform((9, 10), (15, 22)), random.uniform(4, 5, 2)
    labels = (((j - centre[0]) / radius[0]) ** 2 + ((i - centre[1]) / radius[1]) ** 2 < 1).astype(np.uint8)
    picture = random.normal(0, 12, SHAPE) + 128 + (60.0 if is_bright else -60.0) * labels
    return picture.clip(0, 255), labels


@pytest.fixture
def folder(tmp_path) -> Path:
    """Pictures from another scanner: blobs are dark on them."""
    from PIL import Image

    folder = tmp_path / "scanner-b"
    folder.mkdir()
    for number in range(N_PICTURES):
        Image.fromarray(blob(number, is_bright=False)[0].astype(np.uint8)).save(folder / f"b{number:02}.png")
    return folder


@pytest.fixture
def model(tmp_path) -> ModelPackage:
    """A small segmenter that knows bright blobs only."""
    import torch
    from safetensors.torch import save

    from napari_medclf.engine.adapt.learn import adapt_network
    from napari_medclf.engine.adapt.lessons import Lessons
    from napari_medclf.engine.adapt.settings import AdaptSettings, Part
    from napari_medclf.engine.networks import build_network
    from napari_medclf.engine.train.cases import TrainCase
    from napari_medclf.jobs.api import run
    from napari_medclf.store.bundle import write_package

    card = ModelCard(
        name="blobs", version="1.0", task=Task.SEGMENT, title="Blobs", description="Finds blobs.", input=INPUT,
        output=OutputSpec(schema=BLOB), network=NETWORK, licence="MIT",
    )  # fmt: skip
    cases = []
    for number in range(100, 112):
        picture, labels = blob(number, is_bright=True)
        scaled = ((picture - picture.mean()) / picture.std()).astype(np.float32)
        cases.append(TrainCase(str(number), str(number), Sample(scaled[np.newaxis], labels.astype(np.int64))))
    torch.manual_seed(0)
    recipe = Recipe(network=NETWORK, input=INPUT, batch=8)
    settings = AdaptSettings(Part.ALL, n_steps=100, lr=5e-3)
    learned = run(adapt_network(build_network(NETWORK), card, recipe, Lessons(tuple(cases)), settings))
    spec = RunSpec(command="train", options={"fixed": {"recipe": recipe.model_dump(mode="json")}})
    return write_package(tmp_path / "model" / "blobs", card, save(learned.state_dict), spec, "MIT\n")


class Day:
    """What the person sees and does, in the words of the person."""

    def __init__(self, workbench, person, until, out: Path) -> None:
        self.workbench, self.session, self.person, self.until = workbench, workbench.session, person, until
        self._out, self._n_pictures = out, 0

    def picture(self, name: str) -> None:
        """Keep what the window looks like, in both themes."""
        from napari_medclf.ui.demo_window import save_picture

        self._n_pictures += 1
        for theme in ("dark", "light"):
            self.session.viewer.theme = theme
            QApplication.processEvents()
            path = self._out / f"{self._n_pictures:02}-{name}-{theme}.png"
            save_picture(self.session.viewer, path)
            assert np.asarray(read_image(path).data).std() > 10

    def drop(self, folder: Path) -> None:
        """Drop a folder on the Data tab."""
        target, mime = self.workbench.data, QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(folder))])
        copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        QApplication.sendEvent(target, QDragEnterEvent(QPoint(20, 200), copy, mime, left, none))
        QApplication.sendEvent(target, QDropEvent(QPointF(20, 200), copy, mime, left, none))
        self.until(lambda: self.session.image is not None)

    def run_model(self) -> np.ndarray:
        """Press Space; returns the labels."""
        self.person.press(Qt.Key.Key_Space)
        self.until(lambda: self.session.labels_layer is not None and not self.workbench.bar.is_running, 60)
        return self.session.labels_layer.data

    def correct(self, number: int) -> None:
        """Wipe away what the model said, and drag a broad brush over the blob, as somebody would who sees it."""
        rows, columns = np.nonzero(blob(number, is_bright=False)[1])
        labels, tools = self.session.labels_layer, self.workbench.correct.tools.group.buttons()
        labels.brush_size = 2 * max(SHAPE)
        self.person.click(tools[1])
        self.person.stroke(self.place(12, 16), self.place(12, 17))
        labels.brush_size = round(np.ptp(rows)) + 1
        self.person.click(tools[0])
        row, inset = rows.mean(), (np.ptp(rows) + 1) / 3
        self.person.stroke(self.place(row, columns.min() + inset), self.place(row, columns.max() - inset))

    def place(self, row: float, column: float) -> tuple[float, float]:
        """Where a pixel is on the canvas, in fractions of its width and height."""
        camera, size = self.session.viewer.camera, self.session.viewer.canvas.size
        down, right = camera.center[-2:]
        height, width = size
        return 0.5 + (column - right) * camera.zoom / width, 0.5 + (row - down) * camera.zoom / height

    def accept(self, number: int) -> None:
        """Press N, and wait for the next picture."""
        self.person.press(Qt.Key.Key_N)
        session = self.session
        self.until(lambda: session.work.count(Status.DONE) == number + 1 and not session.lane.is_busy)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_researchers_day(workbench, person, until, folder, model, tmp_path) -> None:
    from napari_medclf.jobs.drive import drive
    from napari_medclf.ui.model_tasks import install

    assert drive(install(str(model.folder))).error is None
    session = workbench.session
    session.refresh_models()
    until(lambda: "blobs" in [one.name for one in session.packages])
    shots = tmp_path / "pictures-of-the-day"
    shots.mkdir()
    day = Day(workbench, person, until, shots)

    # Three actions to the first prediction: drop the folder, choose the model, press Space
    day.drop(folder)
    assert workbench.run.models.choose("blobs")
    first = day.run_model().copy()
    truth = blob(0, is_bright=False)[1]
    assert dice(first, truth) < 0.3
    day.picture("first-answer")

    # Correct fifteen of them (five patients are held out); every stroke is on the disk before N is pressed
    workbench.show_tab("Correct")
    for number in range(N_CORRECTED):
        if number:
            day.run_model()
        day.correct(number)
        state = session.painting.state(session.labels_layer)
        strokes = list(StrokeHistory(state.folder, state.image.source.digest).strokes())
        assert StrokeKind.PAINT in {one.stroke.kind for one in strokes}
        assert dice(session.labels_layer.data, blob(number, is_bright=False)[1]) > 0.6
        if number == 0:
            day.picture("painted")
        day.accept(number)
    project = Project.open(session.user_folder / "projects" / "blobs")
    said = [case.answer.annotation for case in project.cases()]
    assert {one.origin for one in said} == {Origin.CORRECTED}
    assert all(one.active_s > 0 and one.n_strokes >= 1 for one in said)

    # F: it learns while the person goes on; then the verdict of patients that were held out
    person.press(Qt.Key.Key_F)
    assert workbench.learning.is_running
    before = day.run_model().copy()
    until(lambda: workbench.learning.result is not None and not session.lane.is_busy, 180)
    verdict = workbench.learning.result.verdict
    assert verdict.judgement is Judgement.BETTER, verdict.sentence
    day.picture("verdict")

    # A: the new revision answers from now on, and better
    person.press(Qt.Key.Key_A)
    until(lambda: workbench.learning.is_accepted and not session.lane.is_busy)
    after = day.run_model()
    truth = blob(N_CORRECTED, is_bright=False)[1]
    assert dice(after, truth) > dice(before, truth) + 0.2
    workbench.show_tab("Train")
    day.picture("time-line")

    # Batch over the folder with what was learned, and the labels of the open picture as a file
    workbench.show_tab("Batch")
    workbench.batch.model.choose("blobs")
    workbench.batch.form.show_values({"folder": folder, "out": tmp_path / "results", "device": "cpu"})
    person.click(workbench.batch.start)
    until(lambda: not workbench.bar.is_running, 120)
    assert f"{N_PICTURES} done" in workbench.batch.message.text()
    with (tmp_path / "results" / "results.csv").open(encoding="utf-8") as file:
        versions = {row["model_version"] for row in csv.DictReader(file)}
    assert versions == {workbench.learning.worth.package.card.version} != {"1.0"}
    day.picture("batch")
    workbench.show_tab("Correct")
    export = workbench.correct.export
    export.format.setCurrentIndex([ending for _, ending in FORMATS].index(".png"))
    assert export.save_to(tmp_path / "b10.png")
    until(lambda: not workbench.bar.is_running, 60)
    exported = np.squeeze(read_image(tmp_path / "b10.png").data)
    np.testing.assert_array_equal(exported, session.labels_layer.data)

    # Z: back to the model as it was
    person.press(Qt.Key.Key_Z)
    until(lambda: workbench.learning.result is None and not session.lane.is_busy)
    assert session.in_use(workbench.run.models.package).card.version == "1.0"


def dice(one: np.ndarray, other: np.ndarray) -> float:
    """How much two sets of pixels overlap."""
    a, b = np.squeeze(one) != 0, np.squeeze(other) != 0
    return float(2 * np.count_nonzero(a & b) / max(np.count_nonzero(a) + np.count_nonzero(b), 1))
