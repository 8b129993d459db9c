"""What cannot be learned from is told in one sentence, before training and not after it."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.events import Warned
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.jobs.api import run
from napari_medclf.jobs.case_reader import CaseReader
from napari_medclf.jobs.data import DataChoice, open_data
from napari_medclf.jobs.load_cases import load_cases

_SPEC = InputSpec(spatial_dims=3, channels=("image",), intensity=Intensity(kind="zscore"), patch_vox=(8, 8, 8))


def _write(folder: Path, changes: dict[int, object]) -> Path:
    rng = np.random.default_rng(6)
    for number in range(4):
        image = rng.normal(size=(9, 10, 12)).astype(np.float32)
        labels = (image > 0).astype(np.uint8)
        if number in changes:
            image, labels = changes[number](image, labels)
        for name, data in (("images", image), ("labels", labels)):
            (folder / name).mkdir(parents=True, exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(data, np.eye(4)), folder / name / f"c{number}.nii.gz")
    (folder / "dataset.json").write_text('{"labels": {"background": 0, "organ": 1}}')
    return folder


def _load(folder: Path) -> tuple[list[str], list[str]]:
    dataset = open_data(DataChoice(folder))
    events: list[object] = []
    loaded = run(load_cases(CaseReader(dataset), dataset.cases, _SPEC), events.append)
    return [one.case_id for one in loaded], [one.message for one in events if isinstance(one, Warned)]


def _with_nan(image, labels):
    image[2, 3, 4] = np.nan
    return image, labels


def test_image_with_nan_is_used_and_told(tmp_path):
    names, warnings = _load(_write(tmp_path / "data", {1: _with_nan}))
    assert names == ["c0", "c1", "c2", "c3"]
    assert len(warnings) == 1
    assert "1 of 4 images have samples that are no finite number (NaN or infinite), such as c1" in warnings[0]


def test_labels_out_of_the_schema_and_other_shapes_are_left_out_in_one_sentence(tmp_path):
    changes = {1: lambda image, labels: (image, labels * 7), 2: lambda image, labels: (image, labels[:, :, :5])}
    names, warnings = _load(_write(tmp_path / "data", changes))
    assert names == ["c0", "c3"]
    assert len(warnings) == 1
    assert "2 of 4 cases cannot be learned from and are left out" in warnings[0]


def test_data_of_which_nothing_can_be_used_is_refused(tmp_path):
    empty = {number: lambda image, labels: (np.full_like(image, np.nan), labels) for number in range(4)}
    with pytest.raises(DatasetError, match="Not one of 4 cases can be learned from. The first: None of the image"):
        _load(_write(tmp_path / "data", empty))
