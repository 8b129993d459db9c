"""Layers of other plugins are saved where napari shows them, or refused: turned and sheared ones are no exception."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.bridge.writer import write_image, write_labels
from napari_medclf.domain.errors import MedclfError
from napari_medclf.io.read import read_image

SHAPE = (6, 7, 5)
LPS_OF_NAPARI = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
TURN = np.array([[1, 0, 0], [0, np.cos(0.3), -np.sin(0.3)], [0, np.sin(0.3), np.cos(0.3)]])
AFFINE = np.eye(4)
AFFINE[:3, :3], AFFINE[:3, 3] = TURN, (3, 4, 5)
TRANSFORMS = {
    "plain": {},
    "turned": {"rotate": TURN},
    "sheared": {"shear": np.array([0.2, 0.0, 0.1])},
    "with an affine": {"affine": AFFINE},
    "shifted by an affine": {"affine": np.vstack([np.hstack([np.eye(3), [[3], [4], [5]]]), [0, 0, 0, 1]])},
    "scaled by an affine": {"affine": np.diag([2.0, 1.0, 1.0, 1.0])},
}


def shown_at(index: np.ndarray, attributes) -> np.ndarray:
    """LPS of a layer's voxel, by napari's own transforms."""
    from napari.layers import Image

    layer = Image(np.zeros(SHAPE), **attributes)
    return LPS_OF_NAPARI @ np.asarray(layer.data_to_world(index))


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd"])
@pytest.mark.parametrize("kind", ["labels", "image"])
def test_a_foreign_layer_is_saved_where_it_is_shown(transform, suffix, kind, tmp_path):
    attributes = {
        "name": "foreign",
        "scale": (2.5, 0.75, 0.6),
        "translate": (-104.5, 12.0, -31.0),
        "units": ("mm",) * 3,
        **TRANSFORMS[transform],
    }
    data = np.zeros(SHAPE, np.uint8)
    marked = (4, 1, 3)
    data[marked] = 3
    path = tmp_path / f"a{suffix}"
    write = write_labels if kind == "labels" else write_image
    try:
        write(str(path), data, {**attributes, "metadata": {}})
    except MedclfError:
        assert transform != "plain"
        return
    image = read_image(path)
    (found,) = np.argwhere(image.data == 3)
    np.testing.assert_allclose(image.geometry.to_world(found.astype(float)), shown_at(marked, attributes), atol=1e-3)
