"""Every family learns something on a few real images, and its package answers as it was trained."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from napari_medclf.domain.card import Task
from napari_medclf.jobs import api

_PLAIN = (
    "augment.rotate_deg=0", "augment.scale=0", "augment.stretch=0", "augment.gain=0.1", "augment.bias=0",
    "augment.gamma=0", "augment.noise_sd=0", "augment.shift=0.05", "augment.cutout=0", "mixup_alpha=0",
    "loss.label_smoothing=0", "patience=0", "averaging.decay=0.8", "schedule.warmup=0.05",
)  # fmt: skip
"""So few steps leave no time for changed images."""
_SMALL = ("network.arguments.channels=8,8,12,16", "batch=8")
_PICTURES: dict[str, tuple[str, ...]] = {
    "small-cnn": ("epochs=5",),
    "vgg11": ("epochs=5", "network.arguments.channels=8,16,16,24,32"),
    "resnet18": ("epochs=8", "network.arguments.block_inplanes=8,8,16,24"),
    "resnet50": ("epochs=6", "network.arguments.block_inplanes=4,4,8,12", "network.arguments.layers=1,1,1,1"),
    "densenet121": (
        "epochs=6", "network.arguments.block_config=2,2,2", "network.arguments.init_features=16",
        "network.arguments.growth_rate=8", "input.resize_to=32,32",
    ),
    "cspnet": ("epochs=7", "network.arguments.channels=8,16,24,32", "network.arguments.blocks=1,1,1,1"),
    "efficientnet-b0": ("epochs=5", "input.resize_to=32,32"),
    "convnext": ("epochs=10", "network.arguments.channels=16,24,32", "network.arguments.blocks=1,1,1"),
    "vit": (
        "epochs=8", "network.arguments.hidden_size=48", "network.arguments.mlp_dim=96", "optimiser.lr=0.003",
        "network.arguments.num_layers=2", "network.arguments.num_heads=3",
    ),
    "region-graph": (
        "epochs=6", "network.arguments.n_regions=30", "network.arguments.stem=8,8", "network.arguments.hidden=16,16",
        "optimiser.lr=0.01",
    ),
}  # fmt: skip
_VOLUMES: dict[str, tuple[str, ...]] = {
    "multi-view": ("epochs=8", *_SMALL, "network.arguments.size=24"),
    "acs-resnet18": ("epochs=12", *_SMALL, "network.arguments.layers=1,1,1,1"),
    "cnn-gru": ("epochs=10", *_SMALL, "network.arguments.hidden=16", "optimiser.lr=0.004"),
    "cnn-lstm": ("epochs=12", *_SMALL, "network.arguments.hidden=16", "optimiser.lr=0.004"),
}
_OUTLINES: dict[str, tuple[str, ...]] = {
    "unet": ("network.arguments.features=8,8,16,16,16,8",),
    "res-unet": ("network.arguments.channels=8,8,12,16,16", "network.arguments.blocks=1,1,1,1,1"),
    "attention-unet": ("network.arguments.channels=8,8,12,16,16", "optimiser.lr=0.01"),
    "unet-plus-plus": ("network.arguments.features=8,8,8,8,8,8",),
    "segresnet": ("network.arguments.init_filters=8", "network.arguments.blocks_down=1,1,1,1,1", "optimiser.lr=0.01"),
    "dynunet": (),
}


@pytest.fixture(scope="module")
def pneumonia(shared_data: Path, tmp_path_factory) -> Path:
    """208 X-rays of children's chests, half of them with pneumonia."""
    stored = np.load(shared_data / "medmnist" / "pneumoniamnist.npz")
    kept = {}
    for split, n in (("train", 80), ("val", 24), ("test", 8)):
        labels = stored[f"{split}_labels"].ravel()
        chosen = np.concatenate([np.flatnonzero(labels == one)[:n] for one in (0, 1)])
        kept |= {f"{split}_{kind}": stored[f"{split}_{kind}"][chosen] for kind in ("images", "labels")}
    path = tmp_path_factory.mktemp("data") / "pneumonia.npz"
    np.savez(path, **kept)
    return path


