"""A bundle run here and by MONAI's own parser, from the same files and weights: the same logits, the same labels."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from zoo_transforms import answer

from napari_medclf.backends.monai_bundle.backend import MonaiBundleBackend
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.domain.run_settings import LoadSettings, RunSettings
from napari_medclf.testing.phantoms import oblique_phantom

WriteBundle = Callable[..., Path]
_TORCH = LoadSettings(device="cpu", runtime="torch")
_KEYS = {"keys": "image"}
_LOAD = [{"_target_": "LoadImaged", **_KEYS}, {"_target_": "EnsureChannelFirstd", **_KEYS}]
_ORIENT = {"_target_": "Orientationd", **_KEYS, "axcodes": "RAS"}
_SPACE = {"_target_": "Spacingd", **_KEYS, "pixdim": [0.9, 1.1, 1.7], "mode": "bilinear"}
_WINDOW = {
    "_target_": "ScaleIntensityRanged",
    **_KEYS,
    "a_min": -57,
    "a_max": 164,
    "b_min": 0,
    "b_max": 1,
    "clip": True,
}
_SOFTMAX = {"_target_": "Activationsd", "keys": "pred", "softmax": True}
_SIGMOID = {"_target_": "Activationsd", "keys": "pred", "sigmoid": True}
_ARGMAX = {"_target_": "AsDiscreted", "keys": "pred", "argmax": True}
_HALF = {"_target_": "AsDiscreted", "keys": "pred", "threshold": 0.5}


def _home(*, nearest: bool = False) -> dict[str, Any]:
    return {
        "_target_": "Invertd",
        "keys": "pred",
        "transform": "@preprocessing",
        "orig_keys": "image",
        "nearest_interp": nearest,
        "to_tensor": True,
    }


def _compose(*steps: Any) -> dict[str, Any]:
    return {"_target_": "Compose", "transforms": list(steps)}


def _config(steps: list[Any], last: list[Any], **changed: Any) -> dict[str, Any]:
    return {
        "bundle_root": ".",
        "n_classes": 3,
        "network_def": {
            "_target_": "UNet",
            "spatial_dims": 3,
            "in_channels": 1,
            "out_channels": "@n_classes",
            "channels": [4, 8],
            "strides": [2],
            "num_res_units": 1,
        },
        "network": "$@network_def.to('cpu')",
        "preprocessing": _compose(*_LOAD, *steps),
        "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [16, 12, 8], "sw_batch_size": 2, "overlap": 0.4},
        "postprocessing": _compose(*last),
        "checkpointloader": {
            "_target_": "CheckpointLoader",
            "load_path": "$@bundle_root + '/models/model.pt'",
            "load_dict": {"model": "@network"},
        },
        **changed,
    }


def _metadata(names: tuple[str, ...]) -> dict[str, Any]:
    channels = {str(n): name for n, name in enumerate(names)}
    return {"version": "1", "network_data_format": {"outputs": {"pred": {"channel_def": channels}}}}


def _random_state(config: dict[str, Any], seed: int = 4) -> dict[str, Any]:
    import torch
    from monai.bundle import ConfigParser

    torch.manual_seed(seed)
    network = ConfigParser(json.loads(json.dumps(config))).get_parsed_content("network_def")
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(2)  # logits that differ from voxel to voxel
    return network.state_dict()


def _run_theirs(folder: Path, images: Path | list[Path]) -> tuple[np.ndarray, np.ndarray]:
    """Logits on the model grid and labels on the image's, both as MONAI has its axes, (C, i, j, k)."""
    import torch
    from monai.bundle import ConfigParser

    parser = ConfigParser()
    parser.read_config(str(folder / "configs/inference.json"))
    network = parser.get_parsed_content("network_def").eval()
    network.load_state_dict(torch.load(folder / "models/model.pt", weights_only=True))
    data = parser.get_parsed_content("preprocessing")({"image": images})
    with torch.no_grad():
        logits = parser.get_parsed_content("inferer")(data["image"][None], network)[0]
    found = parser.get_parsed_content("postprocessing")({**data, "pred": logits.clone()})
    return logits.numpy(), found["pred"].numpy()


def _run_ours(folder: Path, image: MedImage) -> tuple[np.ndarray, np.ndarray]:
    from napari_medclf.engine.planning.plan import window_of
    from napari_medclf.engine.prepare import prepare
    from napari_medclf.engine.sliding.slide import slide_whole

    backend = MonaiBundleBackend()
    model: Any = backend.load(backend.read(folder), _TORCH)
    prepared = prepare(image, model.card.input)
    logits = _last(slide_whole(prepared.data, model.network, window_of(model.card, RunSettings()), model.device))
    return logits, _last(model.predict(image)).segmentation.labels


def _last(job: Any) -> Any:
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value


