"""Measure a model on labelled data: every case through `predict`, then numbers with intervals by patient."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.card import Metric, Task
from napari_medclf.domain.dataset import Split
from napari_medclf.domain.errors import DatasetError, MedclfError, OptionError
from napari_medclf.domain.events import CaseFailed, Job, Progress, Warned
from napari_medclf.domain.options import option
from napari_medclf.jobs.data import DataChoice
from napari_medclf.jobs.json_text import json_text
from napari_medclf.jobs.predict import RunOptions
from napari_medclf.jobs.spec import spec_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_medclf.domain.backend import Predictor
    from napari_medclf.domain.dataset import Case, Dataset
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.jobs.case_reader import CaseReader
    from napari_medclf.jobs.compare import Comparison


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(RunOptions):
    """Which model to measure on which data."""

    model: str = option(help="name of a model (`medclf models list`), or its folder", positional=True)
    data: Path = option(help="labelled data, in any layout that `train` takes", positional=True)
    out: Path = option(help="folder for metrics.json, report.html and cases.csv")
    split: str = option("test", help="which cases", choices=("train", "val", "test", "all"))
    split_file: Path | None = option(None, help="JSON that names the cases of train, val and test", advanced=True)
    exclude: Path | None = option(None, help="JSON that names cases to leave out, as `dataset check` writes it")
    class_names: tuple[str, ...] = option((), help="names for the label values 1, 2, ...", advanced=True)
    label_columns: tuple[str, ...] = option((), help="columns of a table that are labels", advanced=True)
    group_pattern: str = option("", help="regular expression that finds the patient in a case's name", advanced=True)
    against: str = option("", help="another model, measured on the same cases: is the first one better?")
    record: bool = option(False, help="write the numbers into the model's card", advanced=True)


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Parameters
    ----------
    metrics : dict
        ``dice``, ``dice/<class>``, ``auc`` and so on, with 95 % intervals by group; without those
        that no case defines.
    comparisons : tuple of Comparison
        Every case, measured.
    undefined : dict
        Why a number or an interval is not there.
    """

    metrics: Mapping[str, Metric]
    comparisons: tuple[Comparison, ...]
    undefined: Mapping[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> tuple[dict[str, Any], ...]:
        """The numbers of every case by column."""
        return tuple(one.as_row() for one in self.comparisons)

    @property
    def n_cases(self) -> int:
        """How many cases were measured."""
        return len(self.comparisons)

    @property
    def n_groups(self) -> int:
        """How many patients they are from."""
        return len({one.group_id for one in self.comparisons})


@dataclass(frozen=True)
class Evaluation:
    """A finished evaluation, and the document that was written."""

    measured: Measured
    document: Mapping[str, Any]
    path: Path


def evaluate(options: EvaluateOptions) -> Job[Evaluation]:
    """Measure a model and write ``metrics.json``, ``report.html`` and ``cases.csv``.

    Data without a split of its own is split as it was when the model was trained, if it is that data.

    Raises
    ------
    DatasetError
        If there is no case to measure on.
    SchemaError
        If the data has a class that the model does not know.
    """
    from napari_medclf.jobs.data import open_data, require_cases, split_as_model
    from napari_medclf.jobs.models import find_model

    package = find_model(options.model)
    if package.card.task is Task.DETECT:
        raise OptionError(f"{package.name} finds boxes; measuring boxes against labelled data is not possible yet.")
    yield Progress(0, 0, f"opening {options.data}")
    dataset = open_data(_data_choice(options, package))
    if options.split_file is None:
        dataset = split_as_model(dataset, package)
    for warning in dataset.warnings:
        yield Warned(warning)
    if options.split == "all":
        cases = dataset.cases
    else:
        require_cases(dataset, Split(options.split))
        cases = dataset.in_split(Split(options.split))
    measured = yield from measure(package, dataset, cases, options)
    document = document_of(package, dataset, options.split, measured) | {"spec": spec_of("evaluate", options)}
    if options.against:
        document |= {"against": (yield from _measure_other(options, package, dataset, measured))}
    path = _write(options.out, document, measured)
    if options.record:
        _record(package, options.split, measured)
    return Evaluation(measured, document, path)


def _measure_other(
    options: EvaluateOptions, package: ModelPackage, dataset: Dataset, measured: Measured
) -> Job[dict[str, Any]]:
    """Measure the other model on the same cases, and say number by number whether the first is better."""
    from napari_medclf.jobs.evaluation.summary import areas, differences
    from napari_medclf.jobs.models import find_model

    other = find_model(options.against)
    if other.card.task is not package.card.task or set(other.card.schema_.names) != set(package.card.schema_.names):
        raise OptionError(f"{other.name} does not tell the same classes apart as {package.name}.")
    cases = {case.case_id: case for case in dataset.cases}
    chosen = [cases[one.case_id] for one in measured.comparisons]
    theirs = yield from measure(other, dataset, chosen, options)
    ours = measured.comparisons
    yield Progress(0, 0, "differences with their intervals")
    found = yield from differences(theirs.comparisons, ours, package.card, is_exclusive=dataset.is_exclusive)
    return {
        "model": other.card.name,
        "model_version": other.card.version,
        "weights_sha256": other.card.weights_sha256,
        "metrics": theirs.metrics,
        "differences": {
            name: {"value": one.value, "ci95": one.ci95, "verdict": one.verdict} for name, one in found.items()
        },
        "auc_delong": {
            name: {"value": one.difference, "ci95": one.difference_ci95, "p_value": one.p_value}
            for name, one in areas(theirs.comparisons, ours, package.card).items()
        },
    }


def measure(package: ModelPackage, dataset: Dataset, cases: Sequence[Case], run: RunOptions) -> Job[Measured]:
    """Run a model on cases and compare with what is known about them; a bad case is told and left out.

    Raises
    ------
    DatasetError
        If not a single case could be measured.
    SchemaError
        If the data has a class that the model does not know.
    """
    from napari_medclf.jobs.case_reader import CaseReader
    from napari_medclf.jobs.evaluation.summary import summarise
    from napari_medclf.jobs.evaluation.undefined import reasons
    from napari_medclf.jobs.predict import load_package

    for name in dataset.schema.names if dataset.task is Task.CLASSIFY else ():
        package.card.schema_.named(name)
    yield Progress(0, len(cases), f"loading {package.name}")
    loaded = load_package(package, run)
    reader = CaseReader(dataset)
    comparisons: list[Comparison] = []
    for position, case in enumerate(cases):
        try:
            comparisons.append((yield from _compare(loaded, reader, case, run, position, len(cases))))
        except MedclfError as error:
            yield CaseFailed(case.case_id, next(iter(case.images.values())).path, str(error))
    if not comparisons:
        raise DatasetError(f"{dataset.path}: not one of {len(cases)} cases could be measured.")
    yield Progress(len(cases), len(cases), "confidence intervals")
    metrics = yield from summarise(comparisons, package.card, is_exclusive=dataset.is_exclusive)
    defined = {name: metric for name, metric in metrics.items() if metric.value == metric.value}
    return Measured(defined, tuple(comparisons), reasons(metrics, comparisons, package.card))


def _compare(
    loaded: Predictor, reader: CaseReader, case: Case, run: RunOptions, done: int, total: int
) -> Job[Comparison]:
    from napari_medclf.jobs.compare import compare
    from napari_medclf.jobs.nested import within
    from napari_medclf.jobs.predict import predict_image

    yield Progress(done, total, case.case_id)
    image = reader.image(case)
    prediction = yield from within(predict_image(image, loaded.package, run, loaded), done, total, case.case_id)
    return compare(reader, case, image, prediction)


def _data_choice(options: EvaluateOptions, package: ModelPackage) -> DataChoice:
    names = tuple(one.name for one in package.card.schema_.foreground)
    return DataChoice(
        options.data,
        package.card.task,
        options.group_pattern,
        options.class_names or (() if package.card.task is Task.CLASSIFY else names),
        options.label_columns,
        options.split_file,
        options.exclude,
    )


def document_of(package: ModelPackage, dataset: Dataset, split: str, measured: Measured) -> dict[str, Any]:
    """Lay the numbers out as ``metrics.json`` has them: averages over the classes by name, and one block a class."""
    macro: dict[str, Metric] = {}
    per_class: dict[str, dict[str, Metric]] = {}
    for name, metric in measured.metrics.items():
        kind, _, one_class = name.partition("/")
        if one_class:
            per_class.setdefault(one_class, {})[kind] = metric
        else:
            macro[kind] = metric
    card = package.card
    return {
        "schema_version": 1,
        "model": card.name,
        "model_version": card.version,
        "weights_sha256": card.weights_sha256,
        "task": card.task,
        "data": dataset.name,
        "split": split,
        "n_cases": measured.n_cases,
        "n_groups": measured.n_groups,
        "n_defined": _count_defined(measured.rows),
        **macro,
        "per_class": per_class,
        "undefined": measured.undefined,
    }


def _count_defined(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Cases behind each number of a case: one without a class, here and in the reference, has no Dice of it."""
    counts: dict[str, int] = {}
    for row in rows:
        for name, value in row.items():
            if isinstance(value, float) and not name.startswith("score:"):
                counts[name] = counts.get(name, 0) + (value == value)
    return counts


def _write(folder: Path, document: Mapping[str, Any], measured: Measured) -> Path:
    from napari_medclf.atomic import atomic_write
    from napari_medclf.jobs.report_html import report_html
    from napari_medclf.jobs.tables import table_csv

    path = folder / "metrics.json"
    atomic_write(folder / "cases.csv", table_csv(measured.rows))
    atomic_write(folder / "report.html", report_html(document, measured.rows))
    atomic_write(path, json_text(document) + "\n")
    return path


def _record(package: ModelPackage, split: str, measured: Measured) -> None:
    """Put the numbers into the card, in place of earlier ones of that split."""
    from napari_medclf.jobs.publish import with_card

    others = {name: metric for name, metric in package.card.metrics.items() if not name.startswith(f"{split}/")}
    new = {f"{split}/{name}": metric for name, metric in measured.metrics.items()}
    with_card(package, package.card.model_copy(update={"metrics": others | new}))
