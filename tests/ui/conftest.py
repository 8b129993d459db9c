"""What the GUI tests share: a viewer with the workbench, a model that thresholds, and a person's hands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.package import ModelPackage


@pytest.fixture
def until(qtbot) -> Callable[..., None]:
    """Let the event loop run until something is true, or fail after a while."""

    def wait(condition: Callable[[], object], timeout_s: float = 30.0) -> None:
        qtbot.waitUntil(lambda: bool(condition()), timeout=int(timeout_s * 1000))

    return wait


@pytest.fixture
def workbench(make_napari_viewer, monkeypatch, qtbot, until):
    """The dock in a shown window, without the background imports and with the model list read."""
    monkeypatch.setattr("napari_medclf.ui.workbench.warm_up", lambda: None)
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1400, 900)
    _, workbench = viewer.window.add_plugin_dock_widget("napari-medclf", "Workbench")
    listed = []
    workbench.session.models_changed.connect(lambda: listed.append(True))
    until(lambda: listed)
    yield workbench
    until(lambda: not workbench.session.lane.is_busy)
    workbench.close_down()


class Person:
    """Real keys and a real mouse on the canvas of a viewer."""

    def __init__(self, viewer) -> None:
        # napari 0.9 has no public way to the canvas widget; this is the only place that needs it
        self._canvas = getattr(viewer, "__wrapped__", viewer).window._qt_viewer.canvas.native

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """Press and release a key with the canvas in focus."""
        self._canvas.setFocus()
        QTest.keyClick(self._canvas, key, modifier)

    def stroke(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    ) -> None:
        """Drag the mouse between two places of the canvas, given in fractions of its (width, height)."""
        places = [self._place(start, end, step / 6) for step in range(7)]
        QTest.mouseMove(self._canvas, places[0])
        QTest.mousePress(self._canvas, Qt.MouseButton.LeftButton, modifier, places[0])
        for place in places[1:]:
            QTest.mouseMove(self._canvas, place)
            QTest.qWait(15)
        QTest.mouseRelease(self._canvas, Qt.MouseButton.LeftButton, modifier, places[-1])

    def click_at(
        self, place: tuple[float, float], modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
    ) -> None:
        """Press and release the left button over the canvas."""
        self.point_at(place)
        QTest.mouseClick(self._canvas, Qt.MouseButton.LeftButton, modifier, self._place(place, place, 0.0))

    def point_at(self, place: tuple[float, float]) -> None:
        """Move the mouse over the canvas."""
        QTest.mouseMove(self._canvas, self._place(place, place, 0.0))
        QTest.qWait(30)

    def type_path(self, field, path: Path) -> None:
        """Type a path into a path field and press Return."""
        field.line.clear()
        QTest.keyClicks(field.line, str(path))
        QTest.keyClick(field.line, Qt.Key.Key_Return)

    @staticmethod
    def click(widget) -> None:
        """Click a button."""
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton)

    def _place(self, start: tuple[float, float], end: tuple[float, float], share: float) -> QPoint:
        x = start[0] + (end[0] - start[0]) * share
        y = start[1] + (end[1] - start[1]) * share
        return QPoint(round(x * self._canvas.width()), round(y * self._canvas.height()))


@pytest.fixture
def person(workbench) -> Person:
    """Hands on the viewer of the workbench."""
    return Person(workbench.session.viewer)


@pytest.fixture
def threshold_card() -> Callable[..., ModelCard]:
    """Make the card of a model that says yes where an image is bright."""
    return _threshold_card


def _threshold_card(task: Task = Task.SEGMENT, n_channels: int = 1, spatial_dims: int = 2) -> ModelCard:
    names = ["dark", "bright"]
    is_classifier = task is Task.CLASSIFY
    schema = LabelSchema.from_names(names if is_classifier else names[1:], first_value=0 if is_classifier else 1)
    return ModelCard(
        name=f"bright-{task.value}-{spatial_dims}d",
        version="1.0",
        task=task,
        title="What is bright",
        description="Thresholds the image.",
        input=InputSpec(
            spatial_dims=spatial_dims,
            channels=("gray",) if n_channels == 1 else ("red", "green", "blue"),
            intensity=Intensity(kind="percentile", low=0.0, high=100.0),
            patch_vox=(64,) * spatial_dims,
            resize_to=(32, 32) if is_classifier else None,
        ),
        output=OutputSpec(schema=schema),
        network=NetworkSpec(target="monai.networks.nets.BasicUNet"),
        licence="CC0-1.0",
    )


@pytest.fixture
def install_threshold(workbench, monkeypatch) -> Callable[[ModelCard], ModelPackage]:
    """Put a model into the workbench whose five-line network thresholds at the middle of the range."""
    import torch

    from napari_medclf.engine.model import LoadedModel
    from napari_medclf.jobs import predict

    load_really = predict.load_package

    class Threshold(torch.nn.Module):
        def __init__(self, is_classifier: bool) -> None:
            super().__init__()
            self.is_classifier = is_classifier

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            score = 40 * (x.mean(dim=1, keepdim=True) - 0.5)
            logits = torch.cat([-score, score], dim=1)
            return logits.flatten(2).mean(2) / 40 if self.is_classifier else logits

    def install(card: ModelCard) -> ModelPackage:
        """Install the model; `install.undo()` lets other models load again."""
        package = ModelPackage(card, Path("nowhere"))
        loaded = LoadedModel(package, Threshold(card.task is Task.CLASSIFY), torch.device("cpu"))
        monkeypatch.setattr(predict, "load_package", lambda package, options, *more: loaded)
        session = workbench.session
        session.packages = (*session.packages, package)
        session.models_changed.emit()
        workbench.run.models.choose(card.name)
        return package

    install.undo = lambda: monkeypatch.setattr(predict, "load_package", load_really)
    return install


@pytest.fixture
def pictures(tmp_path) -> Path:
    """Four gray pictures with a bright disc, each at another place, as PNG files."""
    from PIL import Image

    folder = tmp_path / "pictures"
    folder.mkdir()
    rows, columns = np.indices((64, 80))
    for number in range(4):
        distance = np.hypot(rows - 24 - 4 * number, columns - 30 - 6 * number)
        samples = np.where(distance < 14, 220, 40) + (rows + columns + number) % 7
        Image.fromarray(samples.astype(np.uint8)).save(folder / f"disc-{number}.png")
    return folder
