"""Run a network over an image that is larger than its patch, and hand on what is finished."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, MutableMapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from torch import Tensor

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.events import Job, Progress, Warned
from napari_medclf.domain.geometry import Shape3
from napari_medclf.engine.background import Worker
from napari_medclf.engine.restore.sink import Sink
from napari_medclf.engine.runtimes.transfer import Sender
from napari_medclf.engine.sliding.blend import tile_weight
from napari_medclf.engine.sliding.run_batch import Network, batch_size, run_batch, run_mirrored
from napari_medclf.engine.sliding.stop import Stop
from napari_medclf.engine.sliding.sums import Store, Sums, sums_bytes
from napari_medclf.engine.sliding.tiles import choose_axis, list_tiles
from napari_medclf.engine.sliding.window import Window

__all__ = ["Network", "Streaming", "Window", "batch_size", "run_batch", "slide", "slide_whole"]

_MESSAGE = "Running the network"
# Logits that are handed on at once, about: sinks stay in the cache, and a stop between two of them is soon.
_SLAB_VALUES = 2**24


@dataclass(frozen=True, eq=False)
class Streaming:
    """How finished logits leave; none of it changes them, but for `is_half`.

    Parameters
    ----------
    axis : int or None
        Of the model grid, along which they leave; None takes `tiles.choose_axis`.
    planes : (first, last) or None
        The part of that axis that is wanted; None takes all. Other windows are not run.
    is_half, is_on_disk : bool
        As in `sums.Store`.
    is_wanted : callable or None
        Whether the window at a corner (k, j, i) of the unpadded grid is run; the others are background.
    background : (C,) or None
        Logits where no window was run; needed with `is_wanted`.
    known : mapping
        Answers (C, k, j, i) of windows that were asked before, by their corner; they are taken out.
    keep : mapping or None
        Where answers are put, to be used as `known` of another run.
    """

    axis: int | None = None
    planes: tuple[int, int] | None = None
    is_half: bool = False
    is_on_disk: bool = False
    is_wanted: Callable[[Shape3], bool] | None = None
    background: FloatArray | None = None
    known: MutableMapping[Shape3, Tensor] = field(default_factory=dict)
    keep: MutableMapping[Shape3, Tensor] | None = None


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
    run = _Run(data, network, window, device, sink, streaming or Streaming())
    try:
        yield from run.go()
    finally:
        run.close()


def slide_whole(data: FloatArray, network: Network, window: Window, device: torch.device) -> Job[FloatArray]:
    """Run a network over a whole image as `slide` does, and return all logits (classes, K, J, I) float32."""
    slabs = _Collected(data.shape[1:], choose_axis(data.shape[1:], window))
    yield from slide(data, network, window, device, slabs, Streaming(axis=slabs.axis))
    assert slabs.logits is not None  # there is at least one tile
    return slabs.logits


class _Collected:
    """A sink that keeps everything."""

    def __init__(self, shape: Sequence[int], axis: int) -> None:
        self.shape = tuple(shape)
        self.axis = axis
        self.logits: FloatArray | None = None

    def take(self, start: int, logits: FloatArray) -> None:
        if self.logits is None:
            self.logits = np.empty((len(logits), *self.shape), dtype=np.float32)
        box: list[slice] = [slice(None)] * 4
        box[self.axis + 1] = slice(start, start + logits.shape[self.axis + 1])
        self.logits[tuple(box)] = logits


class _Run:
    """One walk over the windows of an image."""

    def __init__(
        self,
        data: FloatArray,
        network: Network,
        window: Window,
        device: torch.device,
        sink: Sink,
        streaming: Streaming,
    ) -> None:
        self._network, self._window, self._device, self._sink = network, window, device, sink
        self._streaming = streaming
        self._own = data.shape[1:]
        self._axis = choose_axis(self._own, window) if streaming.axis is None else streaming.axis
        image, self._offset = _pad(data, window.tile)
        self._image = _place_image(image, device)
        self._shape: Shape3 = (image.shape[1], image.shape[2], image.shape[3])
        first, last = streaming.planes or (0, self._own[self._axis])
        self._planes = (first + self._offset[self._axis], last + self._offset[self._axis])
        self._weight = tile_weight(window)
        self._sums: Sums | None = None
        self._worker, self._stop, self._sender = Worker(), Stop(network), Sender(device)
        self._running: deque[tuple[list[Shape3], Future[list[Tensor]]]] = deque()
        self._batch = window.batch or batch_size(device, window.tile)

    def close(self) -> None:
        """Stop the network, wherever it is, and give the thread up."""
        self._stop.stop()
        self._worker.close()

    def go(self) -> Job[None]:
        """Ask the windows in order, add their answers, hand on what is finished."""
        waiting = deque(self._list_tiles())
        n_tiles = len(waiting)
        is_alone = n_tiles == 1 and self._window.tiling == "monai" and self._streaming.is_wanted is None
        while waiting or self._running:
            self._submit(waiting)
            shown = Progress(n_tiles - len(waiting) - self._n_running, n_tiles, _MESSAGE)
            answered = yield from self._wait(waiting, shown)
            while answered:
                corner, logits = answered.pop()
                if is_alone:
                    self._hand(self._planes[0], self._crop_alone(logits))
                    yield Progress(n_tiles, n_tiles, _MESSAGE)
                    return
                yield from self._add(corner, logits, shown)
                del logits  # so that it is gone when the next window is run
            yield Progress(n_tiles - len(waiting) - self._n_running, n_tiles, _MESSAGE)
        assert self._sums is not None  # there is at least one tile
        yield from self._hand_on(self._planes[1], Progress(n_tiles, n_tiles, _MESSAGE))

    @property
    def _n_running(self) -> int:
        return sum(len(group) for group, _ in self._running)

    def _list_tiles(self) -> list[Shape3]:
        first, last = self._planes
        size, axis = self._window.tile[self._axis], self._axis
        tiles = [one for one in list_tiles(self._shape, self._window, axis) if first - size < one[axis] < last]
        is_wanted = self._streaming.is_wanted
        wanted = tiles if is_wanted is None else [one for one in tiles if is_wanted(self._to_own(one))]
        return wanted or tiles[:1]

    def _to_own(self, corner: Shape3) -> Shape3:
        k, j, i = (place - offset for place, offset in zip(corner, self._offset, strict=True))
        return (k, j, i)

    def _submit(self, waiting: deque[Shape3]) -> None:
        """Keep a GPU busy with the next windows while answers are added and handed on."""
        n_at_once = 1 if self._device.type == "cpu" else 2
        while waiting and len(self._running) < n_at_once:
            group = [waiting.popleft() for _ in range(min(self._batch, len(waiting)))]
            self._running.append((group, self._worker.submit(partial(self._ask, group))))

    def _wait(self, waiting: deque[Shape3], shown: Progress) -> Job[list[tuple[Shape3, Tensor]]]:
        """Wait for the oldest windows; where memory ran out, put them back and take fewer at once."""
        group, future = self._running.popleft()
        try:
            answers = yield from self._worker.wait(future, shown)
        except MemoryError:
            if len(group) == 1:
                raise
            self._batch = max(1, len(group) // 2)
            for later in [*(one for one, _ in reversed(self._running)), group]:
                waiting.extendleft(reversed(later))
            self._running.clear()
            yield Warned(f"The memory was not enough for {len(group)} windows at once; {self._batch} are run now.")
            return []
        return list(zip(group, answers, strict=True))[::-1]  # the first one is popped first

    def _ask(self, group: list[Shape3]) -> list[Tensor]:
        """Run the network on some windows; on the worker's thread."""
        known = self._streaming.known
        new = [corner for corner in group if corner not in known]
        answers = {corner: known.pop(corner) for corner in group if corner in known}
        if new:
            with self._stop.watch():
                logits = run_mirrored(self._network, self._stack(new), self._window.flips)
            _check_output(logits, self._window)
            with torch.inference_mode():
                logits = logits.reshape(len(new), -1, *self._window.tile).to(self._store_device(logits))
            answers.update(zip(new, logits, strict=True))
        if self._streaming.keep is not None:
            self._streaming.keep.update(answers)
        return [answers[corner] for corner in group]

    def _stack(self, group: Sequence[Shape3]) -> Tensor:
        tiles = [
            self._image[
                (slice(None), *(slice(begin, begin + n) for begin, n in zip(one, self._window.tile, strict=True)))
            ]
            for one in group
        ]
        stacked = self._sender.send(torch.stack(tiles))
        return stacked.squeeze(2) if self._window.spatial_dims == 2 else stacked

    def _store_device(self, logits: Tensor) -> torch.device:
        """Blend on the GPU where the sums fit easily, else in main memory."""
        if self._sums is not None:
            return self._sums.device
        if logits.device.type != "cuda" or self._streaming.is_on_disk:
            return torch.device("cpu")
        needed = sums_bytes(self._shape, self._axis, self._n_held(logits.shape[1]), logits.shape[1])
        free, _ = torch.cuda.mem_get_info(logits.device)
        return logits.device if needed < free // 3 else torch.device("cpu")

    def _n_held(self, n_channels: int) -> int:
        n_wanted = self._planes[1] - self._planes[0]
        size = self._window.tile[self._axis]
        # Slices of a 2D network leave some at a time, as sinks work on slabs.
        n = size if size > 1 else max(1, _SLAB_VALUES // (n_channels * self._shape[1] * self._shape[2]))
        return min(n, n_wanted)

    def _add(self, corner: Shape3, logits: Tensor, shown: Progress) -> Job[None]:
        if self._sums is None:
            self._sums = self._make_sums(logits)
            self._weight = self._weight.to(self._sums.device)
        end = corner[self._axis] + self._window.tile[self._axis]
        if not self._sums.has_room(end):
            yield from self._hand_on(corner[self._axis], shown)
        self._sums.add(corner, logits, self._weight)

    def _make_sums(self, logits: Tensor) -> Sums:
        streaming = self._streaming
        is_half = streaming.is_half or self._window.tiling == "nnunet"
        store = Store(logits.device, is_half, streaming.is_on_disk)
        background = None if streaming.background is None else torch.from_numpy(streaming.background)
        n_held = self._n_held(len(logits))
        return Sums(self._shape, self._axis, self._planes, n_held, len(logits), store, background)

    def _hand_on(self, end: int, shown: Progress) -> Job[None]:
        assert self._sums is not None
        for plane, total in self._sums.pop(end, _SLAB_VALUES):
            self._hand(plane, total)
            yield shown

    def _hand(self, plane: int, total: Tensor) -> None:
        box = [slice(None)] + [slice(start, start + n) for start, n in zip(self._offset, self._own, strict=True)]
        box[self._axis + 1] = slice(None)
        self._sink.take(plane - self._offset[self._axis], total[tuple(box)].to("cpu", torch.float32).numpy())

    def _crop_alone(self, logits: Tensor) -> Tensor:
        return logits.narrow(self._axis + 1, self._planes[0], self._planes[1] - self._planes[0])


def _pad(data: FloatArray, tile: Shape3) -> tuple[Tensor, Shape3]:
    """Make an image at least as large as a tile; also where its first voxel lies then."""
    missing = [max(size - have, 0) for size, have in zip(tile, data.shape[1:], strict=True)]
    k, j, i = (n // 2 for n in missing)
    if any(missing):
        data = np.pad(data, [(0, 0), *((start, n - start) for start, n in zip((k, j, i), missing, strict=True))])
    return torch.from_numpy(np.ascontiguousarray(data, dtype=np.float32)), (k, j, i)


def _place_image(image: Tensor, device: torch.device) -> Tensor:
    """Put a whole image on a GPU where it takes a small part of the memory, so that windows need no transfer."""
    if device.type != "cuda":
        return image
    free, _ = torch.cuda.mem_get_info(device)
    return image.to(device) if image.nbytes < free // 8 else image


def _check_output(logits: Tensor, window: Window) -> None:
    expected = window.tile[3 - window.spatial_dims :]
    if tuple(logits.shape[2:]) != expected:
        raise CardError(
            f"The network returned {tuple(logits.shape[2:])} voxels for a patch of {expected}. It does not label every "
            "voxel, or the card's divisible_by is too small for it."
        )
