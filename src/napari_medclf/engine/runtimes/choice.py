"""Choose by measurement what runs a network on this computer's CPU."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import BackendUnavailable
from napari_medclf.engine.runtimes import onnx_session, open_vino
from napari_medclf.engine.runtimes.export import export_onnx
from napari_medclf.engine.runtimes.fixed_shape import FixedShapeNetwork, Run
from napari_medclf.engine.runtimes.input_shape import input_shape, trial_inputs
from napari_medclf.engine.runtimes.parity import explain_difference
from napari_medclf.engine.runtimes.shelf import Shelf
from napari_medclf.engine.runtimes.versions import has_package, place_digest

Network = Callable[[Tensor], Tensor]
# Converting and trying costs some seconds and about ten windows, once: below this much work it would not come back
# soon, and one image that a person waits for is never delayed.
_SMALLEST_WORK_S = 20.0
_FEWEST_WINDOWS = 90
_WINDOWS_AN_IMAGE = 30
_SMALLEST_GAIN = 1.1
_LONG_WINDOW_S = 2.0


@dataclass(frozen=True)
class Other:
    """A runtime beside torch.

    Parameters
    ----------
    packages : tuple of str
        What must be installed.
    missing : str
        The sentence where it is not.
    open : callable
        From a network's ONNX bytes to a function that runs it.
    """

    packages: tuple[str, ...]
    missing: str
    open: Callable[[bytes], Run]


OTHERS: Mapping[str, Other] = {
    "onnx": Other(("onnx", "onnxruntime"), onnx_session.MISSING, onnx_session.run_with_onnxruntime),
    "openvino": Other(("onnx", "openvino"), open_vino.MISSING, open_vino.run_with_openvino),
}


@dataclass(frozen=True, eq=False)
class Bench:
    """One network on this CPU, to be run by one runtime or another.

    Parameters
    ----------
    network : nn.Module
        As it was loaded, for conversion.
    in_torch : callable
        The same, made fast in torch.
    """

    network: nn.Module
    in_torch: Network
    card: ModelCard
    shelf: Shelf
    others: Mapping[str, Other]

    @property
    def shape(self) -> tuple[int, ...]:
        """(C, *spatial) of what it is given most."""
        return input_shape(self.card)

    @cached_property
    def expected(self) -> tuple[Tensor, ...]:
        """What torch answers to the trial inputs."""
        return tuple(_answer(self.in_torch, inputs) for inputs in trial_inputs(self.shape))

    def digest(self) -> str:
        """What measurements and conversions are kept under."""
        return place_digest(self.network, self.shape)

    def convert(self, name: str, digest: str) -> Network:
        """Open the network in another runtime, converted now or before.

        Raises
        ------
        BackendUnavailable
            If that is not installed, cannot run this network, or answers otherwise than torch.
        """
        other = self.others[name]
        if not has_package(*other.packages):
            raise BackendUnavailable(other.missing)
        content = self.shelf.get(digest)
        if content is None:
            content = export_onnx(self.network, self.shape)
            self.shelf.put(digest, content)
        try:
            found = FixedShapeNetwork(other.open(content), self.shape, self.in_torch)
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
            raise BackendUnavailable(f"The runtime {name!r} cannot run this network: {reason}.") from error
        self._check(name, found, digest)
        return found

    def _check(self, name: str, found: Network, digest: str) -> None:
        """Compare with torch's answers, once for each network, version and processor."""
        known = self.shelf.recall(digest) or {}
        differences = dict(known.get("differences", {}))
        if name not in differences:
            differences[name] = self._compare(found)
            self.shelf.remember(digest, {**known, "differences": differences})
        if differences[name]:
            raise BackendUnavailable(
                f"The runtime {name!r} does not answer as torch does for this network: {differences[name]}. "
                "Choose the runtime 'torch'."
            )

    def _compare(self, found: Network) -> str:
        for inputs, expected in zip(trial_inputs(self.shape), self.expected, strict=True):
            difference = explain_difference(expected, _answer(found, inputs), self.card)
            if difference:
                return difference
        return ""


def choose_runtime(bench: Bench, n_images: int) -> tuple[str, Network]:
    """Take the runtime that was measured fastest here, measuring where the work is long enough to pay for it.

    Returns
    -------
    (name, network)
        ``torch`` where nothing else is installed, faster by a tenth and equal within the card's tolerance; or where
        nothing was measured, because nothing can be kept or the work is small.
    """
    installed = [name for name, other in bench.others.items() if has_package(*other.packages)]
    if bench.shelf.folder is None or not installed:
        return "torch", bench.in_torch
    digest = bench.digest()
    known = bench.shelf.recall(digest) or {}
    if "runtime" not in known:
        n_windows = count_windows(bench.card, n_images)
        if n_windows < _FEWEST_WINDOWS:
            return "torch", bench.in_torch
        window_s = _time_warm(bench.in_torch, trial_inputs(bench.shape)[0])
        if n_windows * window_s < _SMALLEST_WORK_S:
            return "torch", bench.in_torch
        known = _measure(bench, digest, installed, rounds=1 if window_s > _LONG_WINDOW_S else 5)
    name = str(known["runtime"])
    if name not in installed:
        return "torch", bench.in_torch
    try:
        return name, bench.convert(name, digest)
    except BackendUnavailable:  # it was there when it was measured
        return "torch", bench.in_torch


def count_windows(card: ModelCard, n_images: int) -> int:
    """About how many windows a run has: one an image for a classifier, thirty for other models."""
    return n_images * (1 if card.task.is_of_whole_image else _WINDOWS_AN_IMAGE)


def _measure(bench: Bench, digest: str, names: list[str], rounds: int) -> dict[str, Any]:
    """Time all runtimes in turns, and keep the decision."""
    ways: dict[str, Network] = {"torch": bench.in_torch}
    refused: dict[str, str] = {}
    for name in names:
        try:
            ways[name] = bench.convert(name, digest)
        except BackendUnavailable as error:
            refused[name] = str(error)
    phantom, _ = trial_inputs(bench.shape)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, network in ways.items():
            seconds[name].append(_time(network, phantom))
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    measured = {"runtime": fastest(medians), "seconds": medians, "refused": refused}
    bench.shelf.remember(digest, {**(bench.shelf.recall(digest) or {}), **measured})
    return measured


def fastest(medians: Mapping[str, float]) -> str:
    """The runtime that takes least time, or torch where that gains less than a tenth."""
    best = min(medians, key=lambda name: medians[name])
    return best if medians["torch"] >= _SMALLEST_GAIN * medians[best] else "torch"


def _time_warm(network: Network, inputs: Tensor) -> float:
    """Seconds for a window, not for the first one unless that is long anyway."""
    first_s = _time(network, inputs)
    return first_s if first_s > _LONG_WINDOW_S else _time(network, inputs)


def _time(network: Network, inputs: Tensor) -> float:
    started_s = time.perf_counter()
    _answer(network, inputs)
    return time.perf_counter() - started_s


def _answer(network: Network, inputs: Tensor) -> Tensor:
    with torch.inference_mode():
        answer = network(inputs)
        first: Tensor = answer[0] if isinstance(answer, (tuple, list)) else answer
        return first
