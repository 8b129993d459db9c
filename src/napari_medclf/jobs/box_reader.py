"""The boxes to learn from or to measure against: of a file of boxes, or around the objects of a label image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from napari_medclf.domain.detection import Detection
from napari_medclf.domain.errors import DatasetError

if TYPE_CHECKING:
    from napari_medclf.domain.arrays import FloatArray, LabelArray
    from napari_medclf.domain.dataset import Case
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.labels import LabelSchema


def read_boxes(case: Case, image: MedImage, schema: LabelSchema, read_labels: Callable[[], LabelArray]) -> Detection:
    """Read a case's boxes on the grid of its image; every score is 1.

    Parameters
    ----------
    read_labels : callable
        Gives the case's labels on the image's grid; called where it has no file of boxes.

    Raises
    ------
    DatasetError
        If the case has neither boxes nor labels, or a box lies outside of the image.
    SchemaError
        If a box has a class that the data set does not know.
    """
    if case.boxes is not None:
        from napari_medclf.store.datasets.box_files import read_box_file

        found = read_box_file(case.boxes.path)
        boxes, names = _inside(case, found.boxes, image), found.names
    else:
        boxes, names = _around_objects(read_labels(), schema)
    return Detection(boxes, np.ones(len(names)), names, image.geometry, schema, image.source.digest, name="reference")


def _inside(case: Case, boxes: FloatArray, image: MedImage) -> FloatArray:
    """Cut boxes at the image's edges, which annotators often miss by a pixel."""
    edges = np.asarray(image.geometry.shape) - 0.5
    cut = np.clip(boxes, -0.5, edges)
    lost = np.flatnonzero((cut[:, 0] >= cut[:, 1]).any(axis=1))
    if lost.size:
        raise DatasetError(
            f"{case.case_id}: box {int(lost[0]) + 1} of {case.boxes} lies outside of its image, which has "
            f"{' x '.join(map(str, image.geometry.shape))} voxels."
        )
    return cut


def _around_objects(labels: LabelArray, schema: LabelSchema) -> tuple[FloatArray, tuple[str, ...]]:
    found = list(_objects(labels, schema))
    boxes = [[[part.start - 0.5 for part in place], [part.stop - 0.5 for part in place]] for place, _ in found]
    return np.asarray(boxes, dtype=np.float64).reshape(-1, 2, 3), tuple(name for _, name in found)


def _objects(labels: LabelArray, schema: LabelSchema) -> Iterator[tuple[tuple[slice, ...], str]]:
    """Yield the place and the class of numbered objects, or of the connected parts of each class."""
    from scipy.ndimage import find_objects, generate_binary_structure, label

    if set(np.unique(labels).tolist()) - set(schema.values) - {0}:  # more numbers than classes: they count objects
        places = find_objects(labels.astype(np.int64))
        yield from ((place, schema.foreground[0].name) for place in places if place is not None)
        return
    for one in schema.foreground:
        parts, _ = label(labels == one.value, generate_binary_structure(3, 3))
        yield from ((place, one.name) for place in find_objects(parts))
