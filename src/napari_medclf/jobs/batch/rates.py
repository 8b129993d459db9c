"""What a case takes for each voxel, from cases that were run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari_medclf.store.speeds import CaseTime

_N_TERMS = 3


@dataclass(frozen=True)
class Rates:
    """Seconds of a case: a constant, and a rate for the voxels of the network and for the samples of the file."""

    case_s: float = 0.0
    network_s_per_vox: float = 0.0
    source_s_per_vox: float = 0.0

    def expected_s(self, network_vox: int, source_vox: int) -> float:
        """What a case will take."""
        return self.case_s + self.network_s_per_vox * network_vox + self.source_s_per_vox * source_vox


def fit_rates(cases: Sequence[CaseTime]) -> Rates | None:
    """Fit the three terms to cases, none of them negative; None without cases.

    Notes
    -----
    Least squares of relative errors, so that short cases count as much as long ones. All choices of terms are tried,
    and the best one without a negative term is taken, as of non-negative least squares with three unknowns.
    """
    if not cases:
        return None
    terms = np.array([(1.0, case.network_vox, case.source_vox) for case in cases], dtype=np.float64)
    relative = terms / np.array([[case.elapsed_s] for case in cases])
    scale = np.maximum(np.abs(relative).max(axis=0), np.finfo(np.float64).tiny)
    best, least = np.zeros(_N_TERMS), np.inf
    for n_terms in range(1, _N_TERMS + 1):
        for chosen in map(list, combinations(range(_N_TERMS), n_terms)):
            found, *_ = np.linalg.lstsq((relative / scale)[:, chosen], np.ones(len(cases)), rcond=None)
            error = float(np.sum(((relative / scale)[:, chosen] @ found - 1.0) ** 2))
            if (found >= 0).all() and error < least * (1 - 1e-9):
                best, least = np.zeros(_N_TERMS), error
                best[chosen] = found / scale[chosen]
    return Rates(*map(float, best))
