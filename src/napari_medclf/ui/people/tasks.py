"""What the people's page lets others do: compare readers, open their answers, decide; on a worker, without layers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.annotation import Annotation
from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.results import Segmentation
from napari_medclf.jobs.people.adjudicate import AdjudicateOptions, Dispute
from napari_medclf.jobs.people.agreement import Agreement, AgreementOptions

if TYPE_CHECKING:
    from napari_medclf.bridge.layers import LayerTuple
    from napari_medclf.domain.image import MedImage


READER_COLOURS = ("#56B4E9", "#E69F00", "#009E73", "#F0E442", "#0072B2", "#999999")
"""Of outlines, in the order of the readers; people with colour blindness tell them apart (Okabe & Ito 2008)."""
DIFFER_COLOUR = "#CC79A7"


@dataclass(frozen=True)
class Compared:
    """How far the readers agree, and the cases that somebody could decide about."""

    agreement: Agreement
    disputes: tuple[Dispute, ...]


@dataclass(frozen=True)
class SideBySide:
    """What each reader said about one case, described for napari.

    Parameters
    ----------
    ref : FileRef
        The image.
    layers : tuple of LayerTuple
        One that holds where they differ, then one a reader; none for image-level classes.
    colours : tuple of str
        One a layer.
    said : dict
        Reader to image-level classes, as people read them.
    """

    case_id: str
    ref: FileRef
    readers: tuple[str, ...]
    layers: tuple[LayerTuple, ...]
    said: dict[str, str]
    colours: tuple[str, ...] = ()


def compare_readers(folder: Path) -> Job[Compared | None]:
    """Measure agreement and list disputes; None where there is no project."""
    from napari_medclf.jobs.people.adjudicate import list_disputes
    from napari_medclf.jobs.people.agreement import measure_agreement
    from napari_medclf.store.project import Project

    yield Progress(0, 0, "comparing the readers")
    if not Project.is_project(folder):
        return None
    agreement = yield from measure_agreement(AgreementOptions(folder))
    return Compared(agreement, (yield from list_disputes(Project.open(folder))))


def find_case(folder: Path, case_id: str) -> Job[FileRef]:
    """Say where a case's image is."""
    from napari_medclf.store.project import Project

    yield Progress(0, 0)
    return Project.open(folder).case(case_id).image


def open_answers(folder: Path, case_id: str, image: MedImage) -> Job[SideBySide]:
    """Describe what each reader said as layers over the case's image.

    Raises
    ------
    ReadError, DatasetError
        As `jobs.people.readings.readings_of`.
    """
    import numpy as np

    from napari_medclf.bridge.layers import labels_layer
    from napari_medclf.domain.labels import LabelSchema
    from napari_medclf.jobs.people.readings import readings_of
    from napari_medclf.store.project import Project

    yield Progress(0, 0, f"opening the answers for {case_id}")
    project = Project.open(folder)
    case = project.case(case_id)
    readings = readings_of(case)
    schema, is_instances = project.info.classes, project.info.task is Task.INSTANCES
    painted = [
        Segmentation(one.labels, image.geometry, schema, is_instances, case.image_digest, f"{case_id} · {one.reader}")
        for one in readings
        if one.labels is not None
    ]
    if len(painted) > 1:
        apart = np.zeros(image.geometry.shape, dtype=np.uint8)
        for one in painted[1:]:
            apart[one.labels != painted[0].labels] = 1
        differ = LabelSchema.from_names(["readers differ"], first_value=1)
        painted.insert(
            0, Segmentation(apart, image.geometry, differ, source_digest=case.image_digest, name=f"{case_id} · differ")
        )
    said = {one.reader: ", ".join(one.classes) or "none" for one in readings if one.classes is not None}
    layers = tuple(_picture(labels_layer(one, image=image)) for one in painted)
    outlined = [one.reader for one in readings if one.labels is not None]
    readers = (*outlined, *(one.reader for one in readings if one.labels is None))
    colours = (*[DIFFER_COLOUR] * (len(painted) - len(outlined)), *READER_COLOURS, *["#999999"] * len(outlined))
    return SideBySide(case_id, case.image, readers, layers, said, colours[: len(layers)])


def _picture(layer: LayerTuple) -> LayerTuple:
    """Without our metadata, so that nobody corrects or accepts another person's answer in place of their own."""
    data, keywords, kind = layer
    return data, keywords | {"metadata": {}}, kind


def decide_case(options: AdjudicateOptions) -> Job[Annotation]:
    """Save the adjudicator's answer."""
    from napari_medclf.jobs.people.adjudicate import adjudicate

    found = yield from adjudicate(options)
    assert found.annotation is not None  # a case was named
    return found.annotation
