"""Pascal VOC's folders of boxes, and MedMNIST's file of small images."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar
from xml.sax.saxutils import escape

import numpy as np

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Split
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.image import ChannelKind
from napari_medclf.jobs.dataset.writers.base import PICTURE, Writer, save_image, suffix_for

if TYPE_CHECKING:
    from napari_medclf.domain.dataset import Case
    from napari_medclf.domain.detection import Detection
    from napari_medclf.domain.image import MedImage


@dataclass
class VocWriter(Writer):
    """``JPEGImages/case.png``, ``Annotations/case.xml``, ``ImageSets/Main/train.txt`` (Everingham 2010).

    Boxes are rounded to whole pixels, which is all that VOC knows.
    """

    tasks: ClassVar[tuple[Task, ...]] = (Task.DETECT,)
    summary: ClassVar[str] = "Pascal VOC, boxes in pictures"

    def put(self, case: Case, image: MedImage) -> None:
        """Write one case."""
        from napari_medclf.atomic import atomic_write

        if suffix_for(image) != PICTURE:
            raise DatasetError(f"{case.case_id}: VOC holds gray or colour pictures of 8 or 16 bits only.")
        name = save_image(image, self.folder / "JPEGImages", case.case_id, PICTURE).name
        text = _annotation(name, self.reader.boxes(case, image), image)
        atomic_write(self.folder / "Annotations" / f"{case.case_id}.xml", text)

    def finish(self) -> None:
        """Write the lists of the splits."""
        from napari_medclf.atomic import atomic_write

        for split in Split:
            names = [case.case_id for case in self.done if case.split is split]
            if names:
                path = self.folder / "ImageSets" / "Main" / f"{split.value}.txt"
                atomic_write(path, "\n".join(names) + "\n")


def _annotation(name: str, boxes: Detection, image: MedImage) -> str:
    _, rows, columns = image.geometry.shape
    depth = 3 if image.channel_kind is ChannelKind.COLOUR else 1
    objects = "".join(
        f"<object><name>{escape(one)}</name><bndbox>"
        f"<xmin>{round(box[0, 2] + 1.5)}</xmin><ymin>{round(box[0, 1] + 1.5)}</ymin>"
        f"<xmax>{round(box[1, 2] + 0.5)}</xmax><ymax>{round(box[1, 1] + 0.5)}</ymax></bndbox></object>"
        for one, box in zip(boxes.names, boxes.boxes, strict=True)
    )
    size = f"<size><width>{columns}</width><height>{rows}</height><depth>{depth}</depth></size>"
    return f"<annotation><filename>{escape(name)}</filename>{size}{objects}</annotation>\n"


@dataclass
class MedmnistWriter(Writer):
    """One ``.npz`` with ``train_images``, ``train_labels`` ... (Yang 2023); all images must have one shape."""

    images: dict[Split, list[Any]] = field(default_factory=lambda: {split: [] for split in Split})
    labels: dict[Split, list[list[int]]] = field(default_factory=lambda: {split: [] for split in Split})
    shape: tuple[int, ...] = ()

    tasks: ClassVar[tuple[Task, ...]] = (Task.CLASSIFY,)
    summary: ClassVar[str] = "MedMNIST, small images of one shape in one file"

    def refuse(self) -> str:
        """Every case needs a split there."""
        has_all = all(case.split for case in self.dataset.cases) and all(map(self.dataset.in_split, Split))
        return "" if has_all else "every case must be in train, val or test; split it first (`medclf dataset split`)"

    def put(self, case: Case, image: MedImage) -> None:
        """Keep one case until the end."""
        data = np.asarray(image.data)
        data = np.moveaxis(data, 0, -1) if image.channel_kind is ChannelKind.COLOUR else data
        data = data[0] if image.is_flat else data
        if data.dtype != np.uint8 or data.shape != (self.shape or data.shape):
            wanted = f" of shape {self.shape}" if self.shape else ""
            raise DatasetError(
                f"{case.case_id} is {data.dtype} of shape {data.shape}; MedMNIST holds 8-bit images{wanted} only."
            )
        self.shape = data.shape
        names = self.dataset.schema.names
        known = {self.dataset.schema.named(one).name for one in case.classes}
        row = [names.index(next(iter(known)))] if self.dataset.is_exclusive else [int(one in known) for one in names]
        if case.split is not None:
            self.images[case.split].append(data)
            self.labels[case.split].append(row)

    def finish(self) -> None:
        """Write the file, named after the folder."""
        from napari_medclf.atomic import atomic_write

        arrays: dict[str, Any] = {}
        for split in Split:
            arrays[f"{split.value}_images"] = np.stack(self.images[split])
            arrays[f"{split.value}_labels"] = np.array(self.labels[split], dtype=np.uint8)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        atomic_write(self.folder / f"{self.folder.name}.npz", buffer.getvalue())
