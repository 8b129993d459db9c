"""Mean of networks that see an image on different grids, or that do not fit into the memory together."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.run_settings import RunSettings
from napari_medclf.engine.answers.checked import LogitsCheck
from napari_medclf.engine.background import in_background
from napari_medclf.engine.ensemble.meet import Kept, decide_together
from napari_medclf.engine.ensemble.network import MeanNetwork, mean_card
from napari_medclf.engine.ensemble.votes import disagreement
from napari_medclf.engine.model import LoadedModel
from napari_medclf.engine.planning.plan import window_of
from napari_medclf.engine.prepare import prepare_by_slabs
from napari_medclf.engine.sliding.slide import slide_whole
from napari_medclf.engine.tidy import keep_largest, remove_small_objects

# Larger answers wait for the others in a temporary file.
_MOST_IN_MEMORY_BYTES = 2**29


@dataclass(frozen=True, eq=False)
class MeanAnswer:
    """Labels of all members together, and where they disagreed, if that was asked."""

    labels: LabelArray
    doubt: FloatArray | None
    warnings: tuple[str, ...]


def mean_of_members(
    image: MedImage,
    members: Iterable[tuple[Callable[[], LoadedModel], float]],
    card: ModelCard,
    settings: RunSettings,
) -> Job[MeanAnswer]:
    """Run segmenting members one after the other, and label every voxel by the mean of their probabilities.

    Parameters
    ----------
    members : iterable of (load, weight)
        A member is loaded when it is its turn, and let go afterwards.
    card : ModelCard
        Of the ensemble: how the mean is decided. Its classes are those of every member, in the same order.

    Notes
    -----
    Only what members say on their model grids is kept, in temporary files where it is large.
    """
    kept: list[Kept] = []
    warnings: list[str] = []
    with tempfile.TemporaryDirectory(prefix="medclf-ensemble-") as folder:
        for number, (load, weight) in enumerate(members, start=1):
            yield Progress(0, 0, f"Member {number}")
            model = load()
            one = yield from _run(image, model, weight, settings, f"{folder}/{number}.dat", warnings)
            kept.append(one)
        work = partial(_combine, kept, card, is_doubt_wanted=settings.is_uncertainty_wanted)
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


def _combine(kept: Sequence[Kept], card: ModelCard, *, is_doubt_wanted: bool) -> tuple[LabelArray, FloatArray | None]:
    output, mean = card.output, mean_card(card, card)
    labels = decide_together(kept, mean)
    doubt = disagreement([decide_together([one], mean) for one in kept], labels) if is_doubt_wanted else None
    keep_largest(labels, output.schema_, output.largest_only)
    remove_small_objects(labels, output.schema_, output.min_object_vox * kept[0].grid.source_vox_per_model_vox)
    return labels, doubt
