"""Build a bundle's network, give it all of its weights, and place it."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import weakref
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.backends.monai_bundle.detecting import read_detector
from napari_medclf.backends.monai_bundle.files import BundleFiles, find_weights, is_program, read_bundle
from napari_medclf.backends.monai_bundle.kinds import mode_of
from napari_medclf.backends.monai_bundle.network import as_spec, code_of, describe_network
from napari_medclf.backends.monai_bundle.trust import ask_for_trust, copy_code
from napari_medclf.backends.monai_bundle.trusted import build_by_bundle
from napari_medclf.backends.torchscript import load_program, read_trust
from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.domain.trust import Trust
from napari_medclf.engine.bounded_build import AtMost
from napari_medclf.engine.device import choose_device
from napari_medclf.engine.model import LoadedModel, place_model
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.weights import fill, read_tensors
from napari_medclf.store.monai_config.pieces import Component

if TYPE_CHECKING:
    from torch import nn


def load_bundle(package: ModelPackage, settings: LoadSettings) -> LoadedModel:
    """Load what `MonaiBundleBackend.read` found.

    Raises
    ------
    CardError
        If weights are missing, damaged or fit in part, or code would run that `package.trust` does not speak of.
    BackendUnavailable
        If a package or the device is missing.
    """
    import torch

    choose_device(settings.device)  # refuses before weights are read
    bundle = read_bundle(package.folder)
    weights = find_weights(bundle)
    with torch.random.fork_rng(devices=[]):  # a training that goes on must not see other random numbers
        network = _build(package, bundle, weights)
    network.eval().requires_grad_(False)
    if package.card.task is Task.DETECT:
        network = _with_anchors(network, bundle)
    if package.card.network.target.endswith(".HoVerNet"):
        network = _with_windows(network, bundle, package)
    card = package.card.model_copy(update={"weights_sha256": _check_digest(package, weights)})
    return place_model(replace(package, card=card), network, settings)


def _build(package: ModelPackage, bundle: BundleFiles, weights: Path) -> nn.Module:
    described = describe_network(bundle)[1]
    code = code_of(described)
    program = read_trust(weights) if is_program(weights) else None
    _check_word(package, ask_for_trust(bundle, code, program))
    if program is not None:
        return load_program(weights, package.card, program.sha256)
    state = read_tensors(weights)
    if code:
        network = _run_code(package, bundle)
    else:
        with AtMost(weights.stat().st_size, str(weights)):
            network = build_network(as_spec(described), bundle.folder)
    fill(network, state, str(weights))
    return network


def _run_code(package: ModelPackage, bundle: BundleFiles) -> nn.Module:
    """Let the bundle's own code make the network, from a copy that cannot change after the look at it."""
    place = Path(tempfile.mkdtemp(prefix="medclf-bundle-"))
    try:
        copy = copy_code(bundle, place)
        name, described = describe_network(copy)
        _check_word(package, ask_for_trust(copy, code_of(described), None))
        network = build_by_bundle(copy, name, bundle.folder)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    weakref.finalize(network, shutil.rmtree, place, ignore_errors=True)  # it may import more when it runs
    return network


def _check_word(package: ModelPackage, trust: Trust | None) -> None:
    if trust is not None and (package.trust is None or package.trust.sha256 != trust.sha256):
        raise CardError(
            f"{package.folder}: would run code that nobody was asked about; its files changed. Open it again."
        )


def _with_anchors(network: nn.Module, bundle: BundleFiles) -> nn.Module:
    from napari_medclf.engine.nets.retina_boxes import RetinaBoxes

    detector = read_detector(bundle.inference)
    return RetinaBoxes(network, detector.feature_map_scales, detector.base_anchor_shapes)


def _with_windows(network: nn.Module, bundle: BundleFiles, package: ModelPackage) -> nn.Module:
    from napari_medclf.engine.nets.hover_windows import HoverWindows

    _, described = describe_network(bundle)
    mode = mode_of(described) if isinstance(described, Component) else "fast"
    return HoverWindows(network, mode, is_transposed=package.card.input.axis_order == (0, 2, 1))


def _check_digest(package: ModelPackage, weights: Path) -> str:
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if package.card.weights_sha256 not in ("", digest):
        raise CardError(f"{weights}: this is not the file of the card (SHA-256 differs). Get the bundle again.")
    return digest
