"""The catalogue: embedded, installed and registered models."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run import RunSpec
from napari_medclf.store.bundle import write_package
from napari_medclf.store.catalogue import Catalogue, default_user_folder


@pytest.fixture
def catalogue(tmp_path: Path, card: ModelCard, weights: bytes, run_spec: RunSpec) -> Catalogue:
    embedded = card.model_copy(update={"name": "nuclei"})
    write_package(tmp_path / "embedded" / "nuclei", embedded, weights, run_spec, "MIT")
    return Catalogue(tmp_path / "home", tmp_path / "embedded")


def test_embedded_models_come_first(catalogue: Catalogue, package: ModelPackage) -> None:
    catalogue.install(package.folder)
    assert [(one.name, one.is_embedded) for one in catalogue.packages()] == [("nuclei", True), ("two-tissues", False)]


def test_installed_copy_survives_its_source(catalogue: Catalogue, package: ModelPackage) -> None:
    catalogue.install(package.folder)
    shutil.rmtree(package.folder)
    assert catalogue.find("Two-Tissues").card.version == "1.2.0"
    assert catalogue.verify() == ()


def test_registered_model_stays_where_it_is(catalogue: Catalogue, package: ModelPackage) -> None:
    catalogue.register(package.folder)
    assert catalogue.find("two-tissues").folder == package.folder
    catalogue.remove("two-tissues")
    assert package.weights_path.is_file()
    assert [one.name for one in catalogue.packages()] == ["nuclei"]


def test_registered_model_that_went_away_is_told_and_can_be_removed(
    catalogue: Catalogue, package: ModelPackage
) -> None:
    catalogue.register(package.folder)
    shutil.rmtree(package.folder)
    listing = catalogue.listing()
    assert [one.name for one in listing.packages] == ["nuclei"]
    assert "'two-tissues' was there and is gone" in listing.problems[0]
    with pytest.raises(CardError, match="is gone"):
        catalogue.find("two-tissues")
    catalogue.remove("two-tissues")
    assert catalogue.listing().problems == ()


def test_unknown_name_is_answered_with_the_nearest(catalogue: Catalogue) -> None:
    with pytest.raises(CardError, match=r"no model 'nuclie'\. Did you mean 'nuclei'\? Known: nuclei"):
        catalogue.find("nuclie")


def test_folder_is_found_as_a_path(catalogue: Catalogue, package: ModelPackage, tmp_path: Path) -> None:
    assert catalogue.find(package.folder).name == "two-tissues"
    assert catalogue.find(str(package.folder)).folder == package.folder
    with pytest.raises(CardError, match="is no model package"):
        catalogue.find(tmp_path / "nowhere")


def test_embedded_model_cannot_be_removed_or_displaced(
    catalogue: Catalogue, package: ModelPackage, card: ModelCard, weights: bytes, run_spec: RunSpec
) -> None:
    with pytest.raises(CardError, match="came with this program"):
        catalogue.remove("nuclei")
    same_name = card.model_copy(update={"name": "Nuclei"})
    folder = package.folder.with_name("mine")
    write_package(folder, same_name, weights, run_spec, "MIT")
    with pytest.raises(CardError, match="belongs to an embedded model"):
        catalogue.install(folder)
    catalogue.register(folder)
    assert catalogue.find("nuclei").is_embedded
    assert "choose this one by its folder" in catalogue.listing().problems[0]


def test_damaged_package_does_not_hide_the_others(catalogue: Catalogue, package: ModelPackage) -> None:
    catalogue.install(package.folder)
    (catalogue.models_folder / "two-tissues" / "configs" / "metadata.json").write_text("{")
    listing = catalogue.listing()
    assert [one.name for one in listing.packages] == ["nuclei"]
    assert "is not JSON" in listing.problems[0]
    with pytest.raises(CardError, match="is not JSON"):
        catalogue.find("two-tissues")


def test_verify_reads_the_weights(catalogue: Catalogue, package: ModelPackage) -> None:
    installed = catalogue.install(package.folder)
    installed.weights_path.write_bytes(installed.weights_path.read_bytes()[:-3])
    assert "cut short" in catalogue.verify()[0]


def test_home_variable_overrules_the_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEDCLF_HOME", str(tmp_path))
    assert Catalogue().models_folder == tmp_path / "models"
    monkeypatch.delenv("MEDCLF_HOME")
    assert "napari-medclf" in str(default_user_folder())


def test_embedded_models_of_this_program_are_whole() -> None:
    catalogue = Catalogue(Path("/nowhere"))
    assert catalogue.verify() == ()
