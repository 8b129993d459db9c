"""Where members' probabilities meet: on the model grid they share, or else on the image's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.card import ModelCard
from napari_medclf.engine.answers.labels_home import LabelsHome, is_argmax
from napari_medclf.engine.decide import decide_labels, values_of_channels
from napari_medclf.engine.grid.grid_map import GridMap


@dataclass(frozen=True, eq=False)
class Kept:
    """One member's probabilities (C, *model grid), their way home, and how much they count."""

    probabilities: FloatArray
    grid: GridMap
    weight: float


def decide_together(kept: Sequence[Kept], card: ModelCard) -> LabelArray:
    """Label every voxel (K, J, I) of the image's grid by the members' weighted mean.

    Parameters
    ----------
    card : ModelCard
        Of networks that answer with probabilities (`network.mean_card`).

    Notes
    -----
    On a grid that all share, the mean is taken there and brought home once. Else class after class is brought to the
    image's grid. The winner of n classes has a probability of 1/n at least, so a class that never has is left out.
    """
    if all(_is_same_way(kept[0].grid, one.grid) for one in kept[1:]):
        home = LabelsHome(kept[0].grid, card, 0)
        home.take(0, _mean(kept))
        return home.finish()
    if is_argmax(card.output):
        return _most_probable(kept, card)
    n_channels = len(kept[0].probabilities)
    return decide_labels((_mean_home(kept, number) for number in range(n_channels)), card.output)


def _most_probable(kept: Sequence[Kept], card: ModelCard) -> LabelArray:
    output = card.output
    values = values_of_channels(output.schema_, has_background=output.has_background_channel)
    best = _mean_home(kept, 0)
    labels = np.full(best.shape, values[0], dtype=values.dtype)
    for number in _possible_winners(kept):
        scores = _mean_home(kept, number)
        wins = scores > best
        np.copyto(best, scores, where=wins)
        labels[wins] = values[number]
    return labels


def _possible_winners(kept: Sequence[Kept]) -> Iterator[int]:
    n_channels = len(kept[0].probabilities)
    total = sum(one.weight for one in kept)
    for number in range(1, n_channels):
        highest = sum(one.weight * float(one.probabilities[number].max()) for one in kept) / total
        if highest * n_channels >= 1:
            yield number


def _mean(kept: Sequence[Kept]) -> FloatArray:
    total_weight = sum(one.weight for one in kept)
    mean = np.multiply(kept[0].probabilities, np.float32(kept[0].weight / total_weight), dtype=np.float32)
    for one in kept[1:]:
        for channel, values in enumerate(one.probabilities):
            mean[channel] += np.float32(one.weight / total_weight) * values
    return mean


def _mean_home(kept: Sequence[Kept], channel: int) -> FloatArray:
    total_weight = sum(one.weight for one in kept)
    total: FloatArray | None = None
    for one in kept:
        home = one.grid.restore(np.ascontiguousarray(one.probabilities[channel : channel + 1]))[0]
        # A copy: where nothing is resampled, the way home hands back the member's own array.
        weighted = home * np.float32(one.weight / total_weight)
        total = weighted if total is None else np.add(total, weighted, out=total)
    assert total is not None
    return total


def _is_same_way(one: GridMap, other: GridMap) -> bool:
    """Whether two grid maps of one image lead to the same voxels."""
    ways = [(grid.order, grid.flips, grid.axes, grid.crop, grid.resampling, grid.apart) for grid in (one, other)]
    return ways[0] == ways[1] and one.model.same_grid(other.model)
