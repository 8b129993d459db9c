"""Two models on the same cases: another deep one, or the classic baseline that came with the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.errors import MedclfError, OptionError
from napari_medclf.domain.events import Job, Progress

if TYPE_CHECKING:
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.engine.metrics.paired import Difference
    from napari_medclf.jobs.evaluation.measured import Measured

BASELINE_IN_PACKAGE = "baseline"
MAIN_NUMBER = {
    Task.CLASSIFY: "auc",
    Task.SEGMENT: "dice",
    Task.INSTANCES: "ap50",
    Task.REGRESS: "mae",
    Task.DETECT: "map50",
}
"""The number by which a model is called better, for each task."""


def find_baseline(package: ModelPackage) -> ModelPackage | None:
    """Return the classic model that was fitted beside this one, if there is one."""
    from napari_medclf.store.bundle import is_package, read_package

    folder = package.folder / BASELINE_IN_PACKAGE
    try:
        return read_package(folder) if is_package(folder) else None
    except MedclfError:
        return None


def check_rival(other: ModelPackage, package: ModelPackage) -> None:
    """Refuse a model that does another thing.

    Raises
    ------
    OptionError
        If task or classes differ.
    """
    if other.card.task is not package.card.task or set(other.card.schema_.names) != set(package.card.schema_.names):
        raise OptionError(f"{other.name} does not tell the same classes apart as {package.name}.")


def comparison_document(
    other: ModelCard, theirs: Measured, ours: Measured, card: ModelCard, *, is_exclusive: bool
) -> Job[dict[str, Any]]:
    """Say number by number whether a model (`ours`) is better than the other, on the same cases."""
    from napari_medclf.jobs.evaluation.summary import areas, differences

    yield Progress(0, 0, f"differences to {other.name}, with their intervals")
    found = yield from differences(theirs.comparisons, ours.comparisons, card, is_exclusive=is_exclusive)
    return {
        "model": other.name,
        "model_version": other.version,
        "title": other.title,
        "weights_sha256": other.weights_sha256,
        "metrics": theirs.metrics,
        "differences": {
            name: {"value": one.value, "ci95": one.ci95, "verdict": one.judgement} for name, one in found.items()
        },
        "auc_delong": {
            name: {"value": one.difference, "ci95": one.difference_ci95, "p_value": one.p_value}
            for name, one in areas(theirs.comparisons, ours.comparisons, card).items()
        },
        **verdict(found, other, card.task),
    }


def verdict(found: dict[str, Difference], other: ModelCard, task: Task) -> dict[str, Any]:
    """Say in a sentence whether the model is better in its main number."""
    from napari_medclf.domain.verdict import Judgement

    name = MAIN_NUMBER[task]
    main = found.get(name)
    if main is None:
        return {
            "is_better": None,
            "sentence": f"{name} is not defined for both models, so neither can be called better.",
        }
    interval = f", 95 % interval {main.ci95[0]:+.3f} to {main.ci95[1]:+.3f}" if main.ci95 else ""
    numbers = f"{name} {main.second:.3f} against {main.first:.3f} of {other.name} ({main.value:+.3f}{interval})"
    words = {
        Judgement.BETTER: f"Better: {numbers}.",
        Judgement.SAME: f"No difference could be shown: {numbers}.",
        Judgement.WORSE: f"Worse: {numbers}.",
    }
    return {"is_better": main.judgement is Judgement.BETTER, "sentence": words[main.judgement]}


def baseline_verdict(compared: dict[str, Any]) -> dict[str, Any]:
    """Turn the comparison with a classic baseline into the advice that follows from it."""
    if compared["is_better"] is None:
        return compared
    advice = (
        "The deep model earns its cost."
        if compared["is_better"]
        else "Deep learning is not needed here, as far as these cases can tell: the classic model is simpler to run "
        "and to explain."
    )
    return compared | {"is_deep_better": compared["is_better"], "sentence": f"{compared['sentence']} {advice}"}
