"""Numbers that are estimated of an image, such as an age."""

from __future__ import annotations

from napari_medclf.domain.events import Job
from napari_medclf.domain.output_spec import OutputSpec, Quantity
from napari_medclf.domain.results import Regression
from napari_medclf.engine.answers.inference import Answer, Inference, check_logits
from napari_medclf.engine.sliding.whole_image import run_whole


def answer_numbers(inference: Inference) -> Job[Answer]:
    """Estimate every quantity of the card, in its unit.

    Notes
    -----
    A 2D network has one answer a slice: their mean is the answer for the image.
    """
    output = inference.card.output
    answers = yield from run_whole(inference.prepared.data, inference.network, inference.window, inference.device)
    check_logits(answers, inference)
    means = answers.mean(axis=1, dtype="float64").tolist()
    read = list(zip(output.schema_.names, means, quantities_of(output), strict=True))
    values = {name: mean * one.sd + one.mean for name, mean, one in read}
    return Answer(regression=Regression(values, {name: one.unit for name, _, one in read if one.unit}))


def quantities_of(output: OutputSpec) -> tuple[Quantity, ...]:
    """How the network's numbers are read, one for each name; as they are where the card says nothing."""
    return output.quantities or (Quantity(),) * len(output.schema_)
