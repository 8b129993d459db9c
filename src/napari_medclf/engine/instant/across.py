"""What corrected images teach a last layer for the next ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.errors import CardError
from napari_medclf.engine.instant.adapted import adapt_model
from napari_medclf.engine.instant.features import LastLayer
from napari_medclf.engine.instant.regression import Change, Rows, fit_change
from napari_medclf.engine.instant.targets import Channels
from napari_medclf.engine.model import LoadedModel

_STRENGTHS = (0.0, 0.25, 0.5, 1.0)
_FEWEST_LESSONS = 3


@dataclass(frozen=True, eq=False)
class Lesson:
    """A sample of the voxels of an image whose labels are all right; made by `InstantHead.lesson`.

    Parameters
    ----------
    rows : Rows
        Features as the network gives them; weights sum to 1, every voxel of the image counting alike.
    layers : tuple of LastLayer
        Whose inputs the features are.
    """

    rows: Rows
    layers: tuple[LastLayer, ...]


@dataclass(frozen=True, eq=False)
class Learned:
    """A model whose last layer learned from lessons.

    Parameters
    ----------
    strength : float
        How much of what the lessons say was taken, 0 to 1: as much as helped on lessons that were held back.
    error_before, error_after : float
        1 - Dice on lessons that were held back.
    """

    model: LoadedModel
    strength: float
    error_before: float
    error_after: float


def learn_from(model: LoadedModel, lessons: Sequence[Lesson], stiffness: float = 0.03) -> Learned:
    """Refit a model's last layer to whole images that a person corrected or accepted.

    Parameters
    ----------
    model : LoadedModel
        The one that the lessons' heads were begun with.

    Raises
    ------
    CardError
        If there is no lesson, or a lesson is of another network.

    Notes
    -----
    Lessons are held back in turn, and the change is taken as far as it helps there; where it does not, the model stays
    as it is. So it does with one or two lessons: what one image wants may be wrong for all others (a hippocampus alone
    took 0.07 of Dice from others).
    """
    if not lessons or any(one.layers != lessons[0].layers for one in lessons):
        raise CardError(f"{model.card.name} learns from lessons that its own head made, and there are none of these.")
    is_exclusive = Channels(model.card).is_exclusive
    if len(lessons) < _FEWEST_LESSONS:
        error = float(np.mean([1 - _overlap(one.rows, one.rows.offset, is_exclusive) for one in lessons]))
        return Learned(model, 0.0, error, error)
    scale = _Scale.of([one.rows for one in lessons])
    rows = [scale.apply(one.rows) for one in lessons]
    errors = _held_back_errors(_folds(rows), stiffness, is_exclusive)
    best = int(np.argmin(errors))
    change = fit_change(_balanced(_join(rows)), stiffness, is_exclusive=is_exclusive).times(_STRENGTHS[best])
    adapted = adapt_model(model, lessons[0].layers, scale.undo(change))
    return Learned(adapted, _STRENGTHS[best], float(errors[0]), float(errors[best]))


@dataclass(frozen=True, eq=False)
class _Scale:
    mean: FloatArray
    deviation: FloatArray

    @classmethod
    def of(cls, rows: Sequence[Rows]) -> _Scale:
        x = np.concatenate([one.x for one in rows])
        deviation = x.std(axis=0)
        return cls(x.mean(axis=0), np.where(deviation > 1e-6, deviation, 1).astype(np.float32))

    def apply(self, rows: Rows) -> Rows:
        return replace(rows, x=(rows.x - self.mean) / self.deviation)

    def undo(self, change: Change) -> Change:
        """Say a change of scaled features as one of those that the network gives."""
        slope = change.slope / self.deviation[:, np.newaxis]
        return Change(slope, change.shift - self.mean @ slope)


def _folds(rows: Sequence[Rows]) -> list[tuple[Rows, Rows]]:
    """Pairs of what is learned from and what is held back."""
    return [(_join([one for n, one in enumerate(rows) if n != held]), rows[held]) for held in range(len(rows))]


def _held_back_errors(folds: Sequence[tuple[Rows, Rows]], stiffness: float, is_exclusive: bool) -> FloatArray:
    """What is missing to a whole overlap on what is held back, for each of `_STRENGTHS`."""
    found = []
    for taught, held in folds:
        change = fit_change(_balanced(taught), stiffness, is_exclusive=is_exclusive)
        more = change.of(held.x)
        found.append([1 - _overlap(held, held.offset + strength * more, is_exclusive) for strength in _STRENGTHS])
    return np.mean(found, axis=0)


def _balanced(rows: Rows) -> Rows:
    """Weigh rare classes by the root of their rarity, between counting voxels and counting classes alike."""
    weight = rows.weight.mean(axis=1)
    kinds = rows.target @ (2.0 ** np.arange(rows.target.shape[1]))
    _, kind = np.unique(kinds, return_inverse=True)
    share = np.bincount(kind, weight) / weight.sum()
    factor = (share[kind] ** -0.5).astype(np.float32)
    return replace(rows, weight=rows.weight * (factor / (share**0.5).sum())[:, np.newaxis].astype(np.float32))


def _overlap(rows: Rows, logits: FloatArray, is_exclusive: bool) -> float:
    """Mean Dice of the channels but the commonest, which says background, every row counted as what it stands for."""
    weight = rows.weight.mean(axis=1)
    winners = np.eye(logits.shape[1], dtype=bool)[logits.argmax(axis=1)]
    found = winners if is_exclusive else logits > 0
    right = rows.target > 0.5
    common = int((right * weight[:, np.newaxis]).sum(axis=0).argmax()) if right.shape[1] > 1 and is_exclusive else -1
    each = []
    for channel in range(right.shape[1]):
        total = float((weight * right[:, channel]).sum() + (weight * found[:, channel]).sum())
        if channel != common and total > 0:
            each.append(2 * float((weight * (right & found)[:, channel]).sum()) / total)
    return float(np.mean(each)) if each else 1.0


def _join(rows: Sequence[Rows]) -> Rows:
    """Put rows together, every image counting alike."""
    joined = rows[0]
    for one in rows[1:]:
        joined = joined + one
    return joined
