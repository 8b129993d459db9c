"""What a person said about an image before: read from a project, to be shown and changed again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_medclf.bridge.layers import LayerTuple, labels_layer
from napari_medclf.domain.annotation import Annotation, Origin, Status
from napari_medclf.domain.arrays import BoolArray, LabelArray
from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import GridError
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Classification, Prediction, Segmentation
from napari_medclf.domain.voxel_origin import VoxelOrigin

if TYPE_CHECKING:
    from napari_medclf.store.project import ProjectInfo
    from napari_medclf.store.project_case import ProjectCase, SavedAnnotation, SavedPrediction


@dataclass(frozen=True)
class SavedAnswer:
    """The newest finished answer for an image.

    Parameters
    ----------
    labels : LayerTuple or None
        Its labels, described for napari.
    classes : tuple of str or None
        The image-level classes the person gave.
    base : Prediction or None
        Differs from the answer exactly where a person had changed a model's output, so that saving
        again keeps its provenance. What the model said there is not kept: another value stands in.
    """

    labels: LayerTuple | None = None
    classes: tuple[str, ...] | None = None
    base: Prediction | None = None


def read_saved(folder: Path, image: MedImage, reader: str = "") -> SavedAnswer | None:
    """Read what a project holds about an image, found by its samples.

    Parameters
    ----------
    reader : str
        A blind reader, who sees no answer but their own; empty for everybody else.

    Returns
    -------
    SavedAnswer or None
        The finished answer; without one, the labels of the newest prediction; None where there is neither.

    Raises
    ------
    MedclfError
        If the project or its label image cannot be read, or does not lie on the image's grid.
    """
    from napari_medclf.io.digest import with_digest
    from napari_medclf.store.project import Project

    project = Project.open(folder, sweeps=False)
    case = project.case_of(with_digest(image).source.digest)
    if case is None:
        return None
    saved = _finished(case, reader)
    if saved is not None:
        return _describe(project.info, saved, image)
    said = case.prediction
    return None if said is None or said.label_map is None else _describe_prediction(project.info, said, image)


def saved_sentence(annotation: Annotation, image: MedImage, project: Path) -> str:
    """Tell what was saved, for a notification."""
    if annotation.status is Status.SKIPPED:
        return f"{image.name}: skipped."
    if annotation.status is Status.FLAGGED:
        return f"{image.name}: flagged for a second look."
    edited = f", {annotation.n_edited_vox} voxels changed" if annotation.n_edited_vox else ""
    return f"{image.name}: saved as {annotation.origin.value}{edited}, in {project.name}."


def _finished(case: ProjectCase, reader: str) -> SavedAnnotation | None:
    """The answer that counts for somebody; a later flag or skip does not hide it."""
    if reader:
        return case.answer_of(reader)
    earlier = (one for one in reversed(case.versions) if one.is_finished and not one.annotation.is_blind)
    return case.answer or next(earlier, None)


def _describe_prediction(info: ProjectInfo, said: SavedPrediction, image: MedImage) -> SavedAnswer:
    """Show what a model said before anybody looked, as if it had been run now."""
    assert said.label_map is not None
    entry = said.entry
    segmentation = _segmentation(_on_grid(said.label_map, image), info, image)
    segmentation = replace(segmentation, name=f"{image.name} · {entry.model}")
    base = Prediction(
        entry.model, entry.model_version, image.name, segmentation=segmentation, weights_sha256=entry.weights_sha256
    )
    return SavedAnswer(labels_layer(segmentation, prediction=base, image=image), None, base)


def _describe(info: ProjectInfo, saved: SavedAnnotation, image: MedImage) -> SavedAnswer:
    said = saved.annotation
    if saved.label_map is None:
        return SavedAnswer(None, said.classes, _base(said, image, None, info.classes))
    segmentation = _segmentation(_on_grid(saved.label_map, image), info, image)
    before = origins = None
    if saved.edited_mask is not None:
        origins = _on_grid(saved.edited_mask, image).astype(np.uint8)
        if said.origin is not Origin.MANUAL:
            edited = np.asarray(origins == VoxelOrigin.PERSON)
            before = _segmentation(_labels_before(segmentation, edited), info, image)
    base = _base(said, image, before, info.classes)
    layer = labels_layer(segmentation, prediction=base, image=image, voxel_origins=origins)
    return SavedAnswer(layer, said.classes, base)


def _segmentation(labels: LabelArray, info: ProjectInfo, image: MedImage) -> Segmentation:
    return Segmentation(
        labels,
        image.geometry,
        info.classes,
        is_instances=info.task is Task.INSTANCES,
        source_digest=image.source.digest,
        name=f"{image.name} · saved",
    )


def _on_grid(ref: FileRef, image: MedImage) -> LabelArray:
    from napari_medclf.io.labels import read_label_map

    found = read_label_map(ref.path, ref.member)
    difference = image.geometry.explain_difference(found.geometry)
    if difference:
        raise GridError(f"{ref.path}: does not lie on the grid of {image.name}: {difference}.")
    return found.labels


def _labels_before(segmentation: Segmentation, edited: BoolArray) -> LabelArray:
    """Put another value wherever the person changed one; with one class this is what the model said."""
    labels, foreground = segmentation.labels, segmentation.schema.foreground
    other = 1 if segmentation.is_instances or not foreground else foreground[0].value
    before = labels.astype(np.result_type(labels.dtype, np.min_scalar_type(other)))
    before[edited] = np.where(labels[edited] == 0, other, 0)
    return before


def _base(said: Annotation, image: MedImage, before: Segmentation | None, schema: LabelSchema) -> Prediction | None:
    if before is None and not said.model:
        return None
    decided = None
    if before is None and said.classes is not None and said.origin is not Origin.MANUAL:
        others = tuple(one.name for one in schema.classes if one.name not in said.classes)
        decided = Classification({}, said.classes if said.origin is Origin.ACCEPTED else others)
    return Prediction(
        said.model,
        said.model_version,
        image.name,
        segmentation=before,
        classification=decided,
        weights_sha256=said.weights_sha256,
    )
