"""Cohorts of real images with some that do not belong there, for ``triage_planted.py``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from napari_medclf.domain.image import MedImage
from napari_medclf.io.read import read_image
from napari_medclf.jobs.models import find_model

USUAL = ""


@dataclass(frozen=True, eq=False)
class Shown:
    """An image that a model is asked about.

    Parameters
    ----------
    name : str
        Of the case; an image that stands in its place has the same name.
    planted : str
        What is wrong with it; empty for a usual one.
    """

    name: str
    planted: str
    image: MedImage


def hippocampi(data: Path) -> Iterator[Shown]:
    """Volumes that the model was not trained on; every one planted as something else, too."""
    splits = json.loads((find_model("hippocampus-mr").folder / "configs" / "splits.json").read_text())
    others = {
        "MR of the trunk": data / "ct_mr_totalsegmentator/example_mr_sm.nii.gz",
        "CT of the trunk": data / "ct_mr_totalsegmentator/example_ct_sm.nii.gz",
        "MR of a brain elsewhere": data / "nrrd_pyradiomics/brain1_image.nrrd",
        "MR of a breast": data / "nrrd_pyradiomics/breast1_image.nrrd",
        "CT of a spleen": next((data / "spleen_ct").rglob("*_ct.nii.gz")),
    }
    read = {kind: read_image(path) for kind, path in others.items()}
    drawn = np.random.default_rng(0)
    for position, name in enumerate([*splits["val"], *splits["test"]]):
        image = read_image(data / "hippocampus_msd/images" / f"{name}.nii.gz")
        yield Shown(name, USUAL, image)
        if position % 4 < 2:
            axis = position // 4 % 3
            flipped = replace(image, data=np.flip(image.data, axis).copy())
            yield Shown(name, f"image flipped along axis {axis}", flipped)
        elif position % 8 < 4:
            yield Shown(name, "inverted image", replace(image, data=image.data.max() - image.data))
        else:
            kind = sorted(read)[(position // 4) % len(read)]
            yield Shown(name, f"other organ or modality: {kind}", _cut_out(read[kind], image, drawn))


def films(data: Path) -> Iterator[Shown]:
    """Chest X-rays; each one planted as something else, too."""
    ultrasound = np.load(data / "medmnist/breastmnist.npz")["train_images"]
    cells = sorted((data / "nuclei_dsb2018/images").glob("*.png"))
    for position, path in enumerate(sorted((data / "csv_pneumonia/images").glob("*.png"))):
        image = read_image(path)
        pixels = np.asarray(image.data)
        yield Shown(path.stem, USUAL, image)
        cell = np.asarray(read_image(cells[position // 6 % len(cells)]).data)[0, :, ::9, ::9][:, :28, :28]
        planted = {
            "inverted image": 255 - pixels,
            "image upside down": np.flip(pixels, -2).copy(),
            "image on its side": np.swapaxes(pixels, -1, -2).copy(),
            "other modality: ultrasound": ultrasound[position][None],
            "other modality: microscopy": cell.copy(),
            "black image": np.zeros_like(pixels),
        }
        kind = list(planted)[position % len(planted)]
        yield Shown(path.stem, kind, replace(image, data=planted[kind]))


def nuclei(data: Path) -> Iterator[Shown]:
    """Two stains in one folder; the model has learned from most of these images."""
    blood = sorted((data / "bccd_multilabel/images").iterdir())
    retina = sorted((data / "retina_chase_db1").glob("*.jpg"))
    for position, path in enumerate(sorted((data / "nuclei_dsb2018/images").glob("*.png"))):
        image = read_image(path)
        yield Shown(path.stem, USUAL, image)
        if position % 6 == 0:
            yield Shown(path.stem, "inverted image", _inverted(image))
        elif position % 6 == 2:
            yield Shown(path.stem, "other organ: blood smear", read_image(blood[position % len(blood)]))
        elif position % 6 == 4:
            yield Shown(path.stem, "other modality: retina", _part(read_image(retina[position % len(retina)])))


def retinas(data: Path) -> Iterator[Shown]:
    """Parts of photographs of the eye; the model has learned from 16 of the 28."""
    blood = sorted((data / "bccd_multilabel/images").iterdir())
    cells = sorted((data / "nuclei_dsb2018/images").glob("*.png"))
    for position, path in enumerate(sorted((data / "retina_chase_db1").glob("*.jpg"))):
        image = _part(read_image(path))
        yield Shown(path.stem, USUAL, image)
        planted: Mapping[str, Callable[[MedImage, int], MedImage]] = {
            "inverted image": lambda eye, _: _inverted(eye),
            "other organ: blood smear": lambda _, n: _part(read_image(blood[n]), 100),
            "other modality: microscopy": lambda _, n: _part(read_image(cells[2 * n]), 0),
        }
        kind = list(planted)[position // 2 % len(planted)]
        yield Shown(path.stem, kind, planted[kind](image, position))


def _inverted(image: MedImage) -> MedImage:
    return replace(image, data=255 - np.asarray(image.data))


def _part(image: MedImage, start: int = 300) -> MedImage:
    """Cut 256 x 256 pixels out of a picture."""
    block = np.asarray(image.data)[..., start : start + 256, start : start + 256].copy()
    return replace(image, data=block, geometry=replace(image.geometry, shape=block.shape[-3:]))


def _cut_out(large: MedImage, like: MedImage, drawn: np.random.Generator) -> MedImage:
    """Cut a block out of another image, with the grid of a case."""
    volume = np.asarray(large.data).reshape(-1, *large.geometry.shape)[0]
    room = [max(n - m, 0) for n, m in zip(volume.shape, like.geometry.shape, strict=True)]
    starts = [int(part * n) for part, n in zip(drawn.uniform(0.25, 0.75, 3), room, strict=True)]
    block = volume[tuple(slice(a, a + n) for a, n in zip(starts, like.geometry.shape, strict=True))]
    return replace(like, data=block.copy(), geometry=replace(like.geometry, shape=block.shape))
