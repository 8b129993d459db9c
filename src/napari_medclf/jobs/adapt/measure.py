"""Ask a model about the held-out cases, as fast as a verdict needs it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import CaseFailed, Job, Progress
from napari_medclf.domain.run_settings import RunSettings
from napari_medclf.jobs.nested import within
from napari_medclf.store.holdout import HoldOut
from napari_medclf.store.holdout_answers import AnswerShelf, HeldOutAnswer

if TYPE_CHECKING:
    from napari_medclf.domain.arrays import LabelArray
    from napari_medclf.domain.backend import Predictor
    from napari_medclf.domain.dataset import Case, Dataset
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.labels import LabelSchema
    from napari_medclf.domain.results import Prediction
    from napari_medclf.jobs.case_reader import CaseReader

_AS_IS = RunSettings(mirror=False)
"""Before and after are measured alike, so the average over mirrored images, which doubles the time, is left out."""


@dataclass(frozen=True)
class Scored:
    """One held-out case, measured.

    Parameters
    ----------
    learned_key : str
        Digest of the image as packages list what they learned from.
    values : dict
        ``dice/<class>``; ``ap50`` and so on; or ``score/<class>``, ``decided/<class>``, ``truth/<class>``.
    """

    case_id: str
    group_id: str
    learned_key: str
    values: Mapping[str, float]
    facts: Mapping[str, str] = field(default_factory=dict)


def measure_holdout(loaded: Predictor, dataset: Dataset, holdout: HoldOut, shelf: AnswerShelf) -> Job[list[Scored]]:
    """Measure a loaded model on all held-out cases; what it said before of an image is not asked again.

    Parameters
    ----------
    dataset : Dataset
        The held-out cases, in the order of the hold-out's members.

    Notes
    -----
    A case that cannot be measured is told and left out.
    """
    from napari_medclf.jobs.case_reader import CaseReader

    reader, known = CaseReader(dataset), shelf.read()
    answers = dict(known)
    scored: list[Scored] = []
    n = len(dataset.cases)
    for position, (case, member) in enumerate(zip(dataset.cases, holdout.members, strict=True)):
        key = f"{member.image_digest}:{member.answer}"
        try:
            if key not in answers:
                yield Progress(position, n, f"measuring on {case.case_id}")
                answers[key] = yield from within(_ask(loaded, reader, case), position, n, case.case_id, is_noted=False)
        except MedclfError as error:
            yield CaseFailed(case.case_id, case.images["image"].path, str(error))
            continue
        values = {name: math.nan if one is None else one for name, one in answers[key].values.items()}
        scored.append(Scored(case.case_id, case.group_id, answers[key].learned_key, values, case.facts))
    if answers.keys() != known.keys():
        shelf.write(answers)
    return scored


def _ask(loaded: Predictor, reader: CaseReader, case: Case) -> Job[HeldOutAnswer]:
    from napari_medclf.jobs.dataset.learned import image_digest

    image = reader.image(case)
    prediction = yield from loaded.predict(image, _AS_IS)
    values = _values(reader, case, image, prediction, loaded.package.card)
    finite = {name: None if math.isnan(value) else value for name, value in values.items()}
    return HeldOutAnswer(learned_key=image_digest(image), values=finite)


def _values(
    reader: CaseReader, case: Case, image: MedImage, prediction: Prediction, card: ModelCard
) -> dict[str, float]:
    from napari_medclf.engine.metrics.instances import score_instances

    if prediction.classification is not None:
        said = prediction.classification
        truth = {card.schema_.named(name).name for name in case.classes}
        rows = {name: (said.scores[name], name in said.decided, name in truth) for name in card.schema_.names}
        return {
            f"{what}/{name}": float(value)
            for name, row in rows.items()
            for what, value in zip(("score", "decided", "truth"), row, strict=True)
        }
    if prediction.segmentation is None:
        return {}
    found, reference = prediction.segmentation, reader.label_values(case, image)
    if reader.dataset.task is Task.INSTANCES:
        objects = score_instances(reference, found.labels)
        return {"ap50": objects.ap50, "f1_50": objects.f1_50, "pq": objects.pq, "dice": objects.foreground_dice}
    return _dices(reference, reader.dataset.schema, found.labels, found.schema)


def _dices(reference: LabelArray, schema: LabelSchema, found: LabelArray, known: LabelSchema) -> dict[str, float]:
    """Dice of each class, without the distances between surfaces that a whole evaluation takes long for."""
    dices: dict[str, float] = {}
    for one in schema.foreground:
        truth, said = reference == one.value, found == known.named(one.name).value
        total = int(np.count_nonzero(truth)) + int(np.count_nonzero(said))
        dices[f"dice/{one.name}"] = 2 * int(np.count_nonzero(truth & said)) / total if total else math.nan
    return dices


def known_cases(scored: Sequence[Scored], learned: frozenset[str]) -> tuple[str, ...]:
    """List the cases that a model learned from, by the images that it names."""
    return tuple(one.case_id for one in scored if one.learned_key in learned)
