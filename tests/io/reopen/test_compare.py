from dataclasses import replace

import numpy as np
import pytest

from napari_medclf.domain.geometry import Geometry, Unit
from napari_medclf.domain.image import ChannelKind
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.io.contents import Contents
from napari_medclf.io.reopen.compare import explain
from napari_medclf.io.reopen.found import Found

DATA = np.arange(3 * 4 * 5, dtype=np.float32).reshape(3, 4, 5)
GRID = Geometry.from_spacing((3, 4, 5), (2.0, 0.75, 0.5), origin=(-3.0, 8.0, 1.5))
MEANT = Contents(DATA, ChannelKind.NONE, GRID)


def found(data=DATA, affine=GRID.affine):
    return Found(data, affine)


def test_nothing_is_said_of_what_is_the_same_also_where_samples_are_no_numbers():
    odd = DATA.copy()
    odd[1, 2, 3] = np.nan
    assert explain(MEANT, found()) == ""
    assert explain(replace(MEANT, data=odd), found(odd)) == ""


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (DATA.astype(np.float64), "its samples are float64, and float32 was written"),
        (DATA[:2], "it holds 2 slices, and 3 were written"),
        (DATA.reshape(3, 5, 4), "its shape is (3, 5, 4), and (3, 4, 5) was written"),
        (DATA[:, ::-1], "axis j is flipped"),
        (np.where(DATA == 7, 0, DATA).astype(np.float32), "slice 0 differs in 1 voxel"),
        (DATA + np.float32(1), "slices 0, 1, 2 differ in 60 voxels"),
    ],
)
def test_samples_that_differ_are_named_by_axis_or_slice(data, sentence):
    assert explain(MEANT, found(data)) == sentence


def test_swapped_axes_of_equal_length_are_named():
    cube = np.arange(27).reshape(3, 3, 3)
    meant = Contents(cube, ChannelKind.NONE, Geometry.from_spacing((3, 3, 3)))
    assert explain(meant, found(cube.transpose(0, 2, 1))) == "its axes (k, j, i) are stored as (k, i, j)"


def test_place_counts_only_where_there_is_one():
    elsewhere = GRID.affine + np.outer([1, 0, 0, 0], [0, 0, 0, 1])
    assert "by 2.000 voxels along axis i" in explain(MEANT, found(affine=elsewhere))
    pixels = replace(MEANT, geometry=Geometry.from_spacing((3, 4, 5), unit=Unit.PIXEL))
    assert explain(pixels, found(affine=elsewhere)) == ""
    assert explain(MEANT, Found(DATA)) == ""
    assert "spacing along k is 3 mm, not 2 mm" in explain(MEANT, Found(DATA, spacing_mm=(3.0, 0.75, 0.5)))


def test_lost_class_names_are_told():
    labels = (DATA > 50).astype(np.uint8)
    meant = Contents(labels, ChannelKind.NONE, GRID, LabelSchema.from_names(["liver"], first_value=1))
    assert "its class names are {}" in explain(meant, found(labels), keeps_names=True)
    assert explain(meant, found(labels)) == ""
