"""Do planted failures rank in the worst fifth of the triage list? Seven cohorts of real images.

python benchmarks/triage_planted.py ../shared/data [--only hippocampus xray nuclei ...] [--keep build/triage.json]
    [--choose] [--half held-out] [--out planted.json]

Into cohorts of hippocampus volumes (MR), chest X-rays, nuclei and retinas are planted: images of another modality or
organ, images that are flipped or inverted, and answers that are empty, flipped, shifted, of another case, or on the
brightest or darkest part of the image. Every answer is made by the embedded model, or by an expert (``-experts``), and
described as a run does it. Each failure is ranked alone among 30 usual cases, and many of them together: as many as are
a tenth of the cohort. Answers that are wrong and lie about where they should are told apart, as subtle.

Cases are split in two halves by their names. ``--choose`` searches the weights on the first half; numbers are told of
both, and the second half counts. Figures of the training are the model's own, or, with ``--learn``, those of the other
half's usual cases. Takes about 6 CPU minutes, nearly all of it for predictions; ``--keep`` spares them the next time.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from planted_cohorts import EXPERTS, EXPERTS_SAID, MODELS, SUBTLE, half_of, name_of, planted_in, records_of
from planted_images import USUAL

from napari_medclf.domain.run import CaseRecord
from napari_medclf.domain.triage import DoubtKind
from napari_medclf.engine.triage.figures import Figures
from napari_medclf.engine.triage.training import figures_of
from napari_medclf.jobs.models import find_model
from napari_medclf.jobs.triage.cohort import Cohort, numbers_of
from napari_medclf.jobs.triage.figures import read_figures
from napari_medclf.jobs.triage.score import WEIGHTS, parts_of, score_of

N_USUAL, N_DRAWS, WORST = 30, 40, 0.2
_HALVES = ("chosen on", "held out")


def main() -> None:
    """Print the share of planted failures that rank in the worst fifth."""
    options = _parse()
    cohorts = _read_or_make(options)
    halves = [
        {name: [one for one in records if half_of(one) == half] for name, records in cohorts.items()} for half in (0, 1)
    ]
    if options.choose:
        _choose(halves[0])
    found: dict[str, Any] = {"weights": {kind.value: weight for kind, weight in WEIGHTS.items()}}
    for n, title in enumerate(_HALVES):
        if options.half in (None, title):
            known = {name: _figures(name, halves[1 - n][name], options) for name in cohorts}
            for figures in (dict.fromkeys(cohorts), known):
                end = ", with training" if figures is known else ""
                found[f"{title}{end}"] = _report(title, halves[n], figures)
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n")


def _figures(name: str, others: Sequence[CaseRecord], options: argparse.Namespace) -> Figures | None:
    """Read the figures of the model's own training, or make them of the other half's usual cases."""
    if options.learn:
        return figures_of([numbers_of(one) for one in others if planted_in(one) == USUAL])
    return None if name.endswith(EXPERTS) else read_figures(find_model(MODELS[name]))


def _report(
    title: str, cohorts: Mapping[str, Sequence[CaseRecord]], figures: Mapping[str, Figures | None]
) -> dict[str, Any]:
    document = {}
    for name, records in cohorts.items():
        known = figures[name]
        without = "" if known is None or known.correlations is not None else ", without correlations"
        print(f"\n{name}, {title}, {'with' if known else 'without'} figures of the training{without}")
        alone = _alone(records, known)
        for kind, trials in sorted(alone.items(), key=lambda item: (item[0].startswith(SUBTLE), item[0])):
            _tell(kind, score_of_places(trials))
        gross = _all_of({kind: trials for kind, trials in alone.items() if not kind.startswith(SUBTLE)})
        subtle = _all_of({kind: trials for kind, trials in alone.items() if kind.startswith(SUBTLE)})
        together = score_of_draws(_together(records, known))
        _tell("all, one at a time", score_of_places(gross))
        _tell("all subtle ones, one at a time", score_of_places(subtle))
        print(f"  {'a tenth of the cohort at once':48} {N_DRAWS:3} draws  {together:.3f} in the worst fifth")
        document[name] = {
            "alone": {kind: _summary(score_of_places(trials)) for kind, trials in sorted(alone.items())},
            "all": _summary(score_of_places(gross)),
            "subtle": _summary(score_of_places(subtle)),
            "together": together,
        }
    return document


def _tell(what: str, places: Sequence[float]) -> None:
    if places:
        n_found = sum(place <= WORST for place in places)
        print(f"  {what:48} {n_found:3} of {len(places):3} in the worst fifth, the last at {max(places):.2f}")


Parts = dict[DoubtKind, np.ndarray]
Trial = tuple[Parts, np.ndarray]
"""Parts of a cohort, and which of its cases were planted."""


def _all_of(trials: Mapping[str, Sequence[Trial]]) -> list[Trial]:
    return list(itertools.chain(*trials.values()))


def _alone(records: Sequence[CaseRecord], figures: Figures | None) -> dict[str, list[Trial]]:
    """Plant every failure alone among usual cases, of which the failing one is none."""
    drawn, trials = np.random.default_rng(0), defaultdict(list)
    usual = [one for one in records if planted_in(one) == USUAL]
    for bad in (one for one in records if planted_in(one) != USUAL):
        others = [one for one in usual if name_of(one) != name_of(bad)]
        some = [others[n] for n in drawn.permutation(len(others))[:N_USUAL]]
        is_planted = np.array([*[False] * len(some), True])
        trials[planted_in(bad)].append((parts_of(Cohort.of([*some, bad]), figures)[0], is_planted))
    return trials


def _together(records: Sequence[CaseRecord], figures: Figures | None) -> list[Trial]:
    """Exchange a tenth of a cohort for failures of mixed kinds; subtle ones are left out."""
    drawn, trials = np.random.default_rng(1), []
    usual = [one for one in records if planted_in(one) == USUAL]
    bad = [one for one in records if planted_in(one) != USUAL and not planted_in(one).startswith(SUBTLE)]
    kinds = sorted({planted_in(one) for one in bad})
    for _ in range(N_DRAWS):
        n = max(round(0.1 * len(usual)), 1)
        chosen = [_any_of([one for one in bad if planted_in(one) == kind], drawn) for kind in drawn.choice(kinds, n)]
        failed = {name_of(one) for one in chosen}
        cohort = [one for one in usual if name_of(one) not in failed]
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
    if not places:
        return {"n": 0}
    return {"n": len(places), "worst_fifth": float(np.mean(np.asarray(places) <= WORST)), "worst_place": max(places)}


def _choose(cohorts: Mapping[str, Sequence[CaseRecord]]) -> None:
    """Search the weights kind by kind, twice, and print the best."""
    alone = [_all_of(_alone(records, None)) for records in cohorts.values()]
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
    kept: dict[str, Any] = json.loads(options.keep.read_text()) if options.keep and options.keep.is_file() else {}
    for name in (one for one in options.only if one not in kept):
        started = time.process_time()
        kept[name] = [one.model_dump(mode="json") for one in records_of(name, options.data)]
        print(f"{name}: {len(kept[name])} cases, {time.process_time() - started:.0f} CPU s", flush=True)
        if options.keep:
            options.keep.write_text(json.dumps(kept))
    return {name: [CaseRecord.model_validate(one) for one in kept[name]] for name in options.only}


def _any_of(records: Sequence[CaseRecord], drawn: np.random.Generator) -> CaseRecord:
    return records[int(drawn.integers(len(records)))]


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="+", choices=(*MODELS, *EXPERTS_SAID), default=(*MODELS, *EXPERTS_SAID))
    parser.add_argument("--keep", type=Path, help="file for the described cases, read where it is there")
    parser.add_argument("--choose", action="store_true", help="search the weights on the first half")
    parser.add_argument("--half", choices=_HALVES, help="of the cases; both without it")
    parser.add_argument("--learn", action="store_true", help="take the other half's usual cases for the training")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
