"""Foresee what a model takes for images of which only size and spacing are known."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
import torch

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.geometry import Geometry, Unit, Vector3
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.run_settings import RunSettings
from napari_medclf.engine.contract.check import check_contract
from napari_medclf.engine.grid.plan import map_grid
from napari_medclf.engine.model import LoadedModel
from napari_medclf.engine.planning.foresee import Run, plan_run
from napari_medclf.engine.planning.plan import window_of
from napari_medclf.engine.sliding.run_batch import run_mirrored
from napari_medclf.engine.sliding.tiles import list_starts

_KNOWN_BEFORE_READING = ("modality", "dimensions", "spacing")
"""Clauses of a card that no sample is needed for."""
_MOST_TIMED, _LONG_ENOUGH_S = 5, 0.5


@dataclass(frozen=True)
class Look:
    """What is known of an image before it is read.

    Parameters
    ----------
    size : (K, J, I), or with axes before them
        Numbers of samples.
    modality : str
        DICOM's code, or empty.
    """

    size: tuple[int, ...]
    spacing_mm: Vector3 | None = None
    modality: str = ""

    @property
    def geometry(self) -> Geometry:
        """The grid, as far as its place in the patient does not matter."""
        k, j, i = self.size[-3:]
        if self.spacing_mm is None:
            return Geometry.from_spacing((k, j, i), unit=Unit.PIXEL)
        return Geometry.from_spacing((k, j, i), self.spacing_mm)

    @property
    def source_vox(self) -> int:
        """Samples of the file."""
        return math.prod(self.size)


def network_vox(look: Look, card: ModelCard, settings: RunSettings) -> int:
    """Voxels that go through the network for an image: of all windows, as often as they are mirrored.

    Raises
    ------
    MedclfError
        If no grid can be planned for it.
    """
    shape = map_grid(look.geometry, card.input).shape
    window = window_of(card, settings)
    n_flips = len(window.flips)
    if card.task.is_of_whole_image:
        return math.prod(shape) * n_flips
    padded = [max(n, size) for n, size in zip(shape, window.tile, strict=True)]
    n_tiles = math.prod(len(list_starts(n, size, window)) for n, size in zip(padded, window.tile, strict=True))
    return n_tiles * math.prod(window.tile) * n_flips


def peak_bytes(look: Look, loaded: LoadedModel, settings: RunSettings) -> int:
    """Foresee the memory of a case, its samples included, in bytes.

    Raises
    ------
    PlanError
        If it cannot fit, however it is cut.
    MedclfError
        If no grid can be planned for it.
    """
    run = Run(loaded.card, loaded.network, loaded.device, _stand_in(look), settings)
    return plan_run(run, loaded.meter).peak_bytes + _stored_bytes(look)


def what_is_odd(look: Look, card: ModelCard) -> tuple[str, ...]:
    """Say where an image is unlike what the model was made for, as far as that is known before it is read."""
    found = check_contract(_stand_in(look), card)
    return tuple(one.sentence for one in found if one.clause in _KNOWN_BEFORE_READING)


def time_window(loaded: LoadedModel, settings: RunSettings, look: Look) -> tuple[float, int]:
    """Run the network on one window of zeros, and say how many seconds and voxels that was.

    The first go does not count; of a few others the fastest does, for other programs may be at work.

    Parameters
    ----------
    look : Look
        An image of the folder: models of whole images take a window of its size on the model grid.
    """
    card = loaded.card
    window = window_of(card, settings)
    tile = window.tile
    if card.task.is_of_whole_image:
        shape = map_grid(look.geometry, card.input).shape
        tile = (1 if window.spatial_dims == 2 else shape[0], shape[1], shape[2])
    sizes = [math.ceil(n / window.divisible_by) * window.divisible_by for n in tile[3 - window.spatial_dims :]]
    inputs = torch.zeros((1, len(card.input.channels), *sizes), device=loaded.device)
    flips = window.flips[:1]
    took_s: list[float] = []
    while len(took_s) <= _MOST_TIMED and sum(took_s[1:]) < _LONG_ENOUGH_S:
        started_s = time.perf_counter()
        run_mirrored(loaded.network, inputs, flips).sum().item()  # a GPU has answered once the sum is there
        took_s.append(time.perf_counter() - started_s)
    return min(took_s[1:]), math.prod(sizes)


def _stand_in(look: Look) -> MedImage:
    """An image of that size, which takes no memory."""
    geometry = look.geometry
    samples = np.broadcast_to(np.zeros((), np.float32), geometry.shape)
    return MedImage(samples, geometry, "image", modality=look.modality)


def _stored_bytes(look: Look) -> int:
    """Samples as they are read: two bytes each in volumes, one in pictures."""
    return look.source_vox * (1 if look.size[-3] == 1 else 2)
