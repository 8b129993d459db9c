"""What the painting tools cost and how well they draw, on real cases.

python benchmarks/painting_tools.py [--data ../shared/data]

Latency: CPU milliseconds on one thread of one step of the mouse (brushes) or of one use (the others), on a CT of
512 x 512 x 120 voxels of 0.75 x 0.75 x 2.5 mm with a spleen-sized class; the median and the 95th percentile.
Smart brush: one click at the deepest place of each slice of each hippocampus, with a circle 1.5 times as large as the
space there is; the share of what it painted that is right, and of what it should have painted, against a plain brush.
Interpolation: every n-th slice is given, the slices between are made and compared with the expert's, by Dice; against
copying the nearest slice, and against shapes that are not moved to a common centre.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
from scipy import ndimage

from napari_medclf.engine.correct import interpolate
from napari_medclf.engine.correct.brush import Brush, paint
from napari_medclf.engine.correct.change import Change
from napari_medclf.engine.correct.lock import merge
from napari_medclf.engine.correct.smart import smart_paint
from napari_medclf.engine.correct.tools import Tool, ToolOptions, Work, use_tool
from napari_medclf.io.labels import read_label_map
from napari_medclf.io.read import read_image

SPACING = (2.5, 0.75, 0.75)
SHAPE = (120, 512, 512)


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    latency()
    folder = options.data / "hippocampus_msd"
    names = sorted(path.name for path in (folder / "labels").glob("*.nii.gz"))[:20]
    smart_brush(folder, names)
    between_slices(folder, names)


def latency() -> None:
    """Time each tool on a large CT."""
    rng = np.random.default_rng(0)
    grid = np.indices(SHAPE, dtype=np.float32)
    away = sum(((grid[axis] - middle) * SPACING[axis] / size) ** 2 for axis, middle, size in _ellipsoid())
    spleen = away <= 1
    values = (50.0 * spleen + rng.normal(0, 15, SHAPE)).astype(np.float32)
    labels = spleen.astype(np.uint8)
    origin = np.zeros(SHAPE, dtype=np.uint8)
    origin[40:80:10][spleen[40:80:10]] = 1
    del grid, away
    print("tool, CPU ms: median, 95th percentile")
    for name, tool, options in (
        ("ball in a slice, 5 mm", Tool.BALL, ToolOptions()),
        ("ball in 3D, 10 mm", Tool.BALL, ToolOptions(radius_mm=10, is_ball=True)),
        ("smart, in a slice, 10 mm", Tool.SMART, ToolOptions(radius_mm=10)),
        ("smart, in 3D, 10 mm", Tool.SMART, ToolOptions(radius_mm=10, is_ball=True)),
        ("smart, in a slice, 40 mm", Tool.SMART, ToolOptions(radius_mm=40)),
        ("range, in a slice, 10 mm", Tool.RANGE, ToolOptions(radius_mm=10, low=20, high=90)),
        ("piece in 3D, 250 mL", Tool.PIECE, ToolOptions()),
        ("slices between, 4 given", Tool.INTERPOLATE, ToolOptions()),
    ):
        step = [np.array([60.0, 250.0, 300.0]), np.array([60.0, 254.0, 306.0])]
        work = Work(labels, SPACING, step, 1, 0, values, origin)
        _tell(name, partial(use_tool, tool, work, options), 5 if tool in _SLOW else 30)
    prediction = np.roll(labels, 4, axis=2)
    _tell("meet a prediction and the lock", partial(merge, prediction, labels, origin), 5)


_SLOW = (Tool.PIECE, Tool.INTERPOLATE)


def _ellipsoid() -> tuple[tuple[int, float, float], ...]:
    return ((0, 60.0, 55.0), (1, 250.0, 30.0), (2, 300.0, 36.0))


def _tell(name: str, use: Callable[[], object], rounds: int) -> None:
    spent = []
    for _ in range(rounds):
        begun = time.thread_time()
        use()
        spent.append(1000 * (time.thread_time() - begun))
    print(f"  {name:32} {statistics.median(spent):8.1f} {np.percentile(spent, 95):8.1f}")


def smart_brush(folder: Path, names: list[str]) -> None:
    """Compare one click of both brushes."""
    found: dict[str, list[tuple[float, float]]] = {"plain": [], "smart": []}
    for name in names:
        image, truth = read_image(folder / "images" / name), read_label_map(folder / "labels" / name)
        spacing = truth.geometry.spacing
        whole = truth.labels > 0
        for index in np.flatnonzero(whole.sum(axis=(0, 2)) > 60):
            plane = whole[:, index]
            room = ndimage.distance_transform_edt(plane, (spacing[0], spacing[2]))
            k, i = np.unravel_index(int(room.argmax()), plane.shape)
            brush = Brush(1.5 * float(room.max()), spacing, axis=1)
            empty = np.zeros(whole.shape, dtype=np.uint8)
            place = [(float(k), float(index), float(i))]
            for kind, change in (
                ("plain", paint(empty, place, brush, 1)),
                ("smart", smart_paint(empty, image.data, place, brush, 1)),
            ):
                found[kind].append(_shares(change, whole, paint(empty, place, brush, 1)))
    print("one click, share of the painted that is right, and of the right under the circle that is painted")
    for kind, shares in found.items():
        right, painted = np.mean(shares, axis=0)
        print(f"  {kind:32} {right:8.3f} {painted:8.3f}   ({len(shares)} slices)")


def _shares(change: Change, truth: np.ndarray, under: Change) -> tuple[float, float]:
    is_right = truth.reshape(-1)
    wanted = np.count_nonzero(is_right[under.voxels])
    hits = np.count_nonzero(is_right[change.voxels])
    return hits / len(change), hits / wanted


def between_slices(folder: Path, names: list[str]) -> None:
    """Compare the ways to fill slices."""
    print("slices between, mean Dice with the expert's")
    for step in (2, 3, 5):
        found: dict[str, list[float]] = {"nearest slice copied": [], "shapes": [], "shapes, common centre": []}
        for name in names:
            truth = read_label_map(folder / "labels" / name)
            for value in (1, 2):
                _compare(truth.labels, value, truth.geometry.spacing, step, found)
        for kind, dice in found.items():
            print(f"  every {step}. slice, {kind:22} {np.mean(dice):8.3f}   ({len(dice)} shapes)")


def _compare(
    truth: np.ndarray, value: int, spacing: tuple[float, float, float], step: int, found: dict[str, list[float]]
) -> None:
    given = [int(at) for at in np.flatnonzero((truth == value).any(axis=(1, 2)))][::step]
    if len(given) < 2:
        return
    labels = np.zeros_like(truth)
    labels[given] = np.where(truth[given] == value, value, 0)
    made = [index for index in range(given[0], given[-1]) if index not in given]
    copied = labels.copy()
    for index in made:
        copied[index] = labels[min(given, key=lambda one, index=index: abs(one - index))]  # type: ignore[misc]
    moved = interpolate.interpolate_slices(labels, value, 0, spacing, slices=given).applied(labels)
    with mock.patch.object(interpolate, "_is_one", return_value=False):
        still = interpolate.interpolate_slices(labels, value, 0, spacing, slices=given).applied(labels)
    for kind, answer in zip(found, (copied, still, moved), strict=True):
        both = 2 * np.count_nonzero((answer[made] == value) & (truth[made] == value))
        found[kind].append(both / (np.count_nonzero(answer[made] == value) + np.count_nonzero(truth[made] == value)))


if __name__ == "__main__":
    main()
