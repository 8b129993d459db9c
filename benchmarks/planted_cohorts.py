"""The cases of ``triage_planted.py``: asked of models and experts, spoilt, and described as a run describes them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from planted_answers import Answered, gross_failures, subtle_failures
from planted_images import USUAL, Shown, films, hippocampi, nuclei, retinas

from napari_medclf.domain.card import Task
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.results import Prediction, Segmentation
from napari_medclf.domain.run import CaseRecord, CaseStatus
from napari_medclf.engine.triage.traits import traits_of
from napari_medclf.io.labels import read_label_map
from napari_medclf.io.read import read_image
from napari_medclf.jobs.drive import drive
from napari_medclf.jobs.models import find_model
from napari_medclf.jobs.outputs.values import values_of
from napari_medclf.jobs.predict import RunOptions, load_package, predict_image
from napari_medclf.jobs.triage.after import doubts_of
from napari_medclf.jobs.triage.thumbnail import draw_thumbnail, encode

SUBTLE = "subtle: "
EXPERTS = "-experts"
OPTIONS = RunOptions(device="cpu", runtime="torch")


def records_of(name: str, data: Path) -> Iterator[CaseRecord]:
    """Describe every usual case, every image that stands in its place, and every wrong answer to it."""
    usual: list[Answered] = []
    for shown, said in EXPERTS_SAID[name](data) if name.endswith(EXPERTS) else _model_says(name, data):
        yield _record(shown.name, shown.planted, shown.image, said)
        if shown.planted == USUAL:
            usual.append(Answered(shown.name, shown.image, said))
    for position, case in enumerate(usual):
        for planted, wrong in gross_failures(position, usual):
            yield _record(case.name, planted, case.image, wrong)
        for planted, wrong in subtle_failures(position, usual):
            yield _record(case.name, f"{SUBTLE}{planted}", case.image, wrong)


def _model_says(name: str, data: Path) -> Iterator[tuple[Shown, Prediction]]:
    package = find_model(MODELS[name])
    loaded = load_package(package, OPTIONS)
    answering_s = describing_s = 0.0
    for shown in _SHOWN[name](data):
        started = time.process_time()
        outcome = drive(predict_image(shown.image, package, OPTIONS, loaded))
        if outcome.result is None:  # it failed with a reason, so nobody has to look for it
            print(f"  {shown.name} {shown.planted}: {outcome.message}")
            continue
        answered = time.process_time()
        _record(shown.name, shown.planted, shown.image, outcome.result)
        encode(draw_thumbnail(shown.image, outcome.result))
        answering_s, describing_s = answering_s + answered - started, describing_s + time.process_time() - answered
        yield shown, outcome.result
    share = describing_s / answering_s
    print(f"{name}: describing and drawing an answer took {share:.2%} of the CPU seconds of the answer")


def _hippocampus_experts(data: Path) -> Iterator[tuple[Shown, Prediction]]:
    """Every second case of the training split, as an expert outlined it."""
    folder = data / "hippocampus_msd"
    for file in json.loads((folder / "splits.json").read_text())["split"]["train"][::2]:
        image, name = read_image(folder / "images" / file), file.removesuffix(".nii.gz")
        yield Shown(name, USUAL, image), _said_by_expert(image, "hippocampus", folder / "labels" / file)


def _nuclei_experts(data: Path) -> Iterator[tuple[Shown, Prediction]]:
    folder = data / "nuclei_dsb2018"
    for path in sorted((folder / "images").glob("*.png")):
        image = read_image(path)
        yield Shown(path.stem, USUAL, image), _said_by_expert(image, "nuclei", folder / "labels" / path.name)


def _retina_experts(data: Path) -> Iterator[tuple[Shown, Prediction]]:
    """Whole photographs, as the second observer outlined the vessels."""
    for path in sorted((data / "retina_chase_db1").glob("*.jpg")):
        image = read_image(path)
        yield Shown(path.stem, USUAL, image), _said_by_expert(image, "retina", path.with_name(f"{path.stem}_2ndHO.png"))


def _said_by_expert(image: MedImage, name: str, path: Path) -> Prediction:
    card = find_model(MODELS[name]).card
    labels = read_label_map(path).labels.reshape(image.geometry.shape)
    is_instances = card.task is Task.INSTANCES
    if len(card.schema_.foreground) == 1 and not is_instances:
        labels = (labels > 0).astype(np.uint8)
    said = Segmentation(labels, image.geometry, card.schema_, is_instances=is_instances)
    return Prediction(model="expert", model_version="1", image_name=image.name, segmentation=said)


def _record(name: str, planted: str, image: MedImage, said: Prediction) -> CaseRecord:
    return CaseRecord(
        case_id=f"{name}|{planted}",
        source=name,
        status=CaseStatus.DONE,
        values=values_of(said, image),
        doubts=doubts_of(said),
        traits=traits_of(image, said),
    )


MODELS = {
    "hippocampus": "hippocampus-mr",
    "xray": "chest-xray-pneumonia",
    "nuclei": "nuclei",
    "retina": "retina-vessels",
}
_SHOWN: Mapping[str, Callable[[Path], Iterator[Shown]]] = {
    "hippocampus": hippocampi,
    "xray": films,
    "nuclei": nuclei,
    "retina": retinas,
}
EXPERTS_SAID: Mapping[str, Callable[[Path], Iterator[tuple[Shown, Prediction]]]] = {
    "hippocampus-experts": _hippocampus_experts,
    "nuclei-experts": _nuclei_experts,
    "retina-experts": _retina_experts,
}


def name_of(record: CaseRecord) -> str:
    """Name of a case, also of a failure that stands in its place."""
    return record.case_id.partition("|")[0]


def planted_in(record: CaseRecord) -> str:
    """What is wrong with a case; empty for a usual one."""
    return record.case_id.partition("|")[2]


def half_of(record: CaseRecord) -> int:
    """In which half of a cohort a case is, by its name."""
    return sum(name_of(record).encode()) % 2
