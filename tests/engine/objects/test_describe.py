"""Features of objects, counted for all at once, are those that scikit-image counts one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from skimage.measure import regionprops

from napari_medclf.domain.errors import GridError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.engine.objects.describe import describe_objects
from napari_medclf.jobs.drive import drive


def described(image, objects, **more):
    outcome = drive(describe_objects(image, objects, **more))
    if outcome.error is not None:
        raise outcome.error
    return outcome.result


def picture(shape, spacing=(1.0, 1.0, 1.0)):
    rng = np.random.default_rng(5)
    data = ndimage.gaussian_filter(rng.normal(size=shape), 1.5).astype(np.float32)
    return MedImage(data, Geometry.from_spacing(shape, spacing), "cells")


def blobs(shape, at, radius):
    grid = np.indices(shape)
    objects = np.zeros(shape, dtype=np.int32)
    for number, (centre, size) in enumerate(zip(at, radius, strict=True), start=1):
        off = [(axis - middle) / half for axis, middle, half in zip(grid, centre, size, strict=True)]
        objects[sum(one**2 for one in off) <= 1] = 3 * number  # numbers have gaps
    return objects


@pytest.fixture(scope="module")
def flat():
    shape = (1, 64, 80)
    objects = blobs(shape, [(0, 14, 18), (0, 40, 30), (0, 30, 62)], [(1, 5, 9), (1, 11, 6), (1, 8, 8)])
    return picture(shape), objects


def column(table, name):
    return table.features[:, table.names.index(name)]


def test_form_in_a_plane_is_that_of_scikit_image(flat):
    image, objects = flat
    table = described(image, objects)
    truth = regionprops(objects[0])
    assert table.numbers.tolist() == [one.label for one in truth]
    np.testing.assert_allclose(column(table, "size"), [one.area for one in truth])
    np.testing.assert_allclose(column(table, "axis 1"), [one.axis_major_length for one in truth], rtol=1e-5)
    np.testing.assert_allclose(column(table, "axis 2"), [one.axis_minor_length for one in truth], rtol=1e-5)
    np.testing.assert_allclose(column(table, "extent"), [one.extent for one in truth], rtol=1e-6)


def test_brightness_is_that_of_each_object_alone(flat):
    image, objects = flat
    table = described(image, objects)
    for row, number in enumerate(table.numbers):
        inside = image.data[objects == number]
        around = ndimage.distance_transform_edt(objects[0] != number)
        ring = image.data[0][(around <= 3) & (objects[0] == 0)]
        assert column(table, "mean")[row] == pytest.approx(inside.mean(), abs=1e-6)
        assert column(table, "sd")[row] == pytest.approx(inside.std(), abs=1e-6)
        assert column(table, "percentile 50")[row] == pytest.approx(np.median(inside), abs=0.02)
        assert column(table, "ring")[row] == pytest.approx(ring.mean(), abs=1e-6)


def test_sizes_and_distances_of_a_volume_are_in_millimetres():
    shape, spacing = (24, 40, 40), (3.0, 1.0, 0.5)
    objects = blobs(shape, [(8, 12, 12), (14, 26, 28)], [(3, 9, 9), (4, 7, 9)])
    table = described(picture(shape, spacing), objects)
    n_vox = np.bincount(objects.ravel())[table.numbers]
    np.testing.assert_allclose(column(table, "size"), n_vox * 1.5)
    apart = np.linalg.norm(table.centres_mm[0] - table.centres_mm[1])
    np.testing.assert_allclose(column(table, "distance to neighbour 1"), [apart, apart], rtol=1e-5)
    truth = regionprops(objects, spacing=spacing)
    np.testing.assert_allclose(column(table, "axis 1"), [one.axis_major_length for one in truth], rtol=0.02)


def test_surface_of_a_box_is_exact():
    objects = np.zeros((6, 10, 12), dtype=np.uint8)
    objects[1:4, 2:7, 3:5] = 4  # 3 x 5 x 2 voxels of 2 x 1 x 3 mm
    table = described(picture(objects.shape, (2.0, 1.0, 3.0)), objects)
    assert column(table, "surface")[0] == pytest.approx(2 * (6 * 5 + 6 * 6 + 5 * 6))
    assert column(table, "extent")[0] == pytest.approx(1.0)


def test_channels_and_maps_are_features_of_their_own(flat):
    image, objects = flat
    colour = np.stack([image.data, image.data * 2, image.data - 1])
    three = replace(image, data=colour, channel_kind="colour", channel_names=("red", "green", "blue"))
    table = described(three, objects, maps={"deep 1": image.data + 7})
    np.testing.assert_allclose(column(table, "green mean"), 2 * column(table, "red mean"), rtol=1e-5)
    np.testing.assert_allclose(column(table, "deep 1"), column(table, "red mean") + 7, rtol=1e-5)


def test_labels_without_objects_give_an_empty_table(flat):
    image, objects = flat
    assert len(described(image, np.zeros_like(objects))) == 0


def test_labels_of_another_grid_are_refused(flat):
    image, objects = flat
    with pytest.raises(GridError, match="do not lie on its grid"):
        described(image, objects[:, :-1])
