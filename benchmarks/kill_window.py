"""Kill real windows while a mouse paints in them, and look whether every stroke that had come back is there.

xvfb-run python benchmarks/kill_window.py [--kills 10] [--windows 1]

A process of its own opens the Workbench on a picture, begins labels, and drags the mouse over the canvas again and
again. After each drag it tells a digest of the labels that the person sees. SIGKILL comes at a random moment. Then the
files are read as the next window would: of one window, labels replayed up to the last drag told must be those that were
seen; of two windows on one project, each one's file must hold as many strokes as it told, and all must replay.
Linux only.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.stroke import StrokeKind

LONGEST_S = 4.0
_TOLD = "stroke "
SCHEMA = LabelSchema.from_names(["disc", "rim"], first_value=1)


def main() -> None:
    """Kill, look, and print how many strokes were told and how many are gone."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--windows", type=int, default=1, choices=(1, 2))
    parser.add_argument("--paint", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.paint:
        paint(options.paint)
        return
    n_told = n_lost = 0
    for number in range(options.kills):
        with tempfile.TemporaryDirectory() as name:
            told, lost = one_trial(Path(name), options.windows, number)
        n_told, n_lost = n_told + told, n_lost + lost
        print(f"kill {number + 1}: {told} strokes told, {lost} not there", flush=True)
    print(f"{options.kills} kills of {options.windows} window(s): {n_told} strokes told, {n_lost} lost")
    sys.exit(bool(n_lost))


def one_trial(folder: Path, n_windows: int, seed: int) -> tuple[int, int]:
    """Paint, kill, and count what was told and what of it is gone."""
    from napari_medclf.io.write import write_image
    from napari_medclf.testing.phantoms import chest_phantom

    write_image(chest_phantom(), folder / "picture.png")
    windows = [_begin(folder) for _ in range(n_windows)]
    lines: list[list[str]] = [[_line(one)] for one in windows]  # all are painting
    time.sleep(random.Random(seed).uniform(0.2, LONGEST_S))
    for one in windows:
        os.kill(one.pid, signal.SIGKILL)
    for known, one in zip(lines, windows, strict=True):
        known += [line.removeprefix(_TOLD) for line in map(bytes.decode, one.stdout or ()) if _is_told(line)]
        one.wait()
    return sum(map(len, lines)), _n_lost(folder, lines)


def _begin(folder: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {"MEDCLF_HOME": str(folder / "home"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--paint", str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)


def _line(window: subprocess.Popen[bytes]) -> str:
    assert window.stdout is not None
    for line in map(bytes.decode, window.stdout):
        if _is_told(line):
            return line.removeprefix(_TOLD)
    raise RuntimeError("the window ended before it was killed")


def _is_told(line: str) -> bool:
    return line.startswith(_TOLD) and line.endswith("\n")


def _n_lost(folder: Path, lines: list[list[str]]) -> int:
    """Read the strokes as a new window does, and miss those that were told."""
    from napari_medclf.store.strokes.history import StrokeHistory

    project, digest = lines[0][0].split()[:2]
    history = StrokeHistory(Path(project), digest)
    strokes = [one for one in history.strokes() if one.stroke.kind is StrokeKind.PAINT]
    if len(lines) == 1:
        return _n_missing_of_one(history, strokes, lines[0])
    history.replay()
    written = sorted(Counter(one.moment.writer_id for one in strokes).values())
    return sum(max(len(known) - n, 0) for known, n in zip(sorted(lines, key=len), written, strict=True))


def _n_missing_of_one(history: Any, strokes: list[Any], known: list[str]) -> int:
    """Replayed up to the last drag that was told, the labels must be those that were seen."""
    if len(strokes) < len(known):
        return len(known) - len(strokes)
    labels = history.replay(until=strokes[len(known) - 1].moment).labels
    return int(hashlib.sha256(np.ascontiguousarray(labels, np.uint8)).hexdigest() != known[-1].split()[2])


def paint(folder: Path) -> None:
    """Be a window in which a mouse drags for ever; tells where, and what is seen after each drag."""
    from napari import Viewer
    from qtpy.QtCore import QPoint, Qt
    from qtpy.QtTest import QTest

    from napari_medclf.bridge.orientation import DisplayFrame
    from napari_medclf.bridge.strokes import stroke_from_paint

    viewer = Viewer(show=True)
    viewer.window.resize(900, 600)
    _, dock = viewer.window.add_plugin_dock_widget("napari-medclf", "Workbench")
    session = dock.session
    session.open_path(folder / "picture.png")
    _wait(lambda: session.image is not None and not session.lane.is_busy)
    session.begin_labels(SCHEMA)
    _wait(lambda: session.labels_layer is not None and not session.lane.is_busy)
    layer = session.labels_layer
    canvas = viewer.window._qt_viewer.canvas.native  # noqa: SLF001  (napari 0.9 has no public way to it)
    frame = DisplayFrame((0, 1, 2), (False, False, False), is_flat=True)
    own: list[bool] = []  # of each drag whether it is a stroke; what another window did meanwhile is not told here
    layer.events.paint.connect(
        lambda event: own.append(stroke_from_paint(event.value, layer.data.shape, frame, "paint", "") is not None)
    )
    for (x0, y0), (x1, y1), value in _drags(os.getpid()):
        layer.selected_label = value
        ends = [QPoint(round(x * canvas.width()), round(y * canvas.height())) for x, y in ((x0, y0), (x1, y1))]
        own.clear()
        QTest.mousePress(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, ends[0])
        for share in (0.25, 0.5, 0.75, 1.0):
            QTest.mouseMove(canvas, ends[0] + (ends[1] - ends[0]) * share)
            QTest.qWait(5)
        QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, ends[1])
        if not any(own):
            continue
        state = session.painting.state(layer)
        seen = hashlib.sha256(np.ascontiguousarray(layer.data[np.newaxis], np.uint8)).hexdigest()
        print(f"{_TOLD}{state.folder} {state.image.source.digest} {seen}", flush=True)  # napari prints notices, too


def _drags(seed: int) -> Iterator[tuple[tuple[float, float], tuple[float, float], int]]:
    generator = random.Random(seed)
    while True:
        start, end = ((generator.uniform(0.25, 0.75), generator.uniform(0.25, 0.75)) for _ in range(2))
        yield start, end, generator.choice((1, 2))


def _wait(is_so: Any) -> None:
    from qtpy.QtWidgets import QApplication

    end = time.perf_counter() + 120
    while not is_so():
        QApplication.processEvents()
        time.sleep(0.005)
        if time.perf_counter() > end:
            raise TimeoutError("waited too long")


if __name__ == "__main__":
    main()
