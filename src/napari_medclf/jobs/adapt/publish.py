"""Make a revision of learned weights: its card, its package, and which corrections made it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.revision import DataRevision, ModelRevision
from napari_medclf.domain.verdict import Verdict
from napari_medclf.jobs.adapt.holdout import Finished
from napari_medclf.jobs.adapt.options import AdaptOptions, Learns
from napari_medclf.jobs.adapt.parent import Parent
from napari_medclf.jobs.dataset.learned import LEARNED_IN_PACKAGE, learned_digests
from napari_medclf.store.authorship import current_author, now_utc
from napari_medclf.store.project import Project
from napari_medclf.store.revisions import Revisions

if TYPE_CHECKING:
    from napari_medclf.domain.run import RunSpec
    from napari_medclf.engine.adapt.learn import Adapted, Net

_ID_DIGITS = 16
_OF_THE_PARENT = ("docs/history.json", "docs/transfer.json", LEARNED_IN_PACKAGE)


@dataclass(frozen=True, eq=False)
class Draft:
    """A revision that is not kept yet.

    Parameters
    ----------
    package : ModelPackage
        Its card, and the parent's folder, as it has none of its own yet.
    network : Net
        With the new weights, in use.
    weights : bytes
        As safetensors.
    learned : frozenset of str
        Digests of all images that it or its parents learned from, as far as they tell.
    """

    parent: Parent
    package: ModelPackage
    network: Net
    weights: bytes
    learned: frozenset[str]
    data: DataRevision
    revision: ModelRevision
    spec: RunSpec


def draft_of(
    parent: Parent, adapted: Adapted, lessons: Sequence[Finished], images: frozenset[str], options: AdaptOptions
) -> Draft:
    """Put together what was learned.

    Parameters
    ----------
    images : frozenset of str
        Digests of the images that were learned from, as `jobs.dataset.learned.image_digest` has them.
    """
    from safetensors.torch import save

    from napari_medclf.engine.fingerprint import compute_fingerprint
    from napari_medclf.engine.networks import build_network
    from napari_medclf.jobs.spec import spec_of

    network = build_network(parent.card.network)
    network.load_state_dict(adapted.state_dict)
    network.eval().requires_grad_(False)
    weights = save(adapted.state_dict)
    sha256 = hashlib.sha256(weights).hexdigest()
    card = _card(parent, sha256).model_copy(update={"fingerprint": compute_fingerprint(parent.card, network)})
    data = data_revision(lessons)
    taken = replace(options, steps=adapted.n_steps or None, max_minutes=None)  # so that it can be done again
    if adapted.way is not None:
        taken = replace(taken, learns=Learns(adapted.way.part.value), lr=adapted.way.lr)
    return Draft(
        parent=parent,
        package=ModelPackage(card, parent.package.folder),
        network=network,
        weights=weights,
        learned=learned_digests(parent.package) | images,
        data=data,
        revision=ModelRevision(
            revision_id="",
            parent_id=parent.revision.revision_id,
            data_revision_id=data.revision_id,
            learned_by=options.kind,
            package="",
            weights_sha256=sha256,
            elapsed_s=round(adapted.elapsed_s, 3),
            n_steps=adapted.n_steps,
            seed=options.seed,
            author=options.author or current_author(),
            created=now_utc(),
        ),
        spec=spec_of("adapt", taken, seed=options.seed, parent=parent.revision.revision_id),
    )


def keep(project: Project, draft: Draft, verdict: Verdict) -> ModelRevision:
    """Write the package and the revisions; nothing comes into use by that.

    Raises
    ------
    WriteError
        If it cannot be written; what was there is intact.
    """
    revision = draft.revision.model_copy(update={"verdict": verdict})
    return Revisions(project.folder).add(revision, lambda folder: _write(draft, verdict, folder), draft.data)


def data_revision(lessons: Sequence[Finished]) -> DataRevision:
    """Name what is learned from, and what people put into it."""
    keys = tuple(sorted(one.data_key for one in lessons))
    said = [one.answer.annotation for one in lessons]
    return DataRevision(
        revision_id=hashlib.sha256("\n".join(keys).encode()).hexdigest()[:_ID_DIGITS],
        annotations=keys,
        n_edited_vox=sum(one.n_edited_vox for one in said),
        active_s=sum(one.active_s for one in said),
        created=now_utc(),
    )


def _card(parent: Parent, sha256: str) -> ModelCard:
    """Describe the new weights; what was measured of the parent is not said of them."""
    base = parent.card.version.partition("+")[0]
    changes = {"version": f"{base}+{sha256[:8]}", "created": now_utc(), "weights_sha256": sha256}
    return parent.card.model_copy(update=changes | {"metrics": {}, "is_calibrated": False})


def _write(draft: Draft, verdict: Verdict, folder: Path) -> ModelPackage:
    from napari_medclf.store.bundle import extra_files, write_package

    parent = draft.parent.package
    files = {name: content for name, content in extra_files(parent).items() if name not in _OF_THE_PARENT}
    files[LEARNED_IN_PACKAGE] = _learned(draft)
    files["docs/verdict.json"] = (verdict.model_dump_json(indent=1) + "\n").encode()
    licence = (parent.folder / "LICENSE").read_text(encoding="utf-8")
    return write_package(folder, draft.package.card, draft.weights, draft.spec, licence, files, replace=False)


def _learned(draft: Draft) -> bytes:
    from napari_medclf.domain.dataset import Split

    content = {"schema_version": 1, Split.TRAIN.value: sorted(draft.learned), Split.VAL.value: []}
    return (json.dumps(content, indent=1) + "\n").encode()
