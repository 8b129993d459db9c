"""Held-back cases as other devices and settings would have shown them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from napari_medclf.domain.recipe import AugmentSettings
from napari_medclf.engine.augment.intensity import change_intensity
from napari_medclf.engine.train.cases import TrainCase

_HALF = 0.5
_BATCH = 64


def stressed(cases: Sequence[TrainCase], learned_with: AugmentSettings, seed: int) -> list[TrainCase]:
    """Change brightness, contrast, tones, noise and sharpness of images, half as far at most as in training.

    Parameters
    ----------
    learned_with : AugmentSettings
        Of the recipe; nothing is moved, mirrored or erased here.

    Notes
    -----
    Cases that are held back come from the devices of the cases to learn from. A model that falls apart when their
    pictures are a little noisier does so on another device too (Hendrycks 2019, robustness to common corruptions).
    """
    settings = AugmentSettings(
        gain=learned_with.gain * _HALF,
        bias=learned_with.bias * _HALF,
        gamma=learned_with.gamma * _HALF,
        noise_sd=learned_with.noise_sd * _HALF,
        blur_vox=learned_with.blur_vox * _HALF,
    )
    generator = torch.Generator().manual_seed(seed)
    changed: list[TrainCase] = []
    for start in range(0, len(cases), _BATCH):
        some = cases[start : start + _BATCH]
        images = torch.from_numpy(np.stack([case.sample.image for case in some]))
        found = change_intensity(images, settings, generator).numpy()
        changed += [
            replace(case, sample=replace(case.sample, image=image)) for case, image in zip(some, found, strict=True)
        ]
    return changed
