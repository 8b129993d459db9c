"""What is right for a case lies where the network sees it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Case, Dataset, FileRef
from napari_medclf.domain.detection import Detection
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.engine.detection.home import restore_boxes
from napari_medclf.engine.prepare import prepare
from napari_medclf.jobs.case_reader import CaseReader
from napari_medclf.jobs.case_targets import target_of, target_of_slice
from napari_medclf.testing.phantoms import MARKED_VOXEL, oblique_phantom


def _reader(task: Task, *names: str, is_exclusive: bool = True, **fields) -> tuple[CaseReader, Case]:
    case = Case("one", "one", {"image": FileRef(Path("one.nii"))}, **fields)
    schema = LabelSchema.from_names(names, first_value=int(task is Task.DETECT))
    return CaseReader(Dataset("d", task, schema, (case,), Path("d"), is_exclusive=is_exclusive)), case


def _prepared(**changes):
    image = oblique_phantom()
    given = {"spatial_dims": 3, "channels": ("gray",), "intensity": Intensity(kind="none"), "patch_vox": (8, 8, 8)}
    return image, prepare(image, InputSpec(**(given | changes)))


def test_classes_that_come_together_are_zeros_and_ones_in_the_schemas_order():
    image, prepared = _prepared()
    names = ("mass", "edema", "hernia")
    reader, case = _reader(Task.CLASSIFY, *names, is_exclusive=False, classes=("hernia", "mass"))
    target, weight = target_of(reader, case, image, prepared.grid)
    assert (target.tolist(), target.dtype, weight) == ([1, 0, 1], np.float32, None)


def test_case_with_none_of_the_classes_is_all_zeros():
    image, prepared = _prepared()
    reader, case = _reader(Task.CLASSIFY, "mass", "edema", is_exclusive=False)
    assert target_of(reader, case, image, prepared.grid)[0].tolist() == [0, 0]


def test_number_that_is_not_known_is_nan():
    image, prepared = _prepared()
    reader, case = _reader(Task.REGRESS, "age", "weight", values={"weight": 71.5})
    np.testing.assert_array_equal(target_of(reader, case, image, prepared.grid)[0], [np.nan, 71.5])


@pytest.mark.parametrize("changes", [{}, {"axis_codes": "RAS"}, {"spacing_mm": (2.0, 1.0, 1.5)}])
def test_box_lies_around_its_voxel_on_the_models_grid(monkeypatch, changes):
    image, prepared = _prepared(**changes)
    reader, case = _reader(Task.DETECT, "nodule", "cyst")
    marked = np.array(MARKED_VOXEL, dtype=float)
    box = np.stack([marked - 1.5, marked + 2.5])[None]
    found = Detection(box, np.ones(1), ("cyst",), image.geometry, reader.dataset.schema)
    monkeypatch.setattr(CaseReader, "boxes", lambda *_: found)
    target, _ = target_of(reader, case, image, prepared.grid)
    assert target.shape == (1, 7)
    assert target[0, 6] == 1
    home = restore_boxes(target[:, :6].reshape(1, 2, 3).astype(np.float64), prepared.grid)
    np.testing.assert_allclose(home, box, atol=1e-3)


def test_slice_has_the_boxes_that_pass_through_it():
    boxes = np.array([[-0.5, 1, 2, 1.5, 3, 4, 0], [1.5, 5, 6, 2.5, 7, 8, 1]], dtype=np.float32)
    assert target_of_slice(Task.DETECT, boxes, 1).tolist() == [[1, 2, 3, 4, 0]]
    assert target_of_slice(Task.DETECT, boxes, 2).tolist() == [[5, 6, 7, 8, 1]]
    assert target_of_slice(Task.DETECT, boxes, 3).shape == (0, 5)


def test_whole_image_says_the_same_in_every_slice():
    target = np.array([1, 0, 1], dtype=np.float32)
    assert target_of_slice(Task.CLASSIFY, target, 1) is target
