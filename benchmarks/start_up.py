"""Start: import the package, ask for help, find the reader, show the dock; beside what it puts off.

python benchmarks/start_up.py [--rounds 5] [--dock]

Every way is a fresh process, so the time of starting Python itself is in each row. --dock needs a
display: it opens napari and prints how long the Workbench took to appear.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping

from side_by_side import Timing, show

PROGRAMS = {
    "import napari_medclf": "import napari_medclf",
    "medclf --help": "from napari_medclf.cli.main import main; main(['--help'])",
    "reader hook, one file": "from napari_medclf.bridge.reader import get_reader; get_reader('a.nii.gz')",
    "Python alone": "pass",
    "import numpy": "import numpy",
    "import napari": "import napari",
    "import torch": "import torch",
    "import monai": "import monai",
}

DOCK = """
import time
import napari
viewer = napari.Viewer()
from qtpy.QtWidgets import QApplication
QApplication.processEvents()
started = time.perf_counter()
viewer.window.add_plugin_dock_widget("napari-medclf", "Workbench")
QApplication.processEvents()
print(time.perf_counter() - started)
import sys
print(int("torch" in sys.modules), int("monai" in sys.modules))
viewer.close()
"""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dock", action="store_true")
    options = parser.parse_args()
    show("Start-up, in fresh processes", time_processes(PROGRAMS, options.rounds))
    if options.dock:
        time_dock(options.rounds)


def time_processes(programs: Mapping[str, str], rounds: int) -> list[Timing]:
    """Time every program once a round, after one round that fills the disk's cache."""
    wall: dict[str, list[float]] = {name: [] for name in programs}
    cpu: dict[str, list[float]] = {name: [] for name in programs}
    for number in range(rounds + 1):
        for name, program in programs.items():
            started, started_cpu = time.perf_counter(), children_cpu_s()
            subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)
            if number > 0:
                wall[name].append(time.perf_counter() - started)
                cpu[name].append(children_cpu_s() - started_cpu)
    return [
        Timing(name, statistics.median(wall[name]), statistics.median(cpu[name]), min(wall[name]), max(wall[name]))
        for name in programs
    ]


def children_cpu_s() -> float:
    """CPU seconds of all processes that were started from here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def time_dock(rounds: int) -> None:
    """Print how long the Workbench took from the menu's call until it was drawn."""
    seconds = []
    for _ in range(rounds):
        done = subprocess.run([sys.executable, "-c", DOCK], check=True, capture_output=True, text=True, env=os.environ)
        drawn, loaded = done.stdout.splitlines()[-2:]
        assert loaded == "0 0", "torch or MONAI was imported before the dock was drawn"
        seconds.append(float(drawn))
    print(f"\nDock drawn after the call: median {statistics.median(seconds):.2f} s, slowest {max(seconds):.2f} s")


if __name__ == "__main__":
    main()
