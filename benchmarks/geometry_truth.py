"""Where voxels of coded series come to lie: ours, SimpleITK and MONAI, in millimetres from the truth.

python benchmarks/geometry_truth.py
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from napari_medclf.io.read import read
from napari_medclf.testing.coded_check import EXACT_MM, View, judge
from napari_medclf.testing.coded_files import write_coded
from napari_medclf.testing.coded_series import CodedSeries, all_coded_series

_LPS_OF_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
Read = Callable[[Path], list[View]]


def main() -> None:
    """Print a row a series, and how often each reader was wrong without a word."""
    readers: dict[str, Read] = {"napari-medclf": ours, "SimpleITK": simpleitk, "MONAI PydicomReader": monai}
    print(f"{'series':32} " + " ".join(f"{name:>28}" for name in readers))
    silent = dict.fromkeys(readers, 0)
    worst = dict.fromkeys(readers, 0.0)
    with tempfile.TemporaryDirectory() as home:
        sound = write_coded(all_coded_series()[0], Path(home) / "sound")
        # What a reader says about a series that is all right is no word about one that is not.
        usual = {name: usual_words(reader, sound) for name, reader in readers.items()}
        for number, series in enumerate(all_coded_series()):
            folder = write_coded(series, Path(home) / str(number))
            cells = []
            for name, reader in readers.items():
                said, wrong_mm, is_silent = judged(series, reader, folder, usual[name])
                silent[name] += is_silent
                worst[name] = max(worst[name], wrong_mm * is_silent)
                cells.append(f"{said:>28}")
            print(f"{series.name:32} " + " ".join(cells))
    for name in readers:
        print(
            f"{name}: {silent[name]} of {len(all_coded_series())} wrong without a word, by up to {worst[name]:.1f} mm"
        )


def usual_words(reader: Read, folder: Path) -> set[str]:
    """Collect what a reader says about a series without a fault."""
    with heard() as words:
        views = reader(folder)
    return {*words, *(text for view in views for text in view.warnings)}


def judged(series: CodedSeries, reader: Read, folder: Path, usual: set[str]) -> tuple[str, float, bool]:
    """Say what came of a series, how far its worst voxel is off, and whether that went without a word."""
    with heard() as words:
        try:
            views = reader(folder)
        except Exception as error:  # noqa: BLE001  (a reader may raise what it likes; that is a refusal)
            return f"refused ({type(error).__name__})", 0.0, False
    refusals = [text for text in words if text and text not in usual]
    verdict = judge(series, views, refusals)
    warned = bool(refusals) or any(set(view.warnings) - usual for view in views)
    off = verdict.worst_mm - series.stray_mm
    is_wrong = off > EXACT_MM or "voxels" in verdict.complaint or "mixes" in verdict.complaint
    if not np.isfinite(verdict.worst_mm):
        return ("other samples" + " (warned)" * warned, 0.0, not warned)
    text = f"{verdict.worst_mm:.3g} mm" if views else "refused"
    text += ", voxels lost" if "loses" in verdict.complaint else ""
    return text + " (warned)" * (warned and bool(views)), verdict.worst_mm, is_wrong and not warned


def ours(folder: Path) -> list[View]:
    """Read with this package; refusals become warnings."""
    report = read([folder])
    for refusal in report.refusals:
        warnings.warn(str(refusal), stacklevel=2)
    return [View.of(image) for image in report.images]


def simpleitk(folder: Path) -> list[View]:
    """Read every series that GDCM finds."""
    import SimpleITK

    views = []
    for uid in SimpleITK.ImageSeriesReader.GetGDCMSeriesIDs(str(folder)):
        names = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), uid)
        image = SimpleITK.ReadImage(names if len(names) > 1 else names[0])
        if image.GetDimension() == 4:
            image = image[..., 0]
        affine = np.eye(4)
        affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
        affine[:3, 3] = image.GetOrigin()
        views.append(View(SimpleITK.GetArrayFromImage(image), affine[:, [2, 1, 0, 3]]))
    return views


def monai(folder: Path) -> list[View]:
    """Read as MONAI's own readers of DICOM do by default."""
    from monai.transforms import LoadImage

    image = LoadImage(image_only=True, reader="PydicomReader")(folder)
    samples = np.asarray(image)
    if samples.ndim == 2:
        samples = samples[..., None]
    affine = _LPS_OF_RAS @ np.asarray(image.affine, dtype=np.float64)
    return [View(samples.transpose(2, 1, 0), affine[:, [2, 1, 0, 3]])]


@contextlib.contextmanager
def heard() -> Iterator[list[str]]:
    """Collect warnings of Python, and what native code writes to the standard error."""
    words: list[str] = []
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        os.dup2(file.fileno(), 2)
        try:
            yield words
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            words += [file.read().decode(errors="replace")[:200].replace("\n", " ")]
            words += [str(one.message).replace("\n", " ") for one in caught]


if __name__ == "__main__":
    main()
