"""The small jobs behind the panels: they run on a worker, read and compute, and touch no layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from napari_medclf.bridge.derived import fullest_plane
from napari_medclf.bridge.layers import LayerTuple, image_layer, labels_layer
from napari_medclf.domain.annotation import Status
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.derived import MeasurementReport
from napari_medclf.domain.errors import MedclfError, ReadError
from napari_medclf.domain.events import Job, Progress, Warned
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.listing import SeriesEntry
from napari_medclf.domain.results import Prediction
from napari_medclf.ui.correct.class_clicks import find_clicked
from napari_medclf.ui.correct.label_state import Recovered
from napari_medclf.ui.correct.recovery import blind_layer, find_unsaved, recovered_layer
from napari_medclf.ui.saved_answer import SavedAnswer, read_saved
from napari_medclf.ui.working_copy import WorkingCopies

Row = Mapping[str, Any]


@dataclass(frozen=True)
class WorkItem:
    """One image of the work list."""

    ref: FileRef
    name: str
    status: Status = Status.OPEN
    project: Path | None = None
    """Where its answers are, None while it is in no project."""
    answer: Callable[[MedImage], Answer] | None = None
    """Reads what a model said about it earlier, on a worker."""


@dataclass(frozen=True)
class Found:
    """What a path holds: images to work on, and a sentence for each file that is none."""

    path: Path
    items: tuple[WorkItem, ...]
    refused: tuple[str, ...] = ()
    project: Path | None = None
    entries: tuple[SeriesEntry, ...] = ()
    """All that is there, also labels, reports and what was refused."""


@dataclass(frozen=True)
class Opened:
    """An image that was read, described for napari, what was painted on it without being accepted, and what was."""

    ref: FileRef
    image: MedImage
    layer: LayerTuple
    painted: LayerTuple | None = None
    saved: SavedAnswer | None = None
    recovered: Recovered | None = None
    """Where `painted` was made again from a journal of strokes."""
    clicked: tuple[str, ...] | None = None
    """Classes that a person gave to the image and did not accept."""
    answer: Answer | None = None
    """What a model said about it earlier; its labels only where no person's are shown."""
    plane: tuple[int, float] | None = None
    """Where most of its labels are, as in `Beside`."""


@dataclass(frozen=True)
class Kept:
    """Where what was said about an image may be.

    Parameters
    ----------
    copies : WorkingCopies
        Painting whose journal could not be written.
    project : Path or None
        Of the work item: its saved answer is read there.
    chosen : Path or None
        The project that was chosen for new answers.
    automatic : Path or None
        Holds the projects that were made because none was chosen.
    reader : str
        A blind reader, who sees neither answers nor strokes of others; empty for everybody else.
    answer : callable or None
        Of the work item: reads what a model said.
    """

    copies: WorkingCopies
    project: Path | None = None
    chosen: Path | None = None
    automatic: Path | None = None
    reader: str = ""
    answer: Callable[[MedImage], Answer] | None = None

    def journals(self) -> tuple[Path, ...]:
        """The projects that may hold strokes."""
        made = sorted(self.automatic.iterdir()) if self.automatic is not None and self.automatic.is_dir() else ()
        return tuple(one for one in (self.project, self.chosen, *made) if one is not None)


@dataclass(frozen=True)
class Beside:
    """What was opened beside an image: layers, what is odd with them, and the report, if it is one."""

    layers: tuple[LayerTuple, ...]
    warnings: tuple[str, ...]
    name: str
    report: MeasurementReport | None = None
    plane: tuple[int, float] | None = None
    """Of labels: the axis that is stepped through (0 I, 1 P, 2 L), and where most of them are on it."""


@dataclass(frozen=True)
class Answer:
    """What a model said about an image, with its card and measurements, described for napari.

    Parameters
    ----------
    layer : LayerTuple or None
        Its labels.
    boxes : tuple of LayerTuple
        The objects it found.
    doubt : LayerTuple or None
        How unsure it is; shown when a person asks for it.
    """

    card: ModelCard
    prediction: Prediction
    rows: tuple[Row, ...] = ()
    layer: LayerTuple | None = None
    boxes: tuple[LayerTuple, ...] = ()
    doubt: LayerTuple | None = None


