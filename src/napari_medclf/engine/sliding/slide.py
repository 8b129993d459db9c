"""Run a network over an image that is larger than its patch, and hand on what is finished."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from functools import partial

import torch
from torch import Tensor

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.events import Job, Progress, Warned
from napari_medclf.domain.geometry import Shape3
from napari_medclf.engine.background import Worker, wait_for
from napari_medclf.engine.restore.sink import Sink
from napari_medclf.engine.restore.whole import WholeLogits
from napari_medclf.engine.sliding.asker import Asker
from napari_medclf.engine.sliding.blended_slabs import BlendedSlabs
from napari_medclf.engine.sliding.padded import PaddedImage
from napari_medclf.engine.sliding.run_batch import Network, batch_size
from napari_medclf.engine.sliding.streaming import Streaming
from napari_medclf.engine.sliding.tiles import choose_axis
from napari_medclf.engine.sliding.window import Window

_MESSAGE = "Running the network"


def slide(
    data: FloatArray,
    network: Network,
    window: Window,
    device: torch.device,
    sink: Sink,
    streaming: Streaming | None = None,
) -> Job[None]:
    """Run a network over a whole image, blend its windows, and hand finished slabs of logits to a sink.

    Parameters
    ----------
    data : (C, K, J, I) float32
        Padded with zeros, evenly on both sides, where it is smaller than a tile.
    network : callable
        (N, C, *spatial) to logits (N, classes, *spatial), on `device`; it is called from another thread.
    sink : Sink
        Gets the logits on the grid of `data`, along `streaming.axis`.

    Yields
    ------
    Progress
        After every batch of tiles, and twice a second; closing the generator there is safe and does not wait for
        the network.
    Warned
        Where memory ran out and the batch was halved.

    Raises
    ------
    CardError
        If the network returns another spatial shape than it was given.
    MemoryError
        If not even one window can be run.

    Notes
    -----
    Equal to MONAI 1.6.1's ``sliding_window_inference`` within rounding, or to nnU-Net 2.8's predictor (see
    `InputSpec.tiling`). What is held is a window along the streaming axis by the image's other two axes.
    """
    streaming = streaming or Streaming()
    image = PaddedImage(data, window.tile, device)
    slabs = BlendedSlabs(image, window, sink, streaming)
    asker = Asker(image, network, window, device, streaming, slabs.place_of)
    walk = _Walk(asker, slabs, device, window.batch or batch_size(device, window.tile))
    try:
        yield from walk.go()
    finally:
        walk.close()


def slide_whole(data: FloatArray, network: Network, window: Window, device: torch.device) -> Job[FloatArray]:
    """Run a network over a whole image as `slide` does, and return all logits (classes, K, J, I) float32."""
    k, j, i = data.shape[1:]
    axis = choose_axis((k, j, i), window)
    whole = WholeLogits((k, j, i), axis)
    yield from slide(data, network, window, device, whole, Streaming(axis=axis))
    return whole.finish()


class _Walk:
    """The windows of an image in order: some wait, some are asked, and answers are added one by one."""

    def __init__(self, asker: Asker, slabs: BlendedSlabs, device: torch.device, batch: int) -> None:
        self._asker, self._slabs, self._batch = asker, slabs, batch
        # A GPU goes on with the next windows while answers are added and handed on.
        self._n_at_once = 1 if device.type == "cpu" else 2
        self._worker = Worker()
        self._waiting = deque(slabs.corners)
        self._running: deque[tuple[list[Shape3], Future[list[Tensor]]]] = deque()

    def close(self) -> None:
        """Stop the network, wherever it is, and give the thread up."""
        self._asker.stop()
        self._worker.close()

    def go(self) -> Job[None]:
        """Ask the windows in order, add their answers, hand on what is finished."""
        while self._waiting or self._running:
            self._submit()
            shown = self._progress()
            answered = yield from self._wait(shown)
            while answered:
                corner, logits = answered.pop()
                for _ in self._slabs.add(corner, logits):
                    yield shown
                del logits  # so that it is gone when the next window is run
            yield self._progress()
        for _ in self._slabs.finish():
            yield self._progress()

    def _progress(self) -> Progress:
        n_open = len(self._waiting) + sum(len(group) for group, _ in self._running)
        return Progress(len(self._slabs.corners) - n_open, len(self._slabs.corners), _MESSAGE)

    def _submit(self) -> None:
        while self._waiting and len(self._running) < self._n_at_once:
            group = [self._waiting.popleft() for _ in range(min(self._batch, len(self._waiting)))]
            self._running.append((group, self._worker.submit(partial(self._asker.ask, group))))

    def _wait(self, shown: Progress) -> Job[list[tuple[Shape3, Tensor]]]:
        """Wait for the oldest windows; where memory ran out, put them back and take fewer at once."""
        group, future = self._running.popleft()
        try:
            answers = yield from wait_for(future, shown)
        except MemoryError:
            if len(group) == 1:
                raise
            self._batch = max(1, len(group) // 2)
            for later in [*(one for one, _ in reversed(self._running)), group]:
                self._waiting.extendleft(reversed(later))
            self._running.clear()
            yield Warned(f"The memory was not enough for {len(group)} windows at once; {self._batch} are run now.")
            return []
        return list(zip(group, answers, strict=True))[::-1]  # the first one is popped first
