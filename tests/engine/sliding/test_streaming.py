"""Finished slabs leave while windows still run, in order, whole, and the same whatever holds them."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest
import torch

from napari_medclf.domain.events import FinishReason, Progress, Warned
from napari_medclf.engine.sliding.blend import tile_weight
from napari_medclf.engine.sliding.slide import slide, slide_whole
from napari_medclf.engine.sliding.streaming import Streaming
from napari_medclf.engine.sliding.tiles import list_tiles
from napari_medclf.engine.sliding.window import Window
from napari_medclf.jobs.drive import drive
from napari_medclf.testing.phantoms import fingerprint_input

_CPU = torch.device("cpu")
_SHAPE = (21, 30, 26)
_WINDOW = Window((8, 12, 10), overlap=0.4)


class Slabs:
    """Keeps what it is given, and how many windows had been asked by then."""

    def __init__(self, axis: int, n_asked: Callable[[], int] = lambda: 0) -> None:
        self.axis = axis
        self.slabs: list[np.ndarray] = []
        self.starts: list[int] = []
        self.asked: list[int] = []
        self._n_asked = n_asked

    def take(self, start: int, logits: np.ndarray) -> None:
        self.starts.append(start)
        self.slabs.append(logits.copy())
        self.asked.append(self._n_asked())

    @property
    def whole(self) -> np.ndarray:
        sizes = [slab.shape[self.axis + 1] for slab in self.slabs]
        assert self.starts == [self.starts[0] + sum(sizes[:n]) for n in range(len(sizes))]
        return np.concatenate(self.slabs, axis=self.axis + 1)


def _network() -> torch.nn.Module:
    torch.manual_seed(5)
    first, last = torch.nn.Conv3d(2, 4, 5, padding=2), torch.nn.Conv3d(4, 3, 3, padding=1)
    return torch.nn.Sequential(first, torch.nn.Tanh(), last).eval()


def _reference(window: Window = _WINDOW) -> np.ndarray:
    """Weighted mean over windows, written down without any streaming."""
    data, network, shape = fingerprint_input(_SHAPE, 2), _network(), tuple(map(max, _SHAPE, window.tile))
    missing = [size - n for size, n in zip(shape, _SHAPE, strict=True)]
    padded = np.pad(data, [(0, 0), *((n // 2, n - n // 2) for n in missing)])
    weight = tile_weight(window).numpy()
    total = np.zeros((3, *shape), weight.dtype)
    summed = np.zeros(shape, weight.dtype)
    for corner in list_tiles(shape, window, 0):
        box = tuple(slice(start, start + size) for start, size in zip(corner, window.tile, strict=True))
        with torch.inference_mode():
            answer = network(torch.from_numpy(padded[(slice(None), *box)].copy())[None])[0].numpy()
        total[(slice(None), *box)] += answer * weight.astype(np.float32)
        summed[box] += weight
    crop = tuple(slice(n // 2, n // 2 + size) for n, size in zip(missing, _SHAPE, strict=True))
    return (total / summed)[(slice(None), *crop)]


def _stream(streaming: Streaming, window: Window = _WINDOW, network: object = None) -> Slabs:
    assert streaming.axis is not None
    slabs = Slabs(streaming.axis)
    job = slide(fingerprint_input(_SHAPE, 2), network or _network(), window, _CPU, slabs, streaming)
    outcome = drive(job)
    if outcome.error is not None:
        raise outcome.error
    return slabs


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("patch", [(8, 12, 10), (32, 12, 10), (8, 12, 40)])
def test_slabs_are_the_whole_along_any_axis(axis: int, patch: tuple[int, int, int]) -> None:
    window = Window(patch, overlap=0.4)
    np.testing.assert_allclose(_stream(Streaming(axis), window).whole, _reference(window), atol=1e-6)


def test_slabs_leave_before_the_last_window_is_asked() -> None:
    n_asked = 0
    inner = _network()

    def network(inputs: torch.Tensor) -> torch.Tensor:
        nonlocal n_asked
        n_asked += len(inputs)
        return inner(inputs)

    slabs = Slabs(0, lambda: n_asked)
    window = Window((8, 12, 10), overlap=0.4, batch=1)
    assert drive(slide(fingerprint_input(_SHAPE, 2), network, window, _CPU, slabs)).error is None
    assert slabs.asked[0] < n_asked / 2
    assert max(slab.shape[1] for slab in slabs.slabs) <= 8


@pytest.mark.parametrize("batch", [1, 2, 5, 100])
def test_batch_does_not_change_the_answer(batch: int) -> None:
    window = Window((8, 12, 10), overlap=0.4, batch=batch)
    found = _stream(Streaming(1), window).whole
    np.testing.assert_allclose(found, _reference(), atol=1e-5)
    assert np.array_equal(found.argmax(0), _reference().argmax(0))


def test_sums_on_disk_are_the_same_to_the_bit() -> None:
    assert np.array_equal(_stream(Streaming(0, is_on_disk=True)).whole, _stream(Streaming(0)).whole)


def test_half_sums_are_close() -> None:
    found, exact = _stream(Streaming(0, is_half=True)).whole, _stream(Streaming(0)).whole
    assert not np.array_equal(found, exact)
    np.testing.assert_allclose(found, exact, atol=3e-3)


@pytest.mark.parametrize(("axis", "planes"), [(0, (0, 1)), (0, (9, 11)), (1, (17, 18)), (2, (25, 26))])
def test_wanted_planes_alone_are_as_in_the_whole(axis: int, planes: tuple[int, int]) -> None:
    found = _stream(Streaming(axis, planes=planes)).whole
    expected = np.moveaxis(_reference(), axis + 1, 0)[planes[0] : planes[1]]
    np.testing.assert_allclose(np.moveaxis(found, axis + 1, 0), expected, atol=1e-6)


def test_windows_of_a_preview_are_not_asked_again() -> None:
    n_asked = 0
    inner = _network()

    def network(inputs: torch.Tensor) -> torch.Tensor:
        nonlocal n_asked
        n_asked += len(inputs)
        return inner(inputs)

    kept: dict[tuple[int, int, int], torch.Tensor] = {}
    _stream(Streaming(2, planes=(10, 12), keep=kept), network=network)
    n_before = n_asked
    assert n_before == len(kept) > 0
    found = _stream(Streaming(0, known=kept), network=network).whole
    assert np.array_equal(found, _stream(Streaming(0)).whole)
    assert kept == {}
    n_all = n_asked
    n_asked = 0
    _stream(Streaming(0), network=network)
    assert n_all == n_asked


def test_windows_that_are_not_wanted_are_background() -> None:
    background = np.array([9, -9, -9], dtype=np.float32)
    streaming = Streaming(0, is_wanted=lambda corner: corner[0] < 8, background=background)
    found = _stream(streaming).whole
    # Windows start at 0, 4, 8, 12, 13 along k; only those at 0 and 4 are run.
    assert np.array_equal(found[:, 12:], np.broadcast_to(background[:, None, None, None], found[:, 12:].shape))
    np.testing.assert_allclose(found[:, :8], _only_windows_before_8()[:, :8], atol=1e-6)


def _only_windows_before_8() -> np.ndarray:
    part = fingerprint_input(_SHAPE, 2)[:, :12]
    outcome = drive(slide_whole(np.ascontiguousarray(part), _network(), _WINDOW, _CPU))
    assert outcome.result is not None
    return outcome.result


def test_stop_does_not_wait_for_a_slow_window() -> None:
    is_inside, may_end = threading.Event(), threading.Event()

    def network(inputs: torch.Tensor) -> torch.Tensor:
        is_inside.set()
        may_end.wait(20)
        return inputs

    job = slide(fingerprint_input(_SHAPE, 3), network, _WINDOW, _CPU, Slabs(0))
    outcome = drive(job, should_stop=is_inside.is_set)
    assert outcome.reason is FinishReason.CANCELED
    assert not may_end.is_set()  # the window was still running
    may_end.set()


def test_stopped_network_is_left_between_its_layers() -> None:
    is_inside, may_go_on = threading.Event(), threading.Event()
    reached: list[str] = []

    class Slow(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            is_inside.set()
            may_go_on.wait(20)
            reached.append("first")
            x = torch.relu(x)
            reached.append("second")
            return x

    job = slide(fingerprint_input(_SHAPE, 3), Slow(), _WINDOW, _CPU, Slabs(0))
    drive(job, should_stop=is_inside.is_set)
    may_go_on.set()
    for thread in threading.enumerate():
        if thread.name.startswith("medclf-compute"):
            thread.join(20)
    assert reached == ["first"]


def test_memory_that_runs_out_halves_the_batch_and_says_so() -> None:
    inner = _network()
    sizes: list[int] = []

    def network(inputs: torch.Tensor) -> torch.Tensor:
        sizes.append(len(inputs))
        if len(inputs) > 2:
            raise MemoryError
        return inner(inputs)

    slabs, events = Slabs(0), []
    window = Window((8, 12, 10), overlap=0.4, batch=8)
    outcome = drive(slide(fingerprint_input(_SHAPE, 2), network, window, _CPU, slabs), events.append)
    assert outcome.error is None
    assert sizes[:3] == [8, 4, 2]
    np.testing.assert_allclose(slabs.whole, _reference(), atol=1e-5)
    said = [event.message for event in events if isinstance(event, Warned)]
    assert said[0] == "The memory was not enough for 8 windows at once; 4 are run now."
    assert max(event.done for event in events if isinstance(event, Progress)) == events[-1].total


def test_memory_that_is_not_enough_for_one_window_is_an_error() -> None:
    def network(inputs: torch.Tensor) -> torch.Tensor:
        raise MemoryError

    outcome = drive(slide(fingerprint_input(_SHAPE, 2), network, _WINDOW, _CPU, Slabs(0)))
    assert isinstance(outcome.error, MemoryError)


def test_nnunet_windows_keep_their_order_and_half_sums() -> None:
    window = Window((8, 12, 10), overlap=0.5, tiling="nnunet", batch=1)
    found = _stream(Streaming(0), window).whole
    np.testing.assert_array_equal(found, _reference(window))
    assert np.array_equal(found, found.astype(np.float16))
