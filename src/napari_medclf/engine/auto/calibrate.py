"""Probabilities that are honest for every class, from what networks say of cases they have not learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import FloatArray

_LOWEST, _HIGHEST = 0.05, 20.0


@dataclass(frozen=True)
class Calibration:
    """How the logits of a model become honest: divided by the temperature, then moved by an offset a class.

    Parameters
    ----------
    offsets : tuple of float
        One a class; their mean is 0.
    """

    temperature: float
    offsets: tuple[float, ...]

    def apply(self, logits: FloatArray) -> FloatArray:
        """Turn logits (..., n_classes) into probabilities."""
        moved = logits / self.temperature + np.array(self.offsets)
        powers = np.exp(moved - moved.max(axis=-1, keepdims=True))
        found: FloatArray = powers / powers.sum(axis=-1, keepdims=True)
        return found


def calibrate(logits: FloatArray, truth: FloatArray) -> Calibration:
    """Find temperature and offsets with the lowest cross-entropy.

    Parameters
    ----------
    logits : (n_cases, n_classes) float
        Of cases that the model has not learned from.
    truth : (n_cases, n_classes)
        1 for the class of the case.

    Notes
    -----
    Bias-corrected temperature scaling (Alexandari 2020): the temperature alone cannot mend a model that was shown rare
    classes more often than they come. Offsets are held towards 0 as by one further case a class, so that few cases
    cannot move them far.
    """
    from scipy.optimize import minimize

    n_cases, n_classes = logits.shape

    def loss(values: FloatArray) -> tuple[float, FloatArray]:
        inverse, offsets = np.exp(values[0]), values[1:]
        moved = logits * inverse + offsets
        top = moved.max(axis=1, keepdims=True)
        powers = np.exp(moved - top)
        total = powers.sum(axis=1, keepdims=True)
        error = (powers / total - truth) / n_cases
        value = float(((np.log(total) + top - moved) * truth).sum()) / n_cases + float(offsets @ offsets) / 2 / n_cases
        slope = np.concatenate([[(error * logits).sum() * inverse], error.sum(axis=0) + offsets / n_cases])
        return value, slope

    limits = [(-np.log(_HIGHEST), -np.log(_LOWEST))] + [(None, None)] * n_classes
    found = minimize(loss, np.zeros(1 + n_classes), jac=True, method="L-BFGS-B", bounds=limits).x
    offsets = found[1:] - found[1:].mean()
    return Calibration(float(np.exp(-found[0])), tuple(float(one) for one in offsets))
