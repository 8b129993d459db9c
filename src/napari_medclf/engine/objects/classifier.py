"""Classes of objects, learned at once from a few that a person clicked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import torch

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.errors import OptionError
from napari_medclf.engine.classic.heads.linear import fit_linear
from napari_medclf.engine.classic.heads.problem import Aim, Problem
from napari_medclf.engine.classic.heads.trees import fit_forest
from napari_medclf.engine.classic.standardise import Standardise
from napari_medclf.engine.objects.describe import ObjectTable

_STRENGTH = 0.1
"""C of the logistic regression: many features, few examples."""
_TREES = 60
_UNSURE_BELOW = 0.7


class ObjectModel(StrEnum):
    """What learns the classes of objects."""

    LINEAR = "linear"
    """Logistic regression: best with few examples."""
    FOREST = "forest"
    """Random forest: for classes that no plane parts, from some dozen examples on."""


@dataclass(frozen=True, eq=False)
class ObjectAnswer:
    """A class for every object.

    Parameters
    ----------
    numbers : (N,) int
        The objects.
    classes : tuple of str
    probabilities : (N, K) float32
        Add up to 1 over exclusive classes.
    is_shown : (N,) bool
        Whether a person said it; those keep what was said.
    """

    numbers: LabelArray
    classes: tuple[str, ...]
    probabilities: FloatArray
    is_shown: np.ndarray[tuple[int], np.dtype[np.bool_]]

    @property
    def decided(self) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        """Position in `classes` (N,) of each object's likeliest class."""
        return self.probabilities.argmax(1)

    @property
    def is_unsure(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which objects (N,) a person had better look at: no class has a probability of 0.7, and nobody said it."""
        return np.asarray((self.probabilities.max(1) < _UNSURE_BELOW) & ~self.is_shown)

    def counts(self) -> dict[str, int]:
        """How many objects each class has."""
        found = np.bincount(self.decided, minlength=len(self.classes))
        return dict(zip(self.classes, found.tolist(), strict=True))

    def label_map(self, objects: LabelArray) -> LabelArray:
        """Class number from 1 of each voxel's object, uint8; 0 where there is none."""
        table = np.zeros(int(objects.max(initial=0)) + 1, dtype=np.uint8)
        table[self.numbers] = self.decided + 1
        return table[objects]

    def next_to_ask(self) -> int | None:
        """The object whose answer would teach most: the one with the two likeliest classes closest together."""
        open_rows = np.flatnonzero(~self.is_shown)
        if not len(open_rows) or len(self.classes) < 2:
            return None
        ordered = np.sort(self.probabilities[open_rows], 1)
        return int(self.numbers[open_rows[(ordered[:, -1] - ordered[:, -2]).argmin()]])


def classify_objects(
    table: ObjectTable, said: Mapping[int, str], *, model: ObjectModel = ObjectModel.LINEAR, seed: int = 0
) -> ObjectAnswer:
    """Learn from the objects whose class a person said, and answer for all.

    Parameters
    ----------
    said : dict
        Object number to class; what was unsure is not in it.

    Raises
    ------
    OptionError
        If fewer than two classes were shown.
    GridError
        If an object is not there.
    """
    classes = tuple(sorted(set(said.values())))
    if len(classes) < 2:
        raise OptionError(f"Show at least one object of two classes each; so far: {', '.join(classes) or 'none'}.")
    rows = np.array([table.row_of(number) for number in said])
    truth = np.array([classes.index(name) for name in said.values()])
    scale = Standardise(table.features.shape[1])
    scale.fit(torch.from_numpy(table.features))
    features = scale(torch.from_numpy(table.features))
    targets = np.eye(len(classes), dtype=np.float32)[truth]
    problem = Problem(features[rows].numpy(), targets, Aim.ONE_CLASS, is_balanced=True, seed=seed)
    head = fit_linear(problem, _STRENGTH) if model is ObjectModel.LINEAR else fit_forest(problem, _TREES, 1)
    with torch.no_grad():
        probabilities = head(features).softmax(1).float().numpy()
    probabilities[rows] = targets
    is_shown = np.zeros(len(table), dtype=bool)
    is_shown[rows] = True
    return ObjectAnswer(table.numbers, classes, probabilities, is_shown)
