"""What takes finished logits, slab by slab, so that those of a whole volume are never held at once."""

from __future__ import annotations

from typing import Protocol

from napari_medclf.domain.arrays import FloatArray


class Sink(Protocol):
    """Takes the logits of a model grid in order, once each; made for one image."""

    def take(self, start: int, logits: FloatArray) -> None:
        """Take the next slab.

        Parameters
        ----------
        start : int
            First index of the slab along the streaming axis of the model grid; slabs follow each other without gaps.
        logits : (C, K, J, I) float32
            The model grid's full extent but for the streaming axis. Only lent: it is overwritten afterwards.
        """
