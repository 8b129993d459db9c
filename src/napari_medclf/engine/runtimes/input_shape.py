"""The one input shape a card promises, and inputs of that shape to try a network with."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from napari_medclf.domain.card import ModelCard
from napari_medclf.testing.phantoms import fingerprint_input


def input_shape(card: ModelCard) -> tuple[int, ...]:
    """Say what the network is given most: (C, *spatial) of a window, or of a whole picture for a classifier."""
    spec = card.input
    sizes = spec.resize_to if card.task.is_of_whole_image and spec.resize_to else spec.patch_vox
    rounded = (math.ceil(size / spec.divisible_by) * spec.divisible_by for size in sizes)
    return (len(spec.channels), *rounded)


def trial_inputs(shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Make two batches of one (1, C, *spatial) float32: the phantom, and noise of mean 0 and deviation 1."""
    phantom = torch.from_numpy(fingerprint_input(shape[1:], shape[0]))[None]
    noise = np.random.default_rng(0).standard_normal((1, *shape), dtype=np.float32)
    return phantom, torch.from_numpy(noise)
