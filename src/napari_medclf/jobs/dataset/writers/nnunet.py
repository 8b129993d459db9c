"""nnU-Net's raw data folder, and that of the Medical Segmentation Decathlon (Antonelli 2022), its ancestor."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Split
from napari_medclf.domain.image import ChannelKind
from napari_medclf.jobs.dataset.writers.base import (
    PICTURE,
    VOLUME,
    Writer,
    channels_of,
    index_row,
    save_image,
    save_labels,
    suffix_for,
    write_document,
    write_table,
)

if TYPE_CHECKING:
    from napari_medclf.domain.arrays import LabelArray
    from napari_medclf.domain.dataset import Case
    from napari_medclf.domain.image import MedImage

_COLOURS = ("R", "G", "B")


@dataclass
class NnunetWriter(Writer):
    """``imagesTr/case_0000.nii.gz``, ``labelsTr/case.nii.gz``, ``dataset.json``, ``splits_final.json``.

    Classes are numbered from 1 without gaps, as nnU-Net asks for; test cases go to ``imagesTs``, their labels to
    ``labelsTs``. Pictures are written as PNG, colour in one file, all others as NIfTI with one file a channel.
    """

    channels: tuple[str, ...] = ()
    ending: str = ""

    tasks: ClassVar[tuple[Task, ...]] = (Task.SEGMENT,)
    summary: ClassVar[str] = "nnU-Net v2"

    def put(self, case: Case, image: MedImage) -> None:
        """Write one case."""
        self.ending = self.ending or suffix_for(image)
        labels = in_order(self.reader.reference(case, image).labels, self.dataset.schema.values)
        images, maps = _folders(self.folder, case)
        if self.ending == PICTURE and image.channel_kind is ChannelKind.COLOUR:
            self.channels = _COLOURS
            save_image(image, images, f"{case.case_id}_0000", PICTURE)
        else:
            parts = channels_of(image)
            self.channels = tuple(name for name, _ in parts)
            for number, (_, part) in enumerate(parts):
                save_image(part, images, f"{case.case_id}_{number:04d}", self.ending)
        save_labels(labels, image, maps, case.case_id, self.ending)

    def finish(self) -> None:
        """Write what nnU-Net reads first."""
        learned = [case for case in self.done if case.split is not Split.TEST]
        names = self.dataset.schema.names
        write_document(
            self.folder / "dataset.json",
            {
                "name": self.dataset.name,
                "channel_names": {str(number): name for number, name in enumerate(self.channels)},
                "labels": {"background": 0} | {name: number for number, name in enumerate(names, start=1)},
                "numTraining": len(learned),
                "file_ending": self.ending,
            },
        )
        val = [case.case_id for case in learned if case.split is Split.VAL]
        if val:
            train = [case.case_id for case in learned if case.split is Split.TRAIN]
            write_document(self.folder / "splits_final.json", [{"train": train, "val": val}])
        write_table(self.folder / "index.csv", [index_row(case, case.case_id) for case in self.done])


@dataclass
class MsdWriter(Writer):
    """``imagesTr/case.nii.gz`` with all channels in one file, ``labelsTr/case.nii.gz``, ``dataset.json``."""

    channels: tuple[str, ...] = ()
    listed: dict[str, list[Any]] = field(default_factory=lambda: {"training": [], "test": []})

    tasks: ClassVar[tuple[Task, ...]] = (Task.SEGMENT,)
    summary: ClassVar[str] = "Medical Segmentation Decathlon"

    def put(self, case: Case, image: MedImage) -> None:
        """Write one case."""
        labels = self.reader.reference(case, image).labels
        images, maps = _folders(self.folder, case)
        self.channels = tuple(name for name, _ in channels_of(image))
        name = save_image(image, images, case.case_id, VOLUME).name
        save_labels(labels, image, maps, case.case_id, VOLUME)
        if case.split is Split.TEST:
            self.listed["test"].append(f"./{images.name}/{name}")
        else:
            self.listed["training"].append({"image": f"./{images.name}/{name}", "label": f"./{maps.name}/{name}"})

    def finish(self) -> None:
        """Write the list of cases and classes."""
        write_document(
            self.folder / "dataset.json",
            {
                "name": self.dataset.name,
                "tensorImageSize": "4D" if len(self.channels) > 1 else "3D",
                "modality": {str(number): name for number, name in enumerate(self.channels)},
                "labels": {"0": "background"} | {str(one.value): one.name for one in self.dataset.schema.classes},
                "numTraining": len(self.listed["training"]),
                "numTest": len(self.listed["test"]),
                **self.listed,
            },
        )
        write_table(self.folder / "index.csv", [index_row(case, case.case_id) for case in self.done])


def in_order(labels: LabelArray, values: tuple[int, ...]) -> LabelArray:
    """Number the classes from 1 without gaps, in the schema's order."""
    table = np.zeros(max(*values, 0) + 1, dtype=np.uint16)
    for number, value in enumerate(values, start=1):
        table[value] = number
    return np.asarray(table[labels])


def _folders(folder: Path, case: Case) -> tuple[Path, Path]:
    ending = "Ts" if case.split is Split.TEST else "Tr"
    return folder / f"images{ending}", folder / f"labels{ending}"
