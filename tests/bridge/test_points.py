import numpy as np
import pytest

from napari_medclf.bridge.layer_info import layer_info
from napari_medclf.bridge.layers import image_layer
from napari_medclf.bridge.points import points_in_patient
from napari_medclf.domain.errors import GridError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.testing.phantoms import MARKED_HU, MARKED_VOXEL, oblique_phantom


def sheared(image: MedImage) -> MedImage:
    """Tilt the slices of an image by 18 degrees, as a gantry does."""
    affine = image.geometry.affine.copy()
    affine[:3, 0] += np.tan(np.radians(18)) * image.geometry.spacing[0] * image.geometry.directions[:, 1]
    return MedImage(image.data, Geometry(affine, image.geometry.shape), "tilted", "CT")


@pytest.mark.parametrize("image", [oblique_phantom(), sheared(oblique_phantom())], ids=["oblique", "tilted"])
def test_a_point_on_the_marked_voxel_is_saved_at_its_place_in_the_patient(image: MedImage) -> None:
    data, keywords, _ = image_layer(image)
    shown = np.argwhere(data == MARKED_HU)
    points = shown * keywords["scale"] + keywords["translate"]
    found = points_in_patient(points, {}, layer_info(keywords["metadata"]), keywords)
    assert found == pytest.approx(image.geometry.to_world(np.array([MARKED_VOXEL])), abs=1e-6)


def test_points_without_a_scale_have_no_millimetres() -> None:
    picture = MedImage(np.zeros((1, 5, 6), np.uint8), Geometry.flat(5, 6), "picture")
    _, keywords, _ = image_layer(picture)
    with pytest.raises(GridError, match="without a scale"):
        points_in_patient(np.zeros((1, 2)), {}, layer_info(keywords["metadata"]), keywords)
