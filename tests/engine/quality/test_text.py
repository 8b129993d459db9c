"""Text in the pixels is found, anatomy and cells are not taken for it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from napari_medclf.domain.image import MedImage
from napari_medclf.engine.quality.text import count_letters, text_slice
from napari_medclf.io.read import read_image
from napari_medclf.testing.phantoms import cells_phantom, chest_phantom, vessels_phantom


def _gray(image: MedImage) -> np.ndarray:
    return np.asarray(image.data, dtype=np.float32).reshape(-1, *image.geometry.shape).mean(axis=0)


def _with_text(picture: np.ndarray, text: str, place: tuple[int, int], shade: int) -> np.ndarray:
    drawn = Image.fromarray(picture.astype(np.uint8))
    ImageDraw.Draw(drawn).text(place, text, fill=shade, font=ImageFont.load_default(size=16))
    return np.asarray(drawn, dtype=np.float32)


@pytest.mark.parametrize("shade", [255, 0])
def test_name_that_was_drawn_into_an_xray_is_found(shade):
    chest = np.clip(_gray(chest_phantom(rows=256, columns=300))[0], 20, 235)
    chest = 60 + (chest - chest.min()) / np.ptp(chest) * 120
    assert count_letters(chest) == 0
    assert count_letters(_with_text(chest, "SECRET JANE 1971", (20, 30), shade)) >= 4


def test_text_of_one_slice_is_found_with_its_slice():
    volume = np.random.default_rng(0).normal(100, 3, (9, 80, 160)).astype(np.float32)
    volume[4] = _with_text(volume[4], "SECRET JANE", (10, 20), 255)
    assert text_slice(volume) == (4, count_letters(volume[4]))
    assert text_slice(volume)[1] >= 4


@pytest.mark.parametrize("phantom", [cells_phantom(200, 240).image, vessels_phantom(200, 240).image])
def test_cells_and_vessels_are_no_text(phantom):
    assert text_slice(_gray(phantom))[1] == 0


def test_tiny_and_blank_pictures_hold_no_text():
    assert count_letters(np.zeros((300, 300), np.float32)) == 0
    assert count_letters(np.random.default_rng(0).normal(size=(28, 28)).astype(np.float32)) == 0


def test_ultrasound_has_text_and_microscopy_has_none(shared_data):
    zoo = shared_data / "dicom_zoo" / "colour_and_us"
    if not zoo.is_dir():
        pytest.skip("the DICOM files are not here")
    for name in ("US1_J2KR.dcm", "gdcm-US-ALOKA-16.dcm", "no-pixel-spacing.dcm"):
        assert text_slice(_gray(read_image(zoo / name)))[1] >= 10
    for folder in ("bccd_multilabel/images", "nuclei_dsb2018/images"):
        for path in sorted((shared_data / folder).iterdir())[:10]:
            assert text_slice(_gray(read_image(path)))[1] == 0, path.name
