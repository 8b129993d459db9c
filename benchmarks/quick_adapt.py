"""Quick adaptation against a full fine-tune: gain on a hold-out, steps and seconds, verdict included.

python benchmarks/quick_adapt.py ../shared/data hippocampus [--steps N] [--quick-steps 50] [--rounds N]

The embedded models meet images that they were not made for: X-rays as negatives, hippocampus MR with another
contrast, blur and noise, nuclei and retinas in other colours. A person corrects some of them (the expert's labels); the
hold-out are others. Both ways begin with the same model, and neither is accepted.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Case, Dataset
from napari_medclf.domain.image import MedImage, Source
from napari_medclf.domain.revision import LearnedBy
from napari_medclf.jobs.adapt.adapt import adapt
from napari_medclf.jobs.adapt.options import AdaptOptions, AdaptResult
from napari_medclf.jobs.api import run
from napari_medclf.jobs.case_reader import CaseReader
from napari_medclf.jobs.correct import Answer, save_answer
from napari_medclf.jobs.data import DataChoice, open_data, split_as_model
from napari_medclf.jobs.models import find_model
from napari_medclf.store.project import Project

Change = Callable[[MedImage], MedImage]


def negative(image: MedImage) -> MedImage:
    """Turn a picture of 0 to 255 into its negative."""
    return replace(image, data=np.uint8(255) - np.asarray(image.data), limits=None, window=None)


def other_contrast(image: MedImage) -> MedImage:
    """Invert, bend, blur and disturb a volume."""
    data = np.asarray(image.data, dtype=np.float32)
    data = (data - data.min()) / (data.max() - data.min())
    data = gaussian_filter(data**0.4, 1.0) + np.random.default_rng(0).normal(0, 0.1, data.shape)
    return replace(image, data=(1 - data).astype(np.float32), limits=None, window=None)


def other_colours(image: MedImage) -> MedImage:
    """Exchange the colours of a picture and turn it into its negative."""
    return negative(replace(image, data=np.ascontiguousarray(np.asarray(image.data)[[2, 0, 1]])))


@dataclass(frozen=True)
class Scene:
    """A model, images as it does not know them, and how many are corrected and held out."""

    model: str
    data: str
    change: Change
    n_corrected: int
    n_held_out: int


SCENES = {
    "xray": Scene("chest-xray-pneumonia", "medmnist/pneumoniamnist.npz", negative, 40, 120),
    "hippocampus": Scene("hippocampus-mr", "hippocampus_msd", other_contrast, 8, 12),
    "nuclei": Scene("nuclei", "nuclei_dsb2018", other_colours, 6, 9),
    "vessels": Scene("retina-vessels", "retina_chase_db1", other_colours, 3, 4),
}


def main() -> None:
    """Print a line a way, and what part of the gain came in what part of the time."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("scene", choices=SCENES)
    parser.add_argument("--steps", type=int, default=None, help="of the full fine-tune; 0 leaves it out")
    parser.add_argument("--quick-steps", type=int, help="of quick adapt; by default as many as fit into the time")
    parser.add_argument("--rounds", type=int, default=3, help="quick adaptations, with another seed each")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project, held_out = _corrected(SCENES[asked.scene], asked.data, Path(folder) / "project")
        common: dict[str, Any] = {
            "model": SCENES[asked.scene].model,
            "project": project,
            "hold_out": held_out,
            "hold_out_fraction": 0,
        }
        quick = [
            _timed(f"quick, seed {seed}", AdaptOptions(**common, steps=asked.quick_steps, seed=seed))
            for seed in range(asked.rounds)
        ]
        if asked.steps == 0:
            return
        full = _timed("fine-tune", AdaptOptions(**common, kind=LearnedBy.FINE_TUNE, steps=asked.steps))
    gains = [_gain(result) / _gain(full[0]) for result, _ in quick]
    times = [cpu / full[1] for _, cpu in quick]
    print(f"{asked.scene}: {np.median(gains):.2f} of the gain in {np.median(times):.3f} of the CPU seconds (medians)")


def _timed(name: str, options: AdaptOptions) -> tuple[AdaptResult, float]:
    started, cpu = time.perf_counter(), time.process_time()
    result: AdaptResult = run(adapt(options))
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    main = result.verdict.changes[0]
    print(
        f"{name:16} {main.name} {main.before:.3f} -> {main.after:.3f}, {result.revision.n_steps} steps, "
        f"{result.n_moved} numbers, CPU {cpu:.1f} s, wall {wall:.1f} s (learning {result.revision.elapsed_s:.1f} s)",
        flush=True,
    )
    return result, cpu


def _gain(result: AdaptResult) -> float:
    return result.verdict.changes[0].after - result.verdict.changes[0].before


def _corrected(scene: Scene, data: Path, folder: Path) -> tuple[Path, tuple[str, ...]]:
    """Make a project of changed images with the expert's answers; returns it and whom to hold out."""
    package = find_model(scene.model)
    names = () if package.card.task is Task.CLASSIFY else tuple(one.name for one in package.card.schema_.foreground)
    choice = DataChoice(data / scene.data, package.card.task, class_names=names)
    dataset = split_as_model(open_data(choice), package)
    in_order = np.random.default_rng(1).permutation(len(dataset.cases))
    unseen = [dataset.cases[n] for n in in_order if dataset.cases[n].split == "test"]
    seen = [dataset.cases[n] for n in in_order if dataset.cases[n].split != "test"]
    chosen = [*unseen, *seen][: scene.n_corrected + scene.n_held_out]
    reader = CaseReader(dataset)
    for case in chosen:
        _save(folder, scene, dataset, reader, case)
    held_out = Project.open(folder).cases()[scene.n_corrected :]
    return folder, tuple(one.case_id for one in held_out)


def _save(folder: Path, scene: Scene, dataset: Dataset, reader: CaseReader, case: Case) -> None:
    image = reader.image(case)
    changed = replace(scene.change(image), source=Source(Path()), name=case.case_id)
    answer: dict[str, Any] = {"classes": case.classes}
    if dataset.task is not Task.CLASSIFY:
        labels = reader.reference(case, image)
        answer = {"segmentation": replace(labels, geometry=changed.geometry)}
    schema = find_model(scene.model).card.schema_
    run(save_answer(folder, changed, Answer(**answer, author="expert", schema=schema)))


if __name__ == "__main__":
    main()
