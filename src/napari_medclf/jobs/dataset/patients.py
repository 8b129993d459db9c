"""Which cases belong together though nothing but their files tells it: one patient in DICOM headers, near-copies."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import Job, Progress

if TYPE_CHECKING:
    from pathlib import Path

    from napari_medclf.domain.dataset import Dataset

_EVERY = 20


def group_patients(dataset: Dataset) -> Job[Dataset]:
    """Put the cases whose DICOM headers name one patient into one group; the name itself is never kept.

    Other files tell no patient, and are not opened.
    """
    from napari_medclf.store.datasets import join_groups

    first: dict[str, str] = {}
    pairs: list[tuple[str, str]] = []
    for position, case in enumerate(dataset.cases):
        path = next(iter(case.images.values())).path
        if not _may_be_dicom(path):
            continue
        if position % _EVERY == 0:
            yield Progress(position, len(dataset.cases), "looking for patients")
        key = _patient_key(path)
        if key and first.setdefault(key, case.case_id) != case.case_id:
            pairs.append((first[key], case.case_id))
    return replace(dataset, cases=join_groups(dataset.cases, pairs)) if pairs else dataset


def group_near_copies(dataset: Dataset) -> Job[Dataset]:
    """Put cases that are the same image, or look nearly the same, into one group."""
    from napari_medclf.engine.quality.alike import find_copies, find_near_copies
    from napari_medclf.engine.quality.look import look_at
    from napari_medclf.jobs.case_reader import CaseReader
    from napari_medclf.store.datasets import join_groups

    reader = CaseReader(dataset)
    names, digests, thumbnails = [], [], []
    for position, case in enumerate(dataset.cases):
        yield Progress(position, len(dataset.cases), f"looking at {case.case_id}")
        try:
            look = look_at(reader.image(case))
        except MedclfError:  # `dataset check` tells what cannot be read
            continue
        if not look.is_blank:
            names.append(case.case_id)
            digests.append(look.sha256)
            thumbnails.append(look.thumbnail)
    pairs = [(names[group[0]], names[other]) for group in find_copies(digests) for other in group[1:]]
    pairs += [(names[one], names[other]) for one, other, _ in find_near_copies(thumbnails, digests)]
    return replace(dataset, cases=join_groups(dataset.cases, pairs)) if pairs else dataset


def _may_be_dicom(path: Path) -> bool:
    return path.is_dir() or path.suffix.lower() in ("", ".dcm", ".dicom", ".ima")


def _patient_key(path: Path) -> str:
    """Hash of the patient's identifier of the first DICOM file; empty where there is none."""
    from napari_medclf.io.dicom.header import read_headers
    from napari_medclf.io.sniff import Kind
    from napari_medclf.io.walk import identify

    files = [path] if path.is_file() else sorted(one for one in path.iterdir() if one.is_file())
    for file in files:
        try:
            if identify(file) is Kind.DICOM:
                return read_headers(file)[0].patient_key
        except MedclfError:
            continue
    return ""
