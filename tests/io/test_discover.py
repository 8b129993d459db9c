"""A listing tells size and spacing as they are when the file is read."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_medclf.domain.geometry import Geometry, Unit
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


def _save_analyze(path: Path) -> None:
    volume = nib.Spm99AnalyzeImage(np.zeros((13, 11, 7), np.int16), None)
    volume.header.set_zooms((0.75, 0.5, 2.5))
    nib.save(volume, path)


def _save_gif(path: Path, n_frames: int) -> None:
    frames = [Image.fromarray(np.full((11, 13), 40 * n, np.uint8)) for n in range(n_frames)]
    frames[0].save(path, save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    ("name", "save"),
    [
        ("a.hdr", _save_analyze),
        ("stack.tif", lambda path: tifffile.imwrite(path, np.zeros((7, 11, 13), np.uint16))),
        ("flat.tif", lambda path: tifffile.imwrite(path, np.zeros((11, 13), np.uint8))),
        ("colour.tif", lambda path: tifffile.imwrite(path, np.zeros((11, 13, 3), np.uint8), photometric="rgb")),
        (
            "scaled.tif",
            lambda path: tifffile.imwrite(
                path, np.zeros((7, 2, 11, 13), np.uint16), imagej=True, resolution=(0.5, 0.5),
                metadata={"axes": "ZCYX", "spacing": 2500.0, "unit": "um"},
            ),
        ),
        ("flat.gif", lambda path: _save_gif(path, 1)),
        ("film.gif", lambda path: _save_gif(path, 5)),
    ],
)  # fmt: skip
def test_size_of_other_files_is_that_of_the_image(tmp_path, name, save):
    save(tmp_path / name)

    (entry,) = [one for one in discover(tmp_path).entries if one.ref.path.name == name]
    image = read_image(tmp_path / name)

    assert entry.size[-3:] == image.geometry.shape
    assert name == "flat.gif" or entry.size == image.data.shape  # colours of a palette are known when it is decoded
    is_scaled = image.geometry.unit is Unit.MILLIMETRE
    assert entry.spacing_mm == (pytest.approx(image.geometry.spacing) if is_scaled else None)


def test_real_volumes_are_listed_as_they_are_read(shared_data):
    for path in sorted((shared_data / "nrrd_pyradiomics").glob("*_image.nrrd")):
        (entry,) = discover(path).entries
        geometry = read_image(path).geometry

        assert entry.size[-3:] == geometry.shape
        assert entry.spacing_mm == pytest.approx(geometry.spacing)
