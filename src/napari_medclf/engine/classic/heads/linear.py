"""A weighted sum of the features: logistic regression for classes, ridge regression for numbers."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from napari_medclf.engine.classic.heads.problem import SURE, Aim, Problem

_MOST_STEPS = 300


class LinearHead(nn.Module):
    """Answers ``weight @ features + bias``."""

    weight: Tensor
    bias: Tensor

    def __init__(self, n_features: int, n_outputs: int, aim: Aim) -> None:
        super().__init__()
        self._aim = aim
        self.sizes: dict[str, int] = {}
        self.register_buffer("weight", torch.zeros(n_outputs, n_features))
        self.register_buffer("bias", torch.zeros(n_outputs))

    def forward(self, features: Tensor) -> Tensor:
        """Answer (N, K) float64 from features (N, F)."""
        answers = features.double() @ self.weight.double().T + self.bias.double()
        return answers.log_softmax(1) if self._aim is Aim.ONE_CLASS else answers


def fit_linear(problem: Problem, strength: float) -> LinearHead:
    """Fit with an L2 penalty.

    Parameters
    ----------
    strength : float
        How freely the weights move: scikit-learn's ``C``; for numbers, the inverse of ``alpha``.
    """
    if problem.aim is Aim.NUMBERS:
        weight, bias = _ridge(problem, strength)
    elif problem.aim is Aim.ONE_CLASS:
        weight, bias = _logistic(problem, strength)
    else:
        each = [_yes_or_no(problem.one_of(output), strength) for output in range(problem.n_outputs)]
        weight, bias = (np.concatenate(parts) for parts in zip(*each, strict=True))
    head = LinearHead(problem.features.shape[1], problem.n_outputs, problem.aim)
    head.weight.copy_(torch.from_numpy(weight))
    head.bias.copy_(torch.from_numpy(bias))
    return head


def _ridge(problem: Problem, strength: float) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.linear_model import Ridge

    fitted = Ridge(alpha=1 / strength).fit(problem.features.astype(np.float64), problem.targets.astype(np.float64))
    return np.atleast_2d(fitted.coef_), np.atleast_1d(fitted.intercept_)


def _logistic(problem: Problem, strength: float) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=_MOST_STEPS, class_weight=problem.class_weight)
    fitted = model.fit(problem.features.astype(np.float64), problem.classes)
    weight = np.zeros((problem.n_outputs, problem.features.shape[1]))
    bias = np.full(problem.n_outputs, -SURE)
    if len(fitted.classes_) == 2:
        weight[fitted.classes_[1]], bias[fitted.classes_] = fitted.coef_[0], (0, fitted.intercept_[0])
    else:
        weight[fitted.classes_], bias[fitted.classes_] = fitted.coef_, fitted.intercept_
    return weight, bias


def _yes_or_no(problem: Problem, strength: float) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.linear_model import LogisticRegression

    known = problem.constant(0)
    if known is not None:
        return np.zeros((1, problem.features.shape[1])), np.array([known])
    model = LogisticRegression(C=strength, max_iter=_MOST_STEPS, class_weight=problem.class_weight)
    fitted = model.fit(problem.features.astype(np.float64), problem.targets[:, 0] > 0.5)
    return fitted.coef_, fitted.intercept_
