"""Faults planted into each writer and reader: the check after writing, or the comparison with the truth, sees each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.io import write
from napari_medclf.io.read import read
from napari_medclf.testing.coded_check import EXACT_MM, View, judge
from napari_medclf.testing.coded_files import write_coded
from napari_medclf.testing.coded_series import all_coded_series
from napari_medclf.testing.phantoms import oblique_phantom

SERIES = {series.name: series for series in all_coded_series()}
CLASSES = LabelSchema.from_names(["first", "second", "third"], first_value=1)
Turned = tuple[np.ndarray, np.ndarray]


def _moved(affine: np.ndarray, axis: int, by: float) -> np.ndarray:
    moved = affine.copy()
    moved[:3, 3] += by * moved[:3, axis]
    return moved


def _scaled(affine: np.ndarray, factors: tuple[float, float, float]) -> np.ndarray:
    scaled = affine.copy()
    scaled[:3, :3] *= factors
    return scaled


def _swapped_spacing(affine: np.ndarray) -> np.ndarray:
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    return _scaled(affine, tuple(steps[[0, 2, 1]] / steps))


# What a fault does to samples (K, J, I) and to the affine of (k, j, i).
FAULTS: dict[str, Callable[[np.ndarray, np.ndarray], Turned]] = {
    "slices turned round": lambda data, affine: (data[::-1], affine),
    "rows turned round": lambda data, affine: (data[:, ::-1], affine),
    "columns turned round": lambda data, affine: (data[:, :, ::-1], affine),
    "first slice dropped": lambda data, affine: (data[1:], affine),
    "last slice dropped": lambda data, affine: (data[:-1], affine),
    "two slices swapped": lambda data, affine: (data[[0, 1, 2, 4, 3, *range(5, len(data))]], affine),
    "one voxel changed": lambda data, affine: (_changed(data), affine),
    "half a voxel along k": lambda data, affine: (data, _moved(affine, 0, 0.5)),
    "half a voxel along j": lambda data, affine: (data, _moved(affine, 1, 0.5)),
    "half a voxel along i": lambda data, affine: (data, _moved(affine, 2, -0.5)),
    "one voxel along k": lambda data, affine: (data, _moved(affine, 0, 1)),
    "RAS for LPS": lambda data, affine: (data, np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine),
    "LAS for LPS": lambda data, affine: (data, np.diag([1.0, -1.0, 1.0, 1.0]) @ affine),
    "axis k mirrored": lambda data, affine: (data, _scaled(affine, (-1, 1, 1))),
    "row and column spacing swapped": lambda data, affine: (data, _swapped_spacing(affine)),
    "spacing a hundredth off": lambda data, affine: (data, _scaled(affine, (1.01, 1, 1))),
    "directions swapped": lambda data, affine: (data, affine[:, [0, 2, 1, 3]]),
    "place forgotten": lambda data, affine: (data, np.hstack([affine[:, :3], [[0], [0], [0], [1]]])),
}


def _changed(data: np.ndarray) -> np.ndarray:
    changed = data.copy()
    changed[-1, 2, 3] += 1
    return changed


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_writer_of_volumes_with_a_fault_saves_nothing(fault, suffix, tmp_path, monkeypatch):
    target = write._FORMATS[suffix]

    def encode(contents, file):
        data, affine = FAULTS[fault](contents.data, np.array(contents.geometry.affine))
        target.encode(replace(contents, data=data, geometry=Geometry(affine, data.shape)), file)

    monkeypatch.setitem(write._FORMATS, suffix, replace(target, encode=encode))
    with pytest.raises(WriteError):
        write.write_image(oblique_phantom(), tmp_path / f"a{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_about_left_and_right_that_writer_and_reader_share_is_seen(tmp_path, monkeypatch):
    """The check must not turn a mistake of the shared conversion round again."""
    from napari_medclf.io import frames
    from napari_medclf.io.volume import nifti_place, write_nifti

    for module in (frames, write_nifti, nifti_place):
        for name in ("ras_from_lps", "lps_from_ras"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, lambda affine: affine)
    with pytest.raises(WriteError):
        write.write_image(oblique_phantom(), tmp_path / "a.nii")


def _placement_fault(fault: str):
    """Spoil what `place` decides about a stack: the order of its slices, or the affine."""
    from napari_medclf.io.dicom.series import place as genuine

    place = genuine.place

    def spoiled(headers, *arguments, **options):
        placement = place(headers, *arguments, **options)
        order = list(range(len(placement.headers)))
        # The position of a slice in a column of indices stands for its samples.
        data, affine = FAULTS[fault](np.array(order)[:, None, None] * np.ones((1, 7, 5), int), placement.affine)
        kept = tuple(placement.headers[n] for n in data[:, 0, 0])
        return replace(placement, headers=kept, affine=affine, n_slices=len(kept))

    return spoiled


PLACE_FAULTS = [
    name for name in FAULTS if name not in ("rows turned round", "columns turned round", "one voxel changed")
]


@pytest.mark.parametrize("fault", PLACE_FAULTS)
def test_a_fault_in_placing_slices_is_seen_by_the_coded_series(fault, tmp_path, monkeypatch):
    from napari_medclf.io.dicom.series import stack, stacks

    spoiled = _placement_fault(fault)
    n_patched = 0
    for module in (stack, stacks):
        if hasattr(module, "place"):
            monkeypatch.setattr(module, "place", spoiled)
            n_patched += 1
    assert n_patched
    assert complaints(tmp_path, "oblique", "coronal", "enhanced shuffled")


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_fault_in_reading_samples_is_seen_by_the_coded_series(axis, tmp_path, monkeypatch):
    from napari_medclf.io.dicom import image

    genuine = image.read_gray
    monkeypatch.setattr(image, "read_gray", lambda *given: np.flip(genuine(*given), axis))
    assert complaints(tmp_path, "axial", "enhanced")


def test_times_in_the_wrong_order_are_seen_by_the_coded_series(tmp_path, monkeypatch):
    from napari_medclf.io.dicom.series import split

    genuine = split.find_times

    def spoiled(piles):
        times = genuine(piles)
        return times and replace(times, volumes=times.volumes[::-1])

    monkeypatch.setattr(split, "find_times", spoiled)
    assert complaints(tmp_path, "4D by temporal position", "enhanced 4D")


@pytest.mark.parametrize("name", ["missing", "jitter 3 %", "uneven"])
def test_unevenness_that_is_not_looked_at_is_seen_by_the_coded_series(name, tmp_path, monkeypatch):
    """Without the check of gaps, these would be read in silence."""
    from napari_medclf.io.dicom.series import place

    monkeypatch.setattr(place, "TOLERATED", 10.0)
    monkeypatch.setattr(place, "_SILENT", 10.0)
    assert complaints(tmp_path, name)


def complaints(tmp_path, *names: str) -> list[str]:
    found = []
    for name in names:
        report = read([write_coded(SERIES[name], tmp_path / name)])
        verdict = judge(SERIES[name], [View.of(image) for image in report.images], list(map(str, report.refusals)))
        found.append(verdict.complaint)
    return list(filter(None, found))


def _affine_of(module: str, name: str, spoil: Callable[[np.ndarray], np.ndarray]):
    """Give a patch of a reader's geometry: (module, name, replacement)."""
    from importlib import import_module

    owner = import_module(f"napari_medclf.io.volume.{module}")
    genuine = owner.Geometry

    def made(affine, shape, *rest, **options):
        return genuine(spoil(np.array(affine)), shape, *rest, **options)

    return owner, name, made


