"""Softmax and sigmoid regression that begins at what a network answers, and stays near it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray

_MOST_NEWTON = 400
"""Weights up to which the whole Hessian is solved for; above, L-BFGS (Liu & Nocedal 1989)."""
_MOST_STEPS, _TOLERANCE = 25, 1e-3


@dataclass(frozen=True, eq=False)
class Rows:
    """What is learned from: one row a voxel (or image).

    Parameters
    ----------
    x : (N, F) float32
        Features, brought to a common scale.
    offset : (N, C) float32
        Logits that the network gives without any change.
    target : (N, C) float32
        Probabilities that are wanted.
    weight : (N, C) float32
        How much each channel counts; for exclusive classes the mean over C is the weight of the row.
    """

    x: FloatArray
    offset: FloatArray
    target: FloatArray
    weight: FloatArray

    def __len__(self) -> int:
        return len(self.x)

    def __add__(self, other: Rows) -> Rows:
        pairs = ((getattr(self, name), getattr(other, name)) for name in ("x", "offset", "target", "weight"))
        return Rows(*(np.concatenate(pair) for pair in pairs))

    def pick(self, index: NDArray[Any]) -> Rows:
        """Take some rows, by numbers or marks (N,)."""
        return Rows(self.x[index], self.offset[index], self.target[index], self.weight[index])

    def times(self, factor: float) -> Rows:
        """Weigh every row by a factor."""
        return replace(self, weight=self.weight * np.float32(factor))


@dataclass(frozen=True, eq=False)
class Change:
    """What is added to the logits: x @ slope + shift.

    Parameters
    ----------
    slope : (F, C) float32
    shift : (C,) float32
    """

    slope: FloatArray
    shift: FloatArray

    @classmethod
    def none(cls, n_features: int, n_channels: int) -> Change:
        """Change nothing."""
        return cls(np.zeros((n_features, n_channels), np.float32), np.zeros(n_channels, np.float32))

    @property
    def is_none(self) -> bool:
        """Whether nothing is changed."""
        return not (self.slope.any() or self.shift.any())

    def of(self, x: FloatArray) -> FloatArray:
        """Give what is added to the logits of rows (N, F)."""
        return np.asarray(x @ self.slope + self.shift, dtype=np.float32)

    def times(self, factor: float) -> Change:
        """Change by a part of it only."""
        return Change(self.slope * np.float32(factor), self.shift * np.float32(factor))


def fit_change(rows: Rows, stiffness: float, *, is_exclusive: bool, start: Change | None = None) -> Change:
    """Find the change that makes rows most likely, the smaller the better.

    Parameters
    ----------
    stiffness : float
        Weight of the squared change; keeps the solution unique, so that it does not depend on `start`.
    is_exclusive : bool
        Whether channels share one softmax, or have a sigmoid each.

    Notes
    -----
    Minimises sum(weight * cross-entropy(target, offset + x @ slope + shift)) + stiffness / 2 * (|slope|^2 + |shift|^2):
    convex, solved by Newton's method (Bohning 1992) with halved steps, or L-BFGS where there are many weights.
    """
    problem = _Problem(rows, stiffness, is_exclusive)
    n_features, n_channels = rows.x.shape[1], rows.offset.shape[1]
    begin = Change.none(n_features, n_channels) if start is None else start
    weights = np.vstack([begin.slope, begin.shift]).astype(np.float64)
    solve = _newton if weights.size <= _MOST_NEWTON else _quasi_newton
    found = solve(problem, weights).astype(np.float32)
    return Change(found[:-1], found[-1])


class _Problem:
    """Value, gradient and curvature at weights (F + 1, C)."""

    def __init__(self, rows: Rows, stiffness: float, is_exclusive: bool) -> None:
        self._x = np.hstack([rows.x, np.ones((len(rows), 1), np.float32)]).astype(np.float32)
        self._rows, self._stiffness, self._is_exclusive = rows, stiffness, is_exclusive
        self._row_weight = rows.weight.mean(axis=1, keepdims=True)

    def logits(self, weights: FloatArray) -> FloatArray:
        return np.asarray(self._rows.offset + self._x @ weights.astype(np.float32))

    def value(self, weights: FloatArray) -> float:
        z, rows = self.logits(weights), self._rows
        if self._is_exclusive:
            top = z.max(axis=1, keepdims=True)
            spread = np.log(np.exp(z - top).sum(axis=1, keepdims=True)) + top
            loss = (self._row_weight * (spread - (rows.target * z).sum(axis=1, keepdims=True))).sum(dtype=np.float64)
        else:
            loss = (rows.weight * (np.logaddexp(0, z) - rows.target * z)).sum(dtype=np.float64)
        return float(loss + self._stiffness / 2 * (weights**2).sum())

    def probabilities(self, weights: FloatArray) -> FloatArray:
        z = self.logits(weights)
        if not self._is_exclusive:
            return np.asarray(1 / (1 + np.exp(-np.clip(z, -80, 80))), dtype=np.float32)
        parts = np.exp(z - z.max(axis=1, keepdims=True))
        return np.asarray(parts / parts.sum(axis=1, keepdims=True))

    def gradient(self, weights: FloatArray, p: FloatArray) -> FloatArray:
        weight = self._row_weight if self._is_exclusive else self._rows.weight
        return np.asarray(self._x.T @ (weight * (p - self._rows.target)), dtype=np.float64) + self._stiffness * weights

    def curvature(self, p: FloatArray) -> FloatArray:
        """Hessian (C * (F + 1), C * (F + 1)), channel by channel."""
        n, c = self._x.shape[1], p.shape[1]
        hessian = np.zeros((c, n, c, n))
        weight = np.broadcast_to(self._row_weight, p.shape) if self._is_exclusive else self._rows.weight
        for a in range(c):
            others = range(a, c) if self._is_exclusive else (a,)
            for b in others:
                w = weight[:, a] * (p[:, a] * (a == b) - p[:, a] * p[:, b] * (self._is_exclusive or a == b))
                hessian[a, :, b] = hessian[b, :, a] = self._x.T @ (w[:, np.newaxis] * self._x)
        flat = hessian.reshape(c * n, c * n)
        flat[np.diag_indices(c * n)] += self._stiffness
        return flat


def _newton(problem: _Problem, weights: FloatArray) -> FloatArray:
    value = problem.value(weights)
    for _ in range(_MOST_STEPS):
        p = problem.probabilities(weights)
        gradient = problem.gradient(weights, p).T.ravel()
        step = np.linalg.solve(problem.curvature(p), gradient).reshape(weights.shape[::-1]).T
        expected = float((gradient * step.T.ravel()).sum())
        size = 1.0
        while size > 1e-4:
            tried = weights - size * step
            new = problem.value(tried)
            if new <= value - 1e-4 * size * expected:
                break
            size /= 2
        else:
            return weights
        weights, gain, value = tried, value - new, new
        if gain < _TOLERANCE * max(abs(value), _TOLERANCE):
            break
    return weights


def _quasi_newton(problem: _Problem, weights: FloatArray) -> FloatArray:
    from scipy.optimize import minimize

    def both(flat: FloatArray) -> tuple[float, FloatArray]:
        at = flat.reshape(weights.shape)
        return problem.value(at), problem.gradient(at, problem.probabilities(at)).ravel()

    options = {"maxiter": 2 * _MOST_STEPS, "ftol": _TOLERANCE**2}
    found = minimize(both, weights.ravel(), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x).reshape(weights.shape)
