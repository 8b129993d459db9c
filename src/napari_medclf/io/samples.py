"""Real images that come inside our dependencies, to try things on."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.image import MedImage


def read_sample(package: str, below: str) -> MedImage:
    """Read an image file that a dependency ships, without importing the dependency.

    Parameters
    ----------
    package : str
        Such as ``"skimage"``.
    below : str
        The file's path below the package's folder.

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
