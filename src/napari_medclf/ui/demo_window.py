"""The window with real results in it: ``python -m napari_medclf.ui.demo_window --out DIR [--exit]``.

Opens sample images, runs the embedded models on them, and writes a picture of the whole window for each,
in the dark and in the light theme. On a virtual display, or with ``--exit``, it then closes by itself.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import napari
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QApplication

from napari_medclf.atomic import atomic_write
from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.image import MedImage
from napari_medclf.io.samples import read_sample
from napari_medclf.testing.hippocampus_phantom import hippocampus_phantom
from napari_medclf.testing.phantoms import cells_phantom, chest_phantom
from napari_medclf.ui import viewer_link
from napari_medclf.ui.workbench import Workbench

_log = logging.getLogger(__name__)
_THEMES = ("dark", "light")
_SIZE_PX = (1400, 900)
_RUN_LIMIT_S = 180.0
_SETTLE_S = 0.6


@dataclass(frozen=True)
class Scene:
    """One picture: an image, what is shown on it, and the tab in front.

    Parameters
    ----------
    model : str
        The model to run on it.
    """

    name: str
    tab: str
    image: Callable[[], MedImage]
    model: str


SCENES = (
    Scene("hippocampus", "Correct", lambda: hippocampus_phantom().image, model="hippocampus-mr"),
    Scene(
        "chest", "Run", lambda: chest_phantom(with_opacity=True, rows=384, columns=448), model="chest-xray-pneumonia"
    ),
    Scene("cells", "Run", lambda: cells_phantom(400, 480).image, model="nuclei"),
    Scene("retina", "Run", lambda: read_sample("skimage", "data/retina.jpg"), model="retina-vessels"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Show the scenes; returns 0, or 1 when a scene could not be shown."""
    options = _parse(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    viewer = napari.Viewer(title="MedCLF")
    viewer.window.resize(*_SIZE_PX)
    _, workbench = viewer.window.add_plugin_dock_widget("napari-medclf", "Workbench")
    listed: list[bool] = []
    workbench.session.models_changed.connect(lambda: listed.append(True))
    _wait(lambda: bool(listed), 20.0)
    n_failed = 0
    for scene in SCENES:
        try:
            show_scene(viewer, workbench, scene)
        except MedclfError as error:
            _log.warning("%s: %s", scene.name, error)
            n_failed += 1
            continue
        for theme in _THEMES:
            viewer.theme = theme
            _wait(lambda: False, _SETTLE_S)
            save_picture(viewer, options.out / f"window-{scene.name}-{theme}.png")
    viewer.theme = _THEMES[0]
    if options.exit or is_virtual_display():
        viewer.close()
    else:
        napari.run()
    return 1 if n_failed else 0


def show_scene(viewer: napari.Viewer, workbench: Workbench, scene: Scene) -> None:
    """Put a scene on the screen in place of the one before.

    Raises
    ------
    MedclfError
        If its model is missing or did not answer.
    """
    viewer.layers.clear()
    session = workbench.session
    layer = session.show_image(scene.image())
    viewer_link.show_acquired_plane(viewer, layer)
    workbench.show_tab(scene.tab)
    if not workbench.run.models.choose(scene.model):
        raise MedclfError(f"the model {scene.model} is not installed")
    workbench.run.run()
    _wait(lambda: not workbench.bar.is_running, _RUN_LIMIT_S)
    if session.answer is None:
        raise MedclfError(f"the model {scene.model} gave no answer: {workbench.bar.text}")


def save_picture(viewer: napari.Viewer, path: Path) -> None:
    """Write the whole window as a PNG."""
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(viewer.screenshot(canvas_only=False, flash=False)).convert("RGB").save(buffer, "PNG")
    atomic_write(path, buffer.getvalue())


def is_virtual_display() -> bool:
    """Whether nobody can look at the display: Xvfb calls its only screen "screen" and names no maker."""
    screen = QGuiApplication.primaryScreen()
    return sys.platform == "linux" and screen is not None and screen.name() == "screen" and not screen.manufacturer()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m napari_medclf.ui.demo_window", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures of the window")
    parser.add_argument("--exit", action="store_true", help="close the window after the pictures were taken")
    return parser.parse_args(arguments)


def _wait(condition: Callable[[], bool], limit_s: float) -> None:
    """Let the window live until something is true, or for a while."""
    ends = time.monotonic() + limit_s
    while time.monotonic() < ends and not condition():
        QApplication.processEvents()
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main())