AFFINE_FAULTS = [
    name for name in FAULTS if name.startswith(("half", "one voxel along", "RAS", "LAS", "axis", "row and"))
]


@pytest.mark.parametrize(("module", "suffix"), [("nifti", ".nii"), ("nrrd", ".nrrd"), ("metaimage", ".mha")])
@pytest.mark.parametrize("fault", AFFINE_FAULTS)
def test_a_fault_in_a_readers_geometry_is_seen_by_the_marked_voxel(fault, module, suffix, tmp_path, monkeypatch):
    phantom = oblique_phantom()
    path = tmp_path / f"a{suffix}"
    write.write_image(phantom, path)
    assert marked_off_mm(phantom, path) <= EXACT_MM
    monkeypatch.setattr(*_affine_of(module, "Geometry", lambda affine: FAULTS[fault](phantom.data, affine)[1]))
    assert marked_off_mm(phantom, path) > EXACT_MM


def marked_off_mm(phantom: MedImage, path) -> float:
    """How far the one bright voxel is from its place, as test_flips asks it."""
    from napari_medclf.io.read import read_image

    back = read_image(path)
    marked = np.argwhere(back.data == phantom.data.max())
    truth = phantom.geometry.to_world(np.argwhere(phantom.data == phantom.data.max()))
    return float(np.linalg.norm(back.geometry.to_world(marked) - truth, axis=-1).max())
