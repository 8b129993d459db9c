"""Why a number is not there: never a silent hole."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from napari_medclf.domain.card import Metric, ModelCard, Task
from napari_medclf.jobs.evaluation.score_table import ScoreTable, score_table

if TYPE_CHECKING:
    from napari_medclf.jobs.compare import Comparison

_OTHERWISE = "no case defines it"
_NEEDS_CLASS = ("auc", "average_precision", "sensitivity", "slope", "intercept", "threshold")
_NEEDS_OTHERS = ("auc", "specificity", "slope", "intercept")


def reasons(metrics: Mapping[str, Metric], comparisons: Sequence[Comparison], card: ModelCard) -> dict[str, str]:
    """Say of every number that is not defined, and of every interval that is missing, why.

    Returns
    -------
    dict
        ``"auc/tumour"`` to its reason; an interval stands as ``"ci95 of auc/tumour"``.
    """
    empty = [name for name, metric in metrics.items() if math.isnan(metric.value)]
    found = dict(zip(empty, _explain_all(empty, comparisons, card), strict=True))
    without = [name for name, metric in metrics.items() if metric.ci95 is None and name not in found]
    if without and len({one.group_id for one in comparisons}) < 2:
        reason = "all cases are of one patient, so nothing is known of others"
    else:
        reason = "no draw of the patients defines it"
    return found | {f"ci95 of {name}": reason for name in without}


def reason_for_class(kind: str, name: str, table: ScoreTable) -> str:
    """Say why a number of one class of a classifier is not defined."""
    column = table.names.index(name)
    truth, decided, n = table.truth[:, column], table.decided[:, column], len(table.truth)
    if kind in _NEEDS_CLASS and not truth.any():
        return f"none of {n} cases has the class {name}"
    if kind in _NEEDS_OTHERS and truth.all():
        return f"all {n} cases have the class {name}"
    if kind in ("slope", "intercept"):
        return f"the probabilities part the cases with {name} from the others without error, so no line fits best"
    if kind == "precision" and not decided.any():
        return f"the model says {name} of none of {n} cases"
    if kind == "npv" and decided.all():
        return f"the model says {name} of all {n} cases"
    if kind == "f1":
        return f"none of {n} cases has the class {name}, and the model says it of none"
    if kind == "mcc":
        return f"either all {n} cases are alike in having {name}, or the model says the same of all"
    return _OTHERWISE


def _explain_all(names: Sequence[str], comparisons: Sequence[Comparison], card: ModelCard) -> list[str]:
    if card.task is Task.REGRESS:
        return [_explain_numbers(name, comparisons) for name in names]
    if card.task is Task.DETECT:
        return [_explain_boxes(name, len(comparisons)) for name in names]
    if card.task is not Task.CLASSIFY:
        return [_explain_labels(name, len(comparisons)) for name in names]
    table = score_table(comparisons, card, is_exclusive=True)
    return [_explain_scores(name, table) for name in names]


def _explain_scores(name: str, table: ScoreTable) -> str:
    kind, _, one_class = name.partition("/")
    if one_class:
        return reason_for_class(kind, one_class, table)
    if kind in ("mcc", "kappa"):
        return "all cases have the same class, or the model says the same class of all"
    return "it is not defined for any class"


def _explain_numbers(name: str, comparisons: Sequence[Comparison]) -> str:
    quantity = name.partition("/")[2]
    rows = [one.numbers or {} for one in comparisons]
    known = [row[quantity].truth for row in rows if quantity in row and not math.isnan(row[quantity].truth)]
    if not quantity:
        return "it is not defined for any quantity"
    if not known:
        return f"{quantity} is known of none of {len(comparisons)} cases"
    if len(known) == 1:
        return f"{quantity} is known of one case only, and two are needed"
    return f"{quantity} is the same in all cases, or the model says the same of all"


def _explain_boxes(name: str, n_cases: int) -> str:
    kind, _, one_class = name.partition("/")
    if not one_class:
        return "it is not defined for any class"
    if kind == "precision":
        return f"the model finds no {one_class} in any of {n_cases} cases"
    return f"none of {n_cases} references has a box of {one_class}"


def _explain_labels(name: str, n_cases: int) -> str:
    kind, _, one_class = name.partition("/")
    what = f"the class {one_class}" if one_class else "any class"
    if kind in ("volume_error", "lesion_sensitivity"):
        return f"none of {n_cases} references has {what}"
    if kind == "lesion_precision":
        return f"none of {n_cases} predictions has {what}"
    if one_class or kind in ("dice", "iou", "nsd", "lesion_f1"):
        return f"neither the reference nor the prediction of any of {n_cases} cases has {what}"
    return f"no object stands in the reference or the prediction of any of {n_cases} cases"
