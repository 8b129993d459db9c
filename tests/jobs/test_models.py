"""What people do with models: list, show, install, trust and remove them, whatever kind they are."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from napari_medclf.backends import registry
from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.errors import BackendUnavailable, CardError, OptionError
from napari_medclf.domain.events import FinishReason, Outcome, Warned
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.domain.trust import Trust
from napari_medclf.jobs.drive import drive
from napari_medclf.jobs.models import ModelsOptions, ModelsResult, find_model, models
from napari_medclf.store.catalogue import Catalogue
from napari_medclf.store.sidecar import SIDECAR, read_content
from napari_medclf.store.zoo import entry as entry_module
from napari_medclf.store.zoo.entry import Zoo, ZooEntry, ZooFile

CARD = ModelCard(
    name="their-cells",
    version="1",
    task=Task.SEGMENT,
    title="Their cells",
    description="Finds cells.",
    input=InputSpec(spatial_dims=2, channels=("gray",), intensity=Intensity(kind="range"), patch_vox=(8, 8)),
    output=OutputSpec(schema=LabelSchema.from_names(["cell"], first_value=1)),
    network=NetworkSpec(target="script"),
    licence="MIT",
)


class ScriptBackend:
    """Files ending in .script, whose whole content would run; the card is a person's."""

    name = "script"
    title = "script"
    reason = ""

    def unavailable_because(self) -> str:
        return self.reason

    def recognises(self, path: Path) -> bool:
        return path.suffix == ".script" and path.is_file()

    def read(self, path: Path, card: ModelCard | None = None) -> ModelPackage:
        if card is None:
            raise CardError(f"{path}: needs a card with its classes.")
        text = path.read_text()
        trust = Trust(hashlib.sha256(text.encode()).hexdigest(), tuple(text.splitlines()))
        card = card.model_copy(update={"backend": self.name})
        return ModelPackage(card, path.parent, files=(path,), trust=trust)

    def load(self, package: ModelPackage, settings: LoadSettings = LoadSettings()) -> Any:  # noqa: B008
        return package


@pytest.fixture(autouse=True)
def backend(monkeypatch: pytest.MonkeyPatch) -> ScriptBackend:
    ours = ScriptBackend()
    known = (*registry.list_backends(), ours)
    monkeypatch.setattr(registry, "list_backends", lambda: known)
    return ours


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "theirs" / "model.script"
    path.parent.mkdir()
    path.write_text("launch()\nland()\n")
    return path


@pytest.fixture
def card_file(tmp_path: Path) -> Path:
    path = tmp_path / "card.json"
    path.write_text(CARD.model_dump_json(by_alias=True))
    return path


def _run(*words: str, **options: Any) -> ModelsResult:
    outcome = _outcome(*words, **options)
    if outcome.error is not None:
        raise outcome.error
    assert outcome.result is not None
    return outcome.result


def _outcome(*words: str, **options: Any) -> Outcome[ModelsResult]:
    return drive(models(ModelsOptions(*words, **options)))


def test_foreign_model_is_installed_with_a_persons_card(script: Path, card_file: Path) -> None:
    with pytest.raises(CardError, match="needs a card"):
        _run("install", str(script))
    result = _run("install", str(script), card=card_file)
    assert result.packages[0].folder == Catalogue().models_folder / "their-cells"
    script.unlink()
    assert find_model("Their-Cells").files[0].read_text() == "launch()\nland()\n"
    assert [one.name for one in _run("list").packages if one.card.backend == "script"] == ["their-cells"]


def test_model_can_be_installed_under_another_name(script: Path, card_file: Path) -> None:
    _run("install", str(script), card=card_file, name="mine")
    assert find_model("mine").card.title == "Their cells"
    with pytest.raises(CardError, match="'no/name' is no name for a model"):
        _run("install", str(script), card=card_file, name="no/name")


def test_model_is_used_where_it_lies_without_installing(script: Path, card_file: Path) -> None:
    card_file.rename(script.parent / "model.json")
    (script.parent / SIDECAR).write_text(f'{{"schema_version": 1, "card": {CARD.model_dump_json(by_alias=True)}}}')
    assert find_model(str(script)).card.backend == "script"


