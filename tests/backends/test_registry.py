"""Models of any kind are opened by their content, and none of their code runs without a person's word."""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from napari_medclf.backends import registry
from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.domain.trust import Trust
from napari_medclf.store.sidecar import write_sidecar
from napari_medclf.store.trust import NotTrusted, forget_trust, remember_trust

CARD = ModelCard(
    name="script",
    version="1",
    task=Task.SEGMENT,
    title="A script",
    description="Runs code.",
    input=InputSpec(spatial_dims=2, channels=("gray",), intensity=Intensity(kind="range"), patch_vox=(8, 8)),
    output=OutputSpec(schema=LabelSchema.from_names(["cell"], first_value=1)),
    network=NetworkSpec(target="script"),
    licence="MIT",
    backend="script",
)


@dataclass
class ScriptBackend:
    """Files ending in .script, whose whole content would run."""

    name: str = "script"
    title: str = "script"
    loaded: list[ModelPackage] = field(default_factory=list)

    def unavailable_because(self) -> str:
        return ""

    def recognises(self, path: Path) -> bool:
        return path.suffix == ".script"

    def read(self, path: Path, card: ModelCard | None = None) -> ModelPackage:
        if card is None:
            raise CardError(f"{path}: needs a card.")
        text = path.read_text()
        trust = Trust(hashlib.sha256(text.encode()).hexdigest(), tuple(text.splitlines())) if text else None
        return ModelPackage(card, path.parent, files=(path,), trust=trust)

    def load(self, package: ModelPackage, settings: LoadSettings = LoadSettings()) -> Any:  # noqa: B008
        self.loaded.append(package)
        return package


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> ScriptBackend:
    ours = ScriptBackend()
    monkeypatch.setattr(registry, "list_backends", lambda: (ours,))
    return ours


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "model.script"
    path.write_text("launch()\n")
    return path


def test_card_beside_the_file_is_found(backend: ScriptBackend, script: Path) -> None:
    with pytest.raises(CardError, match="needs a card"):
        registry.open_model(script)
    write_sidecar(ModelPackage(CARD, script.parent, files=(script,)), script.parent)
    assert registry.open_model(script).card == CARD
    assert registry.open_model(script.parent).files == (script,)


def test_code_runs_only_after_a_persons_word(backend: ScriptBackend, script: Path) -> None:
    package = registry.open_model(script, CARD)
    assert package.trust is not None
    with pytest.raises(NotTrusted, match=r"script would run code of its own: launch\(\)"):
        registry.load(package)
    assert backend.loaded == []
    remember_trust(package.trust, "script")
    registry.load(package)
    assert len(backend.loaded) == 1
    forget_trust(package.trust)
    with pytest.raises(NotTrusted):
        registry.load(package)


def test_sidecar_that_denies_code_is_not_believed(backend: ScriptBackend, script: Path) -> None:
    liar = ModelPackage(CARD, script.parent, files=(script,), trust=None)
    write_sidecar(liar, script.parent)
    with pytest.raises(NotTrusted, match="launch"):
        registry.load(liar)
    with pytest.raises(NotTrusted, match="launch"):
        registry.load(registry.open_model(script.parent))


def test_word_holds_for_that_content_and_no_other(backend: ScriptBackend, script: Path) -> None:
    package = registry.open_model(script, CARD)
    assert package.trust is not None
    remember_trust(package.trust, "script")
    script.write_text("launch(all)\n")
    with pytest.raises(NotTrusted, match="all"):
        registry.load(package)


def test_word_for_one_of_two_files_is_not_enough(backend: ScriptBackend, script: Path) -> None:
    other = script.with_name("other.script")
    other.write_text("erase()\n")
    first = registry.open_model(script, CARD)
    assert first.trust is not None
    remember_trust(first.trust, "script")
    with pytest.raises(NotTrusted, match=r"launch\(\); erase\(\)"):
        registry.load(replace(first, files=(script, other)))


def test_folder_of_bare_weights_says_how_to_give_a_card(backend: ScriptBackend, script: Path) -> None:
    with pytest.raises(CardError, match=r"holds weights \(model\.script\).*models install .*model\.script --card"):
        registry.open_model(script.parent)


def test_card_of_another_kind_than_the_files_is_said(backend: ScriptBackend, script: Path) -> None:
    write_sidecar(ModelPackage(CARD, script.parent), script.parent)
    script.rename(script.with_suffix(".text"))
    with pytest.raises(CardError, match="its card says that it is of the kind 'script', and its content is not"):
        registry.open_model(script.parent)


def test_folder_of_models_names_them(backend: ScriptBackend, script: Path) -> None:
    (script.parent / "first").mkdir()
    script.rename(script.parent / "first" / "model.script")
    with pytest.raises(CardError, match="its folders first may be"):
        registry.open_model(script.parent)


def test_card_is_that_which_the_backend_makes_of_the_files_now(backend: ScriptBackend, script: Path) -> None:
    script.write_text("")
    package = registry.open_model(script, CARD)
    mended = CARD.model_copy(update={"title": "As the files say"})
    backend.read = lambda path, card=None: replace(package, card=mended)  # type: ignore[method-assign]
    registry.load(package)
    assert backend.loaded[0].card == mended


def test_refusal_is_short_however_much_would_run(backend: ScriptBackend, script: Path) -> None:
    script.write_text("".join(f"step_{n}({', '.join(map(str, range(200)))})\n" for n in range(500)))
    with pytest.raises(NotTrusted, match=r"step_0\(0, 1, .*\.\.\.; and 497 more") as refusal:
        registry.load(registry.open_model(script, CARD))
    assert len(str(refusal.value)) < 450


def test_files_that_became_something_else_are_refused(backend: ScriptBackend, script: Path) -> None:
    package = registry.open_model(script, CARD)
    script.unlink()
    with pytest.raises(CardError, match="is no script any more"):
        registry.load(replace(package, files=()))


def test_refusal_crosses_from_a_worker_process(backend: ScriptBackend, script: Path) -> None:
    with pytest.raises(NotTrusted) as caught:
        registry.load(registry.open_model(script, CARD))
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.package) == (str(caught.value), caught.value.package)
