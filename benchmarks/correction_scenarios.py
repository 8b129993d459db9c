"""Real cases with expert labels, a model that has seen too few of them, and a person who corrects with a budget.

The starting models are trained here, each from a handful of cases, and kept in the work folder:

- hippocampus: MR, learned from 20 cases.
- vessels: photographs of the retina of 2 children of 14.
- nuclei: learned from fluorescence only; the pool and the hold-out are stained tissue.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.stroke import Stroke, StrokeKind
from napari_medclf.engine.metrics.instances import score_instances
from napari_medclf.io.digest import with_digest
from napari_medclf.io.labels import read_label_map
from napari_medclf.io.read import read_image
from napari_medclf.testing.simulated_person import Hand, next_stroke

Files = tuple[str, Path, Path]
"""Patient, image and label image of a case."""


@dataclass(frozen=True, eq=False)
class Known:
    """A case with its truth.

    Parameters
    ----------
    truth : (K, J, I) integer
        Values of the model's schema, or object numbers.
    """

    name: str
    group: str
    image: MedImage
    truth: LabelArray


@dataclass(frozen=True)
class Scenario:
    """What is corrected, and how well it is known.

    Parameters
    ----------
    start, check, pool, holdout : sequence of Files
        The starting model learns from `start`, chooses its epoch on `check`; `pool` is corrected; `holdout` measures.
    recipe : str
        Of the starting model.
    n_strokes : int
        What a person spends on a case.
    """

    name: str
    task: str
    recipe: str
    minutes: float
    start: Sequence[Files]
    check: Sequence[Files]
    pool: Sequence[Files]
    holdout: Sequence[Files]
    hand: Hand
    n_strokes: int
    schema: LabelSchema
    is_instances: bool = False

    def quality(self, truth: LabelArray, found: LabelArray) -> float:
        """Mean Dice of the classes, or the AP50 of objects."""
        if self.is_instances:
            return float(score_instances(truth, found).ap50)
        return float(np.mean([_dice(truth == one.value, found == one.value) for one in self.schema.foreground]))

    def correct_once(self, truth: LabelArray, labels: LabelArray) -> Stroke | None:
        """The stroke that a person makes next; None when all is good enough."""
        return _next_object(truth, labels) if self.is_instances else next_stroke(truth, labels, self.hand)


def scenarios(data: Path) -> dict[str, Callable[[], Scenario]]:
    """Name to what makes the scenario; its data need not be there until it is called."""
    return {
        "hippocampus": lambda: _hippocampus(data / "hippocampus_msd"),
        "vessels": lambda: _vessels(data / "retina_chase_db1"),
        "nuclei": lambda: _nuclei(data / "nuclei_dsb2018"),
    }


def load(files: Sequence[Files], scenario: Scenario) -> list[Known]:
    """Read cases with their truth in the values of the scenario's classes."""
    known = []
    for group, image_path, label_path in files:
        image = with_digest(read_image(image_path))
        truth = read_label_map(label_path).labels
        if not scenario.is_instances and len(scenario.schema.foreground) == 1:
            truth = (truth > 0).astype(np.uint8)
        known.append(Known(image_path.name.partition(".")[0], group, image, truth))
    return known


def starting_model(scenario: Scenario, work: Path) -> Path:
    """Train the model that has seen too little, unless it is there."""
    folder = work / f"{scenario.name}-start"
    if folder.is_dir():
        return folder
    table = work / f"{scenario.name}.csv"
    work.mkdir(parents=True, exist_ok=True)
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "mask", "group", "split"])
        for split, files in (("train", scenario.start), ("val", scenario.check)):
            writer.writerows([image.resolve(), label.resolve(), group, split] for group, image, label in files)
    command = [sys.executable, "-m", "napari_medclf.cli", "train", table, "--task", scenario.task]
    command += ["--recipe", scenario.recipe, "--max-minutes", scenario.minutes, "--no-baselines", "--no-register"]
    command += ["--class-names", ",".join(scenario.schema.names), "--out", folder, "--quiet"]
    subprocess.run([str(one) for one in command], check=True)
    return folder