def test_word_of_a_name_prefers_the_catalogue_to_the_folder_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = Catalogue().packages()[0].name
    (tmp_path / name).mkdir()
    (tmp_path / "nothing").mkdir()
    assert find_model(name).is_embedded
    with pytest.raises(CardError, match="There is no model 'nothing'"):
        find_model("nothing")


def test_person_sees_every_line_before_trusting(script: Path, card_file: Path) -> None:
    _run("install", str(script), card=card_file)
    shown = _run("show", "their-cells")
    assert shown.packages[0].trust is not None
    assert shown.packages[0].trust.what == ("launch()", "land()")
    assert shown.trusted == ()
    assert _run("trust", "their-cells").trusted == ("their-cells",)
    assert _run("list").trusted == ("their-cells",)
    assert _run("trust", "their-cells", forget=True).trusted == ()


def test_changed_code_is_shown_and_not_trusted(script: Path, card_file: Path) -> None:
    package = _run("install", str(script), card=card_file).packages[0]
    _run("trust", "their-cells")
    package.files[0].write_text("crash()\n")
    shown = _run("show", "their-cells")
    assert shown.packages[0].trust is not None
    assert (shown.packages[0].trust.what, shown.trusted) == (("crash()",), ())


def test_model_without_code_has_nothing_to_trust() -> None:
    with pytest.raises(CardError, match="runs no code of its own"):
        _run("trust", Catalogue().packages()[0].name)


def test_verify_tells_what_it_could_not_load(script: Path, card_file: Path, backend: ScriptBackend) -> None:
    package = _run("install", str(script), card=card_file).packages[0]
    events: list[Any] = []
    outcome = drive(models(ModelsOptions("verify", "their-cells")), events.append)
    assert outcome.result is not None
    assert outcome.result.problems == ()
    assert "was not loaded. their-cells would run code of its own" in next(
        one.message for one in events if isinstance(one, Warned)
    )
    package.files[0].write_text("crash()\n")
    assert "is not what was installed" in _run("verify", "their-cells").problems[0]


def test_verify_goes_on_without_the_backends_package(script: Path, card_file: Path, backend: ScriptBackend) -> None:
    _run("install", str(script), card=card_file)
    backend.reason = "Scripts need the script package."
    assert _outcome("verify", "their-cells").reason is FinishReason.COMPLETED
    with pytest.raises(BackendUnavailable):
        registry.load(find_model("their-cells"))


@pytest.mark.parametrize("given", [{"card": Path("card.json")}, {"name": "x"}, {"mirror": "x"}])
def test_options_of_install_are_refused_elsewhere(given: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="are for `medclf models install`"):
        ModelsOptions("show", "x", **given)
    with pytest.raises(OptionError, match="--online is for"):
        ModelsOptions("show", "x", online=True)
    with pytest.raises(OptionError, match="--forget is for"):
        ModelsOptions("show", "x", forget=True)


def _zip(path: Path, **files: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"deep/down/{name}", text)
    return path


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ZooEntry:
    """An online list of one model, and a mirror folder that holds it."""
    path = _zip(tmp_path / "mirror-content.zip", **{"model.script": "launch()\n", SIDECAR: _sidecar_text()})
    content = path.read_bytes()
    (tmp_path / "mirror").mkdir()
    path.rename(tmp_path / "mirror" / "offered_v1.zip")
    file = ZooFile(
        url="https://example.org/offered_v1.zip", path="offered_v1.zip", sha1=hashlib.sha1(content).hexdigest()
    )
    words = {"title": "Offered", "licence": "MIT", "family": "x", "page": "https://example.org"}
    one = ZooEntry(
        name="offered", version="1", task="segment", modality=("CT",), backend="script", files=(file,), **words
    )
    drawing = one.model_copy(update={"name": "drawing", "task": "generate", "runs": "no"})
    wordless = one.model_copy(update={"name": "wordless", "runs": "with a card"})
    zoo = Zoo(schema_version=1, date="2026-11-21", sources=("tests",), models=(one, drawing, wordless))
    monkeypatch.setattr(entry_module, "read_zoo", lambda: zoo)
    return one


