"""Segment a whole CT, from the image in memory to labels on its grid: ours and three peers, the same weights.

python benchmarks/segment_ct.py [--rounds 3] [--peers PYTHON] [--network large] [--ways ours monai]

Each way runs in a process of its own, in turns, on one thread; CPU seconds, because other programs run too. Memory is
the peak above what the process took before (imports, the image, the weights). A peer that is not installed is skipped.
`--long` segments 800 slices into 117 classes, with ours only, and `--limit-gib 4` under a limit of the address space.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path

import numpy as np
from ct_case import Size, make_ct, n_parameters, stock_network

HERE = Path(__file__).parent
NEEDS = {"nnunet": "nnunetv2", "totalsegmentator": "totalsegmentator", "monai": "monai", "ours-openvino": "openvino"}


def main() -> None:
    """Print a table of ratios, and how far the labels are apart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default=sys.executable, help="a Python in which nnunetv2 and totalsegmentator are")
    parser.add_argument("--network", choices=("small", "large"), default="small")
    parser.add_argument("--ways", nargs="+", default=["ours", "ours-openvino", "monai", "totalsegmentator", "nnunet"])
    parser.add_argument("--long", action="store_true", help="800 slices and 117 classes")
    parser.add_argument("--limit-gib", type=float, help="of the address space of each process")
    options = parser.parse_args()
    shape, n_classes = ((800, 512, 512), 117) if options.long else ((300, 512, 512), 25)
    size = Size(shape, (1.5, 0.75, 0.75), n_classes, (96, 96, 96), options.network)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        np.save(place / "ct.npy", make_ct(size))
        (place / "size.json").write_text(json.dumps(asdict(size)))
        print(
            f"CT {size.shape}, model grid {size.model_shape} of 3 mm, {n_classes} classes, windows {size.window}, "
            f"BasicUNet ({options.network}, {n_parameters(stock_network(size)) / 1e6:.1f} M parameters), 1 thread"
        )
        measure(options, place)


def measure(options: argparse.Namespace, folder: Path) -> None:
    """Run every way in turns and print what came of it."""
    found: dict[str, list[dict[str, float]]] = defaultdict(list)
    for _ in range(options.rounds):
        for way in list(options.ways):
            python = sys.executable if way.startswith("ours") else options.peers
            figures = run(way, python, folder, options.limit_gib)
            if figures is None:
                options.ways.remove(way)
            else:
                found[way].append(figures)
    reference = np.load(folder / "ours.npy") if (folder / "ours.npy").exists() else None
    print(f"  {'':20} {'CPU s':>8} {'wall s':>8} {'peak MiB':>9} {'CPU ratio':>10} {'peak ratio':>11}  equal labels")
    middle = {
        way: {name: statistics.median(one[name] for one in each) for name in each[0]} for way, each in found.items()
    }
    for way, one in middle.items():
        first = next(iter(middle.values()))
        equal = "" if reference is None else f"{(np.load(folder / f'{way}.npy') == reference).mean():.4%}"
        print(
            f"  {way:20} {one['cpu_s']:8.1f} {one['wall_s']:8.1f} {one['peak_mib']:9.0f} "
            f"{one['cpu_s'] / first['cpu_s']:10.2f} {one['peak_mib'] / first['peak_mib']:11.2f}  {equal}"
        )


def run(way: str, python: str, folder: Path, limit_gib: float | None) -> dict[str, float] | None:
    """Run one way once; None where its package is missing."""
    needed = NEEDS.get(way)
    if needed and subprocess.run([python, "-c", f"import {needed}"], capture_output=True).returncode:
        print(f"  {way}: skipped, {needed} is not installed in {Path(python).name}")
        return None
    command = [python, str(HERE / "ct_ways.py"), way, str(folder)]
    if limit_gib:
        command = ["sh", "-c", f'ulimit -v {round(limit_gib * 2**20)}; exec "$@"', "sh", *command]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    if done.returncode:
        print(f"  {way}: ended with {done.returncode}: {done.stderr.strip().splitlines()[-1:]}")
        return None
    for line in done.stderr.splitlines():
        if line.startswith("needs "):
            print(f"  {way}: {line}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


if __name__ == "__main__":
    main()
