"""The demo: on real images that lie inside the dependencies."""

import os

import pytest

from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import CaseFailed, Progress, Warned
from napari_medclf.jobs import demo as demo_module
from napari_medclf.jobs import window_process
from napari_medclf.jobs.api import run
from napari_medclf.jobs.demo import SCENES, DemoOptions, Scene, demo
from napari_medclf.jobs.drive import drive
from napari_medclf.store.catalogue import Catalogue


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_every_image_of_the_demo_is_here_without_a_network(scene):
    image = scene.load()

    assert image.data.size > 1000


def test_pictures_are_made_and_named(vessel_model, tmp_path, monkeypatch):
    Catalogue().register(vessel_model.folder)
    ct = next(scene for scene in SCENES if scene.name == "ct")
    retina = next(scene for scene in SCENES if scene.name == "retina")
    small = Scene("eye", "An eye", lambda: retina.load(), "vessels-small")
    monkeypatch.setattr(demo_module, "SCENES", (ct, small))

    result = run(demo(DemoOptions(out=tmp_path / "demo", window=False)))

    assert [path.name for path in result.pictures] == ["ct.png", "eye.png"]
    assert all(path.stat().st_size > 10_000 for path in result.pictures)
    assert result.rows[1]["sizes"]["vessel"] >= 0


def test_a_missing_model_costs_one_picture(tmp_path, monkeypatch):
    ct = next(scene for scene in SCENES if scene.name == "ct")
    monkeypatch.setattr(demo_module, "SCENES", (Scene("x", "X", ct.load, "no-such-model"), ct))

    outcome = drive(demo(DemoOptions(out=tmp_path, window=False)))

    assert [one.case_id for one in outcome.failures] == ["x"]
    assert [path.name for path in outcome.result.pictures] == ["ct.png"]


def test_no_picture_at_all_is_a_failure(tmp_path, monkeypatch):
    ct = next(scene for scene in SCENES if scene.name == "ct")
    monkeypatch.setattr(demo_module, "SCENES", (Scene("x", "X", ct.load, "no-such-model"),))

    with pytest.raises(MedclfError, match="Not one picture"):
        run(demo(DemoOptions(out=tmp_path, window=False)))


def test_without_any_display_the_window_is_left_out(tmp_path, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(window_process.sys, "platform", "linux")
    monkeypatch.setattr(window_process.shutil, "which", lambda name: None)
    monkeypatch.setattr(window_process, "find_spec", lambda name: object())
    ct = next(scene for scene in SCENES if scene.name == "ct")
    monkeypatch.setattr(demo_module, "SCENES", (ct,))
    told = []

    outcome = drive(demo(DemoOptions(out=tmp_path)), told.append)

    assert outcome.result.screenshots == ()
    assert any(isinstance(event, Warned) and "no Xvfb" in event.message for event in told)
    assert not any(isinstance(event, CaseFailed) for event in told)


@pytest.mark.parametrize(
    ("environment", "is_there"),
    [
        ({}, False),
        ({"DISPLAY": ":987654"}, False),
        ({"DISPLAY": "desk.example:10.0"}, True),
        ({"WAYLAND_DISPLAY": "wayland-0", "XDG_RUNTIME_DIR": "/nowhere"}, False),
    ],
)
def test_a_display_must_be_there_and_not_only_be_named(environment, is_there):
    assert window_process.has_display(environment) is is_there


def test_a_window_that_fails_costs_no_pictures(tmp_path, monkeypatch):
    def failing(out):
        yield Progress(0, 0)
        raise MedclfError("The window ended with code 1.")

    monkeypatch.setattr(window_process, "show_window", failing)
    monkeypatch.setattr(demo_module, "SCENES", tuple(scene for scene in SCENES if scene.name == "ct"))

    outcome = drive(demo(DemoOptions(out=tmp_path)))

    assert [one.case_id for one in outcome.failures] == ["window"]
    assert [path.name for path in outcome.result.pictures] == ["ct.png"]


@pytest.mark.skipif(window_process.shutil.which("Xvfb") is None, reason="Xvfb is not installed")
def test_virtual_display_lives_as_long_as_it_is_needed(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)

    with window_process._display() as (environment, is_virtual):
        number = environment["DISPLAY"].removeprefix(":")
        assert is_virtual
        assert os.path.exists(f"/tmp/.X11-unix/X{number}")
    assert not os.path.exists(f"/tmp/.X11-unix/X{number}")
