"""Decision trees, alone or many of them (Breiman 1984, 2001)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.engine.classic.heads.problem import Aim, Problem, logits_of

_CHUNK_STEPS = 2**22
"""Rows times trees that are followed at once."""


@dataclass(frozen=True, eq=False)
class Nodes:
    """The nodes of one tree; node 0 is its root, and a leaf is its own child.

    Parameters
    ----------
    feature, left, right : (n,) int32
    threshold : (n,) float32
        A row goes left where its feature is not above it.
    value : (n, K) float32
        What a leaf says.
    """

    feature: np.ndarray
    threshold: FloatArray
    left: np.ndarray
    right: np.ndarray
    value: FloatArray

    @property
    def depth(self) -> int:
        """Steps from the root to the farthest leaf."""
        deepest, level = 0, np.array([0])
        while level.size:
            level = level[self.left[level] != level]
            deepest += bool(level.size)
            level = np.concatenate([self.left[level], self.right[level]])
        return deepest


class TreesHead(nn.Module):
    """Adds up what the trees say.

    Parameters
    ----------
    n_nodes, n_trees, depth : int
        Of all trees together; depth is that of the deepest.
    is_summed : bool
        Whether trees answer with steps of a logit (boosting) rather than with probabilities or numbers.
    """

    feature: Tensor
    threshold: Tensor
    left: Tensor
    right: Tensor
    value: Tensor
    root: Tensor
    start: Tensor

    def __init__(
        self, n_features: int, n_outputs: int, aim: Aim, n_nodes: int, n_trees: int, depth: int, is_summed: bool
    ) -> None:
        super().__init__()
        self._aim, self._depth, self._is_summed = aim, depth, is_summed
        self.sizes = {"n_nodes": n_nodes, "n_trees": n_trees, "depth": depth, "is_summed": is_summed}
        for name in ("feature", "left", "right"):
            self.register_buffer(name, torch.zeros(n_nodes, dtype=torch.int32))
        self.register_buffer("threshold", torch.zeros(n_nodes))
        self.register_buffer("value", torch.zeros(n_nodes, n_outputs))
        self.register_buffer("root", torch.zeros(n_trees, dtype=torch.int32))
        self.register_buffer("start", torch.zeros(n_outputs))

    def forward(self, features: Tensor) -> Tensor:
        """Answer (N, K) float64 from features (N, F) float32."""
        size = max(_CHUNK_STEPS // len(self.root), 1)
        total = torch.cat([self._follow(chunk) for chunk in features.float().split(size)])
        if self._is_summed:
            raw = total + self.start.double()
            return raw.log_softmax(1) if self._aim is Aim.ONE_CLASS else raw
        return logits_of(total / len(self.root), self._aim)

    def _follow(self, features: Tensor) -> Tensor:
        node = self.root.long().expand(len(features), -1)
        left, right, feature = self.left.long(), self.right.long(), self.feature.long()
        for _ in range(self._depth):
            goes_left = features.gather(1, feature[node]) <= self.threshold[node]
            node = torch.where(goes_left, left[node], right[node])
        return self.value.double()[node].sum(1)


def fit_tree(problem: Problem, smallest_leaf: int) -> TreesHead:
    """Fit one decision tree whose leaves hold at least so many cases."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    settings: dict[str, Any] = {"min_samples_leaf": smallest_leaf, "random_state": problem.seed}
    if problem.aim is Aim.NUMBERS:
        return gather(problem, [nodes_of(DecisionTreeRegressor(**settings).fit(problem.features, problem.targets))])
    settings["class_weight"] = problem.class_weight
    fitted = DecisionTreeClassifier(**settings).fit(problem.features, _labels(problem))
    return gather(problem, [nodes_of(fitted, problem)])


