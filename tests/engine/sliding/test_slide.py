"""Tiles over an image: the same numbers as MONAI, also where the image is smaller than a patch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_medclf.domain.errors import CardError
from napari_medclf.domain.events import Progress
from napari_medclf.engine.sliding.blend import gaussian_weight
from napari_medclf.engine.sliding.slide import slide_whole
from napari_medclf.engine.sliding.window import Window
from napari_medclf.jobs.drive import drive
from napari_medclf.testing.phantoms import fingerprint_input

_CPU = torch.device("cpu")


def _network(spatial_dims: int, channels: int = 1) -> torch.nn.Module:
    torch.manual_seed(3)
    make = torch.nn.Conv2d if spatial_dims == 2 else torch.nn.Conv3d
    first, last = make(channels, 4, kernel_size=5, padding=2), make(4, 3, kernel_size=3, padding=1)
    return torch.nn.Sequential(first, torch.nn.Tanh(), last).eval()


def _run(data: np.ndarray, network: torch.nn.Module, window: Window) -> tuple[np.ndarray, list[Progress]]:
    events: list[Progress] = []
    outcome = drive(slide_whole(data, network, window, _CPU), events.append)
    assert outcome.error is None
    return outcome.result, events


def _run_monai(data: np.ndarray, network: torch.nn.Module, window: Window) -> np.ndarray:
    from monai.inferers import sliding_window_inference

    inputs = torch.from_numpy(data)
    inputs = inputs.transpose(0, 1) if window.spatial_dims == 2 else inputs[None]
    with torch.inference_mode():
        out = sliding_window_inference(
            inputs, window.patch_vox, 2, network, overlap=window.overlap, mode="gaussian", sigma_scale=0.125
        )
    out = out.transpose(0, 1) if window.spatial_dims == 2 else out[0]
    return out.numpy()


@pytest.mark.parametrize(
    ("shape", "window"),
    [
        ((12, 20, 28), Window((8, 9, 10))),
        ((12, 20, 28), Window((8, 8, 8), overlap=0.5, batch=3)),
        ((12, 20, 28), Window((7, 20, 11), overlap=0.0)),
        ((5, 20, 9), Window((8, 12, 16), overlap=0.7, batch=1)),
        ((5, 6, 7), Window((8, 8, 8))),
        ((12, 20, 28), Window((12, 20, 28))),
        ((3, 33, 41), Window((16, 12), batch=4)),
        ((1, 33, 10), Window((16, 12), overlap=0.6)),
    ],
)
def test_equals_monai(shape: tuple[int, int, int], window: Window) -> None:
    data = fingerprint_input(shape, 2)
    network = _network(window.spatial_dims, channels=2)
    found, _ = _run(data, network, window)
    expected = _run_monai(data, network, window)
    assert found.dtype == np.float32
    assert found.shape == (3, *shape)
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=0)


def test_weights_equal_monais() -> None:
    from monai.data.utils import compute_importance_map

    expected = compute_importance_map((40, 56, 40), mode="gaussian", sigma_scale=0.125).numpy()
    np.testing.assert_allclose(gaussian_weight((40, 56, 40)), expected, atol=1e-6)


def test_progress_counts_windows() -> None:
    _, events = _run(fingerprint_input((4, 16, 16), 1), _network(2), Window((8, 8), overlap=0.0, batch=5))
    assert sorted({event.done for event in events} - {0}) == [5, 10, 15, 16]
    assert {event.total for event in events} == {16}


def test_patch_grows_to_what_the_network_divides() -> None:
    seen: list[tuple[int, ...]] = []

    def network(inputs: torch.Tensor) -> torch.Tensor:
        seen.append(tuple(inputs.shape[2:]))
        return inputs

    data = fingerprint_input((1, 13, 30), 1)
    outcome = drive(slide_whole(data, network, Window((10, 12), divisible_by=8), _CPU))
    assert set(seen) == {(16, 16)}
    np.testing.assert_allclose(outcome.result, data, atol=1e-6)


def test_mirrored_run_is_the_mean_over_all_flips() -> None:
    data, network = fingerprint_input((1, 9, 14), 1), _network(2)
    found, _ = _run(data, network, Window((9, 14), mirror_axes=(0, 1)))
    inputs = torch.from_numpy(data)[None, :, 0]
    with torch.inference_mode():
        each = [network(inputs.flip(axes)).flip(axes)[0] for axes in ((), (2,), (3,), (2, 3))]
    np.testing.assert_allclose(found[:, 0], torch.stack(each).mean(0).numpy(), atol=1e-6)


def test_closing_between_batches_stops_the_network() -> None:
    n_runs = 0

    def network(inputs: torch.Tensor) -> torch.Tensor:
        nonlocal n_runs
        n_runs += 1
        return inputs

    job = slide_whole(fingerprint_input((6, 8, 8), 1), network, Window((8, 8), batch=1), _CPU)
    next(job)
    next(job)
    job.close()
    assert n_runs == 2


def test_network_that_shrinks_its_input_is_refused() -> None:
    job = slide_whole(fingerprint_input((1, 16, 16), 1), torch.nn.MaxPool2d(2), Window((16, 16)), _CPU)
    with pytest.raises(CardError, match=r"returned \(8, 8\) voxels for a patch of \(16, 16\)"):
        list(job)


def test_allocator_without_memory_becomes_a_memory_error() -> None:
    def network(inputs: torch.Tensor) -> torch.Tensor:
        return torch.empty(2**60)

    with pytest.raises(MemoryError):
        list(slide_whole(fingerprint_input((1, 8, 8), 1), network, Window((8, 8)), _CPU))


def test_first_of_several_outputs_is_the_answer() -> None:
    data = fingerprint_input((1, 8, 8), 1)
    outcome = drive(slide_whole(data, lambda inputs: (inputs, inputs[:, :, ::2, ::2]), Window((8, 8)), _CPU))
    np.testing.assert_array_equal(outcome.result, data)
