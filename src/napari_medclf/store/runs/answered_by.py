"""Tell by a digest whether the same model, asked in the same way, would answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from napari_medclf.domain.run import RunSpec

_PROGRAM = "napari-medclf"
_NOT_ANSWERING = frozenset(
    {
        *("model", "paths", "folder", "data", "out", "resume", "dry_run", "limit"),  # what is run, and where it goes
        *("include", "exclude", "modality", "body_part", "description", "not_description", "min_slices"),
        *("max_slice_mm", "one_per_study"),
        *("device", "runtime", "memory_gb", "workers", "readers", "scheduler"),  # who computes
    }
)
"""Options that choose what is run, where and by whom. All others are taken to change answers or files."""


def answered_by(spec: RunSpec, weights_sha256: str, card: Mapping[str, Any]) -> str:
    """Digest of what decides an answer beside the image: weights, card, options, and this program's version.

    Parameters
    ----------
    spec : RunSpec
        Its options, other than those that only choose what is run where, and its versions.
    card : mapping
        The model's card as JSON has it.

    Notes
    -----
    Device and runtime do not count: answers of two devices differ by rounding, and a run that goes on on another
    computer keeps what it has.
    """
    options = {name: value for name, value in spec.options.items() if name not in _NOT_ANSWERING}
    version = spec.versions.get(_PROGRAM, "")
    decides = {"weights": weights_sha256, "card": dict(card), "options": options, "version": version}
    return hashlib.sha256(json.dumps(decides, sort_keys=True, default=str).encode()).hexdigest()
