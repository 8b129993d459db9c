"""The left mouse button on one labels layer, taken from napari for a tool or a prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from napari_medclf.ui.session import Session


class HeldMouse:
    """Holds one layer at a time; napari's own brushes and panning rest meanwhile.

    Parameters
    ----------
    on_drag : callable
        A napari drag callback ``(layer, event)``, called for presses on the held layer.
    on_taken : callable
        Called when a person took up one of napari's own modes on the held layer.
    """

    def __init__(
        self, session: Session, on_drag: Callable[[Any, Any], Iterator[None]], on_taken: Callable[[], None]
    ) -> None:
        self._session, self._on_drag, self._on_taken = session, on_drag, on_taken
        self.layer: Any = None
        """What is held; None without."""

    def hold(self, layer: Any, cursor: str = "crosshair") -> None:
        """Let go of what is held, and take a layer; None takes nothing."""
        self._let_go()
        if layer is None:
            return
        self.layer = layer  # before the layer is chosen, which makes everybody ask for it
        self._session.viewer.layers.selection.active = layer
        layer.mode = "pan_zoom"  # napari's own brushes would paint as well
        layer.events.mode.connect(self._on_mode)
        layer.mouse_drag_callbacks.append(self._on_drag)
        layer.mouse_pan, layer.cursor = False, cursor

    def _let_go(self) -> None:
        held, self.layer = self.layer, None
        if held is None:
            return
        held.mouse_drag_callbacks.remove(self._on_drag)
        held.events.mode.disconnect(self._on_mode)
        if str(held.mode) == "pan_zoom":
            held.mouse_pan, held.cursor = True, "standard"

    def _on_mode(self, event: Any) -> None:
        if self.layer is not None and str(self.layer.mode) != "pan_zoom":
            self._on_taken()
