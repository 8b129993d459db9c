"""Images to try things on: real ones that come inside our dependencies, and phantoms."""

from __future__ import annotations

from napari_medclf.bridge.layers import LayerTuple, image_layer, labels_layer
from napari_medclf.io.samples import read_sample


def retina() -> list[LayerTuple]:
    """Open the fundus photograph of scikit-image."""
    return [image_layer(read_sample("skimage", "data/retina.jpg"))]


def immunohistochemistry() -> list[LayerTuple]:
    """Open the stained colon tissue of scikit-image."""
    return [image_layer(read_sample("skimage", "data/ihc.png"))]


def ct_slice() -> list[LayerTuple]:
    """Open the small CT slice of pydicom's test files."""
    return [image_layer(read_sample("pydicom", "data/test_files/CT_small.dcm"))]


def mr_slice() -> list[LayerTuple]:
    """Open the small MR slice of pydicom's test files."""
    return [image_layer(read_sample("pydicom", "data/test_files/MR_small.dcm"))]


def chest() -> list[LayerTuple]:
    """Draw a chest radiograph with an opacity."""
    from napari_medclf.testing.phantoms import chest_phantom

    return [image_layer(chest_phantom(with_opacity=True, rows=384, columns=448))]


def brain() -> list[LayerTuple]:
    """Make an MR-like volume with its true labels."""
    from napari_medclf.testing.phantoms import brain_phantom

    phantom = brain_phantom()
    return [image_layer(phantom.image), labels_layer(phantom.truth)]


def hippocampus() -> list[LayerTuple]:
    """Draw a hippocampus in MR, without labels: the embedded model finds it."""
    from napari_medclf.testing.hippocampus_phantom import hippocampus_phantom

    return [image_layer(hippocampus_phantom().image)]


def oblique_ct() -> list[LayerTuple]:
    """Make a small oblique CT-like volume with one marked voxel, to check orientation by."""
    from napari_medclf.testing.phantoms import oblique_phantom

    return [image_layer(oblique_phantom())]
