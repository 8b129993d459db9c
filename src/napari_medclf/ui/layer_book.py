"""What we know of layers, kept by their identity."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

Note = TypeVar("Note")


class LayerBook(Generic[Note]):
    """A note a layer, found by napari's ``unique_id``.

    napari 0.9 hands plugins a new proxy of a layer at every access, so neither ``is`` nor weak
    references tell layers apart; their ids do.
    """

    def __init__(self) -> None:
        self._notes: dict[Any, tuple[Any, Note]] = {}

    def put(self, layer: Any, note: Note) -> None:
        """Write a note, in place of the one before."""
        self._notes[layer.unique_id] = (layer, note)

    def get(self, layer: Any) -> Note | None:
        """Return the note about a layer, None without one."""
        found = None if layer is None else self._notes.get(layer.unique_id)
        return None if found is None else found[1]

    def forget(self, layer: Any) -> None:
        """Remove the note, and let go of the layer."""
        self._notes.pop(layer.unique_id, None)

    def items(self) -> list[tuple[Any, Note]]:
        """List (layer, note), oldest first."""
        return list(self._notes.values())

    def take_all(self) -> list[tuple[Any, Note]]:
        """List (layer, note) and forget them."""
        taken = self.items()
        self._notes.clear()
        return taken

    def __contains__(self, layer: Any) -> bool:
        return layer is not None and layer.unique_id in self._notes


def same_layer(one: Any, other: Any) -> bool:
    """Whether two layers, or two proxies, are the same layer; None is only None."""
    if one is None or other is None:
        return one is None and other is None
    return bool(one.unique_id == other.unique_id)
