"""What must travel with the package: manifest, models, type marker."""

from __future__ import annotations

import importlib
from importlib import metadata, resources
from pathlib import Path

import pytest

from napari_medclf.store.catalogue import Catalogue

PACKAGE = Path(str(resources.files("napari_medclf")))
EMBEDDED = ("chest-xray-pneumonia", "hippocampus-mr", "nuclei", "retina-vessels")


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
