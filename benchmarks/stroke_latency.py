"""How long a stroke takes until it is safe on the disk: what a paint event waits for.

python benchmarks/stroke_latency.py [--rounds 300] [--folder DIR]

Brush strokes of three sizes on labels of 300 x 512 x 512 voxels, appended to a journal that holds 2,000 strokes. In
turns with each stroke, the same number of bytes is written and flushed to a plain file in the same folder: the disk's
own price, which no program can go below. Pauses of 10 ms between strokes, as a hand makes longer ones. Told are medians
and 95th percentiles of the wall time, and CPU time, which other programs on the computer do not change. `--folder
/dev/shm` leaves the disk out.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from napari_medclf.domain.stroke import Stroke, StrokeKind
from napari_medclf.store.strokes.codec import encode
from napari_medclf.store.strokes.journal import BaseInfo, StrokeJournal

SHAPE = (300, 512, 512)
STROKES = {
    "click, radius 5": (5, 1),
    "drag, radius 10, 30 places": (10, 30),
    "wide drag, radius 40, 60 places": (40, 60),
}
N_BEFORE = 2_000
PAUSE_S = 0.010


def brush(radius: int, n_places: int, seed: int) -> Stroke:
    """Drag a round brush over a slice along a bent line."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[: SHAPE[1], : SHAPE[2]]
    row, column = generator.integers(100, 400, 2)
    mask = np.zeros(SHAPE[1:], bool)
    for place in range(n_places):
        mask |= (rows - row - place * 2) ** 2 + (columns - column - 3 * place + place**2 // 30) ** 2 <= radius**2
    voxels = np.flatnonzero(mask) + int(generator.integers(SHAPE[0])) * mask.size
    after = np.full(len(voxels), 2, np.uint8)
    return Stroke(StrokeKind.PAINT, voxels, np.zeros_like(after), after, "ada", "2026-11-21T10:00:00.000Z")


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--folder", type=Path, default=None)
    options = parser.parse_args()
    print(f"load of the computer: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        _measure(Path(folder), options.rounds)


def _measure(folder: Path, rounds: int) -> None:
    journal = StrokeJournal.open(folder, "5e" * 32)
    journal.begin_base(BaseInfo(shape=SHAPE, dtype="uint8", is_empty=True))
    _fill(journal)
    print(f"{'':34}{'voxels':>8}{'bytes':>7}{'median ms':>11}{'p95 ms':>8}{'CPU ms':>8}   disk alone: median, p95 ms")
    for name, (radius, n_places) in STROKES.items():
        strokes = [brush(radius, n_places, seed) for seed in range(20)]
        n_bytes = len(encode(strokes[0]))
        ours, disk, cpu = _time(journal, folder / "plain", strokes, rounds, n_bytes)
        numbers = f"{len(strokes[0]):8}{n_bytes:7}{_of(ours, 50):11.2f}{_of(ours, 95):8.2f}{_of(cpu, 50):8.2f}"
        print(f"{name:34}{numbers}   {_of(disk, 50):.2f}, {_of(disk, 95):.2f}")
    journal.close()
    _reopen(folder)


def _fill(journal: StrokeJournal) -> None:
    strokes = [brush(10, 3, seed) for seed in range(20)]
    for number in range(N_BEFORE):
        journal.append(strokes[number % len(strokes)])


def _time(
    journal: StrokeJournal, plain: Path, strokes: list[Stroke], rounds: int, n_bytes: int
) -> tuple[list[float], list[float], list[float]]:
    ours, disk, cpu = [], [], []
    with plain.open("ab", buffering=0) as file:

        def write() -> None:
            started = time.perf_counter()
            file.write(bytes(n_bytes))
            getattr(os, "fdatasync", os.fsync)(file.fileno())
            disk.append(time.perf_counter() - started)

        def append(stroke: Stroke) -> None:
            started, started_cpu = time.perf_counter(), time.thread_time()
            journal.append(stroke)
            ours.append(time.perf_counter() - started)
            cpu.append(time.thread_time() - started_cpu)

        for number in range(rounds):
            stroke = strokes[number % len(strokes)]
            turns: list[Callable[[], None]] = [write, partial(append, stroke)]
            for turn in turns if number % 2 else reversed(turns):
                turn()
                time.sleep(PAUSE_S)
    return ours, disk, cpu


def _of(seconds: list[float], percentile: int) -> float:
    return float(np.percentile(seconds, percentile)) * 1e3


def _reopen(folder: Path) -> None:
    for when, act in _ways_to_open(folder):
        started, started_cpu = time.perf_counter(), time.process_time()
        act()
        print(f"{when:50}{time.perf_counter() - started:8.2f} s ({time.process_time() - started_cpu:.2f} s CPU)")


def _ways_to_open(folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    journal = StrokeJournal.open(folder, "5e" * 32)
    yield "labels of 300 x 512 x 512 from all strokes", journal.replay
    yield "compaction: a checkpoint, and files joined", journal.compact
    yield "labels from the checkpoint", journal.replay
    seen = journal.replay().seen
    journal.changed_since(seen)
    yield "asking whether another window painted", lambda: journal.changed_since(seen)
    journal.close()


if __name__ == "__main__":
    main()
