"""Layouts of plain folders: one a class, images beside labels, and BIDS with derivatives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Split
from napari_medclf.jobs.dataset.writers.base import (
    VOLUME,
    Writer,
    classes_document,
    index_row,
    save_image,
    save_labels,
    suffix_for,
    write_document,
    write_table,
)

if TYPE_CHECKING:
    from napari_medclf.domain.dataset import Case
    from napari_medclf.domain.image import MedImage

_BIDS_VERSION = "1.9.0"
_SUFFIXES = {"CT": "ct", "MR": "T1w"}


@dataclass
class ClassFolderWriter(Writer):
    """``class/case.png``, below ``train``, ``val`` and ``test`` where every case has a split.

    Images of a patient with several go into a folder of the patient, so that splits keep them together.
    """

    tasks: ClassVar[tuple[Task, ...]] = (Task.CLASSIFY,)
    summary: ClassVar[str] = "one folder a class"

    def refuse(self) -> str:
        """Classes that come together have no folder."""
        return "" if self.dataset.is_exclusive else "cases may have several classes, which folders cannot tell"

    def put(self, case: Case, image: MedImage) -> None:
        """Write one case."""
        from napari_medclf.store.files import safe_name

        has_splits = all(one.split for one in self.dataset.cases)
        folder = self.folder / case.split.value if has_splits and case.split else self.folder
        folder = folder / safe_name(case.classes[0])
        if sum(one.group_id == case.group_id for one in self.dataset.cases) > 1:
            folder = folder / safe_name(case.group_id)
        save_image(image, folder, case.case_id)


@dataclass
class ImagesLabelsWriter(Writer):
    """``images/case.png``, ``labels/case.png``, ``dataset.json`` with the classes, ``splits.json``, ``index.csv``."""

    files: dict[str, str] = field(default_factory=dict)

    tasks: ClassVar[tuple[Task, ...]] = (Task.SEGMENT, Task.INSTANCES)
    summary: ClassVar[str] = "images beside label images"

    def put(self, case: Case, image: MedImage) -> None:
        """Write one case."""
        labels = self.reader.reference(case, image).labels
        suffix = suffix_for(image)
        self.files[case.case_id] = save_image(image, self.folder / "images", case.case_id, suffix).name
        save_labels(labels, image, self.folder / "labels", case.case_id, suffix)

    def finish(self) -> None:
        """Write classes, splits and what else is known."""
        write_document(self.folder / "dataset.json", classes_document(self.dataset))
        splits = {one.value: [case.case_id for case in self.done if case.split is one] for one in Split}
        if any(splits.values()):
            write_document(self.folder / "splits.json", splits)
        write_table(self.folder / "index.csv", [index_row(case, self.files[case.case_id]) for case in self.done])


@dataclass
class BidsWriter(Writer):
    """``sub-01/anat/sub-01_ct.nii.gz`` with labels below ``derivatives/labels``; a subject is a patient.

    Participants get the number of their patient, never a name; facts stand in ``participants.tsv``.
    """

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    splits: dict[str, list[str]] = field(default_factory=dict)

    tasks: ClassVar[tuple[Task, ...]] = (Task.SEGMENT, Task.INSTANCES)
    summary: ClassVar[str] = "BIDS with derivatives"

    def put(self, case: Case, image: MedImage) -> None:
        """Write one case."""
        labels = self.reader.reference(case, image).labels
        number = self.numbers.setdefault(case.group_id, len(self.numbers) + 1)
        subject = f"sub-{number:03d}"
        run = sum(one.group_id == case.group_id for one in self.done) + 1
        name = f"{subject}_run-{run}_{_SUFFIXES.get(image.modality, 'T1w')}"
        save_image(image, self.folder / subject / "anat", name, VOLUME)
        derived = self.folder / "derivatives" / "labels" / subject / "anat"
        save_labels(labels, image, derived, f"{name}_seg-manual", VOLUME)
        self.rows[subject] = {"participant_id": subject, **dict(case.facts)}
        if case.split is not None:
            self.splits.setdefault(case.split.value, []).append(name)

    def finish(self) -> None:
        """Write the descriptions that BIDS asks for, and the classes."""
        named = {"Name": self.dataset.name, "BIDSVersion": _BIDS_VERSION}
        write_document(self.folder / "dataset_description.json", named)
        derived = self.folder / "derivatives" / "labels" / "dataset_description.json"
        write_document(derived, named | {"DatasetType": "derivative", "GeneratedBy": [{"Name": "napari-medclf"}]})
        write_document(self.folder / "dataset.json", classes_document(self.dataset))
        if self.splits:
            write_document(self.folder / "splits.json", dict(self.splits))
        self._write_participants()

    def _write_participants(self) -> None:
        from napari_medclf.atomic import atomic_write

        columns = list(dict.fromkeys(name for row in self.rows.values() for name in row))
        lines = ["\t".join(columns), *(_tabbed(row, columns) for row in self.rows.values())]
        atomic_write(self.folder / "participants.tsv", "\n".join(lines) + "\n")


def _tabbed(row: dict[str, Any], columns: list[str]) -> str:
    def cells() -> Iterator[str]:
        for name in columns:
            yield " ".join(str(row.get(name, "n/a")).split()) or "n/a"

    return "\t".join(cells())
