"""What corrections are worth: quality on patients never corrected, against the number of corrected cases.

python benchmarks/correction_curves.py ../shared/data --work build/simulation [--scenarios hippocampus vessels]
    [--cases 2 4 8] [--seed 0] [--out curves.json]

A simulated person spends a fixed number of strokes on each of the first cases of a pool. From what is then in the
project, each way of learning makes a model: none, the instant head's last layer, quick adapt, a full fine-tune, and a
random forest on hand-made features of the painted voxels (as ilastik does it). All are measured on the same hold-out.
Told are the learning's own seconds, and the gain over no learning.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from correction_scenarios import Known, Scenario, load, scenarios, starting_model, with_wide_numbers

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.results import Prediction
from napari_medclf.domain.revision import LearnedBy
from napari_medclf.domain.run_settings import LoadSettings, RunSettings
from napari_medclf.engine.instant.corrections import Corrections
from napari_medclf.engine.instant.head import InstantHead
from napari_medclf.engine.model import LoadedModel, load_model
from napari_medclf.jobs.adapt.adapt import adapt
from napari_medclf.jobs.adapt.options import AdaptOptions
from napari_medclf.jobs.api import run
from napari_medclf.jobs.correct import save_correction
from napari_medclf.store.bundle import read_package

_LOADING = LoadSettings("cpu", "float32", "torch")
_QUICK_STEPS = 50
"""As by default, and never fewer: other programs on the computer must not change what is learned."""


def main() -> int:
    """Run the scenarios and print the curves."""
    options = _parse()
    known = scenarios(options.data)
    results: dict[str, Any] = {}
    for name in options.scenarios:
        scenario = known[name]()
        if options.strokes is not None:
            scenario = replace(scenario, n_strokes=options.strokes)
        results[name] = _curves(scenario, starting_model(scenario, options.work), options)
        if options.out is not None:
            options.out.write_text(json.dumps(results, indent=1) + "\n")
    return 0


def _curves(scenario: Scenario, start: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    package = read_package(start)
    model = load_model(package, _LOADING)
    holdout = load(scenario.holdout, scenario)
    pool = load(scenario.pool[: max(options.cases)], scenario)
    base = _quality(scenario, model, holdout)
    print(f"{scenario.name}: {base:.4f} on {len(holdout)} cases before any correction", flush=True)
    corrected = [_corrected(scenario, model, case) for case in pool]
    shown = statistics.mean(
        scenario.quality(case.truth, labels) for case, (labels, _, _) in zip(pool, corrected, strict=True)
    )
    print(f"  the pool's labels after {scenario.n_strokes} strokes a case: {shown:.4f}", flush=True)
    rows = []
    for n_cases in options.cases:
        some = list(zip(pool[:n_cases], corrected[:n_cases], strict=True))
        row: dict[str, Any] = {"n_cases": n_cases, "none": {"quality": base, "s": 0.0}}
        for way, learn in _WAYS.items():
            if way in options.ways:
                quality, seconds = learn(scenario, package, some, holdout, options)
                row[way] = {"quality": quality, "s": seconds, "gain": quality - base}
                print(f"  {n_cases} cases, {way}: {quality:.4f} ({quality - base:+.4f}) in {seconds:.1f} s", flush=True)
        rows.append(row)
    return rows


Corrected = tuple[LabelArray, np.ndarray, Prediction]
Some = Sequence[tuple[Known, Corrected]]


def _corrected(scenario: Scenario, model: LoadedModel, case: Known) -> Corrected:
    """Labels after a person's strokes, where they painted, and what the model had said."""
    prediction = run(model.predict(case.image, RunSettings()))
    assert prediction.segmentation is not None
    labels = with_wide_numbers(prediction.segmentation.labels)
    origin = np.zeros(labels.shape, np.uint8)
    for _ in range(scenario.n_strokes):
        stroke = scenario.correct_once(case.truth, labels)
        if stroke is None:
            break
        labels.ravel()[stroke.voxels] = stroke.after
        origin.ravel()[stroke.voxels] = 1
    return labels, origin, prediction


def _quality(scenario: Scenario, model: LoadedModel, cases: Sequence[Known]) -> float:
    found = [run(model.predict(case.image, RunSettings())).segmentation for case in cases]
    return statistics.mean(
        scenario.quality(case.truth, one.labels) for case, one in zip(cases, found, strict=True) if one is not None
    )