class ReadAhead:
    """Keeps the next image read; only used on the worker's thread."""

    def __init__(self) -> None:
        self._ref: FileRef | None = None
        self._image: MedImage | None = None

    def read(self, ref: FileRef) -> Job[None]:
        """Read an image that will be asked for."""
        yield Progress(0, 0)
        self._ref, self._image = ref, _read(ref)

    def take(self, ref: FileRef) -> MedImage:
        """Return an image, read now if it was not read ahead.

        Raises
        ------
        ReadError
            If it cannot be read.
        """
        image, known = self._image, self._ref
        self._ref = self._image = None
        return image if image is not None and known == ref else _read(ref)


def _read(ref: FileRef) -> MedImage:
    """Read an image with its digest, which names its journal of strokes."""
    from napari_medclf.io.digest import with_digest
    from napari_medclf.io.read import read_image

    return with_digest(read_image(ref.path, ref.member))


def look_through(path: Path) -> Job[Found]:
    """List what is in a file, a folder or a project, without reading samples.

    Raises
    ------
    ReadError
        If there is nothing that could be opened.
    """
    from napari_medclf.store.project import Project
    from napari_medclf.ui.picker.listing import entries_of, list_path

    yield Progress(0, 0, f"looking through {path.name}")
    if not path.exists():
        raise ReadError(path, "does not exist")
    if path.is_dir() and Project.is_project(path):
        cases = Project.open(path).cases()
        return Found(path, tuple(WorkItem(one.image, one.case_id, one.status, path) for one in cases), project=path)
    discovery = yield from list_path(path)
    entries = entries_of(discovery)
    if not discovery.found and not any(entry.ways or not entry.reason for entry in entries):
        raise discovery.refusals[0].as_error() if discovery.refusals else ReadError(path, "there is no image in it")
    n_inside = Counter(ref.path for ref in discovery.found)
    items = tuple(
        WorkItem(ref, item_name(ref if n_inside[ref.path] > 1 else FileRef(ref.path), path)) for ref in discovery.found
    )
    refused = tuple(f"{item_name(FileRef(one.path), path)}: {one.reason}." for one in discovery.refusals)
    return Found(path, items, refused, entries=entries)


def open_image(ref: FileRef, ahead: ReadAhead, kept: Kept) -> Job[Opened]:
    """Read one image, or take it as it was read ahead, what was painted on it, and its saved answer.

    Raises
    ------
    ReadError
        If it cannot be read.
    """
    yield Progress(0, 0, f"opening {ref.path.name}")
    image = ahead.take(ref)
    painted, recovered = _painted(image, kept)
    saved = None
    if kept.project is not None:
        try:
            saved = read_saved(kept.project, image, kept.reader)
        except (MedclfError, OSError) as error:  # the image itself must open
            yield Warned(f"{image.name}: the answer saved before cannot be shown. {error}")
    clicked = find_clicked(image, kept.journals(), kept.reader)
    answer = None
    if kept.answer is not None:
        try:
            answer = kept.answer(image)
        except (MedclfError, OSError) as error:
            yield Warned(f"{image.name}: what the model said cannot be shown. {error}")
    if answer is not None and (painted is not None or (saved is not None and saved.labels is not None)):
        answer = replace(answer, layer=None)
    plane = None if answer is None or answer.layer is None else fullest_plane((answer.layer,))
    return Opened(ref, image, image_layer(image), painted, saved, recovered, clicked, answer, plane)


def _painted(image: MedImage, kept: Kept) -> tuple[LayerTuple | None, Recovered | None]:
    """Find painting that nobody accepted: replayed from its strokes, or copied where those could not be written."""
    copy, copied = kept.copies.load(image), kept.copies.path(image)
    recovered = find_unsaved(image, kept.journals(), blind_layer(kept.reader))
    if copy is not None and (recovered is None or copied.stat().st_mtime > recovered.last_s):
        return labels_layer(copy.segmentation, prediction=copy.base, image=image), None
    layer = None if recovered is None else recovered_layer(recovered, image)
    return layer, None if layer is None else recovered


def list_models() -> Job[Any]:
    """List the models that can be chosen, and what is wrong with the others."""
    from napari_medclf.store.catalogue import Catalogue

    yield Progress(0, 0, "listing the models")
    return Catalogue().listing()


def labels_name(image: MedImage, model: str) -> str:
    """Name the layer of a model's labels."""
    return f"{image.name} · {model}"


def item_name(ref: FileRef, below: Path) -> str:
    """Name an image by its path below what was opened, and its member."""
    inside = ref.path.relative_to(below).as_posix() if ref.path.is_relative_to(below) else ref.path.name
    name = ref.path.name if inside in {"", "."} else inside
    if not ref.member:
        return name
    member = ref.member if len(ref.member) <= 24 else f"…{ref.member[-20:]}"
    return f"{name} · {member}"
