"""Kill windows while strokes arrive, and look whether every stroke whose call had returned is there, bit for bit.

python benchmarks/kill_while_painting.py [--kills 100] [--way kill|two-writers|truncate|disk-full]

kill         one window paints; SIGKILL at a random moment within 0.35 s
two-writers  two windows paint on one image at once; both are killed, at moments of their own
truncate     after a kill, the file is cut at a random byte: all strokes that end before it must be there
disk-full    the folder is a tmpfs of 256 KiB (needs root or `unshare -rm`): strokes fail, the old ones stay, and what
             was kept in memory is written once there is room
Without --way all are done in turn. Linux only.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.stroke import Stroke, StrokeKind
from napari_medclf.store.strokes.journal import BaseInfo, StrokeJournal
from napari_medclf.store.strokes.records import RecordKind, scan

DIGEST = "5e" * 32
SHAPE = (20, 128, 160)
LONGEST_S = 0.35


def strokes(seed: int) -> Iterator[Stroke]:
    """Paint for ever, the same for the same seed."""
    generator = np.random.default_rng(seed)
    labels = np.zeros(int(np.prod(SHAPE)), np.uint8)
    while True:
        start = int(generator.integers(labels.size - 5_000))
        voxels = start + np.flatnonzero(generator.random(5_000) < generator.random())
        after = np.full(len(voxels), generator.integers(1, 6), np.uint8)
        yield Stroke(StrokeKind.PAINT, voxels, labels[voxels], after, author="ada")
        labels[voxels] = after


class Window:
    """A process that paints, and tells each stroke whose call returned."""

    def __init__(self, project: Path, seed: int) -> None:
        self.seed, self.writer_id = seed, f"window-{seed}"
        self._told, end = os.pipe()
        self.process = os.fork()
        if self.process == 0:
            self._paint(project, end)
        os.close(end)
        os.read(self._told, 1)

    def _paint(self, project: Path, end: int) -> None:
        journal = StrokeJournal.open(project, DIGEST, self.writer_id)
        for stroke in strokes(self.seed):
            journal.append(stroke)
            os.write(end, b".")

    def kill(self) -> int:
        """End it at once; returns how many calls had returned."""
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        n_returned = 1 + len(os.read(self._told, 1 << 20))
        os.close(self._told)
        return n_returned


def n_wrong(project: Path, window: Window, n_returned: int) -> int:
    """How many strokes of a window are missing or not as they were painted."""
    journal = StrokeJournal.open(project, DIGEST)
    found = [one.stroke for one in journal.strokes() if one.writer_id == window.writer_id]
    same = [_same(one, other) for one, other in zip(found, strokes(window.seed), strict=False)]
    journal.replay()  # must not fail
    return max(0, n_returned - len(found)) + same.count(False)


def _same(one: Stroke, other: Stroke) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("voxels", "before", "after"))


def kill(n_kills: int, folder: Path, n_windows: int = 1) -> str:
    """Paint and kill; each project is killed in ten times."""
    moments, n_returned, n_lost, slowest_s = random.Random(1), 0, 0, 0.0
    for number in range(n_kills):
        project = _project(folder / f"{n_windows}-{number // 10}")
        windows = [Window(project, 1 + number * n_windows + one) for one in range(n_windows)]
        counts = []
        for window in windows:
            time.sleep(moments.uniform(0, LONGEST_S))
            counts.append(window.kill())
        started = time.perf_counter()
        StrokeJournal.open(project, DIGEST).replay()
        slowest_s = max(slowest_s, time.perf_counter() - started)
        n_lost += sum(n_wrong(project, window, count) for window, count in zip(windows, counts, strict=True))
        n_returned += sum(counts)
    told = f"{n_kills} kills, {n_returned} strokes acknowledged, {n_lost} lost or changed"
    return f"{told}; slowest opening {slowest_s:.2f} s"


def truncate(n_cuts: int, folder: Path) -> str:
    """Cut a file at random bytes."""
    project = _project(folder / "cut")
    window = Window(project, 1)
    time.sleep(LONGEST_S)
    window.kill()
    path = next(project.rglob(f"{window.writer_id}.strokes"))
    content, places, n_wrong_cuts = path.read_bytes(), random.Random(2), 0
    whole = [one.seq for one in scan(content).records if one.kind is RecordKind.STROKE]
    for _ in range(n_cuts):
        length = places.randrange(len(content))
        path.write_bytes(content[:length])
        found = [one for one in StrokeJournal.open(project, DIGEST).strokes() if one.writer_id == window.writer_id]
        expected = [one.seq for one in scan(content[:length]).records]
        same = [_same(one.stroke, other) for one, other in zip(found, strokes(1), strict=False)]
        n_wrong_cuts += [one.seq for one in found] != expected or not all(same) or expected != whole[: len(expected)]
    return f"{n_cuts} cuts of a file of {len(whole)} strokes, {n_wrong_cuts} of them read wrongly"


def disk_full(folder: Path) -> str:
    """Fill a small file system with strokes."""
    made, n_written, n_failed = strokes(1), 0, 0
    journal = StrokeJournal.open(folder / "project", DIGEST, "ada")
    journal.begin_base(BaseInfo(shape=SHAPE, dtype="uint8", is_empty=True))
    (folder / "ballast").write_bytes(bytes(64 << 10))
    while n_failed < 5:
        try:
            journal.append(next(made))
            n_written += 1
        except WriteError:
            n_failed += 1
    on_disk = [one.stroke for one in StrokeJournal.open(folder / "project", DIGEST).strokes()]
    kept = len(on_disk) >= n_written and all(map(_same, on_disk, strokes(1)))
    (folder / "ballast").unlink()
    journal.retry()
    found = [one.stroke for one in StrokeJournal.open(folder / "project", DIGEST).strokes()]
    caught_up = len(found) == n_written + n_failed and all(map(_same, found, strokes(1)))
    return (
        f"full after {n_written} strokes: the old ones are {'whole' if kept else 'NOT WHOLE'}; {n_failed} kept in "
        f"memory, {'all written' if caught_up else 'NOT ALL WRITTEN'} once there was room"
    )


def _project(folder: Path) -> Path:
    if not folder.exists():
        journal = StrokeJournal.open(folder, DIGEST, "first")
        journal.begin_base(BaseInfo(shape=SHAPE, dtype="uint8", is_empty=True))
        journal.close()
    return folder


def _in_small_disk() -> str:
    """Do `disk_full` in a mount of its own."""
    mount = 'D=$(mktemp -d) && mount -t tmpfs -o size=256k tmpfs "$D" && exec "$0" "$1" --inside "$D"'
    done = subprocess.run(
        [
            str(shutil.which("unshare")),
            *([] if os.geteuid() == 0 else ["-r"]),
            "-m",
            "sh",
            "-c",
            mount,
            sys.executable,
            __file__,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or f"not done: {done.stderr.strip().splitlines()[-1]}"


def main() -> None:
    """Print what was lost, which should be nothing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--way", choices=("kill", "two-writers", "truncate", "disk-full"))
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        print(disk_full(options.inside))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ways = {
            "kill": lambda: kill(options.kills, folder),
            "two-writers": lambda: kill(options.kills, folder, 2),
            "truncate": lambda: truncate(10 * options.kills, folder),
            "disk-full": _in_small_disk,
        }
        for way in [options.way] if options.way else ways:
            print(f"{way:12} {ways[way]()}", flush=True)


if __name__ == "__main__":
    main()