def _project(scenario: Scenario, some: Some, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    for case, (labels, _, prediction) in some:
        assert prediction.segmentation is not None
        said = replace(prediction.segmentation, labels=labels)
        run(save_correction(folder, case.image, said, None, prediction, "simulated"))
    return folder


def _by_job(kind: LearnedBy) -> Callable[..., tuple[float, float]]:
    def learn(
        scenario: Scenario, package: ModelPackage, some: Some, holdout: Sequence[Known], options: argparse.Namespace
    ) -> tuple[float, float]:
        project = _project(scenario, some, options.work / f"{scenario.name}-{kind.value}")
        asked = AdaptOptions(
            model=str(package.folder),
            project=project,
            kind=kind,
            hold_out_fraction=0.0,
            seed=options.seed,
            device="cpu",
            steps=_QUICK_STEPS if kind is LearnedBy.ADAPT else None,
        )
        result = run(adapt(asked))
        model = load_model(read_package(result.folder), _LOADING)
        return _quality(scenario, model, holdout), result.revision.elapsed_s

    return learn


def _by_head(
    scenario: Scenario, package: ModelPackage, some: Some, holdout: Sequence[Known], options: argparse.Namespace
) -> tuple[float, float]:
    """The last layer, refitted on one image after the other."""
    model, seconds = load_model(package, _LOADING), 0.0
    for case, (labels, origin, _) in some:
        head = run(InstantHead.begin(model, case.image))
        started = time.perf_counter()
        said = (labels > 0).astype(np.uint8) if scenario.is_instances else labels
        head.refit(Corrections.of_labels(said, origin))
        model = head.adapted_model()
        seconds += time.perf_counter() - started
    return _quality(scenario, model, holdout), seconds


def _by_forest(
    scenario: Scenario, package: ModelPackage, some: Some, holdout: Sequence[Known], options: argparse.Namespace
) -> tuple[float, float]:
    """A random forest on Gaussian features of the painted voxels alone, as pixel classifiers of the field do it."""
    from skimage.feature import multiscale_basic_features
    from sklearn.ensemble import RandomForestClassifier

    def features(case: Known) -> np.ndarray:
        data = np.asarray(case.image.data, np.float32)
        channels = list(data) if data.ndim == 4 else [data]
        found = []
        for channel in channels:
            low, high = np.percentile(channel, (1, 99))
            scaled = (channel - low) / max(high - low, 1e-6)
            plane = scaled[0] if scaled.shape[0] == 1 else scaled
            one = multiscale_basic_features(plane, sigma_min=1, sigma_max=8)
            found.append(one.reshape(*channel.shape, -1))
        return np.concatenate(found, axis=-1)

    started = time.perf_counter()
    rows, targets = [], []
    for case, (labels, origin, _) in some:
        said = (labels > 0) if scenario.is_instances else labels
        table = features(case)
        rows.append(table[origin > 0])
        targets.append(said[origin > 0])
    x, y = np.concatenate(rows), np.concatenate(targets)
    if len(x) > 50_000:
        chosen = np.random.default_rng(options.seed).permutation(len(x))[:50_000]
        x, y = x[chosen], y[chosen]
    forest = RandomForestClassifier(
        100, min_samples_leaf=3, class_weight="balanced", n_jobs=1, random_state=options.seed
    )
    forest.fit(x, y)
    seconds = time.perf_counter() - started
    scores = []
    for case in holdout:
        table = features(case)
        found = forest.predict(table.reshape(-1, table.shape[-1])).reshape(case.truth.shape)
        if scenario.is_instances:
            from scipy.ndimage import label

            found = label(found > 0)[0].astype(np.int32)
        scores.append(scenario.quality(case.truth, found))
    return statistics.mean(scores), seconds


_WAYS: dict[str, Callable[..., tuple[float, float]]] = {
    "instant head": _by_head,
    "quick adapt": _by_job(LearnedBy.ADAPT),
    "fine-tune": _by_job(LearnedBy.FINE_TUNE),
    "forest": _by_forest,
}


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="folder for the starting models and the projects")
    parser.add_argument("--scenarios", nargs="+", default=["hippocampus", "vessels", "nuclei"])
    parser.add_argument("--cases", nargs="+", type=int, default=[2, 4, 8])
    parser.add_argument("--strokes", type=int, help="a person's budget for a case; by default the scenario's")
    parser.add_argument("--ways", nargs="+", default=list(_WAYS), choices=list(_WAYS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
