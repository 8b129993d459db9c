"""Run a network over an image that is larger than its patch, tile by tile."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.errors import BackendUnavailable, CardError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.geometry import Shape3

Network = Callable[[Tensor], Tensor]
# Voxels that go through the network at once. On a CPU more of them are slower (they leave the cache,
# measured with 256 x 256 patches) and a cancel waits for them; a GPU needs many to be busy.
_BATCH_VOX = {"cpu": 2**16, "mps": 2**20, "cuda": 2**22}
# Gaussian weights as in MONAI and nnU-Net: sigma is an eighth of the patch, and no weight vanishes.
_SIGMA_OF_PATCH = 0.125
_SMALLEST_WEIGHT = 1e-3


@dataclass(frozen=True)
class Window:
    """How an image is cut into tiles.

    Parameters
    ----------
    patch_vox : (j, i) or (k, j, i)
        Two numbers for a 2D network, which then sees every slice by itself.
    overlap : float
        Part of a patch that neighbours share, in [0, 1).
    divisible_by : int
        The patch is enlarged to a multiple of this.
    batch : int
        Tiles that go through the network at once; 0 fits it to the patch and the device.
    mirror_axes : tuple of int
        Spatial axes to flip (test-time augmentation): the mean over all combinations is returned.
    """

    patch_vox: tuple[int, ...]
    overlap: float = 0.25
    divisible_by: int = 1
    batch: int = 0
    mirror_axes: tuple[int, ...] = ()

    @property
    def spatial_dims(self) -> int:
        """Dimensions the network sees."""
        return len(self.patch_vox)

    @property
    def tile(self) -> Shape3:
        """Voxels (k, j, i) of a tile."""
        sizes = [math.ceil(size / self.divisible_by) * self.divisible_by for size in self.patch_vox]
        k, j, i = (1,) * (3 - len(sizes)) + tuple(sizes)
        return (k, j, i)

    @property
    def flips(self) -> list[tuple[int, ...]]:
        """Every combination of the mirrored axes, as axes of (N, C, *spatial)."""
        axes = [axis + 2 for axis in self.mirror_axes]
        return [chosen for n in range(len(axes) + 1) for chosen in itertools.combinations(axes, n)]


def slide(data: FloatArray, network: Network, window: Window, device: torch.device) -> Job[FloatArray]:
    """Run a network over a whole image and blend the tiles with Gaussian weights.

    Parameters
    ----------
    data : (C, K, J, I) float32
        Padded with zeros, evenly on both sides, where it is smaller than a tile.
    network : callable
        (N, C, *spatial) to logits (N, classes, *spatial), on `device`.

    Yields
    ------
    Progress
        After every batch of tiles; closing the generator there is safe.

    Returns
    -------
    (classes, K, J, I) float32
        Logits on the grid of `data`.

    Raises
    ------
    CardError
        If the network returns another spatial shape than it was given.
    BackendUnavailable
        If the device has not enough memory.

    Notes
    -----
    Equal to MONAI 1.6.1's ``sliding_window_inference(mode="gaussian")`` within rounding. Only one
    float32 array of the result's size is held; tiles are added to it in place.
    """
    image, crop = _pad(data, window.tile)
    tiles = _list_tiles(image.shape[1:], window)
    weight = torch.from_numpy(gaussian_weight(window.tile))
    batch = window.batch or batch_size(device, window.tile)
    batches = [tiles[start : start + batch] for start in range(0, len(tiles), batch)]
    total: Tensor | None = None
    work = list(itertools.product(window.flips, batches))
    for n_done, (flip, group) in enumerate(work, start=1):
        logits = run_batch(network, _stack(image, group, window).to(device), flip)
        if total is None:
            _check_output(logits, window)
            total = torch.zeros((logits.shape[1], *image.shape[1:]), device=_choose_store(logits, image, device))
            weight = weight.to(total.device)
        if len(tiles) == 1:
            total += logits.reshape(total.shape).to(total.device)
        else:
            _add(total, logits, group, weight)
        yield Progress(n_done, len(work), "Running the network")
    assert total is not None  # there is at least one tile
    if len(tiles) > 1:
        total /= _sum_weights(tiles, weight, total.shape[1:], window)
    if len(window.flips) > 1:
        total /= len(window.flips)
    return np.ascontiguousarray(total[crop].cpu().numpy())


def gaussian_weight(tile: Shape3) -> FloatArray:
    """Make the weight (k, j, i) float32 of a tile: 1 in the middle, falling off as a Gaussian."""
    weight = np.ones((), dtype=np.float32)
    for size in tile:
        distance = np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2)
        line = np.exp(distance**2 / np.float32(-2 * (_SIGMA_OF_PATCH * size) ** 2))
        weight = weight[..., np.newaxis] * line
    return np.asarray(np.maximum(weight, max(float(weight.min()), _SMALLEST_WEIGHT)), dtype=np.float32)


def batch_size(device: torch.device, input_vox: Sequence[int]) -> int:
    """How many inputs of a size go through a network at once."""
    return max(1, _BATCH_VOX.get(device.type, _BATCH_VOX["cpu"]) // math.prod(input_vox))


def run_batch(network: Network, inputs: Tensor, flip: tuple[int, ...] = (), *, flip_output: bool = True) -> Tensor:
    """Run a network on (N, C, *spatial) inputs, flipped along axes; the output is flipped back.

    Of several outputs (deep supervision, hidden states) the first one is the answer.

    Raises
    ------
    BackendUnavailable
        If the device has not enough memory.
    MemoryError
        If the computer has not.
    """
    try:
        with torch.inference_mode():
            answer = network(inputs.flip(flip) if flip else inputs)
            outputs: Tensor = answer[0] if isinstance(answer, (tuple, list)) else answer
            return outputs.flip(flip) if flip and flip_output else outputs
    except torch.OutOfMemoryError as error:
        raise BackendUnavailable(
            f"The memory of {inputs.device} is not enough for {len(inputs)} patches of {tuple(inputs.shape[2:])} "
            "voxels. Close other programs that use it, set a smaller batch, or run on the CPU."
        ) from error
    except RuntimeError as error:
        if "DefaultCPUAllocator" in str(error):  # torch has no class of its own for that
            raise MemoryError from error
        raise


def _pad(data: FloatArray, tile: Shape3) -> tuple[Tensor, tuple[slice, ...]]:
    missing = [max(size - have, 0) for size, have in zip(tile, data.shape[1:], strict=True)]
    before = [n // 2 for n in missing]
    crop = tuple(slice(start, start + have) for start, have in zip(before, data.shape[1:], strict=True))
    if any(missing):
        data = np.pad(data, [(0, 0), *((start, n - start) for start, n in zip(before, missing, strict=True))])
    return torch.from_numpy(np.ascontiguousarray(data, dtype=np.float32)), (slice(None), *crop)


def _list_tiles(shape: Sequence[int], window: Window) -> list[tuple[slice, ...]]:
    starts = [_list_starts(n, size, window.overlap) for n, size in zip(shape, window.tile, strict=True)]
    return [
        tuple(slice(start, start + size) for start, size in zip(corner, window.tile, strict=True))
        for corner in itertools.product(*starts)
    ]


def _list_starts(n: int, size: int, overlap: float) -> list[int]:
    if n == size:
        return [0]
    step = max(1, int(size * (1 - overlap)))
    return [min(start, n - size) for start in range(0, n - size + step, step)]


def _stack(image: Tensor, group: Sequence[tuple[slice, ...]], window: Window) -> Tensor:
    stacked = torch.stack([image[(slice(None), *tile)] for tile in group])
    return stacked.squeeze(2) if window.spatial_dims == 2 else stacked


def _check_output(logits: Tensor, window: Window) -> None:
    expected = window.tile[3 - window.spatial_dims :]
    if tuple(logits.shape[2:]) != expected:
        raise CardError(
            f"The network returned {tuple(logits.shape[2:])} voxels for a patch of {expected}. It does not label every "
            "voxel, or the card's divisible_by is too small for it."
        )


def _choose_store(logits: Tensor, image: Tensor, device: torch.device) -> torch.device:
    """Blend on the GPU where the result fits easily, else in main memory."""
    if device.type != "cuda":
        return torch.device("cpu")
    needed = 4 * logits.shape[1] * math.prod(image.shape[1:])
    free, _ = torch.cuda.mem_get_info(device)
    return device if needed < free // 3 else torch.device("cpu")


def _add(total: Tensor, logits: Tensor, group: Sequence[tuple[slice, ...]], weight: Tensor) -> None:
    for tile, values in zip(group, logits.to(total.device), strict=True):
        view = total[(slice(None), *tile)]
        view.addcmul_(values.reshape(view.shape), weight)


def _sum_weights(tiles: Sequence[tuple[slice, ...]], weight: Tensor, shape: Sequence[int], window: Window) -> Tensor:
    depth = 1 if window.spatial_dims == 2 else shape[0]  # slices of a 2D run all have the same weights
    summed = torch.zeros((depth, *shape[1:]), device=weight.device)
    for tile in _of_first_slices(tiles, depth):
        summed[tile] += weight
    return summed


def _of_first_slices(tiles: Sequence[tuple[slice, ...]], depth: int) -> Iterator[tuple[slice, ...]]:
    return (tile for tile in tiles if tile[0].start < depth)
