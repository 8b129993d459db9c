"""Classic models for every part: all kinds on the first, the best of them on the others."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.events import Job, Warned
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.auto.candidates import Answered, Candidate, activated, make_candidate, truth_of
from napari_medclf.engine.auto.parts import Part, judged_by
from napari_medclf.engine.auto.select import log_losses
from napari_medclf.engine.auto.stress import stressed
from napari_medclf.engine.classic.bench import Bench, Try, flips_of, set_up
from napari_medclf.engine.classic.counted import Counted, choose_kinds, count_features
from napari_medclf.engine.classic.lineup import FAMILIES, LineUp, classic_network, few_enough, line_up
from napari_medclf.engine.train.cases import check_cases
from napari_medclf.engine.train.fit import Fitted
from napari_medclf.engine.train.settings import FitSettings

_MOST_KINDS = 3
_SHARE_OF_FEATURES = 0.5
"""Part of the time that may go by before anything is fitted."""
_SHARE_OF_FIRST = 0.4
"""Part of the time for the first part, on which all kinds and settings are tried."""


@dataclass(frozen=True, eq=False)
class Known:
    """Features of all cases as they are, and of those held back as another device might show them."""

    plain: Counted
    under_stress: Counted


def fit_classic_candidates(
    draft: ModelCard, recipe: Recipe, parts: Sequence[Part], settings: FitSettings
) -> Job[list[Candidate]]:
    """Fit classic models for every part within a time.

    Returns
    -------
    list of Candidate
        The kinds that were best on the first part, with the settings that were best there; kinds that the time did not
        suffice for on every part are left out.
    """
    assert settings.max_minutes is not None
    deadline_s = time.perf_counter() + 60 * settings.max_minutes
    check_cases(parts[0].learned, parts[0].held, draft.input.spatial_dims, len(draft.input.channels))
    known = yield from _count(recipe, parts, settings)
    left = max(deadline_s - time.perf_counter(), 0) / 60
    share = _SHARE_OF_FIRST if len(parts) > 1 else 1.0
    first = replace(settings, max_minutes=left * share)
    lined_up = yield from line_up(draft, recipe, parts[0].learned, parts[0].held, first, counted=known.plain)
    found = yield from _best_kinds(lined_up, known, parts[0])
    for part in parts[1:]:
        found = yield from _fit_part(draft, recipe, part, found, settings, deadline_s, lined_up, known)
    truth = truth_of(judged_by(parts), draft)
    candidates = []
    for family, models in found.items():
        candidates.append((yield from make_candidate(family, [[one] for one in models], truth, draft)))
    return candidates


def _count(recipe: Recipe, parts: Sequence[Part], settings: FitSettings) -> Job[Known]:
    """Describe all cases once, and those held back once more under stress, by what the time is enough for."""
    assert settings.max_minutes is not None
    cases = [*parts[0].learned, *parts[0].held]
    changed = [case for part in parts for case in stressed(part.held, recipe.augment, len(part.held))]
    flips = flips_of(recipe)
    limit_s = 60 * settings.max_minutes * _SHARE_OF_FEATURES
    kinds = yield from choose_kinds(cases, len(cases) + len(changed), len(flips), limit_s)
    plain = yield from count_features(kinds, cases, flips, settings.device)
    return Known(plain, (yield from count_features(kinds, changed, flips, settings.device)))


def _ask(bench: Bench, one: Try, fitted: Fitted, part: Part, known: Known) -> Answered:
    """Let a model answer to the cases of a part that were held back from it, by their features."""
    plain, changed = (bench.answers_to(one, counted.of(part.held)) for counted in (known.plain, known.under_stress))
    return Answered(fitted, plain, changed)


def _best_kinds(lined_up: LineUp, known: Known, part: Part) -> Job[dict[str, list[Answered]]]:
    """Finish the kinds with the lowest losses."""
    answered, losses = {}, {}
    for entrant in lined_up.entrants:
        fitted = yield from lined_up.finish(entrant)
        one = answered[entrant.family] = _ask(lined_up.bench, entrant.best, fitted, part, known)
        probabilities = activated(one.answers, fitted.card)
        losses[entrant.family] = float(log_losses(probabilities, truth_of(part.held, fitted.card)).mean())
    best = sorted(losses, key=losses.__getitem__)[:_MOST_KINDS]
    return {family: [answered[family]] for family in best}


def _fit_part(
    draft: ModelCard,
    recipe: Recipe,
    part: Part,
    found: dict[str, list[Answered]],
    settings: FitSettings,
    deadline_s: float,
    lined_up: LineUp,
    known: Known,
) -> Job[dict[str, list[Answered]]]:
    """Fit the kinds that are still in the race; one that the time does not suffice for falls out."""
    asking = draft.model_copy(update={"network": classic_network(draft, features=known.plain.kinds)})
    fewer = few_enough(part.learned, settings.seed)
    bench = yield from set_up(asking, recipe, fewer, part.held, settings, known.plain)
    chosen = {one.family: one.best.settings for one in lined_up.entrants}
    kept: dict[str, list[Answered]] = {}
    for family, models in found.items():
        begun = time.perf_counter()
        if kept and begun > deadline_s:
            yield Warned(f"There was no time to fit {family} on all parts of the cases: it is left out.")
            continue
        tries = yield from bench.try_kind(FAMILIES[family], chosen[family], deadline_s)
        one = yield from bench.finish(tries[0], tries, time.perf_counter() - begun)
        kept[family] = [*models, _ask(bench, tries[0], one, part, known)]
    return kept
