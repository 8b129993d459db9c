"""Classic models for every part: all kinds on the first, the best of them on the others."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.events import Job, Warned
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.auto.candidates import Answered, Candidate, activated, ask, make_candidate, truth_of
from napari_medclf.engine.auto.parts import Part, judged_by
from napari_medclf.engine.auto.select import log_losses
from napari_medclf.engine.classic.bench import set_up
from napari_medclf.engine.classic.lineup import FAMILIES, LineUp, classic_network, few_enough, line_up
from napari_medclf.engine.train.settings import FitSettings

_MOST_KINDS = 3
_SHARE_OF_FIRST = 0.4
"""Part of the time for the first part, on which all kinds and settings are tried."""


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
    share = _SHARE_OF_FIRST if len(parts) > 1 else 1.0
    first = replace(settings, max_minutes=settings.max_minutes * share)
    lined_up = yield from line_up(draft, recipe, parts[0].learned, parts[0].held, first)
    found = yield from _best_kinds(lined_up, recipe, parts[0], settings.device)
    for part in parts[1:]:
        found = yield from _fit_part(draft, recipe, part, found, settings, deadline_s, lined_up)
    truth = truth_of(judged_by(parts), draft)
    candidates = []
    for family, models in found.items():
        candidates.append((yield from make_candidate(family, [[one] for one in models], truth, draft)))
    return candidates


def _best_kinds(lined_up: LineUp, recipe: Recipe, part: Part, device: str) -> Job[dict[str, list[Answered]]]:
    """Finish the kinds with the lowest losses."""
    fitted, losses = {}, {}
    for entrant in lined_up.entrants:
        one = fitted[entrant.family] = yield from lined_up.finish(entrant)
        answers = activated(lined_up.answers(entrant), one.card)
        losses[entrant.family] = float(log_losses(answers, truth_of(part.held, one.card)).mean())
    best = sorted(losses, key=losses.__getitem__)[:_MOST_KINDS]
    found: dict[str, list[Answered]] = {}
    for family in best:
        found[family] = [(yield from ask(fitted[family], recipe, part, device))]
    return found


def _fit_part(
    draft: ModelCard,
    recipe: Recipe,
    part: Part,
    found: dict[str, list[Answered]],
    settings: FitSettings,
    deadline_s: float,
    lined_up: LineUp,
) -> Job[dict[str, list[Answered]]]:
    """Fit the kinds that are still in the race; one that the time does not suffice for falls out."""
    asking = draft.model_copy(update={"network": classic_network(draft)})
    bench = yield from set_up(asking, recipe, few_enough(part.learned, settings.seed), part.held, settings)
    chosen = {one.family: one.best.settings for one in lined_up.entrants}
    kept: dict[str, list[Answered]] = {}
    for family, models in found.items():
        begun = time.perf_counter()
        if kept and begun > deadline_s:
            yield Warned(f"There was no time to fit {family} on all parts of the cases: it is left out.")
            continue
        tries = yield from bench.try_kind(FAMILIES[family], chosen[family], deadline_s)
        one = yield from bench.finish(tries[0], tries, time.perf_counter() - begun)
        kept[family] = [*models, (yield from ask(one, recipe, part, settings.device))]
    return kept
