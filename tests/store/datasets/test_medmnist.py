"""MedMNIST files: splits kept apart, damage told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_medclf.domain.dataset import Split
from napari_medclf.domain.errors import DatasetError
from napari_medclf.store.datasets import open_dataset


def _write(path: Path, *, labels: int = 1, **overrides: np.ndarray) -> Path:
    rng = np.random.default_rng(5)
    arrays = {}
    for split, n in (("train", 12), ("val", 6), ("test", 7)):
        arrays[f"{split}_images"] = rng.integers(0, 255, (n, 5, 4), dtype=np.uint8)
        arrays[f"{split}_labels"] = rng.integers(0, 2, (n, labels), dtype=np.uint8)
        arrays[f"{split}_labels"][:2] = [[0] * labels, [1] * labels]
    np.savez_compressed(path, **(arrays | overrides))
    return path


def test_image_in_two_splits_is_kept_where_quality_is_measured(tmp_path: Path) -> None:
    images = np.arange(7 * 20, dtype=np.uint8).reshape(7, 5, 4)
    path = _write(tmp_path / "x.npz", train_images=np.concatenate([images, images[:5, ::-1]]), test_images=images[:7])
    dataset = open_dataset(path)
    assert len(dataset.in_split(Split.TRAIN)) == 5
    assert len(dataset.in_split(Split.TEST)) == 7
    assert dataset.warnings == ("7 train images are identical to images of test; they were dropped from train.",)


def test_equal_images_of_a_split_share_a_group(tmp_path: Path) -> None:
    images = np.zeros((7, 5, 4), dtype=np.uint8)
    images[3:] = np.arange(1, 5)[:, None, None]
    dataset = open_dataset(_write(tmp_path / "x.npz", test_images=images))
    groups = [case.group_id for case in dataset.in_split(Split.TEST)]
    assert groups[:3] == ["test-00000"] * 3
    assert len(set(groups)) == 5


def test_rows_of_labels_are_independent_classes(tmp_path: Path) -> None:
    dataset = open_dataset(_write(tmp_path / "ours.npz", labels=3))
    assert not dataset.is_exclusive
    assert dataset.schema.names == ("class 0", "class 1", "class 2")
    assert dataset.cases[1].classes == dataset.schema.names


def test_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "x.npz")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DatasetError, match=r"x\.npz: is not an \.npz file, or it is cut short"):
        open_dataset(path)


def test_other_npz_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", volume=np.zeros(3))
    with pytest.raises(DatasetError, match="no array train_images"):
        open_dataset(tmp_path / "x.npz")


def test_labels_that_are_text_are_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "x.npz", val_labels=np.array(["a"] * 6))
    with pytest.raises(DatasetError, match="val_labels is <U1 of shape"):
        open_dataset(path)


def test_pickled_arrays_are_never_loaded(tmp_path: Path) -> None:
    path = _write(tmp_path / "x.npz", val_labels=np.array([{}] * 6, dtype=object))
    with pytest.raises(DatasetError, match="is damaged"):
        open_dataset(path)


def test_negative_labels_are_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "x.npz", train_labels=np.full((12, 1), -1, dtype=np.int8))
    with pytest.raises(DatasetError, match="train_labels must be between 0 and"):
        open_dataset(path)
