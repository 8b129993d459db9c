"""Stored samples and colours equal those of pydicom on every real file that both decode."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pydicom
import pydicom.data
import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom.layout import is_at_pixels, read_layout
from napari_medclf.io.dicom.pixels.colour import read_colour
from napari_medclf.io.dicom.pixels.planes import fetch, planes_of
from napari_medclf.io.dicom.pixels.stored import meant
from napari_medclf.io.dicom.quiet import quiet

# Read by pydicom and not by us: bits of segmentations, which have a reader of their own, colours of 32 bits, and
# a line of samples more than declared, which pydicom cuts off.
_LEFT_OUT = ("1 of 1 bits", "colours of 32 bits", "its header is wrong")


def pydicom_folder() -> Path:
    return Path(pydicom.data.get_testdata_file("CT_small.dcm")).parent


@pytest.mark.parametrize(("corpus", "fewest"), [("zoo", 250), ("pydicom", 60)])
def test_samples_equal_those_of_pydicom(request, corpus, fewest):
    root = pydicom_folder() if corpus == "pydicom" else request.getfixturevalue("shared_data") / "dicom_zoo"
    counted: Counter[str] = Counter()
    for path in sorted(root.rglob("*")):
        if path.is_file() and (expected := by_pydicom(path)) is not None:
            counted[compared(path, expected)] += 1
    assert set(counted) <= {"equal", "left out"}
    assert counted["equal"] >= fewest


def compared(path: Path, expected: np.ndarray) -> str:
    try:
        found = by_us(path)
    except ReadError as error:
        return "left out" if any(one in error.reason for one in _LEFT_OUT) else f"{path.name}: {error.reason}"
    return "equal" if np.array_equal(found, expected.reshape(found.shape)) else f"{path.name} differs"


def by_us(path: Path) -> np.ndarray:
    """Samples whatever kind of object it is; headers would refuse many of these before."""
    with path.open("rb") as file, quiet():
        dataset = pydicom.dcmread(file, stop_before_pixels=True, force=True)
        pixels = read_layout(path, dataset, file, path.stat().st_size)
    header = SimpleNamespace(path=path, pixels=pixels, frame=None)
    if pixels.is_colour:
        return np.moveaxis(read_colour([header]), 0, -1)
    found: dict[int, np.ndarray] = {}
    fetch(planes_of([header]), lambda n, stored: found.__setitem__(n, meant(stored, pixels, set())))
    return np.stack([found[n] for n in range(len(found))])


def by_pydicom(path: Path) -> np.ndarray | None:
    """Samples, colours of palettes as eight bits; None for what it does not decode."""
    with quiet():
        try:
            with path.open("rb") as file:
                dataset = pydicom.dcmread(file, stop_before_pixels=True, force=True)
                if "Rows" not in dataset or not is_at_pixels(dataset, file):
                    return None
            dataset = pydicom.dcmread(path, force=True)
            samples = dataset.pixel_array
            if dataset.PhotometricInterpretation != "PALETTE COLOR":
                return samples
            colours = pydicom.pixels.apply_color_lut(samples, dataset)[..., :3]
        except Exception:
            return None
    return (colours >> 8).astype(np.uint8) if colours.dtype == np.uint16 else colours
