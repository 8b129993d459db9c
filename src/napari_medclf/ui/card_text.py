"""What a model's card says, in the few words a panel has room for."""

from __future__ import annotations

from napari_medclf.domain.card import Metric, ModelCard, Task
from napari_medclf.domain.package import ModelPackage

_TASKS = {
    Task.CLASSIFY: "Classifies",
    Task.SEGMENT: "Segments",
    Task.INSTANCES: "Finds single objects of",
    Task.DETECT: "Finds boxes around",
    Task.REGRESS: "Estimates",
}

_TRUST_TEXT = {True: "you allowed it to run.", False: "runs only after you allowed it."}
_SPLITS = {"test": "On test cases", "val": "On validation cases"}
_TELLING = {
    "dice": "Dice",
    "auc": "AUC",
    "ap50": "AP at 0.5",
    "f1_50": "F1 at 0.5",
    "pq": "panoptic quality",
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
    "nsd": "surface Dice",
    "map50": "mAP at 0.5",
    "froc": "FROC",
    "mae": "mean absolute error",
    "r2": "R²",
}


def card_summary(card: ModelCard) -> str:
    """Say what a model does, for which images, and how good it is."""
    classes = ", ".join(one.name for one in (card.schema_.foreground or card.schema_.classes)[:6])
    if card.task.is_of_whole_image:
        classes = ", ".join(card.schema_.names[:6])
    lines = [card.title, f"{_TASKS[card.task]}: {classes}. For {input_text(card)}."]
    best = headline_metrics(card)
    if best:
        lines.append(best)
    return "\n".join(lines)


def input_text(card: ModelCard) -> str:
    """Describe the images a model takes, such as "3D MR (gray)"."""
    modality = " or ".join(card.input.modality) or "any modality"
    return f"{card.input.spatial_dims}D images, {modality} ({', '.join(card.input.channels)})"


def headline_metrics(card: ModelCard, limit: int = 2) -> str:
    """Write the most telling numbers over all classes, from the test cases if there are any.

    Empty when nothing was measured.
    """
    for split in ("test", "val"):
        measured = {name.removeprefix(f"{split}/"): one for name, one in card.metrics.items() if name.startswith(split)}
        chosen = [name for name in _TELLING if name in measured][:limit]
        if chosen:
            return f"{_SPLITS[split]}: {', '.join(_metric_text(name, measured[name]) for name in chosen)}"
    return ""


def _metric_text(name: str, metric: Metric) -> str:
    interval = "" if metric.ci95 is None else f" [{metric.ci95[0]:.3f}, {metric.ci95[1]:.3f}]"
    return f"{_TELLING[name]} {metric.value:.3f}{interval}"


def card_markdown(package: ModelPackage, *, is_trusted: bool = False) -> str:
    """Write the whole card for reading.

    Parameters
    ----------
    is_trusted : bool
        Whether a person has allowed its code to run, where it has any.
    """
    card = package.card
    origin = "came with this program" if package.is_embedded else f"{card.backend}, in {package.folder}"
    lines = [
        f"### {card.title}",
        f"`{card.name}` {card.version} · {card.task.value} · licence: {card.licence} · {origin}",
        card.description,
        f"**Takes** {input_text(card)}.",
        f"**Tells** {', '.join(card.schema_.names)}.",
        f"**{card.intended_use}**",
    ]
    if package.trust is not None:
        lines.append(f"**Code of its own** ({len(package.trust.what)} lines): {_TRUST_TEXT[is_trusted]}")
    if card.limits:
        lines.append("**Limits**\n\n" + "\n".join(f"- {limit}" for limit in card.limits))
    if card.metrics:
        rows = [f"| {name} | {metric.value:.3f} | {_interval(metric.ci95)} |" for name, metric in card.metrics.items()]
        lines.append("| measured | value | 95 % interval |\n|---|---|---|\n" + "\n".join(rows))
    for credit in card.data:
        counts = f"{credit.n_train} to train, {credit.n_val} to validate, {credit.n_test} to test"
        lines.append(f"**Data** {credit.name} ({credit.licence}): {credit.attribution} {counts}. {credit.split}")
    return "\n\n".join(line for line in lines if line)


def _interval(ci95: tuple[float, float] | None) -> str:
    return "" if ci95 is None else f"{ci95[0]:.3f} – {ci95[1]:.3f}"
