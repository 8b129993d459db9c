"""Time several ways to do one thing, in turns, in one process, and print ratios of medians.

Turns, because a laptop's speed drifts: each round times every way once. CPU seconds beside wall
seconds, because other programs run too.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Timing:
    """Medians over the rounds, in seconds, with the fastest and slowest wall time."""

    name: str
    wall_s: float
    cpu_s: float
    fastest_s: float
    slowest_s: float


def compare(ways: Mapping[str, Callable[[], Any]], rounds: int) -> list[Timing]:
    """Time every way once a round, after one call each that does not count."""
    for way in ways.values():
        way()
    wall: dict[str, list[float]] = {name: [] for name in ways}
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            started, started_cpu = time.perf_counter(), time.process_time()
            way()
            wall[name].append(time.perf_counter() - started)
            cpu[name].append(time.process_time() - started_cpu)
    return [
        Timing(name, statistics.median(wall[name]), statistics.median(cpu[name]), min(wall[name]), max(wall[name]))
        for name in ways
    ]


def show(title: str, timings: list[Timing]) -> None:
    """Print a table whose ratios are to the first row: above 1 the first one is faster."""
    ours = timings[0]
    print(f"\n{title}")
    print(f"  {'':34} {'wall s':>9} {'range':>19} {'CPU s':>9} {'wall ratio':>11} {'CPU ratio':>10}")
    for one in timings:
        spread = f"{one.fastest_s:.4f}-{one.slowest_s:.4f}"
        cpu_ratio = f"{one.cpu_s / ours.cpu_s:10.2f}" if ours.cpu_s > 0 else f"{'-':>10}"
        wall = f"{one.wall_s:9.4f} {spread:>19} {one.cpu_s:9.4f} {one.wall_s / ours.wall_s:11.2f}"
        print(f"  {one.name:34} {wall} {cpu_ratio}")
