"""How long one turn of the event loop keeps a person waiting, where napari makes or shows layers for us.

xvfb-run python benchmarks/event_loop.py [--rounds 4]

A volume of 160 x 320 x 320 with labels. Told are CPU and wall milliseconds of the longest turn of the event loop while
something is done: what our code calls of napari and Qt is in it, and so is the drawing that follows, which is done in
software without a graphics card. Medians over the rounds, and the longest; the first round, which compiles what is
drawn, is told apart.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from qtpy.QtWidgets import QApplication

from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.stroke import StrokeKind

_SHAPE = (160, 320, 320)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MEDCLF_HOME"] = folder
        show(play(options.rounds))


def play(rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Do what a person does, in turns; returns CPU and wall seconds of the longest turn of each."""
    from napari import Viewer

    viewer = Viewer(show=True)
    _, dock = viewer.window.add_plugin_dock_widget("napari-medclf", "Workbench")
    dock.show_tab("Correct")
    session = dock.session
    samples = np.random.default_rng(0).integers(0, 1000, _SHAPE).astype(np.int16)
    session.show_image(MedImage(samples, Geometry.from_spacing(_SHAPE, (1.0, 1.0, 1.0)), "volume", "MR"))
    session.begin_labels(LabelSchema.from_names(["one", "two"], first_value=1))
    longest_turn(session, lambda: None)
    labels, lock = session.labels_layer, dock.correct.lock
    taken: dict[str, list[tuple[float, float]]] = {}
    for number in range(rounds):
        voxels = np.arange(number * 10_000, number * 10_000 + 400)
        session.painting.apply(labels, voxels, 1, StrokeKind.PAINT)
        said = np.zeros(_SHAPE, np.uint8)
        said.reshape(-1)[voxels] = 2
        steps: dict[str, Callable[[], Any]] = {
            "a stroke": lambda: session.painting.apply(labels, np.arange(9_000, 9_300), 2, StrokeKind.PAINT),
            "a model contradicts": partial(session.painting.take_prediction, labels, said, None, "run"),
            "D, next disagreement": lock.next_disagreement,
            "show who drew what": lambda: lock.who.setChecked(True),
            "hide it": lambda: lock.who.setChecked(False),
        }
        for name, step in steps.items():
            taken.setdefault(name, []).append(longest_turn(session, step))
    dock.close_down()
    viewer.close()
    return taken


def longest_turn(session: Any, step: Callable[[], Any]) -> tuple[float, float]:
    """CPU and wall seconds of the longest turn, the step itself and what comes of it."""
    turns = [timed(step)]
    end = time.perf_counter() + 1
    while time.perf_counter() < end or session.lane.is_busy:
        turns.append(timed(lambda: QApplication.instance().processEvents()))
        time.sleep(0.002)
    return max(turns)


def timed(step: Callable[[], Any]) -> tuple[float, float]:
    """CPU seconds of the main thread, and wall seconds."""
    wall, cpu = time.perf_counter(), time.thread_time()
    step()
    return time.thread_time() - cpu, time.perf_counter() - wall


def show(taken: dict[str, list[tuple[float, float]]]) -> None:
    """Print a row for each step."""
    print(f"{'':24} {'first':>18} {'median CPU':>11} {'longest CPU':>12} {'median wall':>12}  (milliseconds)")
    for name, ((cpu, wall), *others) in taken.items():
        cpus, walls = ([1000 * one[at] for one in others] for at in (0, 1))
        first = f"{1000 * cpu:.0f} / {1000 * wall:.0f}"
        print(
            f"{name:24} {first:>18} {statistics.median(cpus):11.0f} {max(cpus):12.0f} {statistics.median(walls):12.0f}"
        )


if __name__ == "__main__":
    main()
