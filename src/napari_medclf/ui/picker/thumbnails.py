"""Small pictures of series, read on a thread of their own while the list is looked at."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
from qtpy.QtCore import QObject, Signal
from qtpy.QtGui import QImage, QPixmap

from napari_medclf.domain.arrays import PixelArray
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.events import CaseDone, Job
from napari_medclf.ui.worker import JobWorker

_MOST_WAITING = 60
"""About two screens of rows; what was scrolled past is not read any more."""
_MOST_KEPT = 2000


Read = Callable[[FileRef], PixelArray | None]
"""Draws a small picture, on the worker's thread; None where there is none."""


class Thumbnails(QObject):
    """Gives the picture of a series, or nothing yet and reads it; what was asked last is read first.

    Parameters
    ----------
    read : callable or None
        How pictures are made; None reads files.

    Signals
    -------
    loaded : FileRef
        Its picture is there now.
    """

    loaded = Signal(object)

    def __init__(self, parent: QObject | None = None, read: Read | None = None) -> None:
        super().__init__(parent)
        self._read = read or _read_file
        self._pictures: dict[FileRef, QPixmap | None] = {}
        self._waiting: deque[FileRef] = deque(maxlen=_MOST_WAITING)
        self._worker: JobWorker | None = None
        self._is_closed = False

    def get(self, ref: FileRef) -> QPixmap | None:
        """Return a picture; None while it is read, and where there is none."""
        if ref in self._pictures:
            return self._pictures[ref]
        if not self._is_closed and ref not in self._waiting:
            self._waiting.append(ref)
            self._start()
        return None

    def forget(self) -> None:
        """Drop what waits and what was read, because another folder is shown."""
        self._waiting.clear()
        self._pictures.clear()

    def close_down(self, timeout_s: float = 2.0) -> None:
        """Read no more, and wait for the picture that is being read."""
        self._is_closed = True
        self._waiting.clear()
        if self._worker is not None:
            self._worker.cancel()
            self._worker.wait(timeout_s)

    def _start(self) -> None:
        if self._worker is None:
            waiting, read = self._waiting, self._read
            self._worker = JobWorker(lambda: _read_all(waiting, read), self)
            self._worker.reported.connect(self._take)
            self._worker.ended.connect(self._on_ended)
            self._worker.start()

    def _take(self, event: object) -> None:
        if not isinstance(event, CaseDone) or self._is_closed:
            return
        ref = FileRef(event.source, event.case_id)
        if len(self._pictures) >= _MOST_KEPT:
            self._pictures.pop(next(iter(self._pictures)))
        self._pictures[ref] = None if event.result is None else pixmap_of(event.result)
        self.loaded.emit(ref)

    def _on_ended(self, outcome: object) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.deleteLater()
        if self._waiting and not self._is_closed:
            self._start()


def pixmap_of(samples: PixelArray) -> QPixmap:
    """Make a picture of gray (J, I) or colour (J, I, 3) samples, uint8."""
    samples = np.ascontiguousarray(samples, dtype=np.uint8)
    is_colour = samples.ndim == 3
    kind = QImage.Format.Format_RGB888 if is_colour else QImage.Format.Format_Grayscale8
    height, width = samples.shape[:2]
    image = QImage(samples.tobytes(), width, height, width * (3 if is_colour else 1), kind)
    return QPixmap.fromImage(image.copy())


def _read_file(ref: FileRef) -> PixelArray | None:
    from napari_medclf.io.read import thumbnail

    return thumbnail(ref)


def _read_all(waiting: deque[FileRef], read: Read) -> Job[None]:
    while True:
        try:
            ref = waiting.pop()
        except IndexError:
            return
        yield CaseDone(ref.member, ref.path, read(ref))
