import numpy as np
from PIL import Image
from qtpy.QtWidgets import QApplication

from napari_medclf.ui.demo_window import SCENES, is_virtual_display, save_picture, show_scene


def test_hippocampus_is_pictured_with_both_parts_where_they_are(workbench, tmp_path, until) -> None:
    viewer = workbench.session.viewer
    scene = next(scene for scene in SCENES if scene.name == "hippocampus")
    show_scene(viewer, workbench, scene)
    until(lambda: workbench.notes.text("left") == "R")
    QApplication.processEvents()
    save_picture(viewer, tmp_path / "window.png")
    picture = np.asarray(Image.open(tmp_path / "window.png")).astype(int)
    assert picture.shape[:2] == (900, 1400)
    orange = (picture[..., 0] - picture[..., 2]) > 60
    blue = (picture[..., 2] - picture[..., 0]) > 40
    canvas = (slice(100, 800), slice(350, 950))
    assert orange[canvas].sum() > 1000
    assert blue[canvas].sum() > 1000
    # the head lies in front of the body, which is above it in an axial picture
    assert np.argwhere(orange[canvas])[:, 0].mean() < np.argwhere(blue[canvas])[:, 0].mean()


def test_scenes_have_their_own_names() -> None:
    assert len({scene.name for scene in SCENES}) == len(SCENES)


def test_virtual_display_is_told_from_a_monitor(workbench, monkeypatch) -> None:
    class Monitor:
        @staticmethod
        def name() -> str:
            return "HDMI-1"

        @staticmethod
        def manufacturer() -> str:
            return "ACME"

    monkeypatch.setattr("napari_medclf.ui.demo_window.QGuiApplication.primaryScreen", lambda: Monitor())
    assert not is_virtual_display()
