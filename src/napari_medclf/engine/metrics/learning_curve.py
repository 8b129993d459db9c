"""How an error falls with the number of patients, and what more of them would bring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.errors import DatasetError

_EXPONENTS = np.linspace(0.05, 2.0, 196)
_FEWEST_SIZES = 3


@dataclass(frozen=True)
class PowerLaw:
    """error(n) = floor + scale * n ** -exponent (Hestness 2017; Figueroa 2012 for clinical data).

    Parameters
    ----------
    floor : float
        What no number of patients removes.
    scale, exponent : float
        At least 0, and above 0.
    """

    floor: float
    scale: float
    exponent: float

    def at(self, n: float) -> float:
        """Error that is expected with n patients; far beyond the largest n that was tried it is a guess."""
        return float(self.floor + self.scale * n**-self.exponent)


def fit_power_law(sizes: Sequence[float], errors: Sequence[float]) -> PowerLaw:
    """Find the power law with the least squares, its floor and scale not below 0.

    Parameters
    ----------
    sizes : sequence of float
        Patients learned from, each at least 1.
    errors : sequence of float
        What was measured with them, such as 1 - AUC.

    Raises
    ------
    DatasetError
        With fewer than three different sizes: any number of curves goes through two points.
    """
    n, found = np.asarray(sizes, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    if len(np.unique(n)) < _FEWEST_SIZES:
        raise DatasetError(f"{len(np.unique(n))} different sizes are too few for a curve; {_FEWEST_SIZES} are needed.")
    fits = [_fit(n, found, exponent) for exponent in _EXPONENTS]
    return min(fits, key=lambda fit: fit[0])[1]


def _fit(n: np.ndarray, errors: np.ndarray, exponent: float) -> tuple[float, PowerLaw]:
    from scipy.optimize import nnls

    (floor, scale), residual = nnls(np.stack([np.ones_like(n), n**-exponent], axis=1), errors)
    return float(residual), PowerLaw(float(floor), float(scale), float(exponent))
