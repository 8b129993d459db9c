"""Boxes to learn from lie on the image, whether they were drawn or follow from labels."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import DatasetError
from napari_medclf.jobs.case_reader import CaseReader
from napari_medclf.jobs.data import DataChoice, open_data


def _volume(folder: Path, labels: np.ndarray) -> Path:
    for name, data in (("images", np.arange(labels.size).reshape(labels.shape)), ("labels", labels)):
        (folder / name).mkdir(parents=True)
        for case in "ab":
            nibabel.save(nibabel.Nifti1Image(data.astype(np.int16), np.eye(4)), folder / name / f"{case}.nii.gz")
    return folder


def test_boxes_follow_from_the_parts_of_each_class(tmp_path: Path) -> None:
    labels = np.zeros((12, 20, 28), dtype=np.int16)  # (i, j, k), as NIfTI stores it
    labels[2:4, 5:9, 6:7] = 1
    labels[8:11, 1:2, 20:25] = 1
    labels[0:1, 19:20, 0:2] = 2
    folder = _volume(tmp_path / "data", labels)
    dataset = open_data(DataChoice(folder, Task.DETECT, class_names=("cyst", "node")))
    reader = CaseReader(dataset)
    case = dataset.cases[0]
    found = reader.boxes(case, reader.image(case))
    assert sorted(found.names) == ["cyst", "cyst", "node"]
    sizes = sorted(tuple(one) for one in (found.boxes[:, 1] - found.boxes[:, 0]).tolist())
    assert sizes == [(1, 4, 2), (2, 1, 1), (5, 1, 3)]


def test_every_numbered_object_gets_one_box(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    for number, n_objects in enumerate((12, 9)):
        labels = np.zeros((40, 52), dtype=np.uint16)
        for value in range(n_objects):
            labels[3 * value : 3 * value + 2, value : value + 3] = value + 1
        Image.fromarray(rng.integers(0, 255, labels.shape, dtype=np.uint8)).save(tmp_path / "images" / f"{number}.png")
        Image.fromarray(labels).save(tmp_path / "labels" / f"{number}.png")
    dataset = open_data(DataChoice(tmp_path, Task.DETECT))
    reader = CaseReader(dataset)
    found = [reader.boxes(case, reader.image(case)) for case in dataset.cases]
    assert [len(one) for one in found] == [12, 9]
    assert found[0].boxes[1].tolist() == [[-0.5, 2.5, 0.5], [0.5, 4.5, 3.5]]


def test_box_over_the_edge_is_cut_and_one_outside_is_refused(tmp_path: Path) -> None:
    for folder in ("images", "annotations"):
        (tmp_path / folder).mkdir()
    Image.fromarray(np.zeros((12, 20), np.uint8)).save(tmp_path / "images" / "a.png")

    def annotate(*sides: int) -> tuple[CaseReader, DataChoice]:
        names = ("xmin", "ymin", "xmax", "ymax")
        box = "".join(f"<{name}>{side}</{name}>" for name, side in zip(names, sides, strict=True))
        text = f"<annotation><object><name>cell</name><bndbox>{box}</bndbox></object></annotation>"
        (tmp_path / "annotations" / "a.xml").write_text(text)
        return CaseReader(open_data(DataChoice(tmp_path, Task.DETECT)))

    reader = annotate(15, 3, 26, 5)
    case = reader.dataset.cases[0]
    assert reader.boxes(case, reader.image(case)).boxes[0].tolist() == [[-0.5, 1.5, 13.5], [0.5, 4.5, 19.5]]
    reader = annotate(40, 3, 46, 5)
    with pytest.raises(DatasetError, match=r"a: box 1 of .* lies outside of its image"):
        reader.boxes(case, reader.image(case))


def test_blood_cells_are_counted_as_their_table_counts_them(shared_data: Path) -> None:
    folder = shared_data / "bccd_multilabel"
    if not folder.is_dir():
        pytest.skip("the blood cells are not here")
    counts = {case.case_id: case.values for case in open_data(DataChoice(folder, Task.REGRESS)).cases}
    dataset = open_data(DataChoice(folder, Task.DETECT))
    reader = CaseReader(dataset)
    for case in dataset.cases[::20]:
        found = reader.boxes(case, reader.image(case))
        assert {name: found.names.count(name) for name in dataset.schema.names} == {
            name.removeprefix("n_"): int(n) for name, n in counts[case.case_id].items()
        }
