"""A run's folder as `medclf batch` leaves it, made without a network: discs that were found, one of them doubtful."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.results import Prediction, Segmentation
from napari_medclf.domain.run import CaseRecord, CaseStatus, RunSpec
from napari_medclf.io.digest import with_digest
from napari_medclf.io.read import read_image
from napari_medclf.jobs.outputs.write import write_outputs
from napari_medclf.store.runs.leader import LedgerLeader
from napari_medclf.store.runs.row import LedgerRun


def _answer_of(image: MedImage, card: ModelCard) -> Prediction:
    """Say what a model that thresholds says; nothing was found on the third disc."""
    labels = (np.asarray(image.data) > 128).astype(np.uint8)
    if image.name.startswith("disc-2"):
        labels[:] = 0
    said = Segmentation(labels, image.geometry, card.schema_, source_digest=image.source.digest)
    return Prediction(card.name, card.version, image.name, segmentation=said)


@pytest.fixture
def answer_picture(threshold_card) -> Callable[[Path, Path], CaseRecord]:
    """Answer one picture into a run's folder."""
    return lambda path, out: _record_of(path, out, threshold_card())


def _record_of(path: Path, out: Path, card: ModelCard) -> CaseRecord:
    image = with_digest(read_image(path))
    written = write_outputs(_answer_of(image, card), image, card.schema_, out / "cases" / path.stem)
    return CaseRecord(
        case_id=path.stem,
        source=str(path),
        status=CaseStatus.DONE,
        outputs={one.relative_to(out).as_posix(): "" for one in written.files},
        values=written.values,
        doubts={"unfit": 1.0} if path.stem == "disc-2" else {},
        elapsed_s=0.2,
    )


@pytest.fixture
def begin_run(tmp_path, pictures, threshold_card) -> Callable[[], LedgerLeader]:
    """Begin a run over the pictures and a broken file; its cases are entered by the test, which closes it."""

    def begin() -> LedgerLeader:
        card = threshold_card()
        spec = RunSpec(command="batch", options={"model": card.name, "folder": str(pictures), "format": ["auto"]})
        leader = LedgerLeader(tmp_path / "results")
        run = LedgerRun(spec=spec, model=card.name, model_version=card.version, card=card.model_dump(mode="json"))
        leader.write_run(run)
        waiting = [
            CaseRecord(case_id=path.stem, source=str(path), status=CaseStatus.PENDING)
            for path in sorted(pictures.glob("*.png"))
        ]
        broken = CaseRecord(
            case_id="notes.txt", source=str(pictures / "notes.txt"), status=CaseStatus.SKIPPED, reason="is no image"
        )
        leader.plan([*waiting, broken])
        return leader

    return begin


@pytest.fixture
def results(begin_run, pictures, answer_picture) -> Path:
    """The folder of a run that is through: three pictures are answered, the last failed, a text was left out."""
    leader = begin_run()
    for path in sorted(pictures.glob("*.png"))[:-1]:
        leader.enter(answer_picture(path, leader.folder))
    last = sorted(pictures.glob("*.png"))[-1]
    reason = "the file ends too early"
    leader.enter(CaseRecord(case_id=last.stem, source=str(last), status=CaseStatus.FAILED, reason=reason))
    leader.write_run(leader.read_run().model_copy(update={"finish_reason": "completed"}))
    leader.close()
    return leader.folder
