"""A package tells which images it has learned from, whatever file they come in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from napari_medclf.domain.dataset import Split
from napari_medclf.domain.errors import DatasetError
from napari_medclf.jobs.api import read_image, run
from napari_medclf.jobs.case_reader import CaseReader
from napari_medclf.jobs.data import DataChoice, open_data, split_as_model
from napari_medclf.jobs.dataset.learned import LEARNED_IN_PACKAGE, describe_learned, image_digest, learned_digests
from napari_medclf.store.datasets import splits_sha256


def test_same_samples_have_one_digest_in_every_format(tmp_path: Path) -> None:
    data = np.random.default_rng(0).integers(0, 255, (12, 20), dtype=np.uint8)
    Image.fromarray(data).save(tmp_path / "a.png")
    np.savez(tmp_path / "b.npz", train_images=data[None], train_labels=np.zeros((1, 1), np.uint8))
    volume = nibabel.Nifti1Image(data.T[:, :, None].astype(np.float32), np.diag([-1, -1, 1, 1]))
    nibabel.save(volume, tmp_path / "c.nii")
    names = (("a.png", ""), ("b.npz", "train/0"), ("c.nii", ""))
    first, *others = (read_image(tmp_path / name, member) for name, member in names)
    assert {image_digest(one) for one in others} == {image_digest(first)}
    changed = first.data.copy()
    changed[0, 3, 4] ^= 1
    assert image_digest(replace(first, data=changed)) != image_digest(first)


def test_trained_model_knows_the_images_of_train_and_val_only(chest_model, chest_folder) -> None:
    dataset = split_as_model(open_data(DataChoice(chest_folder)), chest_model)
    reader = CaseReader(dataset)
    known = learned_digests(chest_model)
    for case in dataset.cases:
        assert (image_digest(reader.image(case)) in known) == (case.split is not Split.TEST)
    document = json.loads((chest_model.folder / LEARNED_IN_PACKAGE).read_text())
    assert document["splits_sha256"] == splits_sha256(dataset)


def test_image_that_cannot_be_read_is_not_listed(tmp_path: Path) -> None:
    for name in ("well/a.png", "well/b.png", "ill/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((8, 9), len(name), np.uint8)).save(tmp_path / name)
    dataset = open_data(DataChoice(tmp_path))
    (tmp_path / "well" / "a.png").write_bytes(b"broken")
    dataset = replace(dataset, cases=tuple(replace(case, split=Split.TRAIN) for case in dataset.cases))
    document = json.loads(run(describe_learned(dataset)))
    assert len(document["train"]) == 2
    assert document["val"] == []


def test_model_that_does_not_tell_knows_nothing_and_a_damaged_list_is_refused(chest_model, tmp_path) -> None:
    class Package:
        folder = tmp_path

    assert learned_digests(Package) == frozenset()
    (tmp_path / "configs").mkdir()
    (tmp_path / LEARNED_IN_PACKAGE).write_text('{"train": 3}')
    with pytest.raises(DatasetError, match="damaged"):
        learned_digests(Package)
