"""nnInteractive (Isensee 2025): one object from points, lines and boxes, computed by a server of one's own.

Not a backend of `registry`: its answer depends on prompts, which `Predictor.predict` does not take. The window asks it
in place of a model; from Python:

with PromptedSession(image, server="http://127.0.0.1:1527") as session:
    segmentation = run(session.add(Point((20, 130, 90))))
"""

from __future__ import annotations

import itertools
import math
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from napari_medclf.backends.external.setting import read_setting
from napari_medclf.domain.arrays import BoolArray, LabelArray
from napari_medclf.domain.errors import BackendUnavailable, CardError, OptionError, ServerError
from napari_medclf.domain.events import Job
from napari_medclf.domain.geometry import Shape3
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.pacs.server import is_loopback

_CLIENT = "nnInteractive"
_MISSING = (
    "nnInteractive's client is not installed. Install it with `pip install nninteractive-client` (it brings no torch)."
)
_NO_SERVER = (
    "No nnInteractive server is known. Start one (`nninteractive-server` of the package nnInteractive, in an "
    "environment and on a computer of your own), then set MEDCLF_NNINTERACTIVE to its address, such as "
    "http://127.0.0.1:1527."
)


@dataclass(frozen=True)
class Point:
    """A voxel (k, j, i) that belongs to the object, or, with `is_inside` false, does not."""

    index: Shape3
    is_inside: bool = True


@dataclass(frozen=True)
class Box:
    """A box around the object, or around what does not belong to it.

    Parameters
    ----------
    start, stop : (k, j, i)
        First voxel, and the one after the last; nnInteractive's first models take boxes of one slice only.
    """

    start: Shape3
    stop: Shape3
    is_inside: bool = True


@dataclass(frozen=True)
class Scribble:
    """A line through the object, or through what does not belong to it.

    Parameters
    ----------
    points : (k, j, i), one or more
        Joined by straight lines.
    """

    points: tuple[tuple[float, float, float], ...]
    is_inside: bool = True

    def drawn(self, shape: Shape3, width_vox: Shape3 = (1, 1, 1)) -> tuple[BoolArray, list[list[int]]]:
        """Draw the line: a mask, and the box (k, j, i), each from start to stop, of the image that it fills.

        Parameters
        ----------
        width_vox : (k, j, i)
            How thick; a line within a slice stays in that slice.

        Raises
        ------
        OptionError
            If no part of it lies in the image.
        """
        voxels = _widened(_line(self.points), width_vox)
        voxels = voxels[((voxels >= 0) & (voxels < np.array(shape))).all(axis=1)]
        if not len(voxels):
            raise OptionError(f"The line does not lie inside of the image's {shape} voxels (k, j, i).")
        start, stop = voxels.min(axis=0), voxels.max(axis=0) + 1
        mask = np.zeros(stop - start, dtype=bool)
        mask[tuple((voxels - start).T)] = True
        return mask, np.stack([start, stop], axis=1).tolist()


Prompt = Point | Box | Scribble


def is_on_this_computer(address: str) -> bool:
    """Tell whether what is sent to an address stays on this computer."""
    return is_loopback(urlsplit(address).hostname or "")


def unavailable_because(server: str = "") -> str:
    """Say what is missing and how to get it; empty where nothing is."""
    if find_spec(_CLIENT) is None:
        return _MISSING
    return "" if server or read_setting("nninteractive") else _NO_SERVER