def _sidecar_text() -> str:
    return f'{{"schema_version": 1, "files": ["model.script"], "card": {CARD.model_dump_json(by_alias=True)}}}'


def test_zip_file_is_installed_and_may_hold_the_model_a_few_folders_down(tmp_path: Path) -> None:
    path = _zip(tmp_path / "theirs.zip", **{"model.script": "launch()\n", SIDECAR: _sidecar_text()})
    assert _run("install", str(path)).packages[0].name == "their-cells"
    assert find_model("their-cells").files[0].read_text() == "launch()\n"
    assert not list((Catalogue().user_folder / "downloads").iterdir())


def test_zip_file_without_a_model_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CardError, match=r"notes\.zip: holds no model that this program knows"):
        _run("install", str(_zip(tmp_path / "notes.zip", text="mine")))


def test_model_of_the_online_list_is_installed_by_its_name(offered: ZooEntry, tmp_path: Path) -> None:
    package = _run("install", "Offered", mirror=str(tmp_path / "mirror")).packages[0]
    assert (package.name, package.card.backend) == ("offered", "script")
    content = read_content(package.folder)
    assert content is not None
    assert content.source == "https://example.org/offered_v1.zip"
    assert [one.name for one in _run("list", online=True).online] == ["offered", "drawing", "wordless"]


def test_mirror_of_the_environment_is_used(offered: ZooEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDCLF_MODELS_MIRROR", str(tmp_path / "mirror"))
    assert _run("install", "offered").packages[0].name == "offered"


def test_zip_file_with_the_name_of_a_listed_one_must_be_that_one(offered: ZooEntry, tmp_path: Path) -> None:
    path = tmp_path / "mirror" / "offered_v1.zip"
    assert _run("install", str(path)).packages[0].name == "offered"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("more", "more")
    with pytest.raises(CardError, match="is not what its author published"):
        _run("install", str(path))


def test_what_cannot_be_run_here_is_refused_before_the_download(offered: ZooEntry, backend: ScriptBackend) -> None:
    with pytest.raises(CardError, match="cannot run it; its task is generate"):
        _run("install", "drawing")
    with pytest.raises(CardError, match="write a card and name it with --card"):
        _run("install", "wordless")
    backend.reason = "Scripts need the script package."
    with pytest.raises(BackendUnavailable, match="script package"):
        _run("install", "offered")


def test_misspelt_name_is_answered_with_the_nearest(offered: ZooEntry) -> None:
    with pytest.raises(CardError, match=r"offerd: is no file or folder, .* Did you mean 'offered'"):
        _run("install", "offerd")


def test_real_weights_are_installed_by_their_name_from_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = Path(__file__).parents[3] / "shared" / "weights" / "brainchop" / "model5_gw_ae"
    if not weights.is_dir():
        pytest.skip("the folder of real weights, ../shared/weights beside the repository, is not here")
    monkeypatch.undo()
    monkeypatch.setenv("MEDCLF_HOME", str(tmp_path / "home"))
    (tmp_path / "brainchop_model5_gw_ae").symlink_to(weights)
    package = _run("install", "brainchop_model5_gw_ae", mirror=str(tmp_path)).packages[0]
    assert (package.card.backend, package.card.licence, package.trust) == ("meshnet", "MIT", None)
    assert package.card.title == "Gray and white matter in T1 MRI"
    assert _run("verify", "brainchop_model5_gw_ae").problems == ()


def test_list_tells_which_extensions_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    sentence = "The backend 'theirs' of an extension cannot be loaded: No module named 'theirs'."
    monkeypatch.setattr(registry, "list_broken", lambda: (sentence,))
    assert _run("list").problems == (sentence,)


def test_name_longer_than_a_file_system_takes_is_no_model() -> None:
    with pytest.raises(CardError, match="There is no model 'aaa") as refusal:
        find_model("a" * 5000)
    assert len(str(refusal.value)) < 400
