"""Mean of networks that see an image on different grids, or that do not fit into the memory together."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.run_settings import RunSettings
from napari_medclf.engine.answers.checked import LogitsCheck
from napari_medclf.engine.answers.way_home import is_argmax
from napari_medclf.engine.background import in_background
from napari_medclf.engine.decide import decide_labels, values_of_channels
from napari_medclf.engine.ensemble.network import MeanNetwork, mean_card
from napari_medclf.engine.ensemble.votes import disagreement
from napari_medclf.engine.grid.grid_map import GridMap
from napari_medclf.engine.model import LoadedModel
from napari_medclf.engine.planning.plan import window_of
from napari_medclf.engine.prepare import prepare_by_slabs
from napari_medclf.engine.sliding.slide import slide_whole
from napari_medclf.engine.tidy import keep_largest, remove_small_objects

# Larger answers wait for the others in a temporary file.
_MOST_IN_MEMORY_BYTES = 2**29


@dataclass(frozen=True, eq=False)
class Kept:
    """One member's probabilities (C, *model grid), and the way home."""

    probabilities: FloatArray
    grid: GridMap
    weight: float


@dataclass(frozen=True, eq=False)
class MeanAnswer:
    """Labels of all members together, and where they disagreed, if that was asked."""

    labels: LabelArray
    doubt: FloatArray | None
    warnings: tuple[str, ...]


def mean_of_members(
    image: MedImage,
    members: Iterable[tuple[Callable[[], LoadedModel], float]],
    output: OutputSpec,
    settings: RunSettings,
) -> Job[MeanAnswer]:
    """Run segmenting members one after the other, and label every voxel by the mean of their probabilities.

    Parameters
    ----------
    members : iterable of (load, weight)
        A member is loaded when it is its turn, and let go afterwards.
    output : OutputSpec
        How the mean is decided; its classes are those of every member, in the same order.

    Notes
    -----
    Only the members' model grids are kept. Class after class is brought to the image's grid, so that no more than
    four arrays of the image's size are held at once, however many classes and members there are.
    """
    kept: list[Kept] = []
    warnings: list[str] = []
    with tempfile.TemporaryDirectory(prefix="medclf-ensemble-") as folder:
        for number, (load, weight) in enumerate(members, start=1):
            yield Progress(0, 0, f"Member {number}")
            model = load()
            one = yield from _run(image, model, weight, settings, f"{folder}/{number}.dat", warnings)
            kept.append(one)
        work = partial(_combine, kept, output, is_doubt_wanted=settings.is_uncertainty_wanted)
        labels, doubt = yield from in_background(work, "Combining the members")
        kept.clear()
    return MeanAnswer(labels, doubt, tuple(dict.fromkeys(warnings)))


def _run(
    image: MedImage, model: LoadedModel, weight: float, settings: RunSettings, path: str, warnings: list[str]
) -> Job[Kept]:
    card = model.card
    prepared = yield from prepare_by_slabs(image, card.input)
    warnings += prepared.warnings
    network = MeanNetwork([(model.network, card.output)], [1.0])  # windows are blended as in a shared walk
    probabilities = yield from slide_whole(prepared.data, network, window_of(card, settings), model.device)
    check = LogitsCheck(mean_card(card, card))
    check.look(probabilities)
    check.finish(prepared.data)
    return Kept(_put_away(probabilities, path), prepared.grid, weight)


def _put_away(array: FloatArray, path: str) -> FloatArray:
    if array.nbytes <= _MOST_IN_MEMORY_BYTES:
        return array
    on_disk = np.memmap(path, dtype=np.float32, mode="w+", shape=array.shape)
    on_disk[...] = array
    return on_disk


def _combine(
    kept: Sequence[Kept], output: OutputSpec, *, is_doubt_wanted: bool
) -> tuple[LabelArray, FloatArray | None]:
    labels = _decide(kept, output)
    doubt = disagreement([_decide([one], output) for one in kept], labels) if is_doubt_wanted else None
    vox = math.prod(kept[0].grid.source.shape) / math.prod(kept[0].grid.shape)
    remove_small_objects(labels, output.schema_, output.min_object_vox * vox)
    keep_largest(labels, output.schema_, output.largest_only)
    return labels, doubt


def _decide(kept: Sequence[Kept], output: OutputSpec) -> LabelArray:
    """Label every voxel of the image's grid by the members' weighted mean."""
    n_channels = len(kept[0].probabilities)
    channels = (_mean_home(kept, number) for number in range(n_channels))
    if not is_argmax(output):
        return decide_labels(channels, output)
    values = values_of_channels(output.schema_, has_background=output.has_background_channel)
    best = next(channels)
    labels = np.full(best.shape, values[0], dtype=values.dtype)
    for value, scores in zip(values[1:], channels, strict=True):
        wins = scores > best
        np.copyto(best, scores, where=wins)
        labels[wins] = value
    return labels


def _mean_home(kept: Sequence[Kept], channel: int) -> FloatArray:
    total_weight = sum(one.weight for one in kept)
    total: FloatArray | None = None
    for one in kept:
        home = one.grid.restore(np.ascontiguousarray(one.probabilities[channel : channel + 1]))[0]
        home *= np.float32(one.weight / total_weight)
        total = home if total is None else np.add(total, home, out=total)
    assert total is not None
    return total
