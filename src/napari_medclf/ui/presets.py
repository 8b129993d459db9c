"""Window presets: which values are black and which are white, one click or key each."""

from __future__ import annotations

from functools import partial
from typing import Any

from napari.layers import Image
from qtpy.QtWidgets import QGridLayout, QPushButton, QWidget

from napari_medclf.bridge.contrast import Limits, contrast_limits, full_range, shows_hounsfield_units
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.windows import CT_PRESETS
from napari_medclf.ui.layer_book import same_layer
from napari_medclf.ui.layout import button
from napari_medclf.ui.session import Session

_FILE, _FULL = "File", "Full range"
_PER_ROW = 4
_SAME_WITHIN = 1e-3


class PresetButtons(QWidget):
    """A button a preset; the one that is on is pressed, and the canvas tells its name, width and level."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._layer: Any = None
        self._limits: dict[str, Limits] = {}
        self.names = (*(one.name for one in CT_PRESETS), _FILE, _FULL)
        self.buttons = {name: self._make(name, number) for number, name in enumerate(self.names, start=1)}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        for place, made in enumerate(self.buttons.values()):
            grid.addWidget(made, place // _PER_ROW, place % _PER_ROW)
        session.image_changed.connect(self._follow)
        self._follow()

    @property
    def active(self) -> str:
        """Name of the preset that is shown; empty for limits that a person set."""
        limits = None if self._layer is None else tuple(self._layer.contrast_limits)
        if limits is None:
            return ""
        return next((name for name, preset in self._limits.items() if _is_same(limits, preset)), "")

    def choose(self, name: str) -> bool:
        """Show an image in a preset; False where the preset does not fit the image."""
        if self._layer is None or not self.buttons[name].isEnabled():
            return False
        if name in self._limits:
            self._layer.contrast_limits = self._limits[name]
        else:
            self._find_full_range()
        self._show()
        return True

    def next(self) -> bool:
        """Go on to the next preset that fits the image; False without an image."""
        usable = [name for name in self.names if self.buttons[name].isEnabled()]
        if self._layer is None or not usable:
            return False
        place = usable.index(self.active) if self.active in usable else -1
        return self.choose(usable[(place + 1) % len(usable)])

    def close_down(self) -> None:
        """Let go of the layer."""
        self._let_go()

    def _make(self, name: str, number: int) -> QPushButton:
        made = button(name, f"{_explain(name)} (Alt+{number}; W goes on to the next)", partial(self.choose, name), self)
        made.setCheckable(True)
        made.setMinimumWidth(40)
        return made

    def _follow(self) -> None:
        self._let_go()
        image, layer = self._session.image, self._session.image_layer
        if image is not None and isinstance(layer, Image) and not layer.rgb:
            self._layer = layer
            shown = _limits_of(layer)
            own = contrast_limits(image) if image.window is not None else shown
            presets = {one.name: (one.low_hu, one.high_hu) for one in CT_PRESETS}
            is_ct = shows_hounsfield_units(image, image.window or shown)
            self._limits = (presets if is_ct else {}) | {_FILE: own}
            layer.events.contrast_limits.connect(self._show)
        for name, made in self.buttons.items():
            made.setEnabled(self._layer is not None and (name in self._limits or name == _FULL))
        self._show()

    def _let_go(self) -> None:
        if self._layer is not None:
            self._layer.events.contrast_limits.disconnect(self._show)
        self._layer = None
        self._limits = {}

    def _show(self, event: Any = None) -> None:
        active = self.active
        for name, made in self.buttons.items():
            made.setChecked(name == active)
        limits = None if self._layer is None else _limits_of(self._layer)
        self._session.notes.show_window("" if limits is None else window_text(active, limits))

    def _find_full_range(self) -> None:
        layer, image = self._layer, self._session.image
        if image is not None:
            self._session.lane.add("", lambda: _range_of(image), lambda found: self._take_range(layer, image, found))

    def _take_range(self, layer: Any, image: MedImage, found: Limits) -> None:
        if self._layer is not None and image is self._session.image and same_layer(layer, self._layer):
            self._limits[_FULL] = found
            layer.contrast_limits = found
            self._show()


def window_text(name: str, limits: Limits) -> str:
    """Write a window as radiologists say it: its name, width and level.

    >>> window_text("Lung", (-1350.0, 150.0))
    'Lung   W 1500   L -600'
    >>> window_text("File", (0.0, 451234.0))
    'File   W 451234   L 225617'
    """
    width, level = limits[1] - limits[0], (limits[0] + limits[1]) / 2
    return f"{name}   W {_short(width)}   L {_short(level)}".strip()


def _short(value: float) -> str:
    return f"{value:.0f}" if 1e4 <= abs(value) < 1e6 else f"{value:.4g}"


def _explain(name: str) -> str:
    known = next((one for one in CT_PRESETS if one.name == name), None)
    if known is not None:
        return f"{known.low_hu:.0f} to {known.high_hu:.0f} HU"
    return "The window that the file asks for, or the one it was opened with" if name == _FILE else "All values"


def _limits_of(layer: Image) -> Limits:
    low, high = layer.contrast_limits
    return (float(low), float(high))


def _is_same(one: tuple[float, ...], other: Limits) -> bool:
    width = max(other[1] - other[0], 1e-12)
    return all(abs(a - b) <= _SAME_WITHIN * width for a, b in zip(one, other, strict=True))


def _range_of(image: MedImage) -> Job[Limits]:
    yield Progress(0, 0)
    return full_range(image)
