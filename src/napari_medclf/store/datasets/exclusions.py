"""Cases that are left out, each with its reason: ``exclude.json``, as the check writes it and a person edits it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from napari_medclf.atomic import atomic_write
from napari_medclf.domain.dataset import Dataset
from napari_medclf.domain.errors import DatasetError
from napari_medclf.store.datasets.split_files import read_json

EXCLUDE_FILE = "exclude.json"
"""Its name in a folder of findings."""


def read_exclusions(path: Path) -> dict[str, str]:
    """Read which cases to leave out: case id to the reason.

    Understood: ``{"exclude": {"case_7": "why", ...}}``, the same as a list of case ids, and a plain list.

    Raises
    ------
    DatasetError
        If it is not JSON, or not in such a form.
    """
    content = read_json(path)
    if isinstance(content, dict):
        content = content.get("exclude")
    if isinstance(content, list) and all(isinstance(one, str) for one in content):
        return dict.fromkeys(content, "")
    if isinstance(content, dict):
        return {str(name): str(reason) for name, reason in content.items()}
    raise DatasetError(f'{path}: expected {{"exclude": {{"case_7": "why"}}}}, or a list of case ids.')


def write_exclusions(path: Path, reasons: Mapping[str, str]) -> None:
    """Write which cases to leave out, and why."""
    atomic_write(path, json.dumps({"schema_version": 1, "exclude": dict(reasons)}, indent=1) + "\n")


def exclude_cases(dataset: Dataset, reasons: Mapping[str, str]) -> Dataset:
    """Leave cases out, and say how many.

    Raises
    ------
    DatasetError
        If nothing would be left.
    """
    kept = tuple(case for case in dataset.cases if case.case_id not in reasons)
    n_left_out = len(dataset.cases) - len(kept)
    if not kept:
        raise DatasetError(f"{dataset.path}: all {n_left_out} cases are excluded; nothing is left.")
    absent = sorted(set(reasons) - {case.case_id for case in dataset.cases})
    notes = [f"{n_left_out} of {len(dataset.cases)} cases are excluded."] if n_left_out else []
    if absent:
        notes.append(f"{len(absent)} excluded cases are not here, such as {absent[0]!r}.")
    return replace(dataset, cases=kept, warnings=(*dataset.warnings, *notes))
