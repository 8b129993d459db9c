from dataclasses import replace

import numpy as np
import pytest

from napari_medclf.bridge.contrast import contrast_limits
from napari_medclf.bridge.layer_info import layer_info
from napari_medclf.bridge.layers import image_layer, labels_layer, segmentation_from_layer
from napari_medclf.domain.errors import GridError, SchemaError
from napari_medclf.domain.image import ChannelKind, Scale
from napari_medclf.testing.phantoms import (
    MARKED_VOXEL,
    brain_phantom,
    cells_phantom,
    chest_phantom,
    oblique_phantom,
    vessels_phantom,
)


def test_volume_is_placed_in_millimetres_with_its_window() -> None:
    data, keywords, kind = image_layer(oblique_phantom())
    assert kind == "image"
    assert keywords["units"] == ("mm",) * 3
    assert sorted(keywords["scale"]) == pytest.approx([0.5, 0.75, 3.5])
    assert keywords["contrast_limits"] == (-160.0, 240.0)
    assert data.ndim == 3


def test_image_layer_shares_samples_instead_of_copying() -> None:
    image = oblique_phantom()
    assert np.shares_memory(image_layer(image)[0], image.data)


def test_colour_photograph_is_rgb_with_colour_last() -> None:
    image = vessels_phantom().image
    data, keywords, _ = image_layer(image)
    assert data.shape == (96, 96, 3)
    assert keywords["rgb"] is True
    assert np.array_equal(data[10, 20], image.data[:, 0, 10, 20])


def test_16_bit_colour_is_scaled_to_what_napari_takes() -> None:
    image = vessels_phantom().image
    deep = replace(image, data=image.data.astype(np.uint16) * 257)
    data, _, _ = image_layer(deep)
    assert data.dtype == np.float32
    assert data[10, 20] == pytest.approx(image.data[:, 0, 10, 20] / 255, abs=1e-6)


def test_time_series_keeps_its_leading_axis() -> None:
    volume = brain_phantom().image
    series = replace(volume, data=np.stack([volume.data, volume.data + 1]), channel_kind=ChannelKind.TIME)
    data, keywords, _ = image_layer(series)
    assert data.shape == (2, *layer_shape(volume))
    assert keywords["axis_labels"] == ("time", "I", "P", "L")
    assert len(keywords["scale"]) == len(keywords["units"]) == 4


def layer_shape(image) -> tuple[int, ...]:
    return image_layer(image)[0].shape


def test_contrast_ignores_outliers_and_not_a_number() -> None:
    image = replace(brain_phantom().image, window=None)
    data = image.data.copy()
    data[0, 0, 0] = 1e9
    data[0, 0, 1] = np.nan
    low, high = contrast_limits(replace(image, data=data))
    assert 0 <= low < high < 1000


def test_constant_image_has_a_window() -> None:
    image = replace(chest_phantom(), window=None)
    low, high = contrast_limits(replace(image, data=np.full_like(image.data, 7)))
    assert low < high


def test_painting_on_the_layer_leaves_the_prediction_alone() -> None:
    truth = brain_phantom().truth
    before = truth.labels.copy()
    data, _, _ = labels_layer(truth)
    data[...] = 1
    assert np.array_equal(truth.labels, before)


def test_painted_voxel_comes_home_to_its_place() -> None:
    image = oblique_phantom()
    empty = replace(brain_phantom().truth, labels=np.zeros(image.geometry.shape, np.uint8), geometry=image.geometry)
    data, keywords, _ = labels_layer(empty)
    frame = layer_info(keywords["metadata"]).frame
    frame.from_display(data)[MARKED_VOXEL] = 2
    restored = segmentation_from_layer(data, keywords["metadata"])
    assert np.argwhere(restored.labels == 2).tolist() == [list(MARKED_VOXEL)]
    assert restored.geometry.same_grid(image.geometry)
    assert restored.labels.flags.c_contiguous


@pytest.mark.parametrize("phantom", [brain_phantom(), cells_phantom(), vessels_phantom()], ids=["3d", "objects", "2d"])
def test_labels_come_back_voxel_identical(phantom) -> None:
    data, keywords, kind = labels_layer(phantom.truth)
    assert kind == "labels"
    restored = segmentation_from_layer(data, keywords["metadata"])
    assert np.array_equal(restored.labels, phantom.truth.labels)
    assert restored.schema == phantom.truth.schema


def test_classes_have_their_own_colours() -> None:
    truth = brain_phantom().truth
    _, keywords, _ = labels_layer(truth)
    assert keywords["colormap"][2] == truth.schema.named("posterior").colour


def test_unknown_painted_value_is_refused_by_name() -> None:
    data, keywords, _ = labels_layer(brain_phantom().truth)
    data[3, 3, 3] = 9
    with pytest.raises(SchemaError, match=r"\[9\].*1 anterior, 2 posterior"):
        segmentation_from_layer(data, keywords["metadata"])


def test_cropped_layer_is_refused() -> None:
    data, keywords, _ = labels_layer(brain_phantom().truth)
    with pytest.raises(GridError, match="Run the model again"):
        segmentation_from_layer(data[1:], keywords["metadata"])


def test_foreign_layer_is_refused() -> None:
    with pytest.raises(GridError, match="not made by MedCLF"):
        segmentation_from_layer(np.zeros((3, 3), int), {})


def test_ct_without_a_window_is_shown_with_soft_tissue_contrast() -> None:
    ct = replace(oblique_phantom(), window=None)
    assert contrast_limits(ct) == (-160.0, 240.0)
    unnamed = replace(ct, modality="", scale=Scale.RAW)  # as NIfTI gives it
    assert contrast_limits(unnamed) == (-160.0, 240.0)
    assert contrast_limits(replace(brain_phantom().image, window=None)) != (-160.0, 240.0)
