"""Images that dependencies ship."""

from __future__ import annotations

import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.samples import read_sample


def test_sample_of_a_dependency_is_an_image_with_its_modality() -> None:
    assert read_sample("pydicom", "data/test_files/CT_small.dcm").modality == "CT"


def test_missing_sample_names_the_package() -> None:
    with pytest.raises(ReadError, match="skimage comes without the sample"):
        read_sample("skimage", "data/no-such-picture.png")