def _write_nifti(image: MedImage, path: Path) -> Path:
    import nibabel

    to_ras = np.diag([-1.0, -1.0, 1.0, 1.0])
    data = np.asarray(image.data, dtype=np.float32)
    ijk = np.moveaxis(data.transpose(*range(data.ndim - 3), -1, -2, -3), range(data.ndim - 3), range(3, data.ndim))
    affine = to_ras @ image.geometry.affine @ np.eye(4)[[2, 1, 0, 3]]
    nibabel.save(nibabel.Nifti1Image(ijk, affine), path)
    return path


@pytest.fixture(scope="module")
def phantom() -> MedImage:
    """Oblique, anisotropic, lop-sided, with structure in every voxel."""
    image = oblique_phantom()
    noise = np.random.default_rng(5).integers(-60, 60, image.geometry.shape)
    affine = image.geometry.affine.astype(np.float32).astype(np.float64)  # what a NIfTI file keeps of it
    geometry = Geometry(affine, image.geometry.shape)
    return MedImage(image.data + noise.astype(np.int16), geometry, "phantom", modality="CT")


_CASES: dict[str, dict[str, Any]] = {
    "softmax, then home": {"steps": [_ORIENT, _SPACE, _WINDOW], "last": [_SOFTMAX, _home(), _ARGMAX]},
    "logits home": {"steps": [_ORIENT, _SPACE, _WINDOW], "last": [_home(), _ARGMAX]},
    "labels home": {"steps": [_ORIENT, _SPACE, _WINDOW], "last": [_SOFTMAX, _ARGMAX, _home(nearest=True)]},
    "left-handed axes": {
        "steps": [{**_ORIENT, "axcodes": "LPS"}, _SPACE, _WINDOW],
        "last": [_SOFTMAX, _home(), _ARGMAX],
    },
    "axes exchanged": {"steps": [{**_ORIENT, "axcodes": "SRP"}, _SPACE, _WINDOW], "last": [_SOFTMAX, _home(), _ARGMAX]},
    "no orientation": {"steps": [_SPACE, _WINDOW], "last": [_SOFTMAX, _home(), _ARGMAX]},
    "grid of its own": {"steps": [_WINDOW], "last": [_SOFTMAX, _home(), _ARGMAX]},
    "range without clipping": {
        "steps": [_ORIENT, _SPACE, {**_WINDOW, "clip": False, "b_min": -1.0}],
        "last": [_SOFTMAX, _home(), _ARGMAX],
    },
    "z-score of what is not zero, then -1 to 1": {
        "steps": [
            _ORIENT,
            _SPACE,
            {"_target_": "NormalizeIntensityd", **_KEYS, "nonzero": True},
            {"_target_": "ScaleIntensityd", **_KEYS, "minv": -1.0, "maxv": 1.0},
        ],
        "last": [_SOFTMAX, _ARGMAX, _home(nearest=True)],
    },
    "0 to 1, then z-score": {
        "steps": [
            _ORIENT,
            _SPACE,
            {"_target_": "ScaleIntensityd", **_KEYS},
            {"_target_": "NormalizeIntensityd", **_KEYS},
        ],
        "last": [_SOFTMAX, _home(), _ARGMAX],
    },
    "scaled before resampling": {"steps": [_WINDOW, _ORIENT, _SPACE], "last": [_SOFTMAX, _home(), _ARGMAX]},
    "percentiles": {
        "steps": [
            _ORIENT,
            _SPACE,
            {
                "_target_": "ScaleIntensityRangePercentilesd",
                **_KEYS,
                "lower": 5,
                "upper": 90,
                "b_min": 0.0,
                "b_max": 2.0,
                "clip": True,
            },
        ],
        "last": [_SOFTMAX, _home(), _ARGMAX],
    },
    "gaussian windows": {
        "steps": [_ORIENT, _SPACE, _WINDOW],
        "last": [_SOFTMAX, _home(), _ARGMAX],
        "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [16, 12, 8], "overlap": 0.5, "mode": "gaussian"},
    },
    "window larger than the image": {
        "steps": [_ORIENT, _SPACE, _WINDOW],
        "last": [_SOFTMAX, _home(), _ARGMAX],
        "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [32, 32, 64]},
    },
    "resized": {
        "steps": [{"_target_": "Resized", **_KEYS, "spatial_size": [20, 24, 16], "mode": "trilinear"}, _WINDOW],
        "last": [_home(), _ARGMAX],
        "inferer": {"_target_": "SimpleInferer"},
    },
}


@pytest.mark.parametrize("name", sorted(_CASES))
def test_logits_and_labels_are_monais(write_bundle: WriteBundle, phantom: MedImage, tmp_path: Path, name: str) -> None:
    config = _config(**_CASES[name])
    folder = write_bundle(config, _metadata(("background", "a", "b")), _random_state(config))
    wanted, labels = _run_theirs(folder, _write_nifti(phantom, tmp_path / "image.nii.gz"))
    logits, found = _run_ours(folder, phantom)
    assert logits.shape == wanted.shape
    assert np.abs(logits - wanted).max() < 1e-4
    assert len(np.unique(found)) == 3
    wrong = found != labels[0].T
    assert wrong.mean() < 1e-3, f"{np.count_nonzero(wrong)} of {wrong.size}"


