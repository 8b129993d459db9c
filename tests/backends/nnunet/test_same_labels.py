"""The same labels as nnunetv2's own predictor, voxel by voxel.

``golden.npz`` holds what nnunetv2 2.8.1 answered on the phantoms of ``cases.py`` (``make_golden.py``, on a CPU, with
its defaults: overlap of a half, Gaussian weights, flips). There and here convolutions may round otherwise on another
processor, so that a voxel where two classes are equally probable may differ; on the computer where they were made none
does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from napari_medclf.backends.nnunet import NnunetBackend
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.domain.input_spec import Intensity
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run_settings import LoadSettings, RunSettings
from napari_medclf.engine.model import LoadedModel
from napari_medclf.io.read import read_image
from napari_medclf.jobs.drive import drive
from napari_medclf.testing.check_backend import check_backend

_CPU = LoadSettings("cpu", runtime="torch")
_TIES_VOX = 3
_NOTICED_VOX = 15
_NAMES = ("apart", "regions", "flat", "torch")
Folders = Callable[[str], Path]


@pytest.fixture(scope="module")
def golden() -> Any:
    return np.load(Path(__file__).with_name("golden.npz"))


def _image(case: Any, channels: tuple[str, ...]) -> MedImage:
    k, j, i = case.spacing_mm
    affine = np.array([[0, 0, i, 5], [0, j, 0, -7], [k, 0, 0, 11], [0, 0, 0, 1]], dtype=np.float64)
    samples = case.image
    geometry = Geometry(affine, samples.shape[1:])
    if len(channels) == 1:
        return MedImage(samples[0], geometry, "phantom")
    return MedImage(samples, geometry, "phantom", channel_kind=ChannelKind.CHANNEL, channel_names=channels)


def _load(folder: Path) -> LoadedModel:
    backend = NnunetBackend()
    loaded = backend.load(backend.read(folder), _CPU)
    assert isinstance(loaded, LoadedModel)
    return loaded


def _label(model: LoadedModel, case: Any, settings: RunSettings | None = None) -> np.ndarray:
    image = _image(case, model.card.input.channels)
    outcome = drive(model.predict(image, settings or RunSettings()), lambda _: None)
    assert outcome.error is None
    assert outcome.result.segmentation.geometry == image.geometry
    return outcome.result.segmentation.labels


def _with_input(model: LoadedModel, **changes: Any) -> LoadedModel:
    card = model.card.model_copy(update={"input": model.card.input.model_copy(update=changes)})
    return replace(model, package=ModelPackage(card, model.package.folder))


@pytest.mark.parametrize("name", _NAMES)
def test_labels_are_those_of_nnunet(name: str, cases: ModuleType, result_folder: Folders, golden: Any) -> None:
    labels = _label(_load(result_folder(name)), cases.CASES[name])
    assert np.count_nonzero(labels != golden[name]) <= _TIES_VOX


@pytest.mark.parametrize("name", _NAMES)
def test_number_of_windows_at_once_changes_nothing(
    name: str, cases: ModuleType, result_folder: Folders, golden: Any
) -> None:
    labels = _label(_load(result_folder(name)), cases.CASES[name], RunSettings(batch=1))
    assert np.count_nonzero(labels != golden[name]) <= _TIES_VOX


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("apart", {"tiling": "monai"}),
        ("apart", {"resampling": "linear"}),
        ("apart", {"is_normalised_first": False}),
        ("regions", {"crop": "none"}),
        ("regions", {"axis_order": (0, 1, 2)}),
        ("apart", {"overlap": 0.25}),
        ("regions", {"is_normalised_first": False}),
        ("regions", {"intensity": Intensity(kind="zscore", of="all")}),
        ("flat", {"tiling": "monai"}),
        ("flat", {"resampling": "linear"}),
        ("torch", {"resampling": "area"}),
    ],
)
def test_every_rule_of_nnunet_is_needed(
    name: str, changes: dict[str, Any], cases: ModuleType, result_folder: Folders, golden: Any
) -> None:
    labels = _label(_with_input(_load(result_folder(name)), **changes), cases.CASES[name])
    assert np.count_nonzero(labels != golden[name]) > _NOTICED_VOX


def test_each_fold_counts(cases: ModuleType, result_folder: Folders, golden: Any) -> None:
    backend = NnunetBackend()
    own = backend.read(result_folder("apart")).card
    network = own.network.model_copy(update={"arguments": {**own.network.arguments, "folds": ["fold_0"]}})
    one = backend.load(backend.read(result_folder("apart"), own.model_copy(update={"network": network})), _CPU)
    labels = _label(one, cases.CASES["apart"])
    assert np.count_nonzero(labels != golden["apart"]) > _NOTICED_VOX


def test_flips_count(cases: ModuleType, result_folder: Folders, golden: Any) -> None:
    labels = _label(_load(result_folder("regions")), cases.CASES["regions"], RunSettings(mirror=False))
    assert np.count_nonzero(labels != golden["regions"]) > _NOTICED_VOX


@pytest.mark.parametrize("name", ["hippocampus_001", "hippocampus_019"])
def test_real_images_are_labelled_as_by_nnunet(
    name: str, cases: ModuleType, shared_data: Path, tmp_path: Path, golden: Any
) -> None:
    shared_model = shared_data.parent / "weights" / "nnunet_hippocampus_own"
    if not shared_model.is_dir():
        pytest.skip("the folder of third-party weights, ../shared/weights beside the repository, is not here")
    model = _load(cases.write_shifted(shared_model, tmp_path / "model"))
    image = read_image(shared_data / "hippocampus_msd" / "images" / f"{name}.nii.gz")
    outcome = drive(model.predict(image), lambda _: None)
    labels = outcome.result.segmentation.labels
    assert np.unique(labels).tolist() == [0, 1, 2]
    assert np.count_nonzero(labels != golden[name]) <= _TIES_VOX


def test_backend_keeps_its_word(result_folder: Folders, tmp_path: Path) -> None:
    needed = ("plans.json", "dataset.json", "fold_0/checkpoint_final.pth")
    assert check_backend(NnunetBackend(), result_folder("torch"), tmp_path, files=needed) == ()
