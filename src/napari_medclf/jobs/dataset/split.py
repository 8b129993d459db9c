"""Freeze the splits of a data set: by patient, in proportion, with a hash that goes into every model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.dataset import Split
from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.events import Job, Progress, Warned
from napari_medclf.domain.options import option
from napari_medclf.jobs.dataset.choice import DataOptions

if TYPE_CHECKING:
    from napari_medclf.domain.dataset import Dataset


@dataclass(frozen=True, kw_only=True)
class SplitOptions(DataOptions):
    """How to split which data."""

    out: Path = option(help="JSON file of the splits; a folder of them with --folds or --repeats")
    val_fraction: float = option(0.15, help="part of the patients to validate on", minimum=0.01, maximum=0.9)
    test_fraction: float = option(
        0.15, help="part of the patients to measure on, where the data has no test split", minimum=0.0, maximum=0.9
    )
    folds: int = option(0, help="for cross-validation: so many splits, each patient validating in one", minimum=0)
    repeats: int = option(0, help="for repeated hold-out: so many splits, each drawn anew", minimum=0)
    seed: int = option(0, help="of the drawing", minimum=0)
    again: bool = option(False, help="forget the splits that the data has, and draw all of them")
    near_copies: bool = option(False, help="look at all images, and keep those that look alike in one split")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.folds == 1:
            raise OptionError("--folds is 1, but cross-validation needs at least 2.")
        if self.folds and self.repeats:
            raise OptionError("--folds and --repeats cannot be given together; choose one.")
        if self.val_fraction + self.test_fraction >= 1:
            raise OptionError(
                f"--val-fraction {self.val_fraction} and --test-fraction {self.test_fraction} leave nothing to train."
            )


@dataclass(frozen=True)
class SplitResult:
    """Splits that were frozen.

    Parameters
    ----------
    datasets : tuple of Dataset
        One for each file.
    files : tuple of Path
    sha256 : tuple of str
        Which identify the splits; a model keeps the one it was trained on.
    """

    datasets: tuple[Dataset, ...]
    files: tuple[Path, ...]
    sha256: tuple[str, ...]

    @property
    def dataset(self) -> Dataset:
        """The first of them."""
        return self.datasets[0]


def split_data(options: SplitOptions) -> Job[SplitResult]:
    """Split data by patient and write the splits, which `train --split` and `evaluate --split-file` take.

    Raises
    ------
    DatasetError
        If there are too few patients.
    OptionError
        If a file is there already: frozen splits are never overwritten.
    """
    from napari_medclf.jobs.data import open_data
    from napari_medclf.store.datasets import splits_sha256, write_split_file

    files = _files(options)
    yield Progress(0, 0, f"opening {options.data}")
    dataset = open_data(options.choice)
    for warning in dataset.warnings:
        yield Warned(warning)
    datasets = _drawn((yield from _grouped(options, dataset)), options)
    digests = tuple(splits_sha256(one) for one in datasets)
    for path, one, digest in zip(files, datasets, digests, strict=True):
        write_split_file(one, path, {"data": one.name, "method": _method(options)})
        yield Progress(0, 0, f"wrote {path.name} {digest[:8]}")
    return SplitResult(datasets, files, digests)


def _files(options: SplitOptions) -> tuple[Path, ...]:
    n_files = options.folds or options.repeats
    word = "fold" if options.folds else "repeat"
    files = tuple(options.out / f"{word}_{n + 1}.json" for n in range(n_files)) if n_files else (options.out,)
    taken = next((path for path in files if path.exists()), None)
    if taken is not None:
        raise OptionError(f"{taken} is there already, and frozen splits are never overwritten. Choose another name.")
    return files


def _grouped(options: SplitOptions, dataset: Dataset) -> Job[Dataset]:
    """Forget the splits where asked to, then join the cases of a patient, and those that look alike."""
    from napari_medclf.jobs.dataset.patients import group_near_copies, group_patients

    if options.again:
        dataset = replace(dataset, cases=tuple(replace(case, split=None) for case in dataset.cases))
    elif any(case.split for case in dataset.cases):  # whoever made the splits knew the patients
        return dataset
    dataset = yield from group_patients(dataset)
    if options.near_copies:
        dataset = yield from group_near_copies(dataset)
    return dataset


def _drawn(dataset: Dataset, options: SplitOptions) -> tuple[Dataset, ...]:
    from napari_medclf.store.datasets import k_fold, repeated_hold_out, split_by_group, split_dataset

    fractions = {Split.VAL: options.val_fraction, Split.TEST: options.test_fraction}
    if options.repeats:
        return repeated_hold_out(dataset, options.repeats, fractions, options.seed)
    if options.folds:
        if not dataset.in_split(Split.TEST) and options.test_fraction > 0:
            cut = split_by_group(dataset.cases, {Split.TEST: options.test_fraction}, options.seed)
            dataset = replace(dataset, cases=cut)
        return k_fold(dataset, options.folds, options.seed)
    return (
        split_dataset(
            dataset, val_fraction=options.val_fraction, test_fraction=options.test_fraction, seed=options.seed
        ),
    )


def _method(options: SplitOptions) -> str:
    kind = "hold-out"
    if options.folds:
        kind = f"{options.folds}-fold cross-validation"
    elif options.repeats:
        kind = f"hold-out repeated {options.repeats} times"
    alike = ", near-copies kept together" if options.near_copies else ""
    return f"{kind} by patient, stratified by class and kind{alike}, seed {options.seed}"


def document_of(result: SplitResult) -> dict[str, Any]:
    """Lay the result out as ``--json`` prints it."""
    return {"splits": [dict(zip(("path", "sha256", "counts"), row, strict=True)) for row in _rows(result)]}


def _rows(result: SplitResult) -> Sequence[tuple[str, str, dict[str, int]]]:
    return [
        (str(path), digest, dict(Counter(str(case.split) for case in one.cases if case.split)))
        for path, digest, one in zip(result.files, result.sha256, result.datasets, strict=True)
    ]