@pytest.fixture(scope="module")
def turned(shared_data: Path, tmp_path_factory) -> Path:
    """48 hippocampi at 2 mm, half of them turned over along the first axis: whose slices come in reverse order."""
    files = sorted((shared_data / "hippocampus_msd" / "images").glob("*.nii.gz"))[:48]
    volumes = np.stack([_thumbnail(np.asarray(nib.load(file).dataobj, np.float32)) for file in files])
    labels = np.arange(48) % 2
    volumes[labels == 1] = volumes[labels == 1, ::-1]
    kept = {}
    for split, part in (("train", slice(0, 32)), ("val", slice(32, 40)), ("test", slice(40, 48))):
        kept |= {f"{split}_images": volumes[part], f"{split}_labels": labels[part, None]}
    path = tmp_path_factory.mktemp("data") / "turned3d.npz"
    np.savez(path, **kept)
    return path


@pytest.fixture(scope="module")
def vessels(shared_data: Path, tmp_path_factory) -> Path:
    """Eight pieces of 64 x 64 of fundus photographs, with the vessels that a person outlined."""
    folder = tmp_path_factory.mktemp("data") / "fundus"
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True)
    for number, name in enumerate(("01L", "02L", "03L", "04L", "05L", "06L", "07L", "08L")):
        photo = Image.open(shared_data / "retina_chase_db1" / f"Image_{name}.jpg").reduce(3)
        mask = Image.open(shared_data / "retina_chase_db1" / f"Image_{name}_1stHO.png").convert("L").reduce(3)
        box = (120, 120, 184, 184)
        photo.crop(box).save(folder / "images" / f"eye_{number}.png")
        labels = (np.asarray(mask.crop(box)) > 100).astype(np.uint8)
        Image.fromarray(labels).save(folder / "labels" / f"eye_{number}.png")
    return folder


def _thumbnail(volume: np.ndarray) -> np.ndarray:
    cut = volume[:32, :48, :24]
    full = np.pad(cut, [(0, size - n) for size, n in zip((32, 48, 24), cut.shape, strict=True)])[::2, ::2, ::2]
    bright = np.clip(full / np.percentile(full, 99), 0, 1) * 255
    return np.pad(bright.astype(np.uint8), [(0, 8), (0, 0), (0, 12)])  # MedMNIST's volumes are cubes


@pytest.mark.parametrize("name", _PICTURES)
def test_pictures_are_told_apart(name, pneumonia, tmp_path):
    assert _val_auc(name, pneumonia, tmp_path, (*_PICTURES[name], "batch=16")) > 0.75


@pytest.mark.parametrize("name", _VOLUMES)
def test_order_of_slices_is_learned(name, turned, tmp_path):
    assert _val_auc(name, turned, tmp_path, _VOLUMES[name]) > 0.75


@pytest.mark.parametrize("name", _OUTLINES)
def test_vessels_are_outlined(name, vessels, tmp_path):
    changes = ("epochs=8", "samples_per_epoch=24", "batch=4", "averaging.decay=0.8", "patience=0", *_OUTLINES[name])
    result = api.train(
        vessels, tmp_path / "model", recipe=name, set=changes, class_names=("vessel",), task=Task.SEGMENT,
        register=False, device="cpu", baselines=False,
    )  # fmt: skip
    assert _recipe_of(result)["family"] == name
    assert result.metrics["val/dice/vessel"].value > 0.3  # vessels fill 8 % of a piece


def _val_auc(name: str, data: Path, folder: Path, changes: tuple[str, ...]) -> float:
    """Train, write the package, load it, and run it on the validation cases."""
    result = api.train(
        data, folder / "model", recipe=name, set=(*_PLAIN, *changes), register=False, device="cpu", baselines=False
    )
    assert _recipe_of(result)["family"] == name
    return result.metrics["val/auc"].value


def _recipe_of(result) -> dict:
    from napari_medclf.store.bundle import read_run_spec

    return read_run_spec(result.package).options["fixed"]["recipe"]