class PromptedSession:
    """A server that holds one image and listens to prompts about one object after the other.

    Parameters
    ----------
    image : MedImage
        A volume with one channel. Its samples are sent to the server, and nothing else of it.
    server : str
        Address; empty takes the environment variable ``MEDCLF_NNINTERACTIVE`` or the entry ``nninteractive`` of
        ``external.json``. A key, where the server wants one, is read from ``NN_INTERACTIVE_API_KEY``.
    name : str
        Of the object.

    Raises
    ------
    BackendUnavailable
        If the client is not installed, or no server is known.
    CardError
        If the image is no volume with one channel.
    """

    def __init__(self, image: MedImage, server: str = "", name: str = "object") -> None:
        reason = unavailable_because(server)
        if reason:
            raise BackendUnavailable(reason)
        if image.channel_kind is not ChannelKind.NONE or image.is_flat:
            raise CardError(f"{image.name}: nnInteractive takes volumes with one channel.")
        self._image = image
        self._server = server or read_setting("nninteractive")
        self._schema = LabelSchema.from_names([name], first_value=1)
        self._labels: LabelArray = np.zeros(image.geometry.shape, dtype=np.uint8)
        self._client: Any = None

    def __enter__(self) -> PromptedSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def licence(self) -> str:
        """Of the server's model, as it says; empty before the first prompt."""
        return str(getattr(self._client, "license", "") or "")

    def add(self, *prompts: Prompt) -> Job[Segmentation]:
        """Add prompts, and segment the object that all prompts so far describe.

        Yields
        ------
        Progress
            While the server computes; closing the generator there does not wait for it.

        Raises
        ------
        OptionError
            If a prompt lies outside of the image.
        ServerError
            If the server cannot be reached, refuses, or does not take such prompts.
        """
        for prompt in prompts:
            self._check(prompt)
        return (yield from self._ask(lambda: self._send(prompts), "Asking nnInteractive"))

    def undo(self) -> Job[Segmentation]:
        """Take the last prompt back."""
        return (yield from self._ask(lambda: self._connect().undo(), "Asking nnInteractive"))

    def reset(self) -> Job[Segmentation]:
        """Forget all prompts and begin with another object; the image stays."""
        return (yield from self._ask(lambda: self._connect().reset_interactions(), "Asking nnInteractive"))

    def close(self) -> None:
        """Give the server's place up."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _ask(self, question: Callable[[], object], message: str) -> Job[Segmentation]:
        from napari_medclf.engine.background import in_background

        try:
            yield from in_background(question, message)
        except (OSError, RuntimeError, ValueError, AssertionError, ImportError) as error:
            raise self._explain(error) from error
        except Exception as error:
            if type(error).__module__.partition(".")[0] not in ("httpx", "httpcore"):
                raise
            raise self._explain(error) from error
        source = self._image.source.digest
        return Segmentation(self._labels.copy(), self._image.geometry, self._schema, False, source, "nninteractive")

    def _connect(self) -> Any:
        if self._client is None:
            from nnInteractive.inference.remote import nnInteractiveRemoteInferenceSession

            _refuse_detour(self._server)
            client = nnInteractiveRemoteInferenceSession(self._server)
            spacing = [float(step) for step in self._image.geometry.spacing]
            client.set_image(np.ascontiguousarray(self._image.data)[np.newaxis], {"spacing": spacing})
            client.set_target_buffer(self._labels)
            self._client = client
        return self._client

    def _send(self, prompts: Sequence[Prompt]) -> None:
        """Send prompts; the server computes once, after the last one."""
        client = self._connect()
        for number, prompt in enumerate(prompts, start=1):
            settings = {"include_interaction": prompt.is_inside, "run_prediction": number == len(prompts)}
            if isinstance(prompt, Point):
                client.add_point_interaction(list(prompt.index), **settings)
            elif isinstance(prompt, Scribble):
                k, j, i = (int(n) for n in client.preferred_scribble_thickness)
                mask, box = prompt.drawn(self._image.geometry.shape, (k, j, i))
                client.add_scribble_interaction(mask.astype(np.uint8), interaction_bbox=box, **settings)
            else:
                ends = zip(prompt.start, prompt.stop, strict=True)
                client.add_bbox_interaction([[begin, end] for begin, end in ends], **settings)

    def _check(self, prompt: Prompt) -> None:
        shape = self._image.geometry.shape
        if isinstance(prompt, Scribble):
            prompt.drawn(shape)
            return
        first, last = (prompt.index,) * 2 if isinstance(prompt, Point) else (prompt.start, prompt.stop)
        inside = [0 <= low < n and low <= high <= n for low, high, n in zip(first, last, shape, strict=True)]
        is_empty = isinstance(prompt, Box) and math.prod(b - a for a, b in zip(first, last, strict=True)) < 1
        if not all(inside) or is_empty:
            raise OptionError(f"{prompt} is not inside of the image's {shape} voxels (k, j, i).")

    def _explain(self, error: Exception) -> ServerError:
        if type(error).__name__ == "ConnectError":
            return ServerError(
                f"No nnInteractive server answers at {self._server}. Start it (`nninteractive-server`), or correct the "
                f"address. ({error})"
            )
        answer = getattr(error, "response", None)
        said = answer.text if answer is not None else str(error)
        said = " ".join(said.split())[:300] or type(error).__name__
        return ServerError(f"The nnInteractive server {self._server} did not answer as asked: {said}")


def _line(points: Sequence[tuple[float, float, float]]) -> NDArray[np.int64]:
    """List the voxels (N, 3) along a line, each once."""
    corners = np.array(points, dtype=np.float64)
    n_steps = [max(1, math.ceil(2 * np.abs(b - a).max())) for a, b in itertools.pairwise(corners)]
    at = np.concatenate([[0], *(leg + np.arange(1, n + 1) / n for leg, n in enumerate(n_steps))])
    places = [np.interp(at, np.arange(len(corners)), axis) for axis in corners.T]
    return np.unique(np.rint(np.stack(places, axis=1)).astype(np.int64), axis=0)


def _widened(voxels: NDArray[np.int64], width_vox: Shape3) -> NDArray[np.int64]:
    """Draw with a thicker pen; what lies within one slice stays in it."""
    is_within = voxels.min(axis=0) == voxels.max(axis=0)
    widths = [1 if within and len(voxels) > 1 else max(1, n) for within, n in zip(is_within, width_vox, strict=True)]
    pen = np.meshgrid(*(np.arange(n) - (n - 1) // 2 for n in widths), indexing="ij")
    return (voxels[:, np.newaxis] + np.stack(pen, axis=-1).reshape(-1, 3)).reshape(-1, 3)


def _refuse_detour(server: str) -> None:
    """See that a proxy does not carry an image off this computer that is meant for a server on it.

    Raises
    ------
    ServerError
        If this computer's settings send such requests through a proxy; the client obeys them.
    """
    host, scheme = urlsplit(server).hostname or "", urlsplit(server).scheme
    proxies = urllib.request.getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if is_on_this_computer(server) and proxy and not urllib.request.proxy_bypass(host):
        raise ServerError(
            f"The proxy that is set on this computer would carry the image away, though {server} is on it. "
            f"Add {host} to NO_PROXY. Nothing was sent."
        )


def segment_with_prompts(image: MedImage, prompts: Sequence[Prompt], server: str = "") -> Job[Segmentation]:
    """Segment one object from its prompts, in a session of its own.

    Raises
    ------
    BackendUnavailable, CardError, OptionError, ServerError
        As `PromptedSession`; `OptionError` also without any prompt.

    Notes
    -----
    An object of several parts is still one: it has the value 1 everywhere.
    """
    if not prompts:
        raise OptionError("Without a point, a line or a box there is nothing to segment.")
    with PromptedSession(image, server) as session:
        return (yield from session.add(*prompts))


__all__ = [
    "Box",
    "Point",
    "Prompt",
    "PromptedSession",
    "Scribble",
    "is_on_this_computer",
    "segment_with_prompts",
    "unavailable_because",
]
