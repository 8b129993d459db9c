"""The model card and the data sheet, as the page shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.card import DataCredit, ModelCard
from napari_medclf.domain.dataset import Split
from napari_medclf.jobs.report.html import Html, pairs, paragraph, table

if TYPE_CHECKING:
    from napari_medclf.domain.dataset import Case, Dataset

UNKNOWN = "not stated"
_TASKS = {
    "classify": "classifies whole images",
    "segment": "labels every voxel",
    "instances": "outlines single objects",
    "detect": "finds boxes around objects",
    "regress": "estimates numbers of whole images",
}
_MOST_FACTS = 12


def model_card(card: ModelCard, training: Mapping[str, Any]) -> Html:
    """Show what a model is for, what it takes, how it was made, and where it fails (Mitchell 2019).

    Parameters
    ----------
    training : dict
        Options of the training, as the package keeps them; may be empty.
    """
    limits = Html("<br>".join(_escaped(card.limits))) if card.limits else UNKNOWN
    entries: dict[str, str | Html] = {
        "Name": f"{card.title} ({card.name} {card.version})",
        "What it does": f"{card.description} It {_TASKS[card.task]}: {', '.join(card.schema_.names)}.",
        "Intended use": card.intended_use,
        "Limits": limits,
        "Input": input_text(card),
        "Network": f"{card.network.target.rpartition('.')[2]} ({card.network.target})",
        "Calibration": calibration_text(card),
        "Training": training_text(training) or UNKNOWN,
        "Author": card.author or UNKNOWN,
        "Licence": card.licence,
        "Made": card.created or UNKNOWN,
        "Weights": f"SHA-256 {card.weights_sha256}" if card.weights_sha256 else UNKNOWN,
    }
    return pairs(entries)


def data_sheet(card: ModelCard, dataset: Dataset, document: Mapping[str, Any]) -> Html:
    """Show what was learned from and what was measured on (Gebru 2021)."""
    learned = [_credit_row(one) for one in card.data]
    header = ["Learned from", "train / validation / test", "split", "licence", "whose it is"]
    parts = [table(header, learned) if learned else paragraph("The card does not say what the model learned from.")]
    splits = {split: dataset.in_split(split) for split in Split}
    entries: dict[str, str | Html] = {
        "Measured on": f"{dataset.name}, {document['split']} cases: {document['n_cases']} of {document['n_groups']} "
        "patients or groups",
        "All of that data": "; ".join(f"{len(cases)} {split.value}" for split, cases in splits.items() if cases)
        or f"{len(dataset.cases)} cases without a split",
        "Classes": ", ".join(dataset.schema.names),
        "Patients": grouping_text(dataset),
        "Left out": _left_out(dataset, document),
        "Warnings": f"{len(dataset.warnings)}, told when the data was opened" if dataset.warnings else "none",
    }
    return Html("".join(parts) + pairs(entries) + _make_up(splits))


def input_text(card: ModelCard) -> str:
    """Say in a line what a network is fed."""
    spec = card.input
    parts = [f"{spec.spatial_dims}D", f"channels {', '.join(spec.channels)}"]
    parts += [f"modality {' or '.join(spec.modality)}"] if spec.modality else []
    parts += [f"spacing {_sizes(spec.spacing_mm)} mm"] if spec.spacing_mm else []
    parts += [f"resized to {_sizes(spec.resize_to)}"] if spec.resize_to else []
    parts += [f"orientation {spec.axis_codes}"] if spec.axis_codes else []
    parts += [step.name for step in spec.steps]
    return "; ".join([*parts, f"intensity by {spec.intensity.kind}"])


def calibration_text(card: ModelCard) -> str:
    """Say whether scores were calibrated."""
    if card.task != "classify":
        return ""
    if not card.is_calibrated:
        return "scores are not calibrated"
    return f"by temperature scaling on validation cases (temperature {card.output.temperature:.3g})"


def training_text(training: Mapping[str, Any]) -> str:
    """Say in a line how a model was trained, as far as its package tells."""
    recipe = (training.get("fixed") or {}).get("recipe") or {}
    if not recipe:
        return ""
    optimiser, loss = recipe.get("optimiser") or {}, recipe.get("loss") or {}
    parts = {
        "recipe": recipe.get("family") or training.get("recipe"),
        "epochs": recipe.get("epochs"),
        "batch": recipe.get("batch"),
        "optimiser": optimiser.get("kind"),
        "learning rate": optimiser.get("lr"),
        "weight decay": optimiser.get("weight_decay"),
        "loss": loss.get("kind"),
        "keep": recipe.get("keep"),
        "seed": training.get("seed"),
        "started from": training.get("init"),
    }
    return "; ".join(f"{name} {value}" for name, value in parts.items() if value not in (None, ""))


def grouping_text(dataset: Dataset) -> str:
    """Say whether patients are known."""
    if dataset.n_groups == len(dataset.cases):
        return "every case counts as a patient of its own: either that is so, or the data does not tell patients apart"
    return f"{len(dataset.cases)} cases of {dataset.n_groups} patients or groups; none is in two splits"


def _make_up(splits: Mapping[Split, tuple[Case, ...]]) -> Html:
    """Show classes and facts by split."""
    shown = {split: cases for split, cases in splits.items() if cases}
    if not shown:
        return Html("")
    counts = {split: _count(cases) for split, cases in shown.items()}
    names = list(dict.fromkeys(name for one in counts.values() for name in one))
    rows = [
        [name, *(f"{counts[split][name]} ({counts[split][name] / len(shown[split]):.0%})" for split in shown)]
        for name in names
    ]
    rows.insert(0, ["cases", *(str(len(cases)) for cases in shown.values())])
    rows.insert(1, ["patients", *(str(len({case.group_id for case in cases})) for cases in shown.values())])
    return table(["", *(split.value for split in shown)], rows)


def _count(cases: tuple[Case, ...]) -> Counter[str]:
    values = Counter(f"class {name}" for case in cases for name in case.classes)
    for fact in dict.fromkeys(name for case in cases for name in case.facts):
        found = Counter(f"{fact}: {case.facts[fact]}" for case in cases if fact in case.facts)
        if len(found) <= _MOST_FACTS:
            values |= found
    return values


def _credit_row(one: DataCredit) -> list[str]:
    counts = f"{one.n_train} / {one.n_val} / {one.n_test}"
    return [one.name, counts, one.split or UNKNOWN, one.licence or UNKNOWN, one.attribution or UNKNOWN]


def _left_out(dataset: Dataset, document: Mapping[str, Any]) -> str:
    split = document["split"]
    n_meant = len(dataset.cases) if split == "all" else len(dataset.in_split(Split(split)))
    n_failed = n_meant - document["n_cases"]
    return f"{n_failed} cases could not be measured" if n_failed else "no case failed"


def _sizes(values: tuple[float, ...] | tuple[int, ...]) -> str:
    return " x ".join(f"{value:g}" for value in values)


def _escaped(lines: tuple[str, ...]) -> list[str]:
    from html import escape

    return [escape(line) for line in lines]
