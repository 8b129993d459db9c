"""What must travel with the package: manifest, models, type marker."""

from __future__ import annotations

import importlib
from importlib import metadata, resources
from pathlib import Path

import pytest

from napari_medclf.store.bundle import read_run_spec, verify_package
from napari_medclf.store.catalogue import Catalogue

PACKAGE = Path(str(resources.files("napari_medclf")))
EMBEDDED = ("chest-xray-pneumonia", "hippocampus-mr", "nuclei", "retina-vessels")
MOST_BYTES = 4 * 2**20


@pytest.fixture(scope="module")
def manifest():
    from npe2 import PluginManifest

    return PluginManifest.from_file(str(PACKAGE / "napari.yaml"))


def test_manifest_is_found_under_the_name_of_the_package(manifest):
    entry = next(iter(metadata.entry_points(group="napari.manifest", name="napari-medclf")))
    assert entry.value == "napari_medclf:napari.yaml"
    assert manifest.name == "napari-medclf"


def test_every_command_of_the_manifest_leads_to_code(manifest):
    for command in manifest.contributions.commands:
        module, _, name = command.python_name.partition(":")
        if module.startswith("napari_medclf.ui"):
            pytest.importorskip("napari")
        assert callable(getattr(importlib.import_module(module), name)), command.python_name


def test_type_marker_is_there():
    assert (PACKAGE / "py.typed").is_file()


def test_the_four_models_come_with_it():
    packages = [package for package in Catalogue().packages() if package.is_embedded]
    assert tuple(sorted(package.card.name for package in packages)) == EMBEDDED


@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_model_is_whole_small_and_honest(name):
    package = Catalogue().find(name)
    verify_package(package)
    size = sum(path.stat().st_size for path in package.folder.rglob("*") if path.is_file())
    assert size <= MOST_BYTES
    card = package.card
    assert card.limits
    assert all(one.licence and one.attribution and one.n_test for one in card.data)
    measured = [metric for key, metric in card.metrics.items() if key.startswith("test/")]
    assert measured
    assert all(metric.ci95 for metric in measured)
    assert card.fingerprint is not None
    assert read_run_spec(package).command == "train"
    assert any(path.name.startswith("LICENSE") for path in package.folder.iterdir())
