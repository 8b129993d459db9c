"""The jobs behind the page of labelled data: they open it, on a worker."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.dataset import Dataset
from napari_medclf.domain.events import Job, Progress, Warned
from napari_medclf.ui.cases.source import CaseSource

if TYPE_CHECKING:
    from napari_medclf.jobs.data import DataChoice

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class DataOpened:
    """Labelled data that was opened.

    Parameters
    ----------
    folder : Path
        Where this program keeps what a person decides about it; never among the data itself.
    reasons : dict
        Case to why it is left out.
    """

    choice: DataChoice
    dataset: Dataset
    source: CaseSource
    folder: Path
    reasons: Mapping[str, str]
    advice: tuple[str, ...] = ()
    """What makes it hard or impossible to learn from, the worst first."""

    @property
    def exclude_path(self) -> Path:
        """Where it is written which cases are left out."""
        from napari_medclf.store.datasets.exclusions import EXCLUDE_FILE

        return self.folder / EXCLUDE_FILE


def open_labelled(choice: DataChoice, user_folder: Path) -> Job[DataOpened]:
    """Open data of any layout, with all of its cases, and read which of them were left out before.

    Raises
    ------
    DatasetError
        If there is nothing to learn from.
    """
    from napari_medclf.jobs.data import open_data
    from napari_medclf.jobs.dataset.advice import advise
    from napari_medclf.store.datasets.exclusions import EXCLUDE_FILE, read_exclusions

    yield Progress(0, 0, f"opening {choice.path.name}")
    dataset = open_data(choice)
    for warning in dataset.warnings:
        yield Warned(warning)
    folder = folder_of(choice.path, user_folder)
    path = folder / EXCLUDE_FILE
    reasons = read_exclusions(path) if path.is_file() else {}
    advice = tuple(one.sentence for one in advise(dataset))
    return DataOpened(choice, dataset, CaseSource(lambda: dataset), folder, reasons, advice)


def folder_of(data: Path, user_folder: Path) -> Path:
    """Name the folder in which decisions about data are kept: its name, and a digest of its whole path."""
    digest = hashlib.sha256(str(data.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return user_folder / "datasets" / f"{_NOT_IN_NAMES.sub('-', data.stem)[:40] or 'data'}-{digest}"
