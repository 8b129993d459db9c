"""A table with one row an image, for every task: the layout that a spreadsheet opens and a person can edit."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from napari_medclf.domain.card import Task
from napari_medclf.jobs.dataset.writers.base import (
    Writer,
    classes_document,
    save_image,
    save_labels,
    suffix_for,
    write_document,
    write_table,
)

if TYPE_CHECKING:
    from napari_medclf.domain.dataset import Case, FileRef
    from napari_medclf.domain.image import MedImage

TABLE = "labels.csv"
# Not called masks or boxes: folders of that name beside images/ would be taken for another layout.
_MASKS, _BOXES = "label_images", "box_files"


@dataclass
class TableWriter(Writer):
    """``labels.csv`` with case_id, path, group, split, what is to be learned, and facts.

    Parameters
    ----------
    is_copied : bool
        Whether images and labels are written below the folder; else the table leads to where they lie.
    """

    is_copied: bool = True
    rows: list[dict[str, Any]] = field(default_factory=list)

    tasks: ClassVar[tuple[Task, ...]] = tuple(Task)
    summary: ClassVar[str] = "a table that leads to images"

    def put(self, case: Case, image: MedImage) -> None:
        """Write one case."""
        row: dict[str, Any] = {"case_id": case.case_id}
        suffix = suffix_for(image)
        if self.is_copied:
            row["path"] = self._relative(save_image(image, self.folder / "images", case.case_id, suffix))
        else:
            row |= self._leading(case.images)
        row |= {"group": case.group_id, "split": case.split.value if case.split else ""}
        row |= self._answer(case, image, suffix)
        if case.stratum:
            row["stratum"] = case.stratum
        self.rows.append(row | {name: value for name, value in case.facts.items() if value != case.stratum})

    def finish(self) -> None:
        """Write the table, and the names of the classes of label images."""
        if self.dataset.task in (Task.SEGMENT, Task.INSTANCES):
            write_document(self.folder / "dataset.json", classes_document(self.dataset))
        write_table(self.folder / TABLE, self.rows)

    def _answer(self, case: Case, image: MedImage, suffix: str) -> dict[str, Any]:
        dataset = self.dataset
        if dataset.task is Task.CLASSIFY and dataset.is_exclusive:
            return {"label": case.classes[0]}
        if dataset.task is Task.CLASSIFY:
            return {name: int(name in case.classes) for name in dataset.schema.names}
        if dataset.task is Task.REGRESS:
            return dict(case.values)
        if dataset.task is Task.DETECT:
            return {"boxes": self._relative(self._write_boxes(case, image))}
        if not self.is_copied and case.label_map is not None and not dataset.label_to_value:
            return {"mask": _cell(case.label_map)}
        labels = self.reader.label_values(case, image)
        return {"mask": self._relative(save_labels(labels, image, self.folder / _MASKS, case.case_id, suffix))}

    def _write_boxes(self, case: Case, image: MedImage) -> Path:
        from napari_medclf.io.box_table import write_boxes

        path = self.folder / _BOXES / f"{case.case_id}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_boxes(self.reader.boxes(case, image), path)
        return path

    def _leading(self, images: Any) -> dict[str, str]:
        if len(images) == 1:
            return {"path": _cell(next(iter(images.values())))}
        return {f"path:{role}": _cell(ref) for role, ref in images.items()}

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()


def _cell(ref: FileRef) -> str:
    path = ref.path.resolve().as_posix()
    return f"{path}#{ref.member}" if ref.member else path
