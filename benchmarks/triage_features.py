"""Is it worth listening to the network? Foreign images against a model's own: by their looks, by features, by both.

python benchmarks/triage_features.py ../shared/data --keep build/triage.json [--only xray nuclei hippocampus retina]
    [--cost 20]

``--keep`` is the file that ``triage_planted.py --keep`` wrote. Of each cohort, one half's usual images are the
training, and the others' usual images are told from what was planted among them by their distance from that training:
area under the ROC curve (AUC), of both ways round. A training on few cases or on several kinds of images has no such
distance; there, and within a cohort, neighbours tell. ``--cost`` also asks each model about so many images with and
without listening, in turns, and tells the CPU seconds.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from planted_cohorts import MODELS, OPTIONS, SUBTLE, half_of, planted_in
from planted_images import USUAL, films, hippocampi, nuclei, retinas

from napari_medclf.domain.image import MedImage
from napari_medclf.domain.run import CaseRecord
from napari_medclf.engine.model import LoadedModel
from napari_medclf.engine.triage.compare import compare
from napari_medclf.engine.triage.features import features_of
from napari_medclf.engine.triage.neighbours import neighbour_distance
from napari_medclf.engine.triage.training import figures_of, training_distance
from napari_medclf.jobs.drive import drive
from napari_medclf.jobs.models import find_model
from napari_medclf.jobs.predict import load_package, predict_image
from napari_medclf.jobs.triage.cohort import numbers_of

_WAYS = {"looks": ("look:",), "features": ("feature:",), "both": ("look:", "feature:")}
_SHOWN = {"xray": films, "nuclei": nuclei, "hippocampus": hippocampi, "retina": retinas}
Distances = NDArray[np.float64]


class Deaf:
    """Stands in for the ear of a model that nobody listens to."""

    def listening(self, network: object) -> Deaf:
        """Hear nothing."""
        return self

    values = None

    def __enter__(self) -> Deaf:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def main() -> None:
    """Print the AUC of all ways, and what listening costs."""
    options = _parse()
    kept = json.loads(options.keep.read_text())
    for name in options.only:
        records = [CaseRecord.model_validate(one) for one in kept[name]]
        for half in (0, 1):
            own = [one for one in records if half_of(one) == half]
            training = [numbers_of(one) for one in records if half_of(one) != half and planted_in(one) == USUAL]
            usual = [numbers_of(one) for one in own if planted_in(one) == USUAL]
            foreign = [numbers_of(one) for one in own if _is_foreign(planted_in(one))]
            for way, prefixes in _WAYS.items():
                rows = [_only(some, prefixes) for some in (training, usual, foreign)]
                print(f"{name:12} half {half}  {way:9} {len(foreign):3} foreign  {_aucs(*rows)}", flush=True)
        if options.cost:
            print(f"{name:12} {_cost(name, options.data, options.cost)}", flush=True)


def _is_foreign(planted: str) -> bool:
    """Whether it is the image that is wrong, and not the answer."""
    return planted != USUAL and not planted.startswith((SUBTLE, "answer", "empty answer"))


def _only(rows: Sequence[dict[str, float]], prefixes: tuple[str, ...]) -> list[dict[str, float]]:
    """Leave some numbers; features alone count as looks, since a training is told by looks at least."""
    is_renamed = prefixes == _WAYS["features"]
    some = [{name: value for name, value in row.items() if name.startswith(prefixes)} for row in rows]
    return (
        [{name.replace("feature:", "look:"): value for name, value in row.items()} for row in some]
        if is_renamed
        else some
    )


def _aucs(training: list[dict[str, float]], usual: list[dict[str, float]], foreign: list[dict[str, float]]) -> str:
    """Tell the AUC by the distance from the training, and by neighbours with each foreign image alone in a cohort."""
    figures = figures_of(training)
    from_training = training_distance(compare([*usual, *foreign]), figures)
    first = "unknown" if figures.correlations is None else f"{_auc(from_training, len(usual)):.3f}"
    places = [neighbour_distance(compare([*usual, one]).apart) for one in foreign]
    alone = np.mean([np.mean(one[-1] > one[:-1]) for one in places])
    return f"AUC from training {first}, among neighbours {alone:.3f}"


def _auc(distances: Distances, n_usual: int) -> float:
    own, foreign = distances[:n_usual], distances[n_usual:]
    higher = foreign[:, np.newaxis] - own[np.newaxis]
    return float(np.mean(higher > 0) + np.mean(higher == 0) / 2)


def _cost(name: str, data: Path, n_images: int) -> str:
    package = find_model(MODELS[name])
    loaded = cast("LoadedModel", load_package(package, OPTIONS))
    deaf = replace(loaded, _ear=cast("Any", Deaf()))
    images = [shown.image for shown in _SHOWN[name](data) if shown.planted == USUAL][:n_images]
    spent: dict[bool, list[float]] = {True: [], False: []}
    models = ((True, loaded), (False, deaf))
    for n, image in enumerate(images[:1] + images):  # the first one warms up
        for is_heard, model in models[:: 1 if n % 2 else -1]:
            spent[is_heard].append(_cpu_s(image, model))
    heard, plain = (float(np.median(spent[one][1:])) for one in (True, False))
    ratio = float(np.median(np.array(spent[True][1:]) / np.array(spent[False][1:])))
    return f"CPU s of a case {heard:.4f} listened to, {plain:.4f} not: ratio {ratio:.4f} (median of {len(images)})"


def _cpu_s(image: MedImage, model: LoadedModel) -> float:
    started = time.process_time()
    outcome = drive(predict_image(image, model.package, OPTIONS, model))
    if outcome.result is not None:
        features_of(outcome.result.features)
    return time.process_time() - started


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--keep", type=Path, required=True, help="as triage_planted.py --keep wrote it")
    parser.add_argument("--only", nargs="+", choices=tuple(_SHOWN), default=tuple(_SHOWN))
    parser.add_argument("--cost", type=int, default=0, help="images to measure the cost of listening on; 0 for none")
    return parser.parse_args()


if __name__ == "__main__":
    main()
