"""What a model says about one case of a work list: answer, doubts, and an embedding."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_medclf.domain.events import Job
from napari_medclf.domain.run_settings import RunSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_medclf.domain.arrays import FloatArray, LabelArray
    from napari_medclf.domain.backend import Predictor
    from napari_medclf.domain.card import ModelCard
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.results import Classification, Prediction


@dataclass(frozen=True, eq=False)
class Rating:
    """What was measured of one case.

    Parameters
    ----------
    uncertainty : dict
        By kind, from 0 to 1: ``entropy`` or ``disagreement`` of the answer, ``tta`` where changed copies were asked.
    embedding : (f,) float32
        What the network saw; a description of the samples where it cannot be listened to.
    """

    prediction: Prediction
    embedding: FloatArray
    uncertainty: Mapping[str, float] = field(default_factory=dict)


def rate_image(image: MedImage, loaded: Predictor, settings: RunSettings, *, with_tta: bool = False) -> Job[Rating]:
    """Run a loaded model on an image and measure how unsure it is.

    Parameters
    ----------
    settings : RunSettings
        A map of uncertainty is made whatever they say.
    with_tta : bool
        Also ask copies that are changed in ways that mean nothing; two to three more runs.
    """
    from dataclasses import replace

    from napari_medclf.engine.active.describe import describe_image

    settings = replace(settings, is_uncertainty_wanted=True)
    prediction = yield from loaded.predict(image, settings)
    card = loaded.package.card
    measured = _of_answer(prediction, card)
    measured |= yield from _of_members(image, loaded, settings)
    if with_tta:
        measured |= yield from _of_copies(image, loaded, prediction)
    embedding = describe_image(image.data) if prediction.features is None else prediction.features
    return Rating(prediction, embedding, measured)


def _of_answer(prediction: Prediction, card: ModelCard) -> dict[str, float]:
    from napari_medclf.engine.active.doubt import map_doubt, score_entropy

    if prediction.classification is not None:
        is_exclusive = card.output.activation != "sigmoid"
        return {"entropy": score_entropy(prediction.classification.scores, is_exclusive=is_exclusive)}
    doubt, found = prediction.uncertainty, prediction.segmentation
    return {} if doubt is None or found is None else {doubt.kind: map_doubt(doubt.values, found.labels)}


def _of_members(image: MedImage, loaded: Predictor, settings: RunSettings) -> Job[dict[str, float]]:
    """Disagreement of an ensemble's classifiers, each asked alone; those of labels tell it by their map."""
    from napari_medclf.backends.ensemble.predictor import LoadedEnsemble
    from napari_medclf.domain.card import Task
    from napari_medclf.engine.active.doubt import score_disagreement

    card = loaded.package.card
    if not isinstance(loaded, LoadedEnsemble) or card.task is not Task.CLASSIFY:
        return {}
    answers: list[Mapping[str, float]] = []
    for member in loaded.members:
        said: Classification | None = (yield from member.load().predict(image, settings)).classification
        if said is not None:
            answers.append(said.scores)
    is_exclusive = card.output.activation != "sigmoid"
    return {"disagreement": score_disagreement(answers, is_exclusive=is_exclusive)} if len(answers) > 1 else {}


def _of_copies(image: MedImage, loaded: Predictor, first: Prediction) -> Job[dict[str, float]]:
    from napari_medclf.engine.active.doubt import label_disagreement, score_disagreement
    from napari_medclf.jobs.worklist.changed_copies import changed_copies

    card = loaded.package.card
    scores = [] if first.classification is None else [first.classification.scores]
    labels: list[LabelArray] = [] if first.segmentation is None else [first.segmentation.labels]
    for copy in changed_copies(image, card):
        said = yield from loaded.predict(copy.image, RunSettings())
        if said.classification is not None:
            scores.append(said.classification.scores)
        if said.segmentation is not None:
            labels.append(copy.bring_back(said.segmentation.labels))
    if len(scores) > 1:
        return {"tta": score_disagreement(scores, is_exclusive=card.output.activation != "sigmoid")}
    is_instances = first.segmentation is not None and first.segmentation.is_instances
    return {"tta": label_disagreement(labels, is_instances=is_instances)} if len(labels) > 1 else {}
