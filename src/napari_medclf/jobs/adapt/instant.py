"""Refit a model's last layer to all corrected cases of a project, without a training."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Case
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.jobs.nested import within

if TYPE_CHECKING:
    from napari_medclf.engine.adapt.learn import Adapted
    from napari_medclf.engine.model import LoadedModel
    from napari_medclf.jobs.adapt.parent import Parent
    from napari_medclf.jobs.case_reader import CaseReader


def refit_last_layer(parent: Parent, reader: CaseReader, device: str) -> Job[Adapted]:
    """Learn from whole cases by a convex refit on what the network computes before its last layer.

    Raises
    ------
    CardError
        If the network's last layer cannot carry what was learned.
    """
    from napari_medclf.domain.run_settings import LoadSettings
    from napari_medclf.engine.adapt.learn import Adapted
    from napari_medclf.engine.adapt.parts import count_numbers, head_of
    from napari_medclf.engine.model import place_model

    started = time.perf_counter()
    loaded = place_model(parent.package, copy.deepcopy(parent.network), LoadSettings(device, "float32", "torch"))
    teach = _teach_classes if parent.card.task is Task.CLASSIFY else _teach_labels
    learned = yield from teach(loaded, reader, reader.dataset.cases)
    found: dict[str, Any] = getattr(learned.network, "state_dict", dict)()
    names = parent.network.state_dict().keys()
    if found.keys() != names:
        raise CardError(f"{parent.card.name} does not end in a layer that can carry what was learned; use quick adapt.")
    state = {name: found[name].detach().cpu().contiguous().clone() for name in names}
    n_moved = count_numbers(list(head_of(parent.network).parameters()))
    return Adapted(state, n_moved, None, (), time.perf_counter() - started)


def _teach_classes(loaded: LoadedModel, reader: CaseReader, cases: Sequence[Case]) -> Job[LoadedModel]:
    from napari_medclf.engine.instant.classifier import InstantClassifier

    classifier = InstantClassifier.begin(loaded)
    for position, case in enumerate(cases):
        adding = classifier.add(case.case_id, reader.image(case))
        yield from within(adding, position, len(cases), case.case_id, is_noted=False)
    classifier.refit({case.case_id: case.classes for case in cases})
    return classifier.adapted_model()


def _teach_labels(loaded: LoadedModel, reader: CaseReader, cases: Sequence[Case]) -> Job[LoadedModel]:
    from napari_medclf.engine.instant.across import learn_from
    from napari_medclf.engine.instant.head import InstantHead

    lessons = []
    for position, case in enumerate(cases):
        image = reader.image(case)
        beginning = InstantHead.begin(loaded, image)
        head = yield from within(beginning, position, len(cases), case.case_id, is_noted=False)
        lessons.append(head.lesson(reader.label_values(case, image)))
    yield Progress(len(cases), len(cases), "refitting the last layer")
    return learn_from(loaded, lessons).model
