"""Packages of this program keep the word of the backend protocol."""

from __future__ import annotations

import shutil

import pytest

from napari_medclf.backends.native import NativeBackend
from napari_medclf.domain.errors import CardError
from napari_medclf.store.catalogue import Catalogue
from napari_medclf.testing.check_backend import check_backend


@pytest.mark.parametrize("name", ["hippocampus-mr", "nuclei", "chest-xray-pneumonia"])
def test_native_backend_keeps_its_word(name, tmp_path):
    folder = shutil.copytree(Catalogue().find(name).folder, tmp_path / "model")
    files = ("configs/metadata.json", "models/model.safetensors") if name == "nuclei" else ("configs/metadata.json",)

    assert check_backend(NativeBackend(), folder, tmp_path / "scratch", files=files) == ()


def test_second_card_is_refused():
    package = Catalogue().find("nuclei")

    with pytest.raises(CardError, match="has a card of its own"):
        NativeBackend().read(package.folder, package.card)
