"""The cases of one data set, opened when the first of them is asked for; used on workers only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_medclf.bridge.boxes import boxes_layers
from napari_medclf.bridge.layers import LayerTuple, image_layer, labels_layer
from napari_medclf.domain.arrays import PixelArray
from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Case, Dataset
from napari_medclf.domain.errors import DatasetError, MedclfError
from napari_medclf.domain.events import Job, Progress, Warned
from napari_medclf.domain.image import MedImage

if TYPE_CHECKING:
    from napari_medclf.jobs.case_reader import CaseReader


class CaseSource:
    """Finds cases by their name, and reads them.

    Parameters
    ----------
    open_dataset : callable
        Returns the data set; called once, on the worker that asks first.
    """

    def __init__(self, open_dataset: Callable[[], Dataset]) -> None:
        self._open = open_dataset
        self._reader: CaseReader | None = None
        self._cases: Mapping[str, Case] = {}

    def reader(self) -> CaseReader:
        """Return the reader of the data set.

        Raises
        ------
        DatasetError
            If the data is no longer what it was.
        """
        from napari_medclf.jobs.case_reader import CaseReader

        if self._reader is None:
            dataset = self._open()
            self._cases = {case.case_id: case for case in dataset.cases}
            self._reader = CaseReader(dataset)
        return self._reader

    def case(self, case_id: str) -> Case:
        """Find a case.

        Raises
        ------
        DatasetError
            If the data has no such case.
        """
        dataset = self.reader().dataset
        if case_id not in self._cases:
            raise DatasetError(f"{dataset.path}: there is no case {case_id!r}. Was the data changed since?")
        return self._cases[case_id]

    def picture(self, name: str, k: int | None = None) -> PixelArray | None:
        """Draw a slice of a case small, or of a file that did not become a case; None where it cannot be read.

        Parameters
        ----------
        k : int or None
            The slice; None for the middle one.
        """
        from napari_medclf.io.thumbnail import small_picture

        try:
            return small_picture(_slice_of(self._image(name), k))
        except (MedclfError, OSError):
            return None

    def _image(self, name: str) -> MedImage:
        reader = self.reader()
        loose = next((one for one in reader.dataset.left_out if one.name == name), None)
        if loose is not None and name not in self._cases:
            return reader.open(loose.ref)
        return reader.image(self.case(name))


def _slice_of(image: MedImage, k: int | None) -> MedImage:
    if k is None or not 0 <= k < image.geometry.shape[0]:
        return image
    one = image.geometry.cropped((k, 0, 0), (1, *image.geometry.shape[1:]))
    return replace(image, data=image.data[..., k : k + 1, :, :], geometry=one)


@dataclass(frozen=True)
class CaseOpened:
    """A case that was read, described for napari.

    Parameters
    ----------
    references : tuple of LayerTuple
        The labels or boxes that the data has for it.
    """

    case: Case
    image: MedImage
    layer: LayerTuple
    references: tuple[LayerTuple, ...] = ()


def open_case(source: CaseSource, case_id: str) -> Job[CaseOpened]:
    """Read a case and its labels; labels that do not fit are told, and the image opens all the same.

    Raises
    ------
    ReadError
        If its image cannot be read.
    DatasetError
        If there is no such case.
    """
    yield Progress(0, 0, f"opening {case_id}")
    case = source.case(case_id)
    image = source.reader().image(case)
    references: tuple[LayerTuple, ...] = ()
    try:
        references = _references(source.reader(), case, image)
    except MedclfError as error:
        yield Warned(str(error))
    data, keywords, kind = image_layer(image)
    return CaseOpened(case, image, (data, keywords | {"name": case_id}, kind), references)


def _references(reader: CaseReader, case: Case, image: MedImage) -> tuple[LayerTuple, ...]:
    name = f"{case.case_id} · reference"
    if case.boxes is not None or reader.dataset.task is Task.DETECT:
        return boxes_layers(replace(reader.boxes(case, image), name=name), image=image)
    if case.label_map is not None:
        return (labels_layer(replace(reader.reference(case, image), name=name), image=image),)
    return ()


def case_sentence(case: Case) -> str:
    """Say what the data says about a case, in one line.

    >>> from pathlib import Path
    >>> from napari_medclf.domain.dataset import Case, FileRef, Split
    >>> case_sentence(Case("7", "7", {"image": FileRef(Path("7.png"))}, classes=("normal",), split=Split.TEST))
    'data: normal (test)'
    """
    told = [*case.classes, *(f"{name} {value:g}" for name, value in case.values.items())]
    said = ", ".join(told) or (
        "labelled" if case.label_map is not None else "boxes" if case.boxes else "none of the classes"
    )
    return f"data: {said}" + (f" ({case.split.value})" if case.split is not None else "")
