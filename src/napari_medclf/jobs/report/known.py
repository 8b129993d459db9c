"""What the program knows of a study, in the words of a methods section."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.dataset import Dataset, Split
from napari_medclf.jobs.report.about import grouping_text, input_text, training_text
from napari_medclf.jobs.report.words import MAIN, interval, is_metric, name_of, number

_METHOD = {
    "classify": "A model that classifies medical images",
    "segment": "A model that segments medical images",
    "instances": "A model that finds and outlines objects in medical images",
    "detect": "A model that finds boxes around objects in medical images",
    "regress": "A model that estimates numbers from medical images",
}


def known_facts(
    document: Mapping[str, Any], card: ModelCard, dataset: Dataset, training: Mapping[str, Any]
) -> dict[str, str]:
    """Answer the items of the guidelines as far as card, data and evaluation tell; what is not known is empty.

    Parameters
    ----------
    document : dict
        As ``metrics.json`` has it.
    training : dict
        Options of the training, as the model's package keeps them; may be empty.
    """
    return {**_of_model(card, training), **_of_data(document, card, dataset), **_of_results(document)}


def _of_model(card: ModelCard, training: Mapping[str, Any]) -> dict[str, str]:
    recipe = (training.get("fixed") or {}).get("recipe") or {}
    network = card.network.target.rpartition(".")[2]
    n_members = card.output.n_members
    keeps = {"best": "the epoch that was best on the validation cases", "last": "the last epoch of the schedule"}
    return {
        "method": f"{_METHOD[card.task]} ({network})",
        "use": card.intended_use,
        "limits": " ".join(card.limits),
        "model": f"{network}; input: {input_text(card)}; output: {', '.join(card.schema_.names)}",
        "preprocessing": f"By the program, in training and in use alike: {input_text(card)}",
        "predictors": f"The image alone: {input_text(card)}",
        "acquisition": f"Modality {' or '.join(card.input.modality)}; scanners and protocols are open"
        if card.input.modality
        else "",
        "training": training_text(training),
        "start": _start_text(training) if recipe else "",
        "selection": f"Kept is {keeps[recipe['keep']]}" if recipe.get("keep") in keeps else "",
        "ensemble": f"{n_members} networks, whose answers are averaged" if n_members > 1 else "One network",
        "availability": f"The model is one folder (licence: {card.licence}; weights {card.weights_sha256[:16]}...)",
        "output": _output_text(card),
        "missing": "Cases without a readable image or label are named and left out; nothing is filled in",
    }


def _of_data(document: Mapping[str, Any], card: ModelCard, dataset: Dataset) -> dict[str, str]:
    splits = {split: dataset.in_split(split) for split in Split}
    counts = ", ".join(f"{len(cases)} {split.value}" for split, cases in splits.items() if cases)
    measured = dataset.cases if document["split"] == "all" else splits[Split(document["split"])]
    classes = Counter(name for case in measured for name in case.classes)
    shares = ", ".join(f"{name} {count} ({count / len(measured):.0%})" for name, count in classes.items())
    facts = list(dict.fromkeys(name for case in dataset.cases for name in case.facts))
    said = " ".join(one.split for one in card.data if one.split)
    size = f"{document['n_cases']} cases of {document['n_groups']} patients or groups were measured"
    return {
        "sources": "; ".join(f"{one.name} ({one.attribution})" for one in card.data),
        "partitions": f"{said} Cases: {counts or len(dataset.cases)}".strip(),
        "disjoint": grouping_text(dataset).capitalize(),
        "size": f"{size}; how the number was chosen is open",
        "flow": f"{size}{f'; by class: {shares}' if shares else ''}",
        "imbalance": f"Cases measured: {shares}" if shares else "",
        "outcome": f"{', '.join(dataset.schema.names)}, as the data labels them; how and when is open",
        "make_up": f"See the data sheet: {', '.join(facts)}" if facts else "",
    }


def _of_results(document: Mapping[str, Any]) -> dict[str, str]:
    kinds = [kind for kind in MAIN.get(document["task"], ()) if is_metric(document.get(kind))]
    numbers = "; ".join(
        f"{name_of(kind)} {number(document[kind]['value'])}"
        + (f" (95 % {interval(document[kind])})" if document[kind]["ci95"] else "")
        for kind in kinds
    )
    delong = " AUC also by DeLong's method." if document.get("auc_delong") else ""
    subgroups = ", ".join(document.get("subgroups") or {})
    plots = ", with ROC, precision-recall and reliability curves" if document.get("curves") else ""
    return {
        "metrics": ", ".join(name_of(kind) for kind in kinds) + plots,
        "uncertainty": "95 % intervals by 1000 resamplings of patients (expanded percentile bootstrap); proportions "
        f"without a fault: exact.{delong}",
        "subgroups": f"Measured apart: {subgroups}" if subgroups else "",
        "internal": f"Measured on the {document['split']} cases of {document['data']}",
        "performance": numbers,
        "precision": numbers,
        "failures": "The worst cases stand in this report",
    }


def _start_text(training: Mapping[str, Any]) -> str:
    init = training.get("init")
    return f"From the weights of {init}" if init else "At random, from the seed"


def _output_text(card: ModelCard) -> str:
    if card.task != "classify":
        return f"Labels {', '.join(card.schema_.names)}"
    chosen = ", ".join(f"{name} from {value:g}" for name, value in card.output.thresholds.items())
    kind = "Calibrated probabilities" if card.is_calibrated else "Scores from 0 to 1, not calibrated"
    return f"{kind}; decided: {chosen or 'the most probable class (independent classes from 0.5)'}"
