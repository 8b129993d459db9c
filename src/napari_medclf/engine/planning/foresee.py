"""Foresee what a run of a model on an image takes, before anything of the image is read."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.run_settings import RunSettings
from napari_medclf.engine.answers.checked import count_outputs
from napari_medclf.engine.answers.labels_home import choose_home_axis
from napari_medclf.engine.grid.grid_map import GridMap
from napari_medclf.engine.grid.plan import map_grid
from napari_medclf.engine.planning.activations import ActivationMeter
from napari_medclf.engine.planning.plan import Budget, Need, Plan, choose_plan, window_of
from napari_medclf.engine.prepare import is_read_whole
from napari_medclf.engine.sliding.run_batch import batch_size
from napari_medclf.engine.sliding.sums import sums_bytes
from napari_medclf.engine.sliding.window import Window
from napari_medclf.free_memory import available_bytes, available_disk_bytes

# Part of the free memory that a run may take, for other programs go on.
_USABLE = 0.9
# Arrays of a slab of the image while it is resampled, and of new voxels while labels come home.
_SLAB_BYTES, _HOME_BYTES = 2**26, 2**25
_COPIES_IN_STEPS = 6
"""Of the image in single precision while a step runs: before, after, and what scikit-image keeps."""
_FLOAT = 4


@dataclass(frozen=True, eq=False)
class Run:
    """A model that is to be run on an image."""

    card: ModelCard
    network: Callable[[Tensor], Tensor]
    device: torch.device
    image: MedImage
    settings: RunSettings


def plan_run(run: Run, meter: ActivationMeter) -> Plan:
    """Foresee the memory of a run, and choose how it is cut.

    Raises
    ------
    PlanError
        If it cannot fit.
    CardError
        If the card contradicts itself.
    """
    window = window_of(run.card, run.settings)
    preferred = getattr(run.network, "best_batch", 1)
    window = replace(window, batch=window.batch or max(preferred, batch_size(run.device, window.tile)))
    grid = map_grid(run.image.geometry, run.card.input)
    return choose_plan(foresee(run, grid, meter), window, run.card, _budget(run))


def foresee(run: Run, grid: GridMap, meter: ActivationMeter) -> Need:
    """Add up what each part of a run takes."""
    card, n_inputs = run.card, len(run.card.input.channels)
    model_vox, source_vox = math.prod(grid.shape), math.prod(run.image.geometry.shape)
    samples = _FLOAT * n_inputs * model_vox
    n_copies = _COPIES_IN_STEPS if card.input.steps else 1
    source = n_copies * _FLOAT * n_inputs * source_vox if is_read_whole(card.input, grid) else 0
    n_channels = count_outputs(card) * card.output.n_members
    hold, finish = _home_bytes(run, model_vox, source_vox)

    def window_bytes(window: Window) -> int:
        if card.task.is_of_whole_image:
            window = replace(window, patch_vox=grid.shape[3 - window.spatial_dims :])
        return meter.window_bytes(run.network, n_inputs, window, run.device)

    def sums(window: Window) -> int:
        shape = tuple(map(max, grid.shape, window.tile))
        if card.task.is_of_whole_image or card.task is Task.DETECT or shape == window.tile:
            return 0
        axis = choose_home_axis(grid, window)
        return sums_bytes((shape[0], shape[1], shape[2]), axis, window.tile[axis], n_channels)

    def preview(window: Window) -> int:
        if run.settings.focus is None or card.task is not Task.SEGMENT:
            return 0
        axis = grid.order.index(run.settings.focus[0])
        across = [math.ceil(n / (size * (1 - window.overlap))) for n, size in zip(grid.shape, window.tile, strict=True)]
        across[axis] = math.ceil(1 / (1 - window.overlap))
        return _FLOAT * n_channels * math.prod(across) * math.prod(window.tile)

    return Need(samples + source + _SLAB_BYTES, samples + hold, finish, sums, window_bytes, preview)


def _home_bytes(run: Run, model_vox: int, source_vox: int) -> tuple[int, int]:
    """What the way home takes while windows run, and besides after the last one."""
    card, output = run.card, run.card.output
    n_classes = count_outputs(card)
    label_bytes = source_vox * (1 if max((0, *card.schema_.values)) < 256 else 2)
    if card.task.is_of_whole_image or card.task is Task.DETECT:  # scores and boxes take no room
        return 0, 0
    if card.task is not Task.SEGMENT:  # objects need the whole probability maps at home
        return _FLOAT * n_classes * model_vox, _FLOAT * n_classes * source_vox + 3 * _FLOAT * source_vox
    entropy = _FLOAT * model_vox if run.settings.is_uncertainty_wanted else 0
    finish = label_bytes  # turned to the image's axes, or from class numbers to label values
    if output.min_object_vox > 1 or output.largest_only:
        finish += _FLOAT * source_vox + 2 * source_vox
    if run.settings.is_uncertainty_wanted:
        finish = max(finish, 2 * _FLOAT * source_vox)
    return label_bytes + entropy + _HOME_BYTES, finish


def _budget(run: Run) -> Budget:
    free = int(_USABLE * available_bytes())
    wanted = run.settings.memory_bytes
    device = None
    if run.device.type == "cuda":
        device = int(_USABLE * torch.cuda.mem_get_info(run.device)[0])
    return Budget(free if wanted is None else min(wanted, free), device, available_disk_bytes())
