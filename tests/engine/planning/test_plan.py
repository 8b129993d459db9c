"""The plan is the first cut of a run that fits, and says so in one line."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.run_settings import RunSettings
from napari_medclf.engine.planning.plan import Budget, Need, Plan, PlanError, choose_plan, in_gb, window_of
from napari_medclf.engine.planning.smaller import smaller_window
from napari_medclf.engine.sliding.window import Window

_MB = 10**6
_WINDOW = Window((64, 96, 64), divisible_by=32, batch=4)
# 100 MB stay, 400 MB of sums, 1 byte a voxel of a window and 1000 of them: 393 MB.
_NEED = Need(
    prepare=50 * _MB,
    hold=100 * _MB,
    finish=80 * _MB,
    sums=lambda window: 400 * _MB,
    window=lambda window: 1000 * math.prod(window.tile),
    preview=lambda window: 200 * _MB,
)


def _card(target: str = "monai.networks.nets.BasicUNet", backend: str = "native") -> ModelCard:
    return ModelCard(
        name="organs",
        version="1",
        task=Task.SEGMENT,
        title="",
        description="",
        licence="CC0-1.0",
        input=InputSpec(
            spatial_dims=3, channels=("CT",), intensity=Intensity(kind="none"), patch_vox=(64, 96, 64), divisible_by=32
        ),
        output=OutputSpec(schema=LabelSchema.from_names(["liver"], first_value=1), mirror_axes=(0,)),
        network=NetworkSpec(target=target),
        backend=backend,
    )


def _plan(budget_mb: float, disk_mb: float = 0, device_mb: float | None = None, window: Window = _WINDOW) -> Plan:
    device = None if device_mb is None else round(device_mb * _MB)
    return choose_plan(_NEED, window, _card(), Budget(round(budget_mb * _MB), device, round(disk_mb * _MB)))


def test_plenty_of_memory_runs_as_wanted() -> None:
    plan = _plan(5000)
    assert (plan.window, plan.is_on_disk, plan.is_half, plan.warning) == (_WINDOW, False, False, "")
    assert plan.peak_bytes == (100 + 200 + 400) * _MB + 4 * 1000 * 64 * 96 * 64
    assert plan.sentence == "needs 2.3 GB of 5.0 GB free: windows of 64x96x64, 4 at once, sums in memory"


def test_first_the_kept_preview_goes_then_the_batch() -> None:
    assert _plan(2200).window.batch == 4
    assert not _plan(2200).has_room_for_preview
    assert _plan(1400).window.batch == 2
    assert _plan(900).window.batch == 1


def test_then_sums_go_to_the_disk_if_it_has_room() -> None:
    plan = _plan(600, disk_mb=500)
    assert plan.is_on_disk
    assert plan.peak_bytes == 100 * _MB + 1000 * 64 * 96 * 64
    assert "sums on disk" in plan.sentence
    assert not _plan(750, disk_mb=10).is_on_disk


def test_then_sums_are_halved_and_that_is_said() -> None:
    plan = _plan(750)
    assert plan.is_half
    assert "sums in memory in half precision" in plan.sentence
    assert "half precision" in plan.warning


def test_then_windows_get_smaller_and_that_is_said() -> None:
    plan = _plan(320, disk_mb=500)
    assert plan.window.tile == (64, 32, 64)
    assert "labels may differ a little" in plan.warning


def test_what_cannot_fit_is_refused_in_one_sentence() -> None:
    with pytest.raises(PlanError, match=r"organs needs at least 0\.\d+ GB for this image, and 0\.10 GB may be taken"):
        _plan(100)


def test_preparing_may_take_the_most() -> None:
    need = replace(_NEED, prepare=3000 * _MB)
    assert choose_plan(need, _WINDOW, _card(), Budget(5000 * _MB)).peak_bytes == 3000 * _MB
    with pytest.raises(PlanError):
        choose_plan(need, _WINDOW, _card(), Budget(2000 * _MB))


def test_windows_on_a_gpu_take_its_memory() -> None:
    plan = _plan(900, device_mb=900)
    assert plan.window.batch == 2
    assert plan.peak_bytes <= 900 * _MB


def test_nnunets_sums_are_half_already() -> None:
    window = replace(_WINDOW, tiling="nnunet")
    assert _NEED.kept_sums(Plan(window)) == 200 * _MB
    assert not _plan(5000, window=window).is_half


@pytest.mark.parametrize(
    ("target", "backend"),
    [("monai.networks.nets.ViT", "native"), ("monai.networks.nets.UNETR", "native"), ("", "onnx")],
)
def test_windows_of_networks_of_fixed_size_stay(target: str, backend: str) -> None:
    assert smaller_window(_WINDOW, _card(target, backend)) is None


def test_smaller_windows_stay_divisible_and_end() -> None:
    sizes, window = [], Window((48, 160), divisible_by=16)
    while window is not None:
        sizes.append(window.tile[1:])
        window = smaller_window(window, _card())
    assert sizes == [(48, 160), (48, 80), (48, 32)]


def test_persons_settings_stand_before_the_card() -> None:
    card = _card()
    assert window_of(card, RunSettings()) == Window((64, 96, 64), 0.25, 32, 0, (0,))
    changed = window_of(card, RunSettings(overlap=0.5, mirror=True, batch=3))
    assert (changed.overlap, changed.mirror_axes, changed.batch) == (0.5, (0, 1, 2), 3)


def test_bytes_are_said_in_gigabytes() -> None:
    assert [in_gb(n) for n in (8_240_000_000, 56_000_000, 3)] == ["8.2 GB", "0.06 GB", "0.01 GB"]