def test_overlapping_regions_become_the_labels_of_the_bundles_function(
    write_bundle: WriteBundle, phantom: MedImage, tmp_path: Path
) -> None:
    painted = answer([["paint regions", [[1, 2], [0, 1], [2, 4]]]], n_channels=3)
    last = [_SIGMOID, _home(), _HALF, *painted]
    normalise = {"_target_": "NormalizeIntensityd", **_KEYS, "nonzero": True, "channel_wise": True}
    config = _config([_ORIENT, _SPACE, normalise], last)
    config["network_def"]["in_channels"] = 2
    folder = write_bundle(config, _metadata(("core", "whole", "enhancing")), _random_state(config))
    pair = np.stack([phantom.data, phantom.data[::-1] + 30])
    image = MedImage(pair, phantom.geometry, "pair", channel_kind=ChannelKind.CHANNEL)
    paths = [
        _write_nifti(MedImage(one, phantom.geometry, "one"), tmp_path / f"{n}.nii.gz") for n, one in enumerate(pair)
    ]
    wanted, labels = _run_theirs(folder, paths)
    logits, found = _run_ours(folder, image)
    assert np.abs(logits - wanted).max() < 1e-4
    assert set(np.unique(found)) == {0, 1, 2, 4}
    assert (found != labels[0].T).mean() < 1e-3


def test_slices_go_through_a_2d_network_as_monai_cuts_them(
    write_bundle: WriteBundle, phantom: MedImage, tmp_path: Path
) -> None:
    config = _config(
        [_WINDOW],
        [_SOFTMAX, _home(), _ARGMAX],
        inferer={"_target_": "SliceInferer", "roi_size": [16, 12], "spatial_dim": 2},
    )
    config["network_def"]["spatial_dims"] = 2
    folder = write_bundle(config, _metadata(("background", "a", "b")), _random_state(config))
    wanted, labels = _run_theirs(folder, _write_nifti(phantom, tmp_path / "image.nii.gz"))
    logits, found = _run_ours(folder, phantom)
    assert np.abs(logits - np.moveaxis(wanted, -1, 1)).max() < 1e-4  # ours has the slices first
    assert (found != labels[0].T).mean() < 1e-3


def test_colour_pictures_are_resized_and_labels_come_home(write_bundle: WriteBundle, tmp_path: Path) -> None:
    from PIL import Image

    resize = {"_target_": "Resized", **_KEYS, "spatial_size": [48, 32], "mode": "bilinear"}
    config = _config(
        [resize, {"_target_": "ScaleIntensityd", **_KEYS}],
        [_home(), _ARGMAX],
        inferer={"_target_": "SimpleInferer"},
    )
    config["network_def"] |= {"spatial_dims": 2, "in_channels": 3}
    folder = write_bundle(config, _metadata(("background", "a", "b")), _random_state(config))
    picture = (
        np.random.default_rng(6).integers(0, 255, (21, 30, 3)).repeat(2, axis=0).repeat(2, axis=1)[:41].astype(np.uint8)
    )
    Image.fromarray(picture).save(tmp_path / "picture.png")
    image = MedImage(
        np.moveaxis(picture, -1, 0)[:, np.newaxis],
        Geometry.flat(*picture.shape[:2]),
        "picture",
        channel_kind=ChannelKind.COLOUR,
    )
    wanted, labels = _run_theirs(folder, tmp_path / "picture.png")
    logits, found = _run_ours(folder, image)
    assert np.abs(logits[:, 0] - wanted).max() < 1e-4
    assert (found[0] != labels[0].T).mean() < 1e-3


@pytest.mark.slow
def test_template_bundle_finds_the_balls_it_was_made_for(shared_data: Path) -> None:
    from monai.data import create_test_image_3d

    folder = shared_data.parent / "weights" / "monai_segmentation_template"
    if not folder.is_dir():
        pytest.skip("the template bundle, ../shared/weights/monai_segmentation_template, is not here")
    backend = MonaiBundleBackend()
    model = backend.load(backend.read(folder), _TORCH)
    dice = []
    for seed in range(3):
        state = np.random.RandomState(seed)
        volume, truth = create_test_image_3d(128, 128, 128, 4, num_seg_classes=3, noise_max=0.5, random_state=state)
        image = MedImage(volume.T.astype(np.float32), Geometry(np.eye(4), volume.T.shape), f"balls {seed}")
        labels = _last(model.predict(image)).segmentation.labels
        for value in np.unique(truth[truth > 0]):
            ours, theirs = labels == value, value == truth.T
            dice.append(2 * np.count_nonzero(ours & theirs) / (np.count_nonzero(ours) + np.count_nonzero(theirs)))
    assert np.mean(dice) > 0.9
