"""How long a person waits after a stop while a large network is inside of a window.

python benchmarks/stop_run.py [--rounds 5]

A BasicUNet of 5.8 M parameters on windows of 128 x 128 x 128, one thread. The stop is asked for 1 s after the first
window began; told are the seconds until the run ended, and until the network let go of the processor.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time

import numpy as np
import torch
from ct_case import Size, stock_network

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.engine.faster import make_faster
from napari_medclf.engine.sliding.slide import slide
from napari_medclf.engine.sliding.window import Window
from napari_medclf.jobs.drive import drive


class Nowhere:
    """A sink that drops what it gets."""

    def take(self, start: int, logits: FloatArray) -> None:
        """Drop a slab."""


def main() -> None:
    """Print the medians and the longest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    size = Size((300, 512, 512), (1.5, 0.75, 0.75), 25, (128, 128, 128), "large")
    network = make_faster(stock_network(size))
    data = np.zeros((1, 160, 160, 160), dtype=np.float32)
    ended, left = [], []
    for _ in range(options.rounds):
        begun = time.monotonic()

        def should_stop(begun: float = begun) -> bool:
            return time.monotonic() - begun > 1

        drive(slide(data, network, Window(size.window), torch.device("cpu"), Nowhere()), should_stop=should_stop)
        ended.append(time.monotonic() - begun - 1)
        for thread in threading.enumerate():
            if thread.name.startswith("medclf-compute"):
                thread.join()
        left.append(time.monotonic() - begun - 1)
    print(f"  run ended after      {statistics.median(ended):.2f} s (longest {max(ended):.2f} s)")
    print(f"  network left after   {statistics.median(left):.2f} s (longest {max(left):.2f} s)")
    started = time.monotonic()
    with torch.inference_mode():
        network(torch.zeros(1, 1, *size.window))
    print(f"  one window takes     {time.monotonic() - started:.2f} s")


if __name__ == "__main__":
    main()
