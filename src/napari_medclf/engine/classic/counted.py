"""Features of many cases, counted once for all that learn from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from napari_medclf.domain.events import Job, Warned
from napari_medclf.engine.background import in_background
from napari_medclf.engine.classic.features.afford import affordable_kinds
from napari_medclf.engine.classic.features.collect import KINDS, HandMadeFeatures
from napari_medclf.engine.classic.table import Flip, describe_cases
from napari_medclf.engine.train.cases import TrainCase

_N_TIMED = 4
"""Images on which the kinds of features are timed."""


@dataclass(frozen=True, eq=False)
class Counted:
    """Features of cases as they were counted, before they are standardised.

    Parameters
    ----------
    kinds : tuple of str
        Of `features.collect.KINDS`.
    flips : tuple
        Under which each case was described.
    rows : dict of str to Tensor
        Case to its features (flips, F) float64.
    """

    kinds: tuple[str, ...]
    flips: tuple[Flip, ...]
    rows: Mapping[str, Tensor] = field(repr=False)

    def of(self, cases: Sequence[TrainCase]) -> Tensor:
        """Features (flips, N, F) of cases in their order."""
        return torch.stack([self.rows[case.case_id] for case in cases], 1)


def choose_kinds(cases: Sequence[TrainCase], n_described: int, n_flips: int, limit_s: float) -> Job[tuple[str, ...]]:
    """Choose the kinds of features that can be counted within a time, and warn of those that cannot.

    Parameters
    ----------
    n_described : int
        Cases that will be described, each under `n_flips` flips.
    """
    some = torch.from_numpy(np.stack([case.sample.image for case in cases[:_N_TIMED]]))
    kinds = yield from in_background(
        lambda: affordable_kinds(some, n_described * n_flips, limit_s), "Timing the counting of features"
    )
    left_out = [kind for kind in KINDS if kind not in kinds]
    if left_out:
        yield Warned(
            f"There is no time to count these features, which classic models do without: {', '.join(left_out)}."
        )
    return kinds


def count_features(
    kinds: Sequence[str], cases: Sequence[TrainCase], flips: Sequence[Flip], device: str
) -> Job[Counted]:
    """Describe every case under every flip.

    Yields
    ------
    Progress at least twice a second.
    """
    image = cases[0].sample.image
    describe = HandMadeFeatures(image.ndim - 1, len(image), kinds)
    found = yield from describe_cases(describe, cases, flips, device)
    rows = {case.case_id: row for case, row in zip(cases, found.unbind(1), strict=True)}
    return Counted(tuple(kinds), tuple(flips), rows)
