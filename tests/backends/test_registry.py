"""A model of any kind finds its backend, and code of its own needs a person's word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_medclf.backends import registry
from napari_medclf.domain.errors import BackendUnavailable, CardError
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.domain.trust import Trust
from napari_medclf.store.catalogue import Catalogue
from napari_medclf.store.trust import forget_trust, is_trusted, remember_trust

_TRUST = Trust("ab" * 32, ("$import os", "$os.listdir('.')"))


@pytest.fixture
def nuclei() -> ModelPackage:
    return Catalogue().find("nuclei")


def test_every_backend_has_a_name_of_its_own():
    names = [one.name for one in registry.list_backends()]

    assert len(set(names)) == len(names)
    assert "native" in names
    assert registry.list_broken() == ()


def test_package_of_ours_is_opened_by_its_folder(nuclei):
    opened = registry.open_model(nuclei.folder)

    assert opened.card == nuclei.card


def test_what_no_backend_knows_is_refused_with_what_is_known(tmp_path):
    (tmp_path / "letter.txt").write_text("Dear colleague,\n")

    with pytest.raises(CardError, match=r"letter\.txt: is no model that this program knows\. Known are: .*package"):
        registry.open_model(tmp_path / "letter.txt")
    with pytest.raises(CardError, match=r"missing: does not exist\."):
        registry.open_model(tmp_path / "missing")


def test_unknown_backend_names_the_nearest(nuclei):
    stranger = replace(nuclei, card=nuclei.card.model_copy(update={"backend": "nativ"}))

    with pytest.raises(CardError, match="There is no backend 'nativ'. Did you mean 'native'"):
        registry.load(stranger)


def test_backend_that_lacks_a_package_says_so_before_loading(nuclei, monkeypatch):
    class Lacking:
        name, title = "native", "a backend"

        def unavailable_because(self) -> str:
            return "It needs the package sesame. Install it with `pip install sesame`."

    monkeypatch.setattr(registry, "list_backends", lambda: (Lacking(),))
    with pytest.raises(BackendUnavailable, match="needs the package sesame"):
        registry.load(nuclei)


def test_code_runs_only_after_a_persons_word_about_this_very_code(nuclei):
    model = replace(nuclei, trust=_TRUST)

    with pytest.raises(CardError, match=r"would run code of its own: \$import os; .*medclf models trust nuclei"):
        registry.load(model, LoadSettings("cpu"))

    remember_trust(_TRUST, model.name)
    assert registry.load(model, LoadSettings("cpu")).package is model
    with pytest.raises(CardError, match="would run code"):
        registry.load(replace(model, trust=Trust("cd" * 32, _TRUST.what)))

    forget_trust(_TRUST)
    assert not is_trusted(_TRUST)


def test_broken_book_of_trust_trusts_nobody(tmp_path):
    remember_trust(_TRUST, "some-model", tmp_path)
    assert is_trusted(_TRUST, tmp_path)

    for content in (b"", b"[]", b'{"trusted": 3}', b'{"trusted": {"'):
        (tmp_path / "trusted.json").write_bytes(content)
        assert not is_trusted(_TRUST, tmp_path)


def test_extension_that_cannot_be_imported_is_told_and_left_out(monkeypatch):
    from importlib.metadata import EntryPoint

    points = [EntryPoint("broken", "no_such_module:Backend", "napari_medclf.backends")]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    registry._load_all.cache_clear()
    registry.list_backends.cache_clear()
    try:
        assert registry.list_backends() == ()
        assert registry.list_broken() == (
            "The backend 'broken' of an extension cannot be loaded: No module named 'no_such_module'.",
        )
    finally:
        registry._load_all.cache_clear()
        registry.list_backends.cache_clear()


def test_listing_backends_loads_nothing_heavy():
    import subprocess
    import sys

    code = (
        "import sys; from napari_medclf.backends.registry import list_backends, open_model; list_backends();"
        "print([m for m in ('torch', 'monai', 'onnx', 'onnxruntime', 'openvino') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert done.stdout.strip() == "[]", done.stderr
