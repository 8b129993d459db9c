"""What is written on the canvas: scores, patient letters, and where the mouse is in the patient."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
from napari.components.overlays import TextOverlay

from napari_medclf.bridge.layer_info import LayerInfo, layer_info
from napari_medclf.bridge.napari_world import layer_to_world, placed_of
from napari_medclf.bridge.orientation import edge_letters, flat_edge_letters, has_sides
from napari_medclf.domain.arrays import FloatArray

_EDGES = {"left": "middle_left", "right": "middle_right", "top": "top_center", "bottom": "bottom_center"}
_PIXELS_A_POINT = 0.95
"""Width of a character, measured on the canvas, for each point of its font's size."""
_MARGIN_PX = 34
"""Between the edge of the canvas and a text, and half of the letter at the middle of that edge."""
_SIDES = (("R", "L"), ("A", "P"), ("I", "S"))


class CanvasNotes:
    """Our texts on a viewer's canvas, added to napari's own overlays under our names.

    Parameters
    ----------
    viewer : napari.Viewer
    letters, position : bool
        Whether patient letters and the position in millimetres are shown.
    """

    def __init__(self, viewer: Any, *, letters: bool = True, position: bool = True) -> None:
        self._viewer: Any = viewer
        self._shows_letters, self._shows_position = letters, position
        self._info: LayerInfo | None = None
        self._layer: Any = None
        self._said: dict[str, str] = {}
        self._wrapped = ""
        self._texts = {
            "scores": TextOverlay(position="top_left", font_size=12),
            "window": TextOverlay(position="top_right", font_size=10),
            "position": TextOverlay(position="bottom_left", font_size=10),
            **{edge: TextOverlay(position=place, font_size=14) for edge, place in _EDGES.items()},
        }
        for name, text in self._texts.items():
            viewer.canvas.overlays[f"medclf_{name}"] = text
        viewer.canvas.events.size.connect(self._arrange)
        viewer.dims.events.order.connect(self._show_letters)
        viewer.dims.events.ndisplay.connect(self._show_letters)
        viewer.mouse_move_callbacks.append(self._on_mouse_move)

    def show_scores(self, text: str) -> None:
        """Write the class scores of the image that is looked at; empty removes them."""
        self._say("scores", text)

    def show_window(self, text: str) -> None:
        """Write which part of the values is shown between black and white; empty removes it."""
        self._say("window", text)

    def follow(self, layer: Any) -> None:
        """Tell which of our image layers is looked at, None for none."""
        self._layer = layer
        self._info = None if layer is None else layer_info(layer.metadata)
        self._said["position"] = ""
        self._show_letters()

    def text(self, name: str) -> str:
        """Return what is written: ``scores``, ``window``, ``position``, ``left``, ``right``, ``top``, ``bottom``."""
        return self._said.get(name, "")

    def remove(self) -> None:
        """Take our texts off the canvas."""
        self._viewer.canvas.events.size.disconnect(self._arrange)
        self._viewer.dims.events.order.disconnect(self._show_letters)
        self._viewer.dims.events.ndisplay.disconnect(self._show_letters)
        self._viewer.mouse_move_callbacks.remove(self._on_mouse_move)
        for name in self._texts:
            del self._viewer.canvas.overlays[f"medclf_{name}"]
        self._viewer = self._layer = self._info = None

    def _say(self, name: str, text: str) -> None:
        self._said[name] = text
        self._arrange()

    def _arrange(self, event: Any = None) -> None:
        """Write what is said, line by line past the letters at the middle of the edges."""
        width_px = float(self._viewer.canvas.size[1])
        self._wrapped = self._wrap_scores(width_px)
        scores, window, position = (self._width_px(name) for name in ("scores", "window", "position"))
        above, beside = rows_at_top(width_px, scores, window, has_letter=bool(self.text("top")))
        is_lifted = bool(self.text("bottom")) and not is_beside_letter(width_px, position)
        before = {"scores": "\n" * above, "window": "\n" * beside}
        after = {"position": "\n " if is_lifted else ""}
        for name, note in self._texts.items():
            text = self._wrapped if name == "scores" else self.text(name)
            if text:
                note.text = f"{before.get(name, '')}{text}{after.get(name, '')}"
            note.visible = bool(text)

    def _wrap_scores(self, width_px: float) -> str:
        """Break lines that are wider than the canvas."""
        most = int((width_px - _MARGIN_PX) / (_PIXELS_A_POINT * float(self._texts["scores"].font_size)))
        lines = self.text("scores").splitlines()
        return "\n".join(textwrap.fill(line, most) if len(line) > most > 0 else line for line in lines)

    def _width_px(self, name: str) -> float:
        text = self._wrapped if name == "scores" else self.text(name)
        longest = max((len(line) for line in text.splitlines()), default=0)
        return longest * _PIXELS_A_POINT * float(self._texts[name].font_size)

    def _show_letters(self, event: Any = None) -> None:
        letters: dict[str, str] = {}
        dims = self._viewer.dims
        if self._shows_letters and self._info is not None and dims.ndisplay == 2:
            letters = letters_of(self._info, tuple(dims.displayed), dims.ndim)
        self._said |= {edge: letters.get(edge, "") for edge in _EDGES}
        self._arrange()

    def _on_mouse_move(self, viewer: Any, event: Any) -> None:
        if not self._shows_position or self._info is None or not has_sides(self._info.geometry):
            return
        index = source_index(self._layer, self._info, np.asarray(viewer.cursor.position, dtype=np.float64))
        shape = np.asarray(self._info.geometry.shape)
        if ((index < -0.5) | (index > shape - 0.5)).any():
            self._say("position", "")
            return
        self._say("position", position_text(self._info.geometry.to_world(index)))


