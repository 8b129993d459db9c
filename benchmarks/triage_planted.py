"""Do planted failures rank in the worst fifth of the triage list? Three kinds of cohorts, real images and models.

python benchmarks/triage_planted.py ../shared/data [--only hippocampus xray nuclei] [--keep build/triage.json]
    [--choose] [--out planted.json]

Into cohorts of hippocampus volumes (MR), chest X-rays and nuclei are planted: images of another modality or organ,
images that are flipped or inverted, and answers that are empty, flipped, shifted, of another case, or on the brightest
or darkest part of the image. Every answer is made by the embedded model and described as a run does it. Each failure is
ranked alone among 30 usual cases, and many of them together: as many as are a tenth of the cohort.

Cases are split in two halves by their names. ``--choose`` searches the weights on the first half; numbers are told of
both, and the second half counts. Takes about 4 CPU minutes, nearly all of it for predictions; ``--keep`` spares them
the next time.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter, label

from napari_medclf.domain.image import MedImage
from napari_medclf.domain.results import Prediction
from napari_medclf.domain.run import CaseRecord, CaseStatus
from napari_medclf.domain.triage import DoubtKind
from napari_medclf.engine.triage.compare import Figures
from napari_medclf.engine.triage.traits import traits_of
from napari_medclf.io.read import read_image
from napari_medclf.jobs.drive import drive
from napari_medclf.jobs.models import find_model
from napari_medclf.jobs.outputs.values import values_of
from napari_medclf.jobs.predict import RunOptions, load_package, predict_image
from napari_medclf.jobs.triage.after import doubts_of
from napari_medclf.jobs.triage.cohort import Cohort
from napari_medclf.jobs.triage.figures import read_figures
from napari_medclf.jobs.triage.score import WEIGHTS, parts_of, score_of
from napari_medclf.jobs.triage.thumbnail import draw_thumbnail, encode

MODELS = {"hippocampus": "hippocampus-mr", "xray": "chest-xray-pneumonia", "nuclei": "nuclei"}
USUAL = ""
N_USUAL, N_DRAWS, WORST = 30, 40, 0.2
_OPTIONS = RunOptions(device="cpu", runtime="torch")
Shown = tuple[str, str, MedImage]
"""Name of a case, what was planted (empty for a usual one), and the image."""


def main() -> None:
    """Print the share of planted failures that rank in the worst fifth."""
    options = _parse()
    cohorts = _read_or_make(options)
    figures = {name: read_figures(find_model(MODELS[name])) for name in cohorts}
    halves = [
        {name: [one for one in records if _half(one) == half] for name, records in cohorts.items()} for half in (0, 1)
    ]
    if options.choose:
        _choose(halves[0])
    found: dict[str, Any] = {"weights": {kind.value: weight for kind, weight in WEIGHTS.items()}}
    for title, cases in zip(("chosen on", "held out"), halves, strict=True):
        for with_training in (False, True):
            known = figures if with_training else dict.fromkeys(figures)
            found[f"{title}{', with training' if with_training else ''}"] = _report(title, cases, known)
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n")


def _report(
    title: str, cohorts: Mapping[str, Sequence[CaseRecord]], figures: Mapping[str, Figures | None]
) -> dict[str, Any]:
    document = {}
    for name, records in cohorts.items():
        known = figures[name]
        print(f"\n{name}, {title}, {'with' if known else 'without'} figures of the training")
        alone = _alone(records, known)
        by_kind = {kind: _summary(score_of_places(trials)) for kind, trials in sorted(alone.items())}
        for kind, one in by_kind.items():
            print(
                f"  {kind:44} {one['n']:3}  in worst fifth {one['worst_fifth']:.2f}  last at {one['worst_place']:.2f}"
            )
        together = score_of_draws(_together(records, known))
        total = _summary([place for trials in alone.values() for place in score_of_places(trials)])
        print(f"  {'all, one at a time':44} {total['n']:3}  in worst fifth {total['worst_fifth']:.3f}")
        print(f"  {'a tenth of the cohort at once':44} {N_DRAWS:3}  in worst fifth {together:.3f}")
        document[name] = {"alone": by_kind, "all": total, "together": together}
    return document


Parts = dict[DoubtKind, np.ndarray]
Trial = tuple[Parts, np.ndarray]
"""Parts of a cohort, and which of its cases were planted."""


def _alone(records: Sequence[CaseRecord], figures: Figures | None) -> dict[str, list[Trial]]:
    """Plant every failure alone among usual cases, of which the failing one is none."""
    drawn, trials = np.random.default_rng(0), defaultdict(list)
    usual = [one for one in records if _planted(one) == USUAL]
    for bad in (one for one in records if _planted(one) != USUAL):
        others = [one for one in usual if _name(one) != _name(bad)]
        some = [others[n] for n in drawn.permutation(len(others))[:N_USUAL]]
        is_planted = np.array([*[False] * len(some), True])
        trials[_planted(bad)].append((parts_of(Cohort.of([*some, bad]), figures)[0], is_planted))
    return trials


def _together(records: Sequence[CaseRecord], figures: Figures | None) -> list[Trial]:
    """Exchange a tenth of a cohort for failures of mixed kinds."""
    drawn, trials = np.random.default_rng(1), []
    usual = [one for one in records if _planted(one) == USUAL]
    bad = [one for one in records if _planted(one) != USUAL]
    kinds = sorted({_planted(one) for one in bad})
    for _ in range(N_DRAWS):
        n = max(round(0.1 * len(usual)), 1)
        chosen = [_any_of([one for one in bad if _planted(one) == kind], drawn) for kind in drawn.choice(kinds, n)]
        failed = {_name(one) for one in chosen}
        cohort = [one for one in usual if _name(one) not in failed]
        is_planted = np.array([False] * len(cohort) + [True] * len(chosen))
        trials.append((parts_of(Cohort.of([*cohort, *chosen]), figures)[0], is_planted))
    return trials


def score_of_places(trials: Sequence[Trial], weights: Mapping[DoubtKind, float] = WEIGHTS) -> list[float]:
    """Give the place of each failure that was planted alone, as a part of the list."""
    places = []
    for parts, is_planted in trials:
        scores = score_of(parts, weights)
        places.append(float(np.mean(scores >= scores[is_planted].min())))  # ties count against it
    return places


def score_of_draws(trials: Sequence[Trial], weights: Mapping[DoubtKind, float] = WEIGHTS) -> float:
    """Give the share of failures, planted together, that are in the worst fifth of their list."""
    hits = []
    for parts, is_planted in trials:
        scores = score_of(parts, weights)
        order = np.argsort(-scores, kind="stable")
        worst = set(order[: int(WORST * len(order))].tolist())
        hits += [n in worst for n in np.flatnonzero(is_planted).tolist()]
    return float(np.mean(hits))


def _summary(places: Sequence[float]) -> dict[str, float]:
    return {"n": len(places), "worst_fifth": float(np.mean(np.asarray(places) <= WORST)), "worst_place": max(places)}


def _choose(cohorts: Mapping[str, Sequence[CaseRecord]]) -> None:
    """Search the weights kind by kind, twice, and print the best."""
    alone = [list(itertools.chain(*_alone(records, None).values())) for records in cohorts.values()]
    together = [_together(records, None) for records in cohorts.values()]
    weights = dict(WEIGHTS)

    def quality(some: Mapping[DoubtKind, float]) -> float:
        places = [score_of_places(trials, some) for trials in alone]
        hits = [float(np.mean(np.asarray(one) <= WORST)) - float(np.mean(one)) for one in places]
        return float(np.mean(hits)) + float(np.mean([score_of_draws(trials, some) for trials in together]))

    for _ in range(2):
        for kind in weights:
            tried = {value: quality({**weights, kind: value}) for value in (0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)}
            weights[kind] = max(tried, key=lambda value: (tried[value], -abs(value - WEIGHTS[kind])))
            print(
                f"{kind.value:14} {weights[kind]:.2f}  "
                + " ".join(f"{value:.2f}:{tried[value]:.3f}" for value in tried)
            )


def _read_or_make(options: argparse.Namespace) -> dict[str, list[CaseRecord]]:
    if options.keep and options.keep.is_file():
        kept = json.loads(options.keep.read_text())
        return {name: [CaseRecord.model_validate(one) for one in kept[name]] for name in options.only if name in kept}
    cohorts = {}
    for name in options.only:
        started = time.process_time()
        cohorts[name] = list(_records(MODELS[name], _SHOWN[name](options.data)))
        print(f"{name}: {len(cohorts[name])} cases, {time.process_time() - started:.0f} CPU s", flush=True)
    if options.keep:
        kept = {name: [one.model_dump(mode="json") for one in records] for name, records in cohorts.items()}
        options.keep.write_text(json.dumps(kept))
    return cohorts


def _records(model: str, shown: Iterator[Shown]) -> Iterator[CaseRecord]:
    package = find_model(model)
    loaded = load_package(package, _OPTIONS)
    usual: list[tuple[str, MedImage, Prediction]] = []
    answering_s = describing_s = 0.0
    for name, planted, image in shown:
        started = time.process_time()
        outcome = drive(predict_image(image, package, _OPTIONS, loaded))
        if outcome.result is None:  # it failed with a reason, so nobody has to look for it
            print(f"  {name} {planted}: {outcome.message}")
            continue
        answered = time.process_time()
        record = _record(name, planted, image, outcome.result)
        encode(draw_thumbnail(image, outcome.result))
        answering_s, describing_s = answering_s + answered - started, describing_s + time.process_time() - answered
        yield record
        if planted == USUAL:
            usual.append((name, image, outcome.result))
    share = describing_s / answering_s
    print(f"{model}: describing and drawing an answer took {share:.2%} of the CPU seconds of the answer")
    for position, (name, image, said) in enumerate(usual):
        for planted, wrong in _wrong_answers(position, image, said, usual):
            yield _record(name, planted, image, wrong)


def _record(name: str, planted: str, image: MedImage, said: Prediction) -> CaseRecord:
    return CaseRecord(
        case_id=f"{name}|{planted}",
        source=name,
        status=CaseStatus.DONE,
        values=values_of(said, image),
        doubts=doubts_of(said),
        traits=traits_of(image, said),
    )


def _wrong_answers(
    position: int, image: MedImage, said: Prediction, usual: Sequence[tuple[str, MedImage, Prediction]]
) -> Iterator[tuple[str, Prediction]]:
    """Put wrong labels on a right image; the model's own doubt about it stays."""
    right = said.segmentation
    if right is None:
        return
    labels = right.labels

    def wrong(values: np.ndarray) -> Prediction:
        exchanged = replace(right, labels=np.ascontiguousarray(values.astype(labels.dtype)))
        return replace(said, segmentation=exchanged)

    yield "empty answer", wrong(np.zeros_like(labels))
    axes = [axis for axis in range(3) if labels.shape[axis] > 1]
    axis = axes[position % len(axes)]
    yield f"answer flipped along axis {axis}", wrong(np.flip(labels, axis))
    yield "answer shifted by a third", wrong(np.roll(labels, [n // 3 for n in labels.shape], (0, 1, 2)))
    same = [
        one.segmentation.labels
        for _, _, one in usual
        if one.segmentation and one.segmentation.labels.shape == labels.shape
    ]
    if right.is_instances and len(same) > 1:
        yield "answer of another image", wrong(same[(position + 1) % len(same)])
    if not right.is_instances:
        sign, where = ((1, "brightest"), (-1, "darkest"))[position % 2]
        yield f"answer on the {where} part (wrong organ)", wrong(_extreme_part(image, labels, sign))


def _extreme_part(image: MedImage, labels: np.ndarray, sign: int) -> np.ndarray:
    """As many voxels as were labelled, where the image is brightest (or darkest), in one class."""
    smooth = sign * gaussian_filter(np.asarray(image.data, dtype=np.float32), 1.5)
    threshold = np.sort(smooth, axis=None)[-max(int(np.count_nonzero(labels)), 20)]
    parts, _ = label(smooth >= threshold)
    return np.asarray(parts > 0).astype(labels.dtype)


def _hippocampus(data: Path) -> Iterator[Shown]:
    """Volumes that the model was not trained on; every second one planted as something else, too."""
    splits = json.loads((find_model(MODELS["hippocampus"]).folder / "configs" / "splits.json").read_text())
    others = {
        "MR of the trunk": data / "ct_mr_totalsegmentator/example_mr_sm.nii.gz",
        "CT of the trunk": data / "ct_mr_totalsegmentator/example_ct_sm.nii.gz",
        "MR of a brain elsewhere": data / "nrrd_pyradiomics/brain1_image.nrrd",
        "MR of a breast": data / "nrrd_pyradiomics/breast1_image.nrrd",
    }
    read = {kind: read_image(path) for kind, path in others.items()}
    drawn = np.random.default_rng(0)
    for position, name in enumerate([*splits["val"], *splits["test"]]):
        image = read_image(data / "hippocampus_msd/images" / f"{name}.nii.gz")
        yield name, USUAL, image
        if position % 4 < 2:
            axis = position // 4 % 3
            yield name, f"image flipped along axis {axis}", replace(image, data=np.flip(image.data, axis).copy())
        elif position % 8 < 4:
            yield name, "inverted image", replace(image, data=image.data.max() - image.data)
        else:
            kind = sorted(read)[(position // 4) % 4]
            yield name, f"other organ or modality: {kind}", _cut_out(read[kind], image, drawn)


def _cut_out(large: MedImage, like: MedImage, drawn: np.random.Generator) -> MedImage:
    """Cut a block out of another image, with the grid of a case."""
    volume = np.asarray(large.data).reshape(-1, *large.geometry.shape)[0]
    room = [max(n - m, 0) for n, m in zip(volume.shape, like.geometry.shape, strict=True)]
    starts = [int(part * n) for part, n in zip(drawn.uniform(0.25, 0.75, 3), room, strict=True)]
    block = volume[tuple(slice(a, a + n) for a, n in zip(starts, like.geometry.shape, strict=True))]
    return replace(like, data=block.copy(), geometry=replace(like.geometry, shape=block.shape))


def _xray(data: Path) -> Iterator[Shown]:
    films = sorted((data / "csv_pneumonia/images").glob("*.png"))
    ultrasound = np.load(data / "medmnist/breastmnist.npz")["train_images"]
    cells = sorted((data / "nuclei_dsb2018/images").glob("*.png"))
    for position, path in enumerate(films):
        image = read_image(path)
        pixels = np.asarray(image.data)
        yield path.stem, USUAL, image
        cell = np.asarray(read_image(cells[position // 6 % len(cells)]).data)[0, :, ::9, ::9][:, :28, :28]
        planted = {
            "inverted image": 255 - pixels,
            "image upside down": np.flip(pixels, -2).copy(),
            "image on its side": np.swapaxes(pixels, -1, -2).copy(),
            "other modality: ultrasound": ultrasound[position][None],
            "other modality: microscopy": cell.copy(),
            "black image": np.zeros_like(pixels),
        }
        kind = list(planted)[position % len(planted)]
        yield path.stem, kind, replace(image, data=planted[kind])


def _nuclei(data: Path) -> Iterator[Shown]:
    """Two stains in one folder; the model has learned from most of these images."""
    blood = sorted((data / "bccd_multilabel/images").iterdir())
    retina = sorted((data / "retina_chase_db1").glob("*.jpg"))
    for position, path in enumerate(sorted((data / "nuclei_dsb2018/images").glob("*.png"))):
        image = read_image(path)
        yield path.stem, USUAL, image
        if position % 6 == 0:
            yield path.stem, "inverted image", replace(image, data=255 - np.asarray(image.data))
        elif position % 6 == 2:
            yield path.stem, "other organ: blood smear", read_image(blood[position % len(blood)])
        elif position % 6 == 4:
            large = read_image(retina[position % len(retina)])
            yield path.stem, "other modality: retina", _corner(large)


def _corner(large: MedImage) -> MedImage:
    block = np.asarray(large.data)[..., 300:556, 300:556].copy()
    return replace(large, data=block, geometry=replace(large.geometry, shape=block.shape[-3:]))


_SHOWN: dict[str, Callable[[Path], Iterator[Shown]]] = {"hippocampus": _hippocampus, "xray": _xray, "nuclei": _nuclei}


def _name(record: CaseRecord) -> str:
    return record.case_id.partition("|")[0]


def _planted(record: CaseRecord) -> str:
    return record.case_id.partition("|")[2]


def _half(record: CaseRecord) -> int:
    return sum(_name(record).encode()) % 2


def _any_of(records: Sequence[CaseRecord], drawn: np.random.Generator) -> CaseRecord:
    return records[int(drawn.integers(len(records)))]


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="+", choices=tuple(MODELS), default=tuple(MODELS))
    parser.add_argument("--keep", type=Path, help="file for the described cases, read where it is there")
    parser.add_argument("--choose", action="store_true", help="search the weights on the first half")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
