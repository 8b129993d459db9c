"""All 48 flips and permutations of a lop-sided image go through NIfTI, NRRD and SEG without moving a voxel."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from napari_medclf.domain.authorship import Authorship, Making
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.derived.seg.write import write_seg
from napari_medclf.io.read import read, read_image
from napari_medclf.io.write import write_image, write_segmentation
from napari_medclf.testing.coded_check import EXACT_MM, THROUGH_TEXT_MM, View, judge
from napari_medclf.testing.coded_files import write_coded
from napari_medclf.testing.coded_series import CodedSeries, stacked
from napari_medclf.testing.phantoms import oblique_phantom

FLIPS = list(itertools.product((False, True), repeat=3))
ORDERS = list(itertools.permutations(range(3)))
AXES = [tuple(sign * (axis == n) for n in range(3)) for axis in range(3) for sign in (1, -1)]
PLANES = [(row, column) for row in AXES for column in AXES if np.dot(row, column) == 0]
CLASSES = LabelSchema.from_names(["first", "second", "third"], first_value=1)


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
def test_every_flip_of_an_axis_order_comes_back(order, suffix, tmp_path):
    phantom = oblique_phantom()
    for flips in FLIPS:
        data = np.flip(phantom.data.transpose(order), [axis for axis in range(3) if flips[axis]])
        image = MedImage(np.ascontiguousarray(data), phantom.geometry.permuted(order, flips), "flipped")
        path = tmp_path / f"{''.join('f' if one else '-' for one in flips)}{suffix}"
        write_image(image, path)
        back = read_image(path)
        marked = np.argwhere(back.data == phantom.data.max())
        truth = phantom.geometry.to_world(np.argwhere(phantom.data == phantom.data.max()))
        assert np.linalg.norm(back.geometry.to_world(marked) - truth, axis=-1).max() <= EXACT_MM
        np.testing.assert_array_equal(back.data, image.data)
        labels = Segmentation((image.data > 0).astype(np.uint8), image.geometry, CLASSES)
        write_segmentation(labels, path)
        np.testing.assert_array_equal(read_image(path).data, labels.labels)


@pytest.mark.parametrize(("row", "column"), PLANES, ids=str)
@pytest.mark.parametrize("is_reversed", [False, True], ids=["rising", "falling"])
def test_every_acquired_plane_comes_back_from_seg(row, column, is_reversed, tmp_path):
    planes = stacked(row, column)
    series = CodedSeries("flip", planes[::-1] if is_reversed else planes)
    folder = write_coded(series, tmp_path / "images")
    (image,) = read([folder]).images
    assert judge(series, [View.of(image)], []).complaint == ""
    labels = (series.codes_of(image.data) * 7 // 5 % 4).astype(np.uint8)
    path = tmp_path / "labels.dcm"
    write_seg(Segmentation(labels, image.geometry, CLASSES), image, Authorship(Making.MANUAL), path)
    (beside,) = read([folder, path]).label_sets
    np.testing.assert_array_equal(beside.segmentations[0].labels, labels)
    (alone,) = read([path]).label_sets
    (found,) = alone.segmentations
    index = image.geometry.to_index(found.geometry.to_world(np.argwhere(found.labels > 0).astype(float)))
    nearest = np.rint(index).astype(int)
    assert np.abs((index - nearest) * image.geometry.spacing).max() <= THROUGH_TEXT_MM
    assert (labels[tuple(nearest.T)] == found.labels[found.labels > 0]).all()
    assert len(nearest) == np.count_nonzero(labels)


def test_a_flip_that_is_not_told_is_seen():
    phantom = oblique_phantom()
    turned = replace(phantom, data=phantom.data[:, ::-1])
    marked = np.argwhere(turned.data == phantom.data.max())
    truth = phantom.geometry.to_world(np.argwhere(phantom.data == phantom.data.max()))
    assert np.linalg.norm(turned.geometry.to_world(marked) - truth) > 5
