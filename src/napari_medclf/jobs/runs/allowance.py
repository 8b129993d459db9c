"""How much of a run may be in memory at once, whatever the folder's size."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from napari_medclf.free_memory import available_bytes

if TYPE_CHECKING:
    from napari_medclf.domain.results import Prediction

_PART = 0.2
"""Of the memory that is free when a run begins: the network and its sums need the rest."""
_LEAST_BYTES, _MOST_BYTES = 2**28, 2**32
_N_REMEMBERED = 8


def default_allowance_bytes(memory_gb: float | None = None) -> int:
    """Bytes of images and answers that wait for the next stage, besides what the network takes.

    Parameters
    ----------
    memory_gb : float or None
        What a person allows the run, in GB; without it, what is free.
    """
    whole = available_bytes() if memory_gb is None else memory_gb * 1e9
    return int(min(max(_PART * whole, _LEAST_BYTES), _MOST_BYTES))


class Allowance:
    """Bytes that the cases of a run hold from the beginning of their reading until their files are on disk.

    Parameters
    ----------
    most_bytes : int
        What all of them may hold together. One case is let in whatever it holds, when there is no other.

    Notes
    -----
    How much an image takes is known when it was read; before that, it is taken to be as large as the largest of those
    read last.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._held: dict[str, int] = {}
        self._recent: deque[int] = deque(maxlen=_N_REMEMBERED)
        self._is_closed = False
        self._changed = threading.Condition()

    @property
    def held_bytes(self) -> int:
        """What all cases hold now."""
        with self._changed:
            return sum(self._held.values())

    @property
    def is_full(self) -> bool:
        """Whether one more image would have to wait."""
        with self._changed:
            return not self._has_room()

    def enter(self, case_id: str) -> bool:
        """Wait until there is room for one more image; False where nobody wants it any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._has_room())
            if not self._is_closed:
                self._held[case_id] = self._expected()
            return not self._is_closed

    def note(self, case_id: str, n_bytes: int) -> None:
        """Write down what the image of a case takes, or what it takes with the answer."""
        with self._changed:
            self._held[case_id] = n_bytes
            self._recent.append(n_bytes)
            self._changed.notify_all()

    def leave(self, case_id: str) -> None:
        """Take a case off that holds nothing any more."""
        with self._changed:
            self._held.pop(case_id, None)
            self._changed.notify_all()

    def close(self) -> None:
        """Let nobody in any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _expected(self) -> int:
        return max(self._recent, default=self.most_bytes)

    def _has_room(self) -> bool:
        return not self._held or sum(self._held.values()) + self._expected() <= self.most_bytes


def answer_bytes(prediction: Prediction) -> int:
    """What an answer takes."""
    labels = 0 if prediction.segmentation is None else prediction.segmentation.labels.nbytes
    return labels + (0 if prediction.uncertainty is None else prediction.uncertainty.values.nbytes)
