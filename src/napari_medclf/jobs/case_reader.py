"""Open what a dataset refers to: a case's image on its grid, and the reference to learn from or measure against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Case, Dataset, FileRef
from napari_medclf.domain.errors import DatasetError, GridError
from napari_medclf.domain.image import ChannelKind, MedImage, Source
from napari_medclf.domain.results import Segmentation

if TYPE_CHECKING:
    from napari_medclf.domain.arrays import BoolArray, LabelArray
    from napari_medclf.domain.detection import Detection
    from napari_medclf.io.medmnist import MedmnistArrays


class CaseReader:
    """Reads the cases of one dataset."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self._unpacked: dict[Path, tuple[MedmnistArrays, MedImage]] = {}

    def image(self, case: Case) -> MedImage:
        """Read a case's image; several roles (T1, T2 ...) become the channels of one image.

        Raises
        ------
        ReadError
            If a file cannot be read.
        DatasetError
            If the roles do not lie on one grid.
        """
        images = {role: self.open(ref) for role, ref in case.images.items()}
        return next(iter(images.values())) if len(images) == 1 else _stack(case, images)

    def reference(self, case: Case, image: MedImage) -> Segmentation:
        """Read a case's label image as a segmentation on the image's grid.

        Raises
        ------
        DatasetError
            If the case has none, or it lies on another grid than the image.
        SchemaError
            If a value belongs to no class.
        """
        is_instances = self.dataset.task is Task.INSTANCES
        labels = self.label_values(case, image)
        return Segmentation(
            labels, image.geometry, self.dataset.schema, is_instances, image.source.digest, name="reference"
        )

    def label_values(self, case: Case, image: MedImage) -> LabelArray:
        """Read the numbers of a case's label image: values of the schema, or those of objects.

        Raises
        ------
        DatasetError
            If the case has none, or it lies on another grid than the image.
        """
        if case.label_map is None:
            raise DatasetError(f"{case.case_id} has no label image.")
        labels = _read_on_grid(case.label_map, image)
        return labels if self.dataset.task is Task.INSTANCES else _translate(labels, self.dataset)

    def boxes(self, case: Case, image: MedImage) -> Detection:
        """Read a case's boxes: of its file, or around the objects of its label image.

        Raises
        ------
        DatasetError
            If the case has neither, or a box lies outside of the image.
        """
        from napari_medclf.jobs.box_reader import read_boxes

        return read_boxes(case, image, self.dataset.schema, partial(self.label_values, case, image))

    def edits(self, case: Case, image: MedImage) -> BoolArray | None:
        """Read where a person painted, on the image's grid; None where nothing is known of it."""
        return None if case.edited_mask is None else _read_on_grid(case.edited_mask, image) > 0

    def class_index(self, case: Case) -> int:
        """Position of a case's only class in the schema, which is the network's output channel.

        Raises
        ------
        DatasetError
            If the case has no class or several.
        """
        if len(case.classes) != 1:
            said = ", ".join(case.classes) or "none"
            raise DatasetError(f"{case.case_id}: exactly one class is needed, but it has {said}.")
        schema = self.dataset.schema
        return schema.names.index(schema.named(case.classes[0]).name)

    def open(self, ref: FileRef) -> MedImage:
        """Read one image that the data set refers to.

        Raises
        ------
        ReadError
            If it cannot be read.
        """
        from napari_medclf.io.read import read_image

        if ref.path.suffix.lower() == ".npz" and ref.member:
            return self._read_unpacked(ref)
        return read_image(ref.path, ref.member)

    def _read_unpacked(self, ref: FileRef) -> MedImage:
        """Take one of the thousands of images of an npz, which is unpacked once."""
        from napari_medclf.io.medmnist import read_medmnist
        from napari_medclf.io.read import read_image

        if ref.path not in self._unpacked:
            self._unpacked[ref.path] = (read_medmnist(ref.path), read_image(ref.path, ref.member))
        arrays, like = self._unpacked[ref.path]
        split, _, number = ref.member.partition("/")
        stored = arrays.images[split][int(number)]
        data = np.moveaxis(stored, -1, 0)[:, np.newaxis] if like.channel_kind is ChannelKind.COLOUR else stored
        return replace(
            like,
            data=np.ascontiguousarray(data).reshape(like.data.shape),
            name=f"{ref.path.stem}-{split}-{number}",
            window=None,
            source=Source(ref.path, ref.member),
        )


def label_values(ref: FileRef) -> Sequence[int]:
    """List the values in a label image, for datasets whose files do not name the classes."""
    from napari_medclf.io.labels import read_label_map

    values: list[int] = np.unique(read_label_map(ref.path, ref.member).labels).tolist()
    return values


def _read_on_grid(ref: FileRef, image: MedImage) -> LabelArray:
    from napari_medclf.io.labels import read_label_map

    found = read_label_map(ref.path, ref.member)
    # Pictures carry no place: a label PNG beside a photograph fits when its size does.
    difference = image.geometry.explain_difference(found.geometry)
    if found.labels.shape != image.geometry.shape or (difference and not image.is_flat):
        raise DatasetError(f"{ref}: the labels do not lie on the grid of their image {image.name}: {difference}.")
    return found.labels


def _translate(labels: LabelArray, dataset: Dataset) -> LabelArray:
    if not dataset.label_to_value:
        return labels
    translated = labels.copy()
    for found, value in dataset.label_to_value.items():
        translated[labels == found] = value
    return translated


def _stack(case: Case, images: dict[str, MedImage]) -> MedImage:
    first = next(iter(images.values()))
    for role, image in images.items():
        difference = first.geometry.explain_difference(image.geometry)
        if difference or image.channel_kind is not ChannelKind.NONE:
            raise DatasetError(
                f"{case.case_id}: {role} cannot be a channel beside {next(iter(images))}: "
                f"{difference or 'it has channels of its own'}."
            )
    try:
        return replace(
            first,
            data=np.stack([image.data for image in images.values()]),
            channel_kind=ChannelKind.CHANNEL,
            channel_names=tuple(images),
            window=None,
        )
    except GridError as error:
        raise DatasetError(f"{case.case_id}: {error}") from error
