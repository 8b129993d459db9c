"""A listing tells size and spacing as they are when the file is read."""

import numpy as np
import pytest

from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.io.discover import discover
from napari_medclf.io.read import read_image
from napari_medclf.io.write import write_image


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nrrd", "a.mha"])
def test_size_and_spacing_are_those_of_the_image(tmp_path, name):
    geometry = Geometry.from_spacing((7, 11, 13), (2.5, 0.5, 0.75), origin=(4.0, -3.0, 20.0))
    write_image(MedImage(np.zeros((7, 11, 13), np.int16), geometry, "a"), tmp_path / name)

    (entry,) = discover(tmp_path).entries
    image = read_image(tmp_path / name)

    assert entry.size == image.geometry.shape == (7, 11, 13)
    assert entry.spacing_mm == pytest.approx(image.geometry.spacing)
    assert entry.slice_mm == pytest.approx(2.5)


def test_real_volumes_are_listed_as_they_are_read(shared_data):
    for path in sorted((shared_data / "nrrd_pyradiomics").glob("*_image.nrrd")):
        (entry,) = discover(path).entries
        geometry = read_image(path).geometry

        assert entry.size[-3:] == geometry.shape
        assert entry.spacing_mm == pytest.approx(geometry.spacing)
