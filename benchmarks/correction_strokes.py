"""How many strokes a person needs on one image: without learning, and with the instant head.

python benchmarks/correction_strokes.py ../shared/data --work build/simulation [--scenarios hippocampus vessels]
    [--cases 8] [--out strokes.json]

A simulated person who knows the truth paints the largest error of the worst slice, stroke by stroke. With the instant
head the last layer is refitted after each stroke, and what the person painted is never changed. The target is the
quality that the person reaches without learning after all strokes; told is how many strokes it takes with the head.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from correction_scenarios import Known, Scenario, load, scenarios, starting_model, with_wide_numbers

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.run_settings import LoadSettings, RunSettings
from napari_medclf.engine.correct.lock import merge
from napari_medclf.engine.instant.corrections import Corrections
from napari_medclf.engine.instant.head import InstantHead
from napari_medclf.engine.model import LoadedModel, load_model
from napari_medclf.jobs.api import run
from napari_medclf.store.bundle import read_package


def main() -> int:
    """Run the scenarios and print strokes to the target."""
    options = _parse()
    known = scenarios(options.data)
    results = {}
    for name in options.scenarios:
        scenario = known[name]()
        model = load_model(
            read_package(starting_model(scenario, options.work)), LoadSettings("cpu", "float32", "torch")
        )
        results[name] = _measure(scenario, model, load(scenario.holdout[: options.cases], scenario))
        if options.out is not None:
            options.out.write_text(json.dumps(results, indent=1) + "\n")
    return 0


def _measure(scenario: Scenario, model: LoadedModel, cases: list[Known]) -> dict[str, object]:
    rows: list[dict[str, Any]] = []
    refits_s: list[float] = []
    for case in cases:
        begin = run(model.predict(case.image, RunSettings())).segmentation
        assert begin is not None
        alone = _by_hand(scenario, case, begin.labels)
        helped, seconds = _with_head(scenario, case, begin.labels, model)
        refits_s += seconds
        rows.append({"case": case.name, "by hand": alone, "instant head": helped})
        target = alone[-1]
        needed = {way: next((n for n, one in enumerate(curve) if one >= target), len(curve)) for way, curve in
                  (("by hand", alone), ("instant head", helped))}  # fmt: skip
        rows[-1]["needed"] = needed
        print(
            f"  {case.name}: {alone[0]:.3f} -> {target:.3f} in {needed['by hand']} strokes by hand, "
            f"{needed['instant head']} with the instant head (then {helped[-1]:.3f})",
            flush=True,
        )
    ratio = statistics.median(row["needed"]["instant head"] / max(row["needed"]["by hand"], 1) for row in rows)
    print(f"{scenario.name}: strokes needed with the instant head, over those by hand: median {ratio:.2f}", flush=True)
    return {"cases": rows, "ratio": ratio, "refit_s": statistics.median(refits_s) if refits_s else None}


def _by_hand(scenario: Scenario, case: Known, labels: LabelArray) -> list[float]:
    labels = with_wide_numbers(labels)
    curve = [scenario.quality(case.truth, labels)]
    for _ in range(scenario.n_strokes):
        stroke = scenario.correct_once(case.truth, labels)
        if stroke is None:
            break
        labels.ravel()[stroke.voxels] = stroke.after
        curve.append(scenario.quality(case.truth, labels))
    return curve


def _with_head(
    scenario: Scenario, case: Known, labels: LabelArray, model: LoadedModel
) -> tuple[list[float], list[float]]:
    head = run(InstantHead.begin(model, case.image))
    labels, origin = with_wide_numbers(labels), np.zeros(labels.shape, np.uint8)
    curve, seconds = [scenario.quality(case.truth, labels)], []
    for _ in range(scenario.n_strokes):
        stroke = scenario.correct_once(case.truth, labels)
        if stroke is None:
            break
        labels.ravel()[stroke.voxels] = stroke.after
        origin.ravel()[stroke.voxels] = 1
        started = time.perf_counter()
        said = (labels > 0).astype(np.uint8) if scenario.is_instances else labels
        head.refit(Corrections.of_labels(said, origin))
        seconds.append(time.perf_counter() - started)
        labels = merge(head.labels(), labels, origin, is_instances=scenario.is_instances).labels
        labels = with_wide_numbers(labels)
        curve.append(scenario.quality(case.truth, labels))
    return curve, seconds


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="folder for the starting models")
    parser.add_argument("--scenarios", nargs="+", default=["hippocampus", "vessels", "nuclei"])
    parser.add_argument("--cases", type=int, default=8)
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
