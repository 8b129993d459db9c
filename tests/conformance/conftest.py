"""The doors into the program: each turns a path into views, whose voxels the coded series can check."""

from __future__ import annotations

import json
import random
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.read import discover, read, read_image
from napari_medclf.io.write import write_image
from napari_medclf.testing.coded_check import View

# napari's world is (Inferior, Posterior, Left); LPS wants (Left, Posterior, Superior).
_LPS_OF_NAPARI = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])


@dataclass(frozen=True)
class Seen:
    """What came through a door."""

    views: tuple[View, ...]
    refusals: tuple[str, ...]


def through_folder(folder: Path, _: Path) -> Seen:
    return _seen(read([folder]))


def through_zip(folder: Path, scratch: Path) -> Seen:
    archive = scratch / "series.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(folder.iterdir()):
            packed.write(file, f"study/{file.name}")
    return _seen(read([archive]))


def through_file_list(folder: Path, _: Path) -> Seen:
    files = sorted(folder.iterdir())
    random.Random(5).shuffle(files)
    return _seen(read(files))


def through_promises(folder: Path, _: Path) -> Seen:
    """Read as what is too large for the memory is read: a part when it is looked at."""
    from napari_medclf.io.dicom.image import read_stack
    from napari_medclf.io.dicom.read import scan_files

    scan = scan_files(sorted(folder.iterdir()))
    images = [read_stack(stack, lazy=True) for stack in scan.stacks]
    assert all(image.is_lazy for image in images)
    return Seen(tuple(View.of(image) for image in images), tuple(map(str, scan.refusals)))


def through_listing(folder: Path, _: Path) -> Seen:
    found = discover(folder)
    views, refusals = [], [str(one) for one in found.refusals]
    for ref in found.found:
        try:
            views.append(View.of(read_image(ref.path, ref.member)))
        except ReadError as error:
            refusals.append(str(error))
    return Seen(tuple(views), tuple(refusals))


def through_command_line(folder: Path, _: Path) -> Seen:
    """Place the samples of `read` by the affines that ``medclf read --json`` prints."""
    from napari_medclf.cli.main import main

    report = read([folder])
    images = _printed_images(main, folder)
    assert [one["name"] for one in images] == [one.name for one in report.images]
    views = [
        View(np.asarray(image.data), np.array(told["affine_lps"]), tuple(told["warnings"]), told["unit"] == "mm")
        for image, told in zip(report.images, images, strict=True)
    ]
    return Seen(tuple(views), tuple(map(str, report.refusals)))


def _printed_images(main: Callable[..., int], folder: Path) -> list[dict]:
    import contextlib
    import io

    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        main(["read", str(folder), "--json"])
    return json.loads(out.getvalue())["images"]


def through_napari(folder: Path, _: Path) -> Seen:
    """Place what napari shows by its scale and translation; grids off the patient's axes by our own record."""
    layers, refusals = _layers(folder)
    views = []
    for data, keywords, kind in layers:
        if kind != "image":
            continue
        info = _info(keywords)
        if info.geometry.is_flat or np.count_nonzero(np.abs(info.geometry.directions) > 1e-6) > 3:
            views.append(_by_record(np.asarray(data), info))
        else:
            views.append(View(np.asarray(data), _affine_of_layer(keywords), info.image.warnings))
    return Seen(tuple(views), refusals)


def through_readout(folder: Path, _: Path) -> Seen:
    """Place every displayed voxel as the pointer's read-out does: by its source index."""
    layers, refusals = _layers(folder)
    return Seen(tuple(_by_record(np.asarray(d), _info(k)) for d, k, kind in layers if kind == "image"), refusals)


def through_nifti(folder: Path, scratch: Path) -> Seen:
    return _written_and_read(folder, scratch, ".nii")


def through_packed_nifti(folder: Path, scratch: Path) -> Seen:
    return _written_and_read(folder, scratch, ".nii.gz")


def through_nrrd(folder: Path, scratch: Path) -> Seen:
    return _written_and_read(folder, scratch, ".nrrd")


DOORS: dict[str, Callable[[Path, Path], Seen]] = {
    "folder": through_folder,
    "file list": through_file_list,
    "zip": through_zip,
    "promises": through_promises,
    "listing": through_listing,
    "command line": through_command_line,
    "napari": through_napari,
    "readout": through_readout,
    "nii": through_nifti,
    "nii.gz": through_packed_nifti,
    "nrrd": through_nrrd,
}


@pytest.fixture(scope="session")
def doors() -> dict[str, Callable[[Path, Path], Seen]]:
    return DOORS


def _seen(report) -> Seen:
    return Seen(tuple(View.of(one) for one in report.images), tuple(map(str, report.refusals)))


def _layers(folder: Path):
    from napari_medclf.bridge.reader import get_reader

    reader = get_reader(str(folder))
    assert reader is not None, "napari is told that this folder is not ours"
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            layers = reader(str(folder))
        except ReadError as error:
            return [], (str(error),)
    return layers, tuple(str(one.message) for one in said)


def _info(keywords):
    from napari_medclf.bridge.layer_info import layer_info

    info = layer_info(keywords["metadata"])
    assert info is not None
    return info


def _affine_of_layer(keywords) -> np.ndarray:
    """Affine of a layer's index to LPS: its scale and translation, then its affine, then napari's world to LPS."""
    local = np.eye(4)
    local[:3, :3] = np.diag(keywords["scale"][-3:])
    local[:3, 3] = keywords["translate"][-3:]
    beyond = np.asarray(keywords.get("affine", np.eye(4)), dtype=float)
    lps = np.eye(4)
    lps[:3, :3] = _LPS_OF_NAPARI
    return lps @ beyond[-4:, -4:] @ local


def _by_record(data: np.ndarray, info) -> View:
    """Bring a displayed array back to the source grid, voxel by voxel, through `to_source_index`."""
    geometry = info.geometry
    n_spatial = 2 if info.frame.is_flat else 3
    shown = data.shape[-n_spatial:]
    source = np.empty((*data.shape[:-n_spatial], *geometry.shape), data.dtype)
    for index in np.ndindex(*shown):
        k, j, i = (round(float(one)) for one in info.frame.to_source_index(np.array(index, float), geometry.shape))
        source[..., k, j, i] = data[(..., *index)]
    unit = geometry.unit.value
    return View(source, geometry.affine, info.image.warnings, unit == "mm", info.image.source.acquired_k)


def _written_and_read(folder: Path, scratch: Path, suffix: str) -> Seen:
    report = read([folder])
    views = []
    for number, image in enumerate(report.images):
        path = scratch / f"{number}{suffix}"
        write_image(image, path)
        back = View.of(read_image(path))
        views.append(View(back.samples, back.affine, image.warnings, back.is_placed, image.source.acquired_k))
    return Seen(tuple(views), tuple(map(str, report.refusals)))
