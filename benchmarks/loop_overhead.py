"""What our training loop costs beyond forward and backward pass, on the 3D recipe, in turns.

python benchmarks/loop_overhead.py [--rounds 5] [--samples 16] [--precision float32]

The same batches go through the same network: bare (forward, loss, backward), by hand (and torch's AdamW), and by our
loop, which also limits the gradient, averages the weights, sets the rate, looks for numbers that are none and tells
how far it is. "and drawing" is the loop with patches cropped, moved and changed at random. One thread, CPU seconds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

import torch
from side_by_side import Timing, compare, show
from torch import Generator
from volume_recipe import objective, recipe

from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.train.batch import Batch
from napari_medclf.engine.train.heap import kept_heap
from napari_medclf.engine.train.objectives.segment import Segment
from napari_medclf.engine.train.trainer import Pace, Trainer


class Drawn:
    """An objective whose batches are there already."""

    def __init__(self, inner: Segment) -> None:
        self._batches = list(inner.batches(Generator().manual_seed(0)))
        self.loss, self.validate, self.finish = inner.loss, inner.validate, inner.finish

    def n_batches(self) -> int:
        """Batches an epoch."""
        return len(self._batches)

    def batches(self, generator: Generator) -> Iterator[Batch]:
        """The same ones every time."""
        return iter(self._batches)


def main() -> None:
    """Print a table, and the overhead in per cent."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    options = parser.parse_args()
    torch.set_num_threads(1)
    used = recipe(options.samples, options.precision)
    whole = objective(used)
    drawn = Drawn(whole)
    ways = {
        "bare forward, loss, backward": bare(drawn, used),
        "by hand, with torch's AdamW": bare(drawn, used, torch_optimiser=True),
        "our loop": loop(drawn, used),
        "our loop, and drawing": loop(whole, used),
    }
    with kept_heap():
        timings = compare(ways, options.rounds)
    show(f"{options.samples} patches of {used.input.patch_vox}, batch {used.batch}, {options.precision}", timings)
    for one, base in ((timings[2], timings[0]), (timings[3], timings[0]), (timings[3], timings[1])):
        print(f"  {one.name}: {_overhead(one, base):+.1f} % CPU over {base.name}")


def bare(drawn: Drawn, used: Recipe, *, torch_optimiser: bool = False) -> Callable[[], None]:
    """A loop without anything."""
    trainer = Trainer(drawn, used, seed=0, device="cpu")
    network, layout = trainer.network, trainer.layout
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)

    def epoch() -> None:
        network.train()
        for batch in drawn.batches(Generator()):
            on_device = batch.to("cpu", layout)
            with torch.autocast("cpu", torch.bfloat16, enabled=used.precision == "bfloat16"):
                loss = drawn.loss(network, on_device)
            network.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # of torch 2.13
            if torch_optimiser:
                optimiser.step()

    return epoch


def loop(learned: Drawn | Segment, used: Recipe) -> Callable[[], None]:
    """Ours."""
    trainer = Trainer(learned, used, seed=0, device="cpu")

    def epoch() -> None:
        for _ in trainer.train_epoch(Pace(0, time.perf_counter())):
            pass

    return epoch


def _overhead(one: Timing, base: Timing) -> float:
    return 100 * (one.cpu_s / base.cpu_s - 1)


if __name__ == "__main__":
    main()
