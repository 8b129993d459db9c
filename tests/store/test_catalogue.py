"""The catalogue: embedded, installed and registered models."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run import RunSpec
from napari_medclf.domain.trust import Trust
from napari_medclf.store.bundle import read_package, write_package
from napari_medclf.store.catalogue import Catalogue, default_user_folder, verify_model
from napari_medclf.store.sidecar import SIDECAR, read_content


@pytest.fixture
def catalogue(tmp_path: Path, card: ModelCard, weights: bytes, run_spec: RunSpec) -> Catalogue:
    embedded = card.model_copy(update={"name": "nuclei"})
    write_package(tmp_path / "embedded" / "nuclei", embedded, weights, run_spec, "MIT")
    return Catalogue(tmp_path / "home", tmp_path / "embedded")


@pytest.fixture
def foreign(tmp_path: Path, card: ModelCard) -> ModelPackage:
    """A model of another kind in a folder with other things."""
    folder = tmp_path / "theirs"
    (folder / "fold_0").mkdir(parents=True)
    (folder / "plans.json").write_text("{}")
    (folder / "fold_0" / "weights.pth").write_bytes(bytes(range(200)) * 50_000)
    (folder / "notes.txt").write_text("mine")
    files = (folder / "plans.json", folder / "fold_0" / "weights.pth")
    theirs = card.model_copy(update={"name": "theirs", "backend": "nnunet"})
    return ModelPackage(theirs, folder, files=files, trust=Trust("ab" * 32, ("nothing()",)))


def _install(catalogue: Catalogue, package: ModelPackage) -> ModelPackage:
    job = catalogue.install(package)
    while True:
        try:
            next(job)
        except StopIteration as end:
            installed: ModelPackage = end.value
            return installed


def test_embedded_models_come_first(catalogue: Catalogue, package: ModelPackage) -> None:
    _install(catalogue, package)
    assert [(one.name, one.is_embedded) for one in catalogue.packages()] == [("nuclei", True), ("two-tissues", False)]


def test_installed_copy_survives_its_source(catalogue: Catalogue, package: ModelPackage) -> None:
    _install(catalogue, package)
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
        _install(catalogue, read_package(folder))
    catalogue.register(folder)
    assert catalogue.find("nuclei").is_embedded
    assert "choose this one by its folder" in catalogue.listing().problems[0]


def test_damaged_package_does_not_hide_the_others(catalogue: Catalogue, package: ModelPackage) -> None:
    _install(catalogue, package)
    (catalogue.models_folder / "two-tissues" / "configs" / "metadata.json").write_text("{")
    listing = catalogue.listing()
    assert [one.name for one in listing.packages] == ["nuclei"]
    assert "is not JSON" in listing.problems[0]
    with pytest.raises(CardError, match="is not JSON"):
        catalogue.find("two-tissues")


def test_verify_reads_the_weights(catalogue: Catalogue, package: ModelPackage) -> None:
    installed = _install(catalogue, package)
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


def test_foreign_model_is_copied_with_its_digests(catalogue: Catalogue, foreign: ModelPackage) -> None:
    installed = _install(catalogue, foreign)
    folder = catalogue.models_folder / "theirs"
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == {
        SIDECAR,
        "plans.json",
        "fold_0/weights.pth",
    }
    shutil.rmtree(foreign.folder)
    assert catalogue.find("theirs") == installed
    assert installed.trust == foreign.trust
    assert installed.files == (folder / "plans.json", folder / "fold_0" / "weights.pth")
    assert set(read_content(folder).sha256) == {"plans.json", "fold_0/weights.pth"}  # type: ignore[union-attr]
    assert catalogue.verify() == ()
    catalogue.remove("theirs")
    assert not folder.exists()


def test_foreign_model_without_a_list_of_files_is_its_whole_folder(catalogue: Catalogue, foreign: ModelPackage) -> None:
    (foreign.folder / ".cache").mkdir()
    (foreign.folder / ".cache" / "junk").write_text("junk")
    installed = _install(catalogue, ModelPackage(foreign.card, foreign.folder))
    assert (installed.folder / "notes.txt").read_text() == "mine"
    assert not (installed.folder / ".cache").exists()


def test_changed_or_missing_file_of_a_foreign_model_is_found(catalogue: Catalogue, foreign: ModelPackage) -> None:
    installed = _install(catalogue, foreign)
    installed.files[1].write_bytes(b"other")
    assert "the file fold_0/weights.pth of 'theirs' is not what was installed" in catalogue.verify()[0]
    with pytest.raises(CardError, match="is not what was installed"):
        list(verify_model(installed))
    installed.files[1].unlink()
    assert "fold_0/weights.pth of the model is missing" in catalogue.verify()[0]


def test_stopped_install_leaves_the_old_model(catalogue: Catalogue, foreign: ModelPackage) -> None:
    _install(catalogue, foreign)
    foreign.files[1].write_bytes(bytes(9_000_000))
    job = catalogue.install(foreign)
    next(job)
    next(job)
    job.close()
    assert catalogue.verify() == ()
    assert [path.name for path in catalogue.models_folder.iterdir()] == ["theirs"]


def test_foreign_folder_with_a_link_out_is_refused(catalogue: Catalogue, foreign: ModelPackage, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (foreign.folder / "data").symlink_to(tmp_path / "secret")
    with pytest.raises(CardError, match="lies outside of its model's folder"):
        _install(catalogue, ModelPackage(foreign.card, foreign.folder))
    assert catalogue.named("theirs") is None


def test_installed_model_is_not_installed_over_itself(catalogue: Catalogue, foreign: ModelPackage) -> None:
    installed = _install(catalogue, foreign)
    with pytest.raises(CardError, match="is installed already"):
        _install(catalogue, installed)
    assert catalogue.verify() == ()
