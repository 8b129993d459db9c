"""Which class every voxel has."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.events import Job, Warned
from napari_medclf.domain.results import Segmentation, UncertaintyMap
from napari_medclf.engine.answers.checked import CheckedSink, LogitsCheck
from napari_medclf.engine.answers.doubt import DoubtHome, DoubtingNetwork, counts_votes
from napari_medclf.engine.answers.inference import Answer, Inference
from napari_medclf.engine.answers.labels_home import LabelsHome, background_logits, choose_home_axis
from napari_medclf.engine.answers.preview import Asked, preview_slice
from napari_medclf.engine.background import in_background
from napari_medclf.engine.planning.smaller import smaller_window
from napari_medclf.engine.restore.entropy import EntropyHome
from napari_medclf.engine.restore.members import MeanOfMembers
from napari_medclf.engine.restore.sink import Sink
from napari_medclf.engine.sliding.air import AirSkip
from napari_medclf.engine.sliding.slide import slide
from napari_medclf.engine.sliding.streaming import Streaming
from napari_medclf.engine.sliding.window import Window
from napari_medclf.engine.tidy import keep_largest, remove_small_objects
from napari_medclf.engine.triage.mean_doubt import MeanDoubt


def answer_labels(inference: Inference) -> Job[Answer]:
    """Label every voxel of the image's own grid."""
    asked: Asked = {}
    yield from preview_slice(inference, asked)
    window, warnings = inference.window, list[str]()
    while True:
        try:
            home = yield from _stream_home(inference, window, asked)
            break
        except MemoryError:
            smaller = smaller_window(window, inference.card)
            if smaller is None:
                raise
            warnings.append(
                f"The memory was not enough for windows of {_join(window.tile)} voxels; {_join(smaller.tile)} were "
                "used, so that labels may differ a little."
            )
            yield Warned(warnings[-1])
            window = smaller
            asked.clear()
    labels = yield from in_background(partial(_finish, home, inference), "Bringing the result to the image's grid")
    return Answer(
        _segmentation(labels, inference),
        uncertainty=_uncertainty(home, inference),
        doubts={"entropy": home.mean_doubt.value},
        warnings=tuple(warnings),
        note=home.note,
    )


class _Homes:
    """Everything that takes the slabs of one run."""

    def __init__(self, inference: Inference, axis: int) -> None:
        card, grid = inference.card, inference.prepared.grid
        self.check = LogitsCheck(card)
        self.labels = LabelsHome(grid, card, axis)
        self.mean_doubt = MeanDoubt(card.output, grid.shape, axis)
        self.doubt: DoubtHome | None = None
        self.entropy = EntropyHome(grid, card.output, axis) if inference.settings.is_uncertainty_wanted else None

        self.note = ""

    def take(self, start: int, logits: FloatArray) -> None:
        """Take the next slab of the mean of all members."""
        if self.entropy is not None:
            self.entropy.take(start, logits)
        self.mean_doubt.take(start, logits)
        self.labels.take(start, logits)


def _stream_home(inference: Inference, window: Window, asked: Asked) -> Job[_Homes]:
    """Run all windows; the labels are nearly home then."""
    data, card = inference.prepared.data, inference.card
    streaming = _streaming(inference, window, asked)
    assert streaming.axis is not None
    homes = _Homes(inference, streaming.axis)
    sink: Sink = homes
    if card.output.n_members > 1:
        sink = MeanOfMembers(sink, card.output.n_members, is_half=card.input.tiling == "nnunet")
    sink = CheckedSink(sink, homes.check)
    network = inference.network
    if counts_votes(inference, window):
        network = DoubtingNetwork(network, window.flips, card.output.n_members)
        window, streaming = replace(window, mirror_axes=()), _with_doubt(streaming)
        homes.entropy, homes.doubt = None, DoubtHome(sink, inference.prepared.grid, streaming.axis or 0)
        sink = homes.doubt
    yield from slide(data, network, window, inference.device, sink, streaming)
    homes.check.finish(data)
    homes.note = streaming.is_wanted.note if isinstance(streaming.is_wanted, AirSkip) else ""
    return homes


def _with_doubt(streaming: Streaming) -> Streaming:
    """Nobody doubts where no window is run; answers of earlier windows have no doubt, and are asked again."""
    background = None if streaming.background is None else np.append(streaming.background, np.float32(0))
    return replace(streaming, background=background, known={})


def _streaming(inference: Inference, window: Window, asked: Asked) -> Streaming:
    card, prepared, plan = inference.card, inference.prepared, inference.plan
    body = prepared.body
    return Streaming(
        axis=choose_home_axis(prepared.grid, window),
        is_half=plan is not None and plan.is_half,
        is_on_disk=plan is not None and plan.is_on_disk,
        is_wanted=None if body is None else AirSkip(body, window),
        background=None if body is None else background_logits(card),
        known=asked,
    )


def _finish(homes: _Homes, inference: Inference) -> LabelArray:
    output, grid = inference.card.output, inference.prepared.grid
    labels = homes.labels.finish()
    keep_largest(labels, output.schema_, output.largest_only)
    remove_small_objects(labels, output.schema_, output.min_object_vox * grid.source_vox_per_model_vox)
    return labels


def _segmentation(labels: LabelArray, inference: Inference) -> Segmentation:
    return Segmentation(
        labels=labels,
        geometry=inference.image.geometry,
        schema=inference.card.schema_,
        source_digest=inference.image.source.digest,
        name=inference.card.name,
    )


def _uncertainty(homes: _Homes, inference: Inference) -> UncertaintyMap | None:
    if homes.doubt is not None:
        return UncertaintyMap(homes.doubt.finish(), inference.image.geometry, "disagreement")
    if homes.entropy is None:
        return None
    return UncertaintyMap(homes.entropy.finish(), inference.image.geometry, "entropy")


def _join(sizes: tuple[int, ...]) -> str:
    return " x ".join(map(str, sizes))