def fit_forest(problem: Problem, n_trees: int, smallest_leaf: int, deepest: int | None = None) -> TreesHead:
    """Fit a random forest, of trees that are no deeper than `deepest`."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    settings: dict[str, Any] = {
        "n_estimators": n_trees,
        "min_samples_leaf": smallest_leaf,
        "max_depth": deepest,
        "random_state": problem.seed,
        "max_features": "sqrt",
    }
    if problem.aim is Aim.NUMBERS:
        settings["max_features"] = 1 / 3  # Breiman's choice for numbers
        fitted = RandomForestRegressor(**settings).fit(problem.features, _flat(problem.targets))
        return gather(problem, [nodes_of(tree) for tree in fitted.estimators_])
    settings["class_weight"] = problem.class_weight
    fitted = RandomForestClassifier(**settings).fit(problem.features, _labels(problem))
    return gather(problem, [nodes_of(tree, problem, fitted) for tree in fitted.estimators_])


def nodes_of(tree: Any, problem: Problem | None = None, owner: Any = None) -> Nodes:
    """Take the nodes out of a tree of scikit-learn.

    Parameters
    ----------
    problem : Problem or None
        For classes, as a tree knows only those that came in its cases.
    owner : estimator or None
        The forest of the tree, which numbers the classes.
    """
    inside = tree.tree_
    own = np.arange(inside.node_count)
    is_leaf = inside.children_left < 0
    if problem is None:
        value = inside.value[:, :, 0]
    else:
        value = _class_values(inside.value, tree if owner is None else owner, problem)
    return Nodes(
        np.where(is_leaf, 0, inside.feature).astype(np.int32),
        round_down(np.where(is_leaf, 0.0, inside.threshold)),
        np.where(is_leaf, own, inside.children_left).astype(np.int32),
        np.where(is_leaf, own, inside.children_right).astype(np.int32),
        value.astype(np.float32),
    )


def round_down(thresholds: np.ndarray) -> FloatArray:
    """Bring float64 thresholds to float32 so that ``x <= threshold`` stays the same for every float32 x."""
    rounded = thresholds.astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def _class_values(value: np.ndarray, owner: Any, problem: Problem) -> np.ndarray:
    """Probabilities (n, K) at the nodes: (n, 1, classes) for exclusive ones, else (n, K, 2) for no and yes."""
    parts = value / value.sum(2, keepdims=True)
    if problem.aim is Aim.ONE_CLASS:
        found = np.zeros((len(value), problem.n_outputs))
        found[:, owner.classes_] = parts[:, 0]
        return found
    several = owner.classes_ if problem.n_outputs > 1 else [owner.classes_]
    yes = [_part_of_yes(parts[:, output], list(classes)) for output, classes in enumerate(several)]
    return np.stack(yes, 1)


def _part_of_yes(parts: np.ndarray, classes: list[int]) -> np.ndarray:
    return parts[:, classes.index(1)] if 1 in classes else np.zeros(len(parts))


def _labels(problem: Problem) -> np.ndarray:
    return problem.classes if problem.aim is Aim.ONE_CLASS else _flat((problem.targets > 0.5).astype(np.int64))


def _flat(targets: np.ndarray) -> np.ndarray:
    return targets[:, 0] if targets.shape[1] == 1 else targets


def gather(problem: Problem, trees: Sequence[Nodes], *, is_summed: bool = False) -> TreesHead:
    """Put trees into one head."""
    sizes = np.array([len(tree.feature) for tree in trees])
    roots = np.concatenate([[0], sizes.cumsum()[:-1]])
    depth = max(tree.depth for tree in trees)
    shape = (problem.features.shape[1], problem.n_outputs, problem.aim)
    head = TreesHead(*shape, int(sizes.sum()), len(trees), depth, is_summed)
    for name in ("feature", "threshold", "value"):
        getattr(head, name).copy_(torch.from_numpy(np.concatenate([getattr(tree, name) for tree in trees])))
    for name in ("left", "right"):
        moved = [getattr(tree, name) + root for tree, root in zip(trees, roots, strict=True)]
        getattr(head, name).copy_(torch.from_numpy(np.concatenate(moved)))
    head.root.copy_(torch.from_numpy(roots))
    return head
