"""Which features can be counted within a time."""

from __future__ import annotations

import time
from collections.abc import Sequence

from torch import Tensor

from napari_medclf.engine.classic.features.collect import KINDS, HandMadeFeatures


def affordable_kinds(
    images: Tensor, n_images: int, limit_s: float, kinds: Sequence[str] = tuple(KINDS)
) -> tuple[str, ...]:
    """Measure what each kind of feature costs, and take the cheapest first as long as the time is enough.

    Parameters
    ----------
    images : (N, C, *spatial)
        A few of those that will be described; each kind counts them twice, once to warm up.
    n_images : int
        How many will be described.
    limit_s : float
        For all of them together.

    Returns
    -------
    tuple of str
        In the order of `kinds`; one at least.
    """
    cost_s = {kind: _seconds_an_image(kind, images) * n_images for kind in kinds}
    chosen: list[str] = []
    for kind in sorted(cost_s, key=cost_s.__getitem__):
        if not chosen or sum(cost_s[one] for one in (*chosen, kind)) <= limit_s:
            chosen.append(kind)
    return tuple(kind for kind in kinds if kind in chosen)


def _seconds_an_image(kind: str, images: Tensor) -> float:
    describe = HandMadeFeatures(images.dim() - 2, images.shape[1], (kind,))
    describe(images)
    started = time.perf_counter()
    describe(images)
    return (time.perf_counter() - started) / len(images)
