"""Measure a model on labelled data: every case through `predict`, then numbers with intervals by patient."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Split
from napari_medclf.domain.errors import DatasetError, MedclfError
from napari_medclf.domain.events import CaseFailed, Job, Progress, Warned
from napari_medclf.domain.options import option
from napari_medclf.jobs.data import DataChoice
from napari_medclf.jobs.evaluation.measured import Measured
from napari_medclf.jobs.predict import RunOptions
from napari_medclf.jobs.spec import spec_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_medclf.domain.dataset import Case, Dataset
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.jobs.compare import Comparison
    from napari_medclf.jobs.evaluation.watch import CaseWatch


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
    sensitivity: float | None = option(
        None,
        help="choose each class's threshold on validation cases for this sensitivity, and measure there; by default "
        "0.95, chosen on the measured cases",
        minimum=0.01,
        maximum=1.0,
    )
    baseline: bool = option(True, help="also measure the classic baseline that came with the model", advanced=True)
    record: bool = option(False, help="write the numbers into the model's card", advanced=True)


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
    from napari_medclf.jobs.case_reader import CaseReader
    from napari_medclf.jobs.data import open_data, require_cases, split_as_model
    from napari_medclf.jobs.evaluation.contamination import contamination_of
    from napari_medclf.jobs.evaluation.document import document_of, record_metrics, training_options, write_evaluation
    from napari_medclf.jobs.evaluation.watch import CaseWatch
    from napari_medclf.jobs.models import find_model
    from napari_medclf.jobs.report.page import Reported, evaluation_page

    package = find_model(options.model)
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
    watch = CaseWatch(CaseReader(dataset), package)
    measured = yield from measure(package, dataset, cases, options, watch)
    document = document_of(package, dataset, options.split, measured)
    document |= yield from _analyse(options, package, dataset, measured)
    document |= yield from _compare_models(options, package, dataset, measured, watch)
    contaminated = yield from contamination_of(
        measured.comparisons, watch.known, package.card, is_exclusive=dataset.is_exclusive
    )
    if contaminated is not None:
        yield Warned(contaminated["sentence"])
    if not watch.is_told:
        document["undefined"]["contaminated"] = "the model does not say which images it learned from"
    document |= {"contaminated": contaminated, "spec": spec_of("evaluate", options)}
    page = evaluation_page(
        Reported(document, measured.rows, package.card, dataset, watch.worst, training_options(package))
    )
    path = write_evaluation(options.out, document, measured.rows, page)
    if options.record:
        record_metrics(package, options.split, measured.metrics)
    return Evaluation(measured, document, path)


def _analyse(
    options: EvaluateOptions, package: ModelPackage, dataset: Dataset, measured: Measured
) -> Job[dict[str, Any]]:
    """Analyse the cases; a sensitivity that a person asked for has its thresholds chosen on validation cases."""
    from napari_medclf.jobs.evaluation.analysis import AnalysisSettings, analyse

    settings = AnalysisSettings(dataset.is_exclusive)
    if options.sensitivity is not None and package.card.task is Task.CLASSIFY:
        others = () if options.split in ("val", "all") else dataset.in_split(Split.VAL)
        chosen_on = None
        if others:
            chosen_on = ("validation cases", (yield from measure(package, dataset, others, options)))
        else:
            yield Warned(
                "There are no other validation cases to choose a threshold on: it is chosen on the measured cases, "
                "where its numbers are a little too good."
            )
        settings = AnalysisSettings(dataset.is_exclusive, options.sensitivity, chosen_on)
    return (yield from analyse(measured, package.card, settings))


def _compare_models(
    options: EvaluateOptions, package: ModelPackage, dataset: Dataset, measured: Measured, watch: CaseWatch
) -> Job[dict[str, Any]]:
    """Measure the model that a person names, and the classic baseline of this one, on the same cases."""
    from napari_medclf.jobs.evaluation.rivals import baseline_verdict, check_rival, comparison_document, find_baseline
    from napari_medclf.jobs.models import find_model

    cases = {case.case_id: case for case in dataset.cases}
    chosen = [cases[one.case_id] for one in measured.comparisons]
    baseline = find_baseline(package) if options.baseline else None
    rivals = {"against": find_model(options.against) if options.against else None, "baseline": baseline}
    found: dict[str, Any] = {}
    for role, other in rivals.items():
        if other is None:
            continue
        check_rival(other, package)
        theirs = yield from measure(other, dataset, chosen, options)
        compared = yield from comparison_document(
            other.card, theirs, measured, package.card, is_exclusive=dataset.is_exclusive
        )
        known = watch.known_to(other)
        found[role] = (baseline_verdict(compared) if role == "baseline" else compared) | {"n_contaminated": len(known)}
        if known:
            yield Warned(f"{other.name} learned from {len(known)} of the measured images: its numbers are too good.")
    return found


def measure(
    package: ModelPackage,
    dataset: Dataset,
    cases: Sequence[Case],
    run: RunOptions,
    watch: CaseWatch | None = None,
) -> Job[Measured]:
    """Run a model on cases and compare with what is known about them; a bad case is told and left out.

    Parameters
    ----------
    watch : CaseWatch or None
        Sees every case while its image is at hand.

    Raises
    ------
    DatasetError
        If not a single case could be measured.
    SchemaError
        If the data has a class that the model does not know.
    """
    from napari_medclf.jobs.case_reader import CaseReader
    from napari_medclf.jobs.compare import compare
    from napari_medclf.jobs.evaluation.all_boxes import box_thresholds, with_all_boxes
    from napari_medclf.jobs.evaluation.summary import summarise
    from napari_medclf.jobs.evaluation.undefined import reasons
    from napari_medclf.jobs.nested import within
    from napari_medclf.jobs.predict import load_package, predict_image

    for name in dataset.schema.names if dataset.task in (Task.CLASSIFY, Task.DETECT, Task.REGRESS) else ():
        package.card.schema_.named(name)
    yield Progress(0, len(cases), f"loading {package.name}")
    loaded = load_package(with_all_boxes(package), run)
    reader = CaseReader(dataset)
    comparisons: list[Comparison] = []
    for position, case in enumerate(cases):
        try:
            yield Progress(position, len(cases), case.case_id)
            image = reader.image(case)
            running = predict_image(image, package, run, loaded)
            told = within(running, position, len(cases), case.case_id, is_noted=position == 0)
            prediction = yield from told
            comparisons.append(compare(reader, case, image, prediction, box_thresholds(package)))
            if watch is not None:
                watch.see(case, image, prediction, comparisons[-1])
        except MedclfError as error:
            yield CaseFailed(case.case_id, next(iter(case.images.values())).path, str(error))
    if not comparisons:
        raise DatasetError(f"{dataset.path}: not one of {len(cases)} cases could be measured.")
    yield Progress(len(cases), len(cases), "confidence intervals")
    metrics = yield from summarise(comparisons, package.card, is_exclusive=dataset.is_exclusive)
    defined = {name: metric for name, metric in metrics.items() if metric.value == metric.value}
    return Measured(defined, tuple(comparisons), reasons(metrics, comparisons, package.card))


def _data_choice(options: EvaluateOptions, package: ModelPackage) -> DataChoice:
    names = tuple(one.name for one in package.card.schema_.foreground)
    return DataChoice(
        options.data,
        package.card.task,
        options.group_pattern,
        options.class_names or (() if package.card.task is Task.CLASSIFY else names),
        options.label_columns or (package.card.schema_.names if package.card.task is Task.REGRESS else ()),
        options.split_file,
        options.exclude,
    )
