"""Would more patients help? Train on growing parts of the data, and measure each model on the same cases."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.card import Metric
from napari_medclf.domain.dataset import Case, Dataset, Split
from napari_medclf.domain.errors import DatasetError, OptionError
from napari_medclf.domain.events import Job, Noted, Progress
from napari_medclf.domain.options import check_options, option
from napari_medclf.jobs.learn_data import LearnOptions

if TYPE_CHECKING:
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.jobs.train import TrainOptions


@dataclass(frozen=True, kw_only=True)
class LearningCurveOptions(LearnOptions):
    """What to learn, from which parts of the data."""

    out: Path = option(help="folder for the models, learning_curve.json and learning_curve.html")
    fractions: tuple[float, ...] = option(
        (0.125, 0.25, 0.5, 1.0), help="parts of the training patients, each from above 0 to 1"
    )
    repeats: int = option(1, help="how often each part is drawn and learned, with another seed", minimum=1, maximum=100)
    init: str = option("", help="model to start each training from")

    def __post_init__(self) -> None:
        check_options(self)
        strange = [one for one in self.fractions if not 0 < one <= 1]
        if strange or not self.fractions:
            raise OptionError(f"--fractions has {strange or 'nothing'}; numbers above 0 and up to 1 are expected.")


@dataclass(frozen=True)
class CurvePoint:
    """One training.

    Parameters
    ----------
    n_cases, n_groups : int
        Cases and patients that were learned from.
    metrics : dict
        On the measured cases, as `jobs.evaluate` names them.
    """

    fraction: float
    repeat: int
    n_cases: int
    n_groups: int
    metrics: Mapping[str, Metric]


@dataclass(frozen=True)
class LearningCurve:
    """A finished learning curve and the document that was written."""

    points: tuple[CurvePoint, ...]
    document: Mapping[str, Any]
    path: Path


def learning_curve(options: LearningCurveOptions) -> Job[LearningCurve]:
    """Train on growing parts of the training patients and measure every model on the same cases.

    Parts are nested (the larger holds the smaller) and keep the classes in proportion; validation and test cases stay
    whole. Models that are in the folder already are not trained again.

    Raises
    ------
    DatasetError
        If the data cannot be learned from, or a part leaves a class without a case.
    """
    from napari_medclf.jobs.evaluation.learning import learning_document, write_learning
    from napari_medclf.jobs.learn_data import open_to_learn

    yield Progress(0, 0, f"opening {options.data}")
    dataset = yield from open_to_learn(options)
    split = Split.TEST if dataset.in_split(Split.TEST) else Split.VAL
    steps = [(fraction, repeat) for repeat in range(options.repeats) for fraction in sorted(set(options.fractions))]
    points: list[CurvePoint] = []
    for number, (fraction, repeat) in enumerate(steps, start=1):
        part = grow(dataset, fraction, options.seed + repeat)
        yield Noted(f"training {number} of {len(steps)}: {len(part.in_split(Split.TRAIN))} cases")
        points.append((yield from _learn(options, part, fraction, repeat, split)))
    document = learning_document(points, dataset, split, options)
    return LearningCurve(tuple(points), document, write_learning(options.out, document))


def grow(dataset: Dataset, fraction: float, seed: int) -> Dataset:
    """Keep a part of the training patients; the same seed gives parts of which the larger holds the smaller.

    Raises
    ------
    DatasetError
        If a class that is learned has no case in the part.
    """
    learned = dataset.in_split(Split.TRAIN)
    order = _order(learned, seed)
    kept = set(order[: max(math.ceil(fraction * len(order) - 1e-9), 1)])
    is_kept = {case.case_id: case.group_id in kept for case in learned}
    cases = tuple(replace(one, split=one.split if is_kept.get(one.case_id, True) else None) for one in dataset.cases)
    part = replace(dataset, cases=cases)
    have = {name for case in part.in_split(Split.TRAIN) for name in case.classes}
    lost = sorted({name for case in learned for name in case.classes} - have)
    if lost:
        raise DatasetError(
            f"{fraction:g} of the training patients leave no case of {', '.join(lost)}. Take larger --fractions."
        )
    return part


def _order(cases: Sequence[Case], seed: int) -> list[str]:
    """Order patients so that every beginning of the list has the kinds in proportion."""
    kinds: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for case in cases:
        kinds[case.group_id].append((case.stratum, *case.classes))
    strata: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for group, found in kinds.items():
        strata[min(found)].append(group)
    places: dict[str, tuple[float, str]] = {}
    for groups in strata.values():
        for rank, group in enumerate(sorted(groups, key=lambda one: _shuffled(one, seed))):
            places[group] = ((rank + 0.5) / len(groups), _shuffled(group, seed))
    return sorted(places, key=places.__getitem__)


def _shuffled(name: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}/{name}".encode()).hexdigest()


def _learn(options: LearningCurveOptions, part: Dataset, fraction: float, repeat: int, split: Split) -> Job[CurvePoint]:
    from napari_medclf.jobs.evaluate import measure
    from napari_medclf.jobs.predict import RunOptions
    from napari_medclf.jobs.train import train
    from napari_medclf.store.bundle import is_package, read_package
    from napari_medclf.store.datasets import write_split_file

    name = f"{fraction:g}-{repeat}"
    folder = options.out / "models" / name
    split_file = options.out / "parts" / f"{name}.json"
    package: ModelPackage
    if is_package(folder):
        package = read_package(folder)
    else:
        write_split_file(part, split_file)
        package = (yield from train(_train_options(options, split_file, folder, repeat))).package
    measured = yield from measure(package, part, part.in_split(split), RunOptions(device=options.device))
    learned = part.in_split(Split.TRAIN)
    n_groups = len({case.group_id for case in learned})
    return CurvePoint(fraction, repeat, len(learned), n_groups, measured.metrics)


def _train_options(options: LearningCurveOptions, split_file: Path, folder: Path, repeat: int) -> TrainOptions:
    from napari_medclf.jobs.train import TrainOptions

    shared = {field.name: getattr(options, field.name) for field in dataclasses.fields(LearnOptions)}
    changed = {
        "split": split_file,
        "seed": options.seed + repeat,
        "out": folder,
        "name": f"part-{folder.name}",
        "init": options.init,
        "baselines": False,
        "register": False,
    }
    return TrainOptions(**shared | changed)
