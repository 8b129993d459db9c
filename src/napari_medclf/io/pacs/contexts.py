"""Presentation contexts: which kinds of objects are spoken about, and in which packing (PS3.8 7.1.1.13)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from napari_medclf.io.dicom.pixels.syntax import DEFLATED, DEFLATED_FRAMES, JPEG, JPEG_2000, JPEG_LS, JPEG_XL, RLE

_BASE = "1.2.840.10008.1.2"
VERIFICATION = "1.2.840.10008.1.1"
STUDY_ROOT_FIND, STUDY_ROOT_MOVE, STUDY_ROOT_GET = (f"1.2.840.10008.5.1.4.1.2.2.{n}" for n in (1, 2, 3))
EXPLICIT, IMPLICIT = f"{_BASE}.1", _BASE
SYNTAXES = (
    EXPLICIT,
    IMPLICIT,
    DEFLATED,
    f"{_BASE}.2",
    *DEFLATED_FRAMES,
    *RLE,
    *JPEG,
    *JPEG_LS,
    *JPEG_2000,
    *JPEG_XL,
)
"""What is taken: every packing that can be read here, unpacked ones first."""
SEGMENTATION, LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"
COMPREHENSIVE_3D_SR = "1.2.840.10008.5.1.4.1.1.88.34"
_MOST = 126  # PS3.8 9.3.2.2: 128 in all; the query's own is one of them


def contexts_to_take(sop_classes: Iterable[str]) -> list[Any]:
    """Contexts for objects that a server shall send to us.

    Each packing has a context of its own as long as they fit, so that a server sends what it stores
    unchanged; otherwise one context a kind lists them all and the server picks.
    """
    from pynetdicom import build_context

    kinds = sorted({one for one in sop_classes if one}) or storage_classes()
    if len(kinds) * len(SYNTAXES) <= _MOST:
        return [build_context(kind, syntax) for kind in kinds for syntax in SYNTAXES]
    return [build_context(kind, list(SYNTAXES)) for kind in kinds[:_MOST]]


def contexts_to_give(pairs: Iterable[tuple[str, str]]) -> list[Any]:
    """Contexts for objects that we send, from pairs of SOP class and transfer syntax; nothing is repacked.

    Verification is one of them, so that a server that takes no single kind says so for each object.
    """
    from pynetdicom import build_context

    return [build_context(VERIFICATION), *(build_context(kind, syntax) for kind, syntax in sorted(set(pairs))[:_MOST])]


def storage_classes() -> list[str]:
    """The kinds of objects that archives have, where it is not known which ones a series holds."""
    from pynetdicom.presentation import StoragePresentationContexts

    ours = (SEGMENTATION, LABEL_MAP, COMPREHENSIVE_3D_SR)
    common = [str(context.abstract_syntax) for context in StoragePresentationContexts]
    return [*ours, *(one for one in common if one not in ours)][:_MOST]
