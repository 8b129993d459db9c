"""Which classes an image has."""

from __future__ import annotations

from napari_medclf.domain.events import Job
from napari_medclf.engine.active.doubt import score_entropy
from napari_medclf.engine.answers.inference import Answer, Inference, check_logits
from napari_medclf.engine.decide import activate, decide_classes
from napari_medclf.engine.ordinal import classes_of_steps
from napari_medclf.engine.sliding.whole_image import run_whole


def answer_scores(inference: Inference) -> Job[Answer]:
    """Score every class of the card.

    Notes
    -----
    A 2D network has one answer a slice: their mean is the answer for the image.
    """
    card = inference.card
    logits = yield from run_whole(inference.prepared.data, inference.network, inference.window, inference.device)
    check_logits(logits, inference)
    activate(logits, card.output)
    probabilities = classes_of_steps(logits) if card.output.activation == "ordinal" else logits
    scores = probabilities.mean(axis=1).tolist()
    classification = decide_classes(scores, card.output, is_calibrated=card.is_calibrated)
    is_exclusive = card.output.activation != "sigmoid"
    entropy = score_entropy(classification.scores, is_exclusive=is_exclusive)
    return Answer(classification=classification, doubts={"entropy": entropy})
