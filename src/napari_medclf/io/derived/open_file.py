"""Open a DICOM object that holds something else than an image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom.layout import check_inflated
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.preflight import check_budget, check_file, refusing


def open_derived(path: Path, *, with_samples: bool = False) -> Any:
    """Read a pydicom data set, without its samples unless they are asked for.

    Raises
    ------
    ReadError
        If it is damaged, no DICOM, or would not fit into memory.
    """
    size = check_file(path)
    with path.open("rb") as file, refusing(path, "has a damaged DICOM header", with_text=False), quiet():
        check_inflated(path, file)
        from pydicom import dcmread

        if with_samples:
            check_budget(path, 2 * size)
        dataset = dcmread(file, stop_before_pixels=not with_samples, force=True)
        if len(dataset) == 0:
            raise ReadError(path, "holds no DICOM elements; it is damaged or not DICOM")
        return dataset
