from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.errors import CardError
from napari_medclf.domain.preprocess_step import PreprocessStep
from napari_medclf.engine.preprocess.crop import body_box, foreground_box
from napari_medclf.engine.preprocess.voxels import Voxels


def voxels(data: np.ndarray, *, is_hu: bool = False) -> Voxels:
    return Voxels(data[np.newaxis].astype(np.float32), (1.0, 1.0, 1.0), False, is_hu=is_hu)


def step(text: str) -> PreprocessStep:
    return PreprocessStep.parse(text)


def ct() -> np.ndarray:
    """A body with lungs on a couch, in air."""
    hu = np.full((8, 40, 50), -1000.0)
    hu[:, 10:28, 12:41] = 30.0
    hu[:, 14:22, 16:24] = -850.0
    hu[:, 33:35, 4:46] = 120.0
    return hu + np.random.default_rng(0).normal(0, 10, hu.shape)


def test_body_is_found_beside_its_couch():
    assert body_box(voxels(ct(), is_hu=True), step("crop-body:margin_vox=0")) == ((0, 8), (10, 28), (12, 41))
    assert body_box(voxels(ct(), is_hu=True), step("crop-body:margin_vox=3")) == ((0, 8), (7, 31), (9, 44))


def test_body_needs_hounsfield_units():
    with pytest.raises(CardError, match="needs a CT in Hounsfield units"):
        body_box(voxels(ct() + 1000), step("crop-body"))


def test_ct_whose_file_names_no_unit_is_known_by_its_air():
    assert body_box(voxels(ct()), step("crop-body:margin_vox=0")) == ((0, 8), (10, 28), (12, 41))


def test_foreground_is_found_without_its_specks():
    picture = np.random.default_rng(0).normal(5, 2, (1, 60, 80))
    picture[:, 10:40, 20:70] += 100
    picture[:, 50:52, 3:5] += 200  # a letter on the film
    assert foreground_box(voxels(picture), step("crop-foreground:margin_vox=0")) == ((0, 1), (10, 40), (20, 70))
    assert foreground_box(voxels(picture), step("crop-foreground:margin_vox=2")) == ((0, 1), (8, 42), (18, 72))


def test_nothing_to_cut_gives_no_box():
    assert foreground_box(voxels(np.full((2, 8, 8), 3.0)), step("crop-foreground")) is None
    assert body_box(voxels(np.full((2, 8, 8), -1000.0), is_hu=True), step("crop-body")) is None
    assert body_box(voxels(np.full((2, 8, 8), 40.0), is_hu=True), step("crop-body")) is None