def is_beside_letter(width_px: float, text_px: float) -> bool:
    """Whether a text in a corner ends before the letter at the middle of that edge."""
    return text_px <= width_px / 2 - _MARGIN_PX


def rows_at_top(width_px: float, scores_px: float, window_px: float, *, has_letter: bool) -> tuple[int, int]:
    """Lines below the edge at which the scores (left) and the window (right) begin, so that nothing is written over.

    >>> rows_at_top(640, 150, 190, has_letter=True), rows_at_top(330, 150, 190, has_letter=True)
    ((0, 0), (2, 1))
    """
    window = int(has_letter and not is_beside_letter(width_px, window_px))
    if scores_px + window_px + _MARGIN_PX > width_px and window_px:
        return window + 1, window
    return int(has_letter and not is_beside_letter(width_px, scores_px)), window


def letters_of(info: LayerInfo, displayed: tuple[int, ...], ndim: int) -> dict[str, str]:
    """Name the sides of what is on the canvas; empty for what lies in no patient.

    Parameters
    ----------
    displayed : (down, right)
        Axes of the viewer, which has `ndim`; those of an image are the last ones.
    """
    n_axes = _n_axes(info)
    if not has_sides(info.geometry) or ndim < n_axes:
        return {}
    shown = tuple(axis - (ndim - n_axes) for axis in displayed)
    if info.frame.is_flat:
        return flat_edge_letters(info.geometry) if shown == (0, 1) else {}
    return edge_letters(info.frame, shown) if min(shown) >= 0 else {}


def source_index(layer: Any, info: LayerInfo, world: FloatArray) -> FloatArray:
    """Map a place in napari's world to the image's own index (k, j, i); the image's axes are the last ones."""
    n_axes = _n_axes(info)
    shown = np.linalg.inv(layer_to_world(placed_of(layer), n_axes)) @ [*world[-n_axes:], 1.0]
    return info.frame.to_source_index(shown[:n_axes], info.geometry.shape)


def position_text(lps_mm: FloatArray) -> str:
    """Write LPS millimetres with the patient's letters instead of signs.

    >>> position_text([-12.34, 5.0, -80.26])
    'R 12.3   P 5.0   I 80.3 mm'
    """
    parts = [f"{_SIDES[axis][int(value >= 0)]} {abs(value):.1f}" for axis, value in enumerate(lps_mm)]
    return "   ".join(parts) + " mm"


def _n_axes(info: LayerInfo) -> int:
    return 2 if info.frame.is_flat else 3
