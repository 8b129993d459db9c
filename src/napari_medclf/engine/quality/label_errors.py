"""Labels that are probably wrong: confident learning on scores of a quick classic model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray

_FEWEST_A_CLASS = 10
_PARTS = 5
_COMPONENTS, _KERNELS = 60, 300
# The model must know what it speaks of: mean of the classes' recalls, over that of a guess on the way to perfect.
_BETTER_THAN_GUESS = 0.5
_MARGIN = 0.5


@dataclass(frozen=True)
class Doubt:
    """A label that the other cases speak against.

    Parameters
    ----------
    position : int
        Which case.
    other : int
        The class it rather looks like.
    given_score, other_score : float
        Out-of-fold probability of the label it has, and of the other one.
    """

    position: int
    other: int
    given_score: float
    other_score: float


def find_label_errors(features: FloatArray, labels: NDArray[np.intp], groups: Sequence[str]) -> list[Doubt]:
    """List cases whose label is probably wrong, the surest first.

    Parameters
    ----------
    features : (n, m) float32
        Numbers that describe each image.
    labels : (n,) int
        Position of each case's class.
    groups : sequence of str
        Patients; nobody is judged by a model that saw the same patient.

    Returns
    -------
    list of Doubt
        Empty where a class has fewer than ten cases, or the model is not good enough to judge.

    Notes
    -----
    Confident learning (Northcutt 2021): a case counts as of another class when its out-of-fold probability of that
    class reaches the mean probability that the cases of that class have, and here also exceeds that of its own label
    by one half.
    """
    counts = np.bincount(labels)
    if len(counts) < 2 or counts[counts > 0].min() < _FEWEST_A_CLASS or len(set(groups)) < _PARTS:
        return []
    scores = out_of_fold_scores(features, labels, groups)
    if _above_guess(scores, labels) < _BETTER_THAN_GUESS:
        return []
    return doubts_of(scores, labels)


def doubts_of(scores: FloatArray, labels: NDArray[np.intp]) -> list[Doubt]:
    """Apply the rule of confident learning to scores (n, classes) that were made without the case itself."""
    n, n_classes = scores.shape
    usual = np.array([scores[labels == one, one].mean() if (labels == one).any() else 1.0 for one in range(n_classes)])
    reached = np.where(scores >= usual, scores, -1.0)
    other = reached.argmax(axis=1)
    own = scores[np.arange(n), labels]
    margin = np.where((reached.max(axis=1) > 0) & (other != labels), scores[np.arange(n), other] - own, -1.0)
    chosen = np.flatnonzero(margin > _MARGIN)
    ranked = chosen[np.argsort(-margin[chosen], kind="stable")]
    return [Doubt(int(one), int(other[one]), float(own[one]), float(scores[one, other[one]])) for one in ranked]


def out_of_fold_scores(features: FloatArray, labels: NDArray[np.intp], groups: Sequence[str]) -> FloatArray:
    """Score every case by a model fitted on the other four fifths of the patients.

    Principal components, a Gaussian kernel by Nystroem's method (Williams 2001) and logistic regression: nearly a
    support vector machine, in time that grows with the number of cases and not with its square.

    Returns
    -------
    (n, classes) float64
    """
    from sklearn.model_selection import StratifiedGroupKFold

    scores = np.zeros((len(labels), int(labels.max()) + 1))
    folds = StratifiedGroupKFold(_PARTS, shuffle=True, random_state=0)
    for learned, judged in folds.split(features, labels, groups):
        if len(judged) == 0 or len(np.unique(labels[learned])) < 2:
            continue
        model = _quick_model(len(learned), features.shape[1])
        model.fit(features[learned], labels[learned])
        scores[np.ix_(judged, model.classes_)] = model.predict_proba(features[judged])
    return scores


def _quick_model(n_cases: int, n_features: int):  # type: ignore[no-untyped-def]  # scikit-learn has no types
    from sklearn.decomposition import PCA
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    n_components = min(_COMPONENTS, n_cases - 1, n_features)
    return make_pipeline(
        StandardScaler(),
        PCA(n_components, random_state=0),
        Nystroem(gamma=0.5 / n_features, n_components=min(_KERNELS, n_cases), random_state=0),
        LogisticRegression(C=10, max_iter=500),
    )


def _above_guess(scores: FloatArray, labels: NDArray[np.intp]) -> float:
    """How far the model is from a guess (0) on the way to perfect (1), by the mean of the classes' recalls."""
    present = np.unique(labels)
    recall = float(np.mean([(scores[labels == one].argmax(axis=1) == one).mean() for one in present]))
    guess = 1 / len(present)
    return (recall - guess) / (1 - guess)
