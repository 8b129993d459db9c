"""Keys of the workbench, bound through napari's own keymaps while the dock is there."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from napari.layers import Image
from napari.utils.key_bindings import coerce_keybinding

from napari_medclf.ui.viewer_link import is_our_labels

Handler = Callable[[], bool]
"""Does what the key is for; False when there was nothing to do, and napari's own meaning applies."""


class KeyBindings:
    """Binds keys on a viewer and on its layers, and gives back what was there before.

    napari asks the active layer before the viewer, and a labels layer has its own meaning for
    digits, X and Escape; so the same keys are bound on images and on labels of ours. Points,
    shapes and the layers of others keep their keys.

    Parameters
    ----------
    viewer : napari.Viewer
    handlers : mapping of str to callable
        Key such as ``"Space"`` or ``"Shift-N"`` to what it does.
    """

    def __init__(self, viewer: Any, handlers: Mapping[str, Handler]) -> None:
        self._viewer: Any = viewer
        self._handlers = {key: _as_callback(key, handler) for key, handler in handlers.items()}
        self._before: dict[Any, dict[Any, Any]] = {}
        self._bind(viewer)
        for layer in viewer.layers:
            self._bind_layer(layer)
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.layers.events.removed.connect(self._on_removed)

    def remove(self) -> None:
        """Unbind everything."""
        self._viewer.layers.events.inserted.disconnect(self._on_inserted)
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        for target, before in self._before.items():
            target.keymap = before
        self._before.clear()
        self._viewer = None

    def _bind(self, target: Any) -> None:
        self._before[target] = dict(target.keymap)
        for key, callback in self._handlers.items():
            target.bind_key(key, callback, overwrite=True)

    def _bind_layer(self, layer: Any) -> None:
        if isinstance(layer, Image) or is_our_labels(layer):
            self._bind(layer)

    def _on_inserted(self, event: Any) -> None:
        self._bind_layer(event.value)

    def _on_removed(self, event: Any) -> None:
        self._before.pop(event.value, None)


def _as_callback(key: str, handler: Handler) -> Callable[[Any], None]:
    def callback(target: Any) -> None:
        if not handler():
            _press_default(target, key)

    return callback


def _press_default(target: Any, key: str) -> None:
    """Do what the key means to napari for this layer; keys held down count as pressed once."""
    binding = coerce_keybinding(key)
    for cls in type(target).__mro__:
        command = getattr(cls, "class_keymap", {}).get(binding)
        if callable(command):
            result = command(target)
            if inspect.isgenerator(result):
                next(result, None)
            return
