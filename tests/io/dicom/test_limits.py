"""What samples could be at most is told by the stored bits, rescaled and turned round as they are."""

from __future__ import annotations

import pytest

from napari_medclf.io.dicom.pixels.reduced import read_reduced
from napari_medclf.io.read import read_image


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ({"BitsStored": 12, "HighBit": 11, "RescaleSlope": 1, "RescaleIntercept": 0}, (0, 4095)),
        ({"BitsStored": 16, "HighBit": 15, "RescaleSlope": 1, "RescaleIntercept": -1024}, (-1024, 64511)),
        ({"BitsStored": 12, "HighBit": 11, "RescaleSlope": 0.5, "RescaleIntercept": 3}, (3, 2050.5)),
    ],
)
def test_bits_tell_the_range(tmp_path, phantom, write_series, stored, expected) -> None:
    def edit(dataset: object, k: int) -> None:
        for name, value in {"PixelRepresentation": 0, **stored}.items():
            setattr(dataset, name, value)

    folder = write_series(tmp_path / "s", phantom, edit)
    assert read_image(folder).limits == expected
    assert read_reduced(sorted(folder.iterdir())[0], 4).limits == expected
