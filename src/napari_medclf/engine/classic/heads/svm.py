"""A support vector machine with a radial basis, its distances turned into probabilities (Cortes 1995; Platt 1999)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from napari_medclf.engine.classic.heads.problem import Aim, Problem, logits_of

_FOLDS = 3


class SvmHead(nn.Module):
    """One machine a class against the rest (one in all for two exclusive classes).

    Parameters
    ----------
    n_vectors : int
        Support vectors of all machines together.

    Notes
    -----
    The coefficients are kept as the sum of two float32 numbers: there may be thousands of large ones of both signs.
    """

    vectors: Tensor
    coefficients: Tensor
    remainders: Tensor
    intercepts: Tensor
    slopes: Tensor
    offsets: Tensor
    gamma: Tensor

    def __init__(self, n_features: int, n_outputs: int, aim: Aim, n_vectors: int) -> None:
        super().__init__()
        self._aim = aim
        self.sizes = {"n_vectors": n_vectors}
        n_machines = 1 if aim is Aim.ONE_CLASS and n_outputs == 2 else n_outputs
        self.register_buffer("vectors", torch.zeros(n_vectors, n_features))
        for name in ("coefficients", "remainders"):
            self.register_buffer(name, torch.zeros(n_machines, n_vectors))
        for name in ("intercepts", "slopes", "offsets"):
            self.register_buffer(name, torch.zeros(n_machines))
        self.register_buffer("gamma", torch.zeros(()))

    def forward(self, features: Tensor) -> Tensor:
        """Answer (N, K) float64 from features (N, F)."""
        return logits_of(self.probabilities(features), self._aim)

    def probabilities(self, features: Tensor) -> Tensor:
        """Probabilities (N, K) float64; they add up to 1 for exclusive classes."""
        sure = torch.sigmoid(-(self.slopes.double() * self.distances(features) + self.offsets.double()))
        if self._aim is not Aim.ONE_CLASS:
            return sure
        if sure.shape[1] == 1:
            return torch.cat([1 - sure, sure], 1)
        return sure / sure.sum(1, keepdim=True).clamp_min(1e-30)

    def distances(self, features: Tensor) -> Tensor:
        """Signed distances (N, machines) float64 to the boundaries, in margins."""
        squares = torch.cdist(features.double(), self.vectors.double()).square()
        likeness = torch.exp(-self.gamma.double() * squares)
        weights = self.coefficients.double() + self.remainders.double()
        return likeness @ weights.T + self.intercepts.double()


def fit_svm(problem: Problem, strength: float) -> SvmHead:
    """Fit one machine a class, and its probabilities on parts of the cases that it did not see.

    Parameters
    ----------
    strength : float
        scikit-learn's ``C``; gamma is 1 / n_features, as features have variance 1.
    """
    is_two = problem.aim is Aim.ONE_CLASS and problem.n_outputs == 2
    outputs = [1] if is_two else range(problem.n_outputs)
    machines = [_fit_one(problem, output, strength) for output in outputs]
    used = np.unique(np.concatenate([machine.support_ for machine, *_ in machines if machine is not None]))
    head = SvmHead(problem.features.shape[1], problem.n_outputs, problem.aim, len(used))
    head.vectors.copy_(torch.from_numpy(problem.features[used]))
    head.gamma.fill_(1 / problem.features.shape[1])
    for number, (machine, slope, offset) in enumerate(machines):
        head.slopes[number], head.offsets[number] = slope, offset
        if machine is None:
            continue
        weights = torch.zeros(len(used), dtype=torch.float64)
        weights[np.searchsorted(used, machine.support_)] = torch.from_numpy(machine.dual_coef_[0])
        head.coefficients[number] = weights.float()
        head.remainders[number] = (weights - weights.float().double()).float()
        head.intercepts[number] = machine.intercept_[0]
    return head


def _fit_one(problem: Problem, output: int, strength: float) -> tuple[Any, float, float]:
    """One machine with the slope and offset of its sigmoid; the plain ones where a class has too few cases.

    There is no machine for a class that all cases have, or none.
    """
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.svm import SVC

    known = problem.constant(output)
    if known is not None:
        return None, 0.0, -known
    machine = SVC(C=strength, gamma=_gamma(problem), class_weight=problem.class_weight)
    truth = problem.targets[:, output] > 0.5
    folds = min(_FOLDS, int(truth.sum()), int((~truth).sum()))
    if folds < 2:
        return machine.fit(problem.features, truth), -1.0, 0.0
    calibrated = CalibratedClassifierCV(machine, ensemble=False, cv=folds).fit(problem.features, truth)
    found = calibrated.calibrated_classifiers_[0]
    return found.estimator, float(found.calibrators[0].a_), float(found.calibrators[0].b_)


def _gamma(problem: Problem) -> float:
    # As the buffer has it.
    return float(np.float32(1 / problem.features.shape[1]))