def _dice(truth: np.ndarray, found: np.ndarray) -> float:
    total = truth.sum() + found.sum()
    return 1.0 if total == 0 else 2 * float((truth & found).sum()) / float(total)


def _hippocampus(folder: Path) -> Scenario:
    split = json.loads((folder / "splits.json").read_text())["split"]
    files = {
        part: [(name.partition(".")[0], folder / "images" / name, folder / "labels" / name) for name in names]
        for part, names in split.items()
    }
    return Scenario(
        name="hippocampus",
        task="segment",
        recipe="hippocampus-mr",
        minutes=5,
        start=files["train"][:20],
        check=files["val"][:5],
        pool=files["train"][20:60],
        holdout=files["test"],
        hand=Hand(brush_vox=2, length_vox=12, smallest_vox=3),
        n_strokes=20,
        schema=LabelSchema.from_names(["anterior", "posterior"], first_value=1),
    )


def _vessels(folder: Path) -> Scenario:
    files = [
        (f"{number:02}", folder / f"Image_{number:02}{eye}.jpg", folder / f"Image_{number:02}{eye}_1stHO.png")
        for number in range(1, 15)
        for eye in "LR"
    ]
    return Scenario(
        name="vessels",
        task="segment",
        recipe="retina-vessels",
        minutes=3,
        start=files[:4],
        check=files[4:6],
        pool=files[6:20],
        holdout=files[20:],
        hand=Hand(brush_vox=4, length_vox=120, smallest_vox=12),
        n_strokes=40,
        schema=LabelSchema.from_names(["vessel"], first_value=1),
    )


def _nuclei(folder: Path) -> Scenario:
    with (folder / "index.csv").open() as file:
        rows = list(csv.DictReader(file))
    kinds: dict[bool, list[Files]] = {True: [], False: []}
    for row in rows:
        files = (row["file"][:12], folder / "images" / row["file"], folder / "labels" / row["file"])
        kinds[row["kind"] == "fluorescence"].append(files)
    bright, stained = kinds[True], kinds[False]
    return Scenario(
        name="nuclei",
        task="instances",
        recipe="nuclei",
        minutes=4,
        start=bright[:32],
        check=bright[32:40],
        pool=stained[:8],
        holdout=stained[8:],
        hand=Hand(),
        n_strokes=40,
        schema=LabelSchema.from_names(["nucleus"], first_value=1),
        is_instances=True,
    )


def _next_object(truth: LabelArray, labels: LabelArray) -> Stroke | None:
    """Paint the largest object that was not found, as a whole; then erase what is no object."""
    n_true, n_found = int(truth.max()) + 1, int(labels.max()) + 1
    joint = np.bincount((truth.astype(np.int64) * n_found + labels).ravel(), minlength=n_true * n_found)
    joint = joint.reshape(n_true, n_found)
    overlap = joint / np.maximum(joint.sum(1, keepdims=True) + joint.sum(0) - joint, 1)
    overlap[0] = overlap[:, 0] = 0
    missed = np.where(overlap.max(1) < 0.5, joint.sum(1), 0)
    missed[0] = 0
    if missed.max():
        voxels = np.flatnonzero(truth == missed.argmax())
        return _stroke(labels, voxels, n_found, StrokeKind.PAINT)
    false = np.where((overlap.max(0) < 0.5) & (joint[1:].sum(0) * 2 < joint.sum(0)), joint.sum(0), 0)
    false[0] = 0
    if false.max():
        return _stroke(labels, np.flatnonzero(labels == false.argmax()), 0, StrokeKind.ERASE)
    return None


def _stroke(labels: LabelArray, voxels: np.ndarray, value: int, kind: StrokeKind) -> Stroke:
    before = labels.ravel()[voxels]
    return Stroke(kind, voxels, before, np.full_like(before, value), "simulated")


def with_wide_numbers(labels: LabelArray) -> LabelArray:
    """Give labels a dtype in which new objects can be numbered."""
    return labels.astype(np.int32) if labels.dtype.itemsize < 4 else labels.copy()
