"""What class clicks are worth under a shift of the domain: chest films that come inverted and in another window.

python benchmarks/correction_classes.py ../shared/data/medmnist/pneumoniamnist.npz --work build/simulation
    [--clicks 8 32 96] [--holdout 300] [--out classes.json]

The embedded model has seen films as they are displayed. Here they are inverted, and brightness is cut at other limits.
A person gives the true class of the first films; each way of learning makes a model of that, measured by its AUC on
films of other patients that are shifted alike. Told are the learning's own seconds.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.revision import LearnedBy
from napari_medclf.domain.run_settings import LoadSettings, RunSettings
from napari_medclf.engine.instant.classifier import InstantClassifier
from napari_medclf.engine.model import LoadedModel, load_model
from napari_medclf.io.digest import with_digest
from napari_medclf.io.read import read_image
from napari_medclf.jobs.adapt.adapt import adapt
from napari_medclf.jobs.adapt.options import AdaptOptions
from napari_medclf.jobs.api import run
from napari_medclf.jobs.correct import save_correction
from napari_medclf.jobs.models import find_model
from napari_medclf.store.bundle import read_package

MODEL = "chest-xray-pneumonia"
_LOADING = LoadSettings("cpu", "float32", "torch")
_LIMITS = (40, 200)
_QUICK_STEPS = 50
Films = Sequence[tuple[Path, str]]


def main() -> int:
    """Print AUC against the number of clicks."""
    options = _parse()
    start = find_model(MODEL)
    names = start.card.schema_.names
    pool = _write(options.archive, "val", max(options.clicks), names, options.work / "films-pool")
    holdout = _write(options.archive, "test", options.holdout, names, options.work / "films-holdout")
    model = load_model(start, _LOADING)
    base = _auc(model, holdout, names)
    print(f"{len(holdout)} shifted films, AUC before any click: {base:.3f}", flush=True)
    rows = []
    for n in options.clicks:
        row: dict[str, Any] = {"n": n, "none": {"auc": base, "s": 0.0}}
        for way, learn in _WAYS.items():
            learned, seconds = learn(model, pool[:n], names, options)
            auc = learned if isinstance(learned, float) else _auc(learned, holdout, names)
            if way == "forest":
                auc = _forest_auc(pool[:n], holdout, names)
            row[way] = {"auc": auc, "s": seconds, "gain": auc - base}
            print(f"  {n} clicks, {way}: {auc:.3f} ({auc - base:+.3f}) in {seconds:.1f} s", flush=True)
        rows.append(row)
    if options.out is not None:
        options.out.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


def _write(archive: Path, part: str, n: int, names: Sequence[str], folder: Path) -> Films:
    """Write shifted films, as many of each class, as PNG."""
    from PIL import Image

    with np.load(archive) as data:
        images, labels = data[f"{part}_images"], data[f"{part}_labels"].ravel()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    order = np.random.default_rng(0).permutation(len(images))
    each = [[one for one in order if labels[one] == value] for value in range(len(names))]
    films = []
    for turn in range(n):
        number = each[turn % len(names)][turn // len(names)]
        low, high = _LIMITS
        inverted = 255.0 - images[number]
        shifted = np.clip((inverted - low) / (high - low), 0, 1) * 255
        path = folder / f"film-{number:05d}.png"
        Image.fromarray(shifted.astype(np.uint8)).save(path)
        films.append((path, names[labels[number]]))
    return films


def _auc(model: LoadedModel, films: Films, names: Sequence[str]) -> float:
    from sklearn.metrics import roc_auc_score

    scores = []
    for path, _ in films:
        said = run(model.predict(read_image(path), RunSettings())).classification
        assert said is not None
        scores.append(said.scores[names[1]])
    return float(roc_auc_score([name == names[1] for _, name in films], scores))


def _by_head(model: LoadedModel, films: Films, names: Sequence[str], options: argparse.Namespace) -> Any:
    head = InstantClassifier.begin(model)
    for path, _ in films:
        run(head.add(str(path), read_image(path)))
    started = time.perf_counter()
    head.refit({str(path): (name,) for path, name in films})
    adapted = head.adapted_model()
    return adapted, time.perf_counter() - started


def _by_job(kind: LearnedBy) -> Callable[..., Any]:
    def learn(model: LoadedModel, films: Films, names: Sequence[str], options: argparse.Namespace) -> Any:
        project = options.work / f"films-{kind.value}"
        shutil.rmtree(project, ignore_errors=True)
        schema = LabelSchema.from_names(names)
        for path, name in films:
            run(
                save_correction(project, with_digest(read_image(path)), None, (name,), None, "simulated", schema=schema)
            )
        asked = AdaptOptions(
            model=MODEL,
            project=project,
            kind=kind,
            hold_out_fraction=0.0,
            steps=_QUICK_STEPS if kind is LearnedBy.ADAPT else None,
            device="cpu",
        )
        result = run(adapt(asked))
        return load_model(read_package(result.folder), _LOADING), result.revision.elapsed_s

    return learn


def _by_forest(model: LoadedModel, films: Films, names: Sequence[str], options: argparse.Namespace) -> Any:
    started = time.perf_counter()
    _forest(films, names)
    return 0.0, time.perf_counter() - started


def _forest_auc(films: Films, holdout: Films, names: Sequence[str]) -> float:
    from sklearn.metrics import roc_auc_score

    forest = _forest(films, names)
    scores = forest.predict_proba(_features(holdout))[:, 1]
    return float(roc_auc_score([name == names[1] for _, name in holdout], scores))


def _forest(films: Films, names: Sequence[str]) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    truth = [names.index(name) for _, name in films]
    return RandomForestClassifier(300, random_state=0, n_jobs=1).fit(_features(films), truth)


def _features(films: Films) -> np.ndarray:
    """Hand-made features of whole films, those of the classic models."""
    import torch

    from napari_medclf.engine.classic.features.collect import HandMadeFeatures

    images = np.stack([np.asarray(read_image(path).data, np.float32)[0] for path, _ in films])
    return np.asarray(HandMadeFeatures(2, 1)(torch.from_numpy(images)[:, None]).numpy())


_WAYS: dict[str, Callable[..., Any]] = {
    "instant head": _by_head,
    "quick adapt": _by_job(LearnedBy.ADAPT),
    "fine-tune": _by_job(LearnedBy.FINE_TUNE),
    "forest": _by_forest,
}


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--clicks", nargs="+", type=int, default=[8, 32, 96])
    parser.add_argument("--holdout", type=int, default=300)
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
