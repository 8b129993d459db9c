"""A montage shows where labels begin and end, and every slice between at even steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.montage import montage_slices, write_montage
from napari_medclf.io.overlay import draw_overlay

_SCHEMA = LabelSchema.from_names(["node"], first_value=1)


def _labelled(first: int, last: int, n_slices: int = 40) -> tuple[MedImage, Segmentation]:
    geometry = Geometry.from_spacing((n_slices, 12, 20), (4.0, 1.0, 0.5))
    data = np.arange(n_slices, dtype=np.float32)[:, None, None] + np.zeros((1, 12, 20), np.float32)
    labels = np.zeros(geometry.shape, np.uint8)
    labels[first : last + 1, 3:6, 4:9] = 1
    return MedImage(data, geometry, "ramp", window=(0.0, 40.0)), Segmentation(labels, geometry, _SCHEMA)


def test_slices_reach_from_the_first_label_to_the_last() -> None:
    assert montage_slices(_labelled(7, 33)[1], 5) == (7, 14, 20, 26, 33)
    assert montage_slices(_labelled(7, 9)[1]) == (7, 8, 9)
    assert montage_slices(_labelled(5, 4)[1], 3) == (0, 20, 39)


def test_every_tile_is_the_overlay_of_its_slice(tmp_path: Path) -> None:
    image, segmentation = _labelled(10, 14)
    write_montage(image, segmentation, tmp_path / "montage.png")

    with Image.open(tmp_path / "montage.png") as file:
        sheet = np.asarray(file)
    tiles = [draw_overlay(image, segmentation, k) for k in range(10, 15)]
    rows, columns = tiles[0].shape[:2]
    found = [
        sheet[top : top + rows, left : left + columns]
        for top in range(0, sheet.shape[0], rows)
        for left in range(0, sheet.shape[1], columns)
    ]
    assert all(np.array_equal(one, tile) for one, tile in zip(found, tiles, strict=False))
    assert not any(one.any() for one in found[5:])


def test_picture_is_a_montage_of_one(tmp_path: Path) -> None:
    geometry = Geometry.flat(12, 20)
    image = MedImage(np.full((1, 12, 20), 9, np.uint8), geometry, "flat", window=(0.0, 20.0))
    segmentation = Segmentation(np.eye(12, 20, dtype=np.uint8)[None], geometry, _SCHEMA)
    write_montage(image, segmentation, tmp_path / "montage.png")
    with Image.open(tmp_path / "montage.png") as file:
        assert np.array_equal(np.asarray(file), draw_overlay(image, segmentation, 0))
