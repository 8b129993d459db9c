"""What every layout shares: where files go, how images and labels are stored, and a table of what else is known."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from napari_medclf.domain.card import Task
from napari_medclf.domain.image import ChannelKind

if TYPE_CHECKING:
    from napari_medclf.domain.dataset import Case, Dataset
    from napari_medclf.domain.image import MedImage
    from napari_medclf.jobs.case_reader import CaseReader

VOLUME, PICTURE = ".nii.gz", ".png"


@dataclass
class Writer(ABC):
    """Writes the cases of a data set one by one into a folder that other programs understand.

    Parameters
    ----------
    folder : Path
        Made when the first file is written.
    reader : CaseReader
        Of the data set.
    """

    folder: Path
    reader: CaseReader
    done: list[Case] = field(default_factory=list)

    tasks: ClassVar[tuple[Task, ...]] = ()
    """What data the layout can hold."""
    summary: ClassVar[str] = ""

    @property
    def dataset(self) -> Dataset:
        """The data set that is written."""
        return self.reader.dataset

    def refuse(self) -> str:
        """Say why this data set does not fit into the layout; empty where it does."""
        return ""

    def add(self, case: Case, image: MedImage) -> None:
        """Write one case.

        Raises
        ------
        MedclfError
            If it cannot be read, or does not fit into the layout; nothing of it is left then.
        """
        self.put(case, image)
        self.done.append(case)

    @abstractmethod
    def put(self, case: Case, image: MedImage) -> None:
        """Write the files of one case."""

    def finish(self) -> None:  # noqa: B027  (a layout of nothing but the cases has nothing beside them)
        """Write what stands beside the cases, after the last one."""


def suffix_for(image: MedImage) -> str:
    """Choose a lossless format: PNG for gray and colour pictures of 8 or 16 bits, NIfTI for the rest.

    Neither holds anything of a patient.
    """
    fits = image.is_flat and image.data.dtype in (np.dtype(np.uint8), np.dtype(np.uint16))
    return PICTURE if fits and image.channel_kind in (ChannelKind.NONE, ChannelKind.COLOUR) else VOLUME


def save_image(image: MedImage, folder: Path, name: str, suffix: str = "") -> Path:
    """Write an image under a name in the format that suits it; returns the file."""
    from napari_medclf.io.write import write_image

    path = folder / f"{name}{suffix or suffix_for(image)}"
    write_image(_writable(image), path)
    return path


def save_labels(labels: np.ndarray, image: MedImage, folder: Path, name: str, suffix: str) -> Path:
    """Write the numbers of a label image under a name; returns the file."""
    from napari_medclf.domain.labels import LabelSchema
    from napari_medclf.domain.results import Segmentation
    from napari_medclf.io.write import write_segmentation

    schema = LabelSchema.from_names(["object"], first_value=1)
    path = folder / f"{name}{suffix}"
    write_segmentation(Segmentation(labels, image.geometry, schema, is_instances=True), path)
    return path


def channels_of(image: MedImage) -> list[tuple[str, MedImage]]:
    """Take the channels of an image apart: name and image of each; one without channels is one."""
    if image.channel_kind in (ChannelKind.NONE, ChannelKind.TIME, ChannelKind.COLOUR_TIME):
        return [(image.modality or "image", image)]
    names = image.channel_names or tuple(f"channel {number}" for number in range(len(image.data)))
    return [
        (name, replace(image, data=image.data[number], channel_kind=ChannelKind.NONE, channel_names=(), window=None))
        for number, name in enumerate(names)
    ]


def classes_document(dataset: Dataset) -> dict[str, Any]:
    """Return name and classes as our own reader, and those of the Decathlon, take them from ``dataset.json``."""
    labels = {str(one.value): one.name for one in dataset.schema.classes}
    return {"name": dataset.name, "labels": {"0": "background"} | labels}


def index_row(case: Case, file: str) -> dict[str, Any]:
    """Return what is known of a case beside image and answer, as our own reader takes it from ``index.csv``."""
    row = {"file": file, "group": case.group_id, "split": case.split.value if case.split else ""}
    if case.stratum:
        row["stratum"] = case.stratum
    return row | {name: value for name, value in case.facts.items() if value != case.stratum}


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as CSV, whole or not at all."""
    from napari_medclf.atomic import atomic_write
    from napari_medclf.jobs.tables import table_csv

    atomic_write(path, table_csv(rows))


def write_document(path: Path, document: dict[str, Any] | list[Any]) -> None:
    """Write a JSON document, whole or not at all."""
    import json

    from napari_medclf.atomic import atomic_write
    from napari_medclf.jobs.json_text import plain

    atomic_write(path, json.dumps(plain(document), indent=1) + "\n")


def _writable(image: MedImage) -> MedImage:
    """NIfTI knows no truth values and no 16-bit floats."""
    data = np.asarray(image.data)
    return replace(image, data=data.astype(np.uint8)) if data.dtype == np.bool_ else image
