"""Letters and millimetres on the canvas, held against series whose samples tell their true places."""

from types import SimpleNamespace

import numpy as np
import pytest

from napari_medclf.bridge.layer_info import layer_info
from napari_medclf.bridge.layers import image_layer
from napari_medclf.bridge.reader import read_layers
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.testing.coded_files import write_coded
from napari_medclf.testing.coded_series import CodedSeries, all_coded_series
from napari_medclf.testing.phantoms import oblique_phantom
from napari_medclf.ui.overlays import CanvasNotes, letters_of, position_text, rows_at_top, source_index

SHOWN = ("axial", "prone", "sagittal", "sagittal to the right", "coronal", "oblique", "tilt", "slight tilt",
         "single slice", "4D by temporal position")  # fmt: skip
SERIES = [one for one in all_coded_series() if one.name in SHOWN]
AXIS_OF = {"L": (0, 1), "R": (0, -1), "P": (1, 1), "A": (1, -1), "S": (2, 1), "I": (2, -1)}
PLANES = ((0, 1, 2), (1, 0, 2), (2, 0, 1))


@pytest.fixture
def shown(request, tmp_path):
    """A coded series as the viewer shows it: its layer's samples and placement, and what it remembers."""
    with pytest.warns() if request.param.needs_warning else pytest.MonkeyPatch.context():
        ((data, keywords, _),) = read_layers(str(write_coded(request.param, tmp_path / "series")))
    layer = SimpleNamespace(scale=keywords["scale"], translate=keywords["translate"])
    return request.param, np.asarray(data), layer, layer_info(keywords["metadata"])


@pytest.mark.parametrize("shown", SERIES, indirect=True, ids=lambda one: one.name)
def test_millimetres_under_the_mouse_are_the_voxels_own(shown) -> None:
    series, data, layer, info = shown
    rng = np.random.default_rng(3)
    for place in rng.integers(0, data.shape, (40, data.ndim)):
        world = np.asarray(layer.translate) + place * np.asarray(layer.scale)
        told = info.geometry.to_world(source_index(layer, info, world))
        truth = series.true_world(series.codes_of(data[tuple(place)]))
        assert np.abs(told - truth).max() < 0.1


@pytest.mark.parametrize("shown", SERIES, indirect=True, ids=lambda one: one.name)
def test_letters_name_the_sides_that_voxels_lie_on(shown) -> None:
    series, data, _, info = shown
    n_axes = 2 if info.frame.is_flat else 3
    for plane in PLANES if n_axes == 3 else ((0, 1),):
        displayed = tuple(data.ndim - n_axes + axis for axis in plane[-2:])
        letters = letters_of(info, displayed, data.ndim)
        for edge, axis, end in (("right", 1, -1), ("left", 1, 0), ("bottom", 0, -1), ("top", 0, 0)):
            assert_on_side(series, data, displayed[axis], end, letters[edge])


def assert_on_side(series: CodedSeries, data: np.ndarray, axis: int, end: int, letter: str) -> None:
    """The samples at one end of an axis lie farther to that side than those at the other end."""
    world, sign = AXIS_OF[letter]
    here, there = (series.true_world(series.codes_of(data.take(at, axis)))[..., world].mean() for at in (end, -1 - end))
    assert sign * (here - there) > 0


def test_a_picture_has_no_sides() -> None:
    scaled = Geometry.from_spacing((1, 5, 6), (1.0, 0.5, 0.5))  # millimetres, and no frame of reference
    for geometry in (scaled, Geometry.flat(5, 6)):
        _, keywords, _ = image_layer(MedImage(np.zeros((1, 5, 6), np.uint8), geometry, "radiograph", "DX"))
        assert letters_of(layer_info(keywords["metadata"]), (0, 1), 2) == {}


def test_texts_on_a_narrow_canvas_begin_past_the_letters(make_napari_viewer) -> None:
    viewer = make_napari_viewer()
    _, keywords, _ = image_layer(oblique_phantom())
    layer = viewer.add_image(np.zeros((5, 6, 7)), metadata=keywords["metadata"])
    notes = CanvasNotes(viewer)
    notes.follow(layer)
    notes.show_window("File   W 451234   L 225617")
    notes.show_scores("Imaging Measurement Report\nVolume  0.78 mL")
    overlays = viewer.canvas.overlays
    for size, scores, window in (((600, 1400), "Imaging Measurement Report", "File"), ((600, 330), "", "")):
        viewer.canvas.size = size
        assert overlays["medclf_scores"].text.splitlines()[0] == scores
        assert overlays["medclf_window"].text.splitlines()[0].split("   ")[0] == window
    assert overlays["medclf_scores"].text.startswith("\n\nImaging")  # below the window
    assert notes.text("scores") == "Imaging Measurement Report\nVolume  0.78 mL"
    notes.show_scores("chest-xray-pneumonia (calibrated)")
    assert overlays["medclf_scores"].text.strip().splitlines() == ["chest-xray-pneumonia", "(calibrated)"]
    notes.remove()


def test_window_of_a_picture_without_sides_stays_at_the_edge() -> None:
    assert rows_at_top(330.0, 0.0, 250.0, has_letter=False) == (0, 0)
    assert rows_at_top(330.0, 150.0, 250.0, has_letter=False) == (1, 0)


def test_position_is_written_with_letters_instead_of_signs() -> None:
    assert position_text(np.array([-12.34, 5.0, -80.26])) == "R 12.3   P 5.0   I 80.3 mm"
