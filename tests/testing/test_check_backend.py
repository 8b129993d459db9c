"""The conformance suite finds what is planted."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_medclf.backends.native import NativeBackend
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run_settings import LoadSettings, RunSettings
from napari_medclf.store.catalogue import Catalogue
from napari_medclf.testing.check_backend import check_backend
from napari_medclf.testing.damage import damaged_copies

_FILES = ("configs/metadata.json",)


@pytest.fixture
def model() -> Path:
    return Catalogue().find("nuclei").folder


def _problems(backend: NativeBackend, model: Path, tmp_path: Path) -> str:
    return " | ".join(check_backend(backend, model, tmp_path / "scratch", files=_FILES))


class _Shouting(NativeBackend):
    name = "My Backend"


class _Greedy(NativeBackend):
    def recognises(self, path: Path) -> bool:
        return True


class _Raising(NativeBackend):
    def recognises(self, path: Path) -> bool:
        return path.read_bytes() is None or super().recognises(path)


class _Missing(NativeBackend):
    def unavailable_because(self) -> str:
        return "It needs sesame."


class _Careless(NativeBackend):
    """Takes any card for a good one, as MONAI's loader takes any weights."""

    def __init__(self) -> None:
        self._good = Catalogue().find("nuclei")

    def recognises(self, path: Path) -> bool:
        return (path / "configs").is_dir()

    def read(self, path: Path, card: ModelCard | None = None) -> ModelPackage:
        return self._good


class _Blunt(_Careless):
    """Fails with whatever comes."""

    def recognises(self, path: Path) -> bool:
        return (path / "configs").is_dir()

    def read(self, path: Path, card: ModelCard | None = None) -> ModelPackage:
        (path / "configs" / "metadata.json").read_bytes()[40_000_000]
        return self._good


@pytest.mark.parametrize(
    ("backend", "expected"),
    [
        (_Shouting, "The name 'My Backend' should be short"),
        (_Greedy, "recognises\\(\\) is true for an empty folder"),
        (_Raising, "recognises\\(\\) raised .* for a path that is not there"),
        (_Missing, "nothing else was checked: It needs sesame"),
        (_Careless, "metadata.json, cut to a half: was loaded as if nothing were wrong"),
        (_Blunt, "The good model .* was refused: IndexError"),
    ],
)
def test_a_planted_fault_is_found(backend, expected, model, tmp_path):
    found = _problems(backend(), model, tmp_path)

    assert re.search(expected, found)


class _Wrapped:
    """A predictor that spoils what another one says."""

    def __init__(self, inner, spoil) -> None:
        self._inner, self._spoil = inner, spoil
        self.package, self.place = inner.package, inner.place

    def predict(self, image: MedImage, settings: RunSettings = RunSettings()):  # noqa: B008
        prediction = yield from self._inner.predict(image, settings)
        return self._spoil(prediction, image)


def _shift_grid(prediction, image):
    labels = prediction.segmentation
    moved = Geometry(labels.geometry.affine @ np.diag([1, 1, 1.01, 1]), labels.geometry.shape)
    return replace(prediction, segmentation=replace(labels, geometry=moved))


def _change_image(prediction, image):
    image.data[...] = 0
    return prediction


def _forget(prediction, image):
    return replace(prediction, segmentation=None)


def _flicker(prediction, image):
    noise = np.random.default_rng().integers(1, 2**31, prediction.segmentation.labels.shape)
    return replace(prediction, segmentation=replace(prediction.segmentation, labels=noise))


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (_shift_grid, "does not lie on the grid"),
        (_change_image, "changed the samples"),
        (_forget, "holds no answer"),
        (_flicker, "different answers"),
    ],
)
def test_a_planted_fault_of_the_answer_is_found(spoil, expected, model, tmp_path):
    class Spoiling(NativeBackend):
        def load(self, package: ModelPackage, settings: LoadSettings = LoadSettings()):  # noqa: B008
            return _Wrapped(super().load(package, settings), spoil)

    assert expected in _problems(Spoiling(), model, tmp_path)


def test_damaged_copies_leave_the_model_alone(model, tmp_path):
    before = {path: path.read_bytes() for path in model.rglob("*") if path.is_file()}

    ways = [what for what, _ in damaged_copies(model, tmp_path / "copies", _FILES)]

    assert len(ways) == 7
    assert before == {path: path.read_bytes() for path in model.rglob("*") if path.is_file()}
