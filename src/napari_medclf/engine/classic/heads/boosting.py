"""Gradient boosting: many small trees, each a step towards what the ones before it missed (Friedman 2001)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from napari_medclf.engine.classic.heads.problem import SURE, Aim, Problem
from napari_medclf.engine.classic.heads.trees import Nodes, TreesHead, gather, round_down


def fit_boosting(problem: Problem, n_rounds: int, rate: float, n_leaves: int) -> TreesHead:
    """Fit gradient boosting on histograms of the features (Ke 2017)."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    settings: dict[str, Any] = {
        "max_iter": n_rounds,
        "learning_rate": rate,
        "max_leaf_nodes": n_leaves,
        "early_stopping": False,
        "random_state": problem.seed,
    }
    if problem.aim is Aim.ONE_CLASS:
        model = HistGradientBoostingClassifier(class_weight=problem.class_weight, **settings)
        return _boosted(problem, [(model.fit(problem.features, problem.classes), None)])
    if problem.aim is Aim.ANY_CLASSES:
        settings["class_weight"] = problem.class_weight
    kind = HistGradientBoostingRegressor if problem.aim is Aim.NUMBERS else HistGradientBoostingClassifier
    each = []
    for output in range(problem.n_outputs):
        truth = problem.targets[:, output]
        if problem.aim is Aim.NUMBERS:
            each.append((kind(**settings).fit(problem.features, truth), output))
        elif problem.constant(output) is None:
            each.append((kind(**settings).fit(problem.features, truth > 0.5), output))
    return _boosted(problem, each)


def _boosted(problem: Problem, models: Sequence[tuple[Any, int | None]]) -> TreesHead:
    """Gather the trees of boosted models; each belongs to one output, or to all of them."""
    trees: list[Nodes] = []
    is_numbers = problem.aim is Aim.NUMBERS
    start = np.array([0.0 if is_numbers else problem.constant(one) or -SURE for one in range(problem.n_outputs)])
    for model, output in models:
        columns = _columns(model, output)
        start[columns] = np.ravel(model._baseline_prediction)  # noqa: SLF001  (scikit-learn 1.9 keeps it nowhere else)
        if problem.aim is Aim.ONE_CLASS and len(columns) == 1:
            start[model.classes_[0]] = 0.0
        for stage in model._predictors:  # noqa: SLF001
            trees += [_boosted_nodes(tree.nodes, c, problem.n_outputs) for tree, c in zip(stage, columns, strict=True)]
    head = gather(problem, trees, is_summed=True)
    head.start.copy_(torch.from_numpy(start))
    return head


def _columns(model: Any, output: int | None) -> list[int]:
    if output is not None:
        return [output]
    classes: list[int] = model.classes_.tolist()
    return classes[1:] if len(classes) == 2 else classes


def _boosted_nodes(nodes: np.ndarray, column: int, n_outputs: int) -> Nodes:
    own = np.arange(len(nodes))
    is_leaf = nodes["is_leaf"].astype(bool)
    value = np.zeros((len(nodes), n_outputs), np.float32)
    value[:, column] = nodes["value"]
    return Nodes(
        np.where(is_leaf, 0, nodes["feature_idx"]).astype(np.int32),
        round_down(np.where(is_leaf, 0.0, nodes["num_threshold"])),
        np.where(is_leaf, own, nodes["left"]).astype(np.int32),
        np.where(is_leaf, own, nodes["right"]).astype(np.int32),
        value,
    )
