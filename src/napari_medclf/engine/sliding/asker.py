"""Ask a network about some windows of an image, on a thread that may be left at any time."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from napari_medclf.domain.errors import CardError
from napari_medclf.domain.geometry import Shape3
from napari_medclf.engine.runtimes.transfer import Sender
from napari_medclf.engine.sliding.padded import PaddedImage
from napari_medclf.engine.sliding.run_batch import Network, run_mirrored
from napari_medclf.engine.sliding.stop import Stop
from napari_medclf.engine.sliding.streaming import Streaming
from napari_medclf.engine.sliding.window import Window


class Asker:
    """Gives the logits of windows: remembered ones, and those of the network.

    Parameters
    ----------
    place_of : callable
        Says, for logits (N, classes, *spatial), on which device they are wanted.
    """

    def __init__(
        self,
        image: PaddedImage,
        network: Network,
        window: Window,
        device: torch.device,
        streaming: Streaming,
        place_of: Callable[[Tensor], torch.device],
    ) -> None:
        self._image, self._network, self._window = image, network, window
        self._streaming, self._place_of = streaming, place_of
        self._stop, self._sender = Stop(network), Sender(device)

    def stop(self) -> None:
        """Leave the network, wherever it is."""
        self._stop.stop()

    def ask(self, group: list[Shape3]) -> list[Tensor]:
        """Give the logits (classes, k, j, i) of the windows at some corners of the padded image.

        Raises
        ------
        CardError
            If the network returns another spatial shape than it was given.
        MemoryError
            If the memory is not enough for so many.
        """
        known = self._streaming.known
        new = [corner for corner in group if corner not in known]
        answers = {corner: known.pop(corner) for corner in group if corner in known}
        if new:
            answers.update(zip(new, self._run(new), strict=True))
        if self._streaming.keep is not None:
            self._streaming.keep.update(answers)
        return [answers[corner] for corner in group]

    def _run(self, corners: list[Shape3]) -> Tensor:
        inputs = self._sender.send(self._image.windows(corners))
        if self._window.spatial_dims == 2:
            inputs = inputs.squeeze(2)
        with self._stop.watch():
            logits = run_mirrored(self._network, inputs, self._window.flips)
        _check_output(logits, self._window)
        with torch.inference_mode():
            return logits.reshape(len(corners), -1, *self._window.tile).to(self._place_of(logits))


def _check_output(logits: Tensor, window: Window) -> None:
    expected = window.tile[3 - window.spatial_dims :]
    if tuple(logits.shape[2:]) != expected:
        raise CardError(
            f"The network returned {tuple(logits.shape[2:])} voxels for a patch of {expected}. It does not label every "
            "voxel, or the card's divisible_by is too small for it."
        )
