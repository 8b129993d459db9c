"""Images to try things on: real ones that come inside our dependencies, and phantoms."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from napari_medclf.bridge.layers import LayerTuple, image_layer, labels_layer
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.image import MedImage


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


def oblique_ct() -> list[LayerTuple]:
    """Make a small oblique CT-like volume with one marked voxel, to check orientation by."""
    from napari_medclf.testing.phantoms import oblique_phantom

    return [image_layer(oblique_phantom())]


def read_sample(package: str, below: str) -> MedImage:
    """Read an image file that a dependency ships, without importing the dependency.

    Raises
    ------
    ReadError
        If this installation of the package comes without the file.
    """
    from napari_medclf.io.read import read_image

    spec = find_spec(package)
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    path = Path(folders[0]) / below if folders else Path(below)
    if not path.is_file():
        raise ReadError(path, f"this installation of {package} comes without the sample")
    return read_image(path)
