"""Look for what is wrong with a data set before anyone learns from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Lack, LeftOut
from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import Job, Progress, Warned
from napari_medclf.domain.options import option
from napari_medclf.domain.quality import Finding, FindingKind, Severity
from napari_medclf.jobs.dataset.check_report import CheckReport
from napari_medclf.jobs.dataset.choice import DataOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_medclf.domain.dataset import Case, Dataset
    from napari_medclf.domain.image import MedImage
    from napari_medclf.engine.quality.looked import Looked
    from napari_medclf.jobs.case_reader import CaseReader


@dataclass(frozen=True, kw_only=True)
class CheckOptions(DataOptions):
    """Which data to look through."""

    out: Path | None = option(
        None, help="folder for check.json, findings.csv, exclude.json and pictures; without one, nothing is written"
    )
    label_errors: bool = option(True, help="fit a quick model to find labels that are probably wrong")
    pictures: bool = option(True, help="draw a picture for every finding into the folder", advanced=True)


def check_dataset(options: CheckOptions) -> Job[CheckReport]:
    """Look at every image and label of a data set; a bad case is a finding and never stops the rest.

    Raises
    ------
    DatasetError
        If there is no data set.
    """
    from napari_medclf.engine.quality.judge import judge_images
    from napari_medclf.jobs.data import open_data
    from napari_medclf.jobs.dataset.findings_folder import write_findings

    yield Progress(0, 0, f"opening {options.data}")
    dataset = open_data(options.choice)
    for warning in dataset.warnings:
        yield Warned(warning)
    looked, findings = yield from _look_through(dataset)
    yield Progress(len(dataset.cases), len(dataset.cases), "comparing")
    findings += [*judge_images(looked), *map(_tell_left_out, dataset.left_out)]
    if options.label_errors and dataset.task is Task.CLASSIFY and dataset.is_exclusive:
        yield Progress(len(dataset.cases), len(dataset.cases), "looking for wrong labels")
        findings += _label_errors(dataset, looked)
    ordered = sorted(findings, key=lambda one: one.severity is not Severity.ERROR)
    report = CheckReport(dataset.name, len(dataset.cases), tuple(ordered), dataset.warnings)
    if options.out is not None:
        report = yield from write_findings(options.out, report, dataset, with_pictures=options.pictures)
    return report


def _look_through(dataset: Dataset) -> Job[tuple[list[Looked], list[Finding]]]:
    from napari_medclf.engine.quality.look import look_at
    from napari_medclf.engine.quality.looked import Looked
    from napari_medclf.jobs.case_reader import CaseReader

    reader = CaseReader(dataset)
    looked: list[Looked] = []
    findings: list[Finding] = []
    for position, case in enumerate(dataset.cases):
        yield Progress(position, len(dataset.cases), case.case_id)
        try:
            image = reader.image(case)
        except MedclfError as error:
            findings.append(_bad(FindingKind.UNREADABLE, case, str(error)))
            continue
        looked.append(Looked(case, look_at(image)))
        findings += _check_answer(reader, case, image)
    return looked, findings


def _check_answer(reader: CaseReader, case: Case, image: MedImage) -> Iterator[Finding]:
    """Check labels and boxes against their image; classes were checked when the data was opened."""
    try:
        if case.boxes is not None:
            is_empty = len(reader.boxes(case, image)) == 0
        elif case.label_map is not None:
            is_empty = not _labels(reader, case, image).any()
        else:
            return
    except MedclfError as error:
        yield _bad(FindingKind.BAD_LABELS, case, str(error))
        return
    if is_empty:
        sentence = f"{case.case_id}: nothing is labelled. Is that meant, or was it forgotten?"
        yield Finding(FindingKind.EMPTY_LABELS, Severity.WARNING, (case.case_id,), sentence, (case.case_id,))


def _labels(reader: CaseReader, case: Case, image: MedImage) -> np.ndarray:
    if reader.dataset.task is Task.DETECT:
        return reader.label_values(case, image)
    return reader.reference(case, image).labels


def _bad(kind: FindingKind, case: Case, sentence: str) -> Finding:
    return Finding(kind, Severity.ERROR, (case.case_id,), sentence, (case.case_id,))


def _tell_left_out(one: LeftOut) -> Finding:
    """Say what is wrong with a file that did not become a case; it is out already, so nothing is to be excluded."""
    if one.lack is Lack.SHARED:
        sentence = f"{one.name} is the same image as {one.other} of another split; it was left out."
        return Finding(FindingKind.LEAK, Severity.WARNING, (one.other, one.name), sentence)
    if one.lack is Lack.NO_LABEL:
        sentence = f"{one.name}: the image {one.ref.path.name} has no label, and is not used."
        return Finding(FindingKind.NO_LABEL, Severity.WARNING, (one.name,), sentence)
    sentence = f"{one.name}: the label {one.ref.path.name} has no image, and is not used."
    return Finding(FindingKind.NO_IMAGE, Severity.WARNING, (one.name,), sentence)


def _label_errors(dataset: Dataset, looked: Sequence[Looked]) -> Iterator[Finding]:
    from napari_medclf.engine.quality.label_errors import find_label_errors

    usable = [one for one in looked if len(one.case.classes) == 1 and not one.look.is_blank]
    lengths = Counter(len(one.look.features) for one in usable)
    if not lengths:
        return
    usual = lengths.most_common(1)[0][0]
    usable = [one for one in usable if len(one.look.features) == usual]
    names = dataset.schema.names
    labels = np.array([names.index(dataset.schema.named(one.case.classes[0]).name) for one in usable], dtype=np.intp)
    features = np.stack([one.look.features for one in usable])
    for doubt in find_label_errors(features, labels, [one.case.group_id for one in usable]):
        case = usable[doubt.position].case
        sentence = (
            f"{case.case_id} is said to be {case.classes[0]}, but looks like {names[doubt.other]} to a quick model "
            f"that never saw it ({doubt.other_score:.0%} against {doubt.given_score:.0%}). Is the label right?"
        )
        yield Finding(FindingKind.LABEL_ERROR, Severity.WARNING, (case.case_id,), sentence, (case.case_id,))
