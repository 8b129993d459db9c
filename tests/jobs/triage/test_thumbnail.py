"""Thumbnails show the slice that matters, in the right proportions, with the labels where they are."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Prediction, Segmentation
from napari_medclf.jobs.triage.thumbnail import draw_thumbnail, thumbnail_path, write_thumbnail

SCHEMA = LabelSchema.from_names(["liver"], first_value=1)


def _said(labels: np.ndarray | None, geometry: Geometry) -> Prediction:
    segmentation = None if labels is None else Segmentation(labels, geometry, SCHEMA)
    return Prediction(model="m", model_version="1", image_name="x", segmentation=segmentation)


def _axial(shape: tuple[int, int, int]) -> Geometry:
    """Slices 3 mm apart, rows 1 mm, columns 2 mm; rows grow to Posterior, columns to the Left."""
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = 3, 1, 2, 1
    return Geometry(affine, shape)


def test_slice_with_most_labels_is_shown_in_millimetres() -> None:
    geometry = _axial((5, 40, 30))
    data = np.zeros(geometry.shape, np.float32)
    data[3] = 100
    labels = np.zeros(geometry.shape, np.uint8)
    labels[3, 10:20, 5:10] = 1
    labels[1, 0, 0] = 1
    picture = draw_thumbnail(MedImage(data, geometry, "x", window=(0, 100)), _said(labels, geometry))
    assert picture.shape == (85, 128, 3)  # 40 mm by 60 mm
    assert picture[80, 100].tolist() == [255, 255, 255]  # of slice 3
    assert picture[30, 30, 2] < 200  # orange has little blue
    is_coloured = np.ptp(picture.astype(int), axis=2) > 20
    rows, columns = np.nonzero(is_coloured)
    assert (rows.min() / 85, columns.min() / 128) == pytest.approx((10 / 40, 5 / 30), abs=0.03)


def test_colour_picture_without_labels_keeps_its_colours() -> None:
    data = np.zeros((3, 1, 50, 80), np.uint8)
    data[0] = 200
    image = MedImage(data, Geometry.flat(50, 80), "x", channel_kind=ChannelKind.COLOUR)
    picture = draw_thumbnail(image, _said(None, image.geometry))
    assert picture.shape == (80, 128, 3)
    assert picture[40, 60].tolist() == [200, 0, 0]


def test_file_is_a_small_picture_and_nothing_is_left_beside_it(tmp_path) -> None:
    geometry = _axial((3, 300, 200))
    image = MedImage(np.random.default_rng(0).normal(0, 1, geometry.shape).astype(np.float32), geometry, "x")
    path = thumbnail_path(tmp_path, "a/b")
    write_thumbnail(image, _said(None, geometry), path)
    assert path == tmp_path / "thumbnails" / "a" / "b.jpg"
    assert [one.name for one in path.parent.iterdir()] == ["b.jpg"]
    assert max(Image.open(io.BytesIO(path.read_bytes())).size) == 128
