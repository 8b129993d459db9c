"""How a run is cut so that it fits into the memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.run_settings import RunSettings
from napari_medclf.engine.planning.smaller import smaller_window
from napari_medclf.engine.sliding.window import Window

_GB = 1e9


class PlanError(MedclfError):
    """A run that cannot fit into the memory, however it is cut."""


@dataclass(frozen=True)
class Budget:
    """What a run may take, in bytes.

    Parameters
    ----------
    memory_bytes : int
        Main memory.
    device_bytes : int or None
        A GPU's memory; None where the network runs on the CPU.
    disk_bytes : int
        Room for temporary files.
    """

    memory_bytes: int
    device_bytes: int | None = None
    disk_bytes: int = 0


@dataclass(frozen=True)
class Need:
    """What a run takes, in bytes.

    Parameters
    ----------
    prepare : int
        While the image is read and brought to the model grid: the model grid's samples, and a slab of the image.
    hold : int
        While windows run: the model grid's samples, labels at home, what sinks need.
    finish : int
        After the last window, besides `hold`.
    sums : callable
        Window to what the sums of overlapping windows take in single precision.
    window : callable
        Window to what one of them takes in the network, its answer included.
    preview : callable
        Window to what is kept of the windows that ran first.
    """

    prepare: int
    hold: int
    finish: int
    sums: Callable[[Window], int]
    window: Callable[[Window], int]
    preview: Callable[[Window], int] = lambda window: 0

    def peak(self, plan: Plan) -> int:
        """The most that is taken at once in main memory."""
        windows = 0 if plan.is_on_device else self.window(plan.window) * plan.window.batch
        preview = self.preview(plan.window) if plan.has_room_for_preview else 0
        sums = 0 if plan.is_on_disk else self.kept_sums(plan)
        return max(self.prepare, self.hold + preview + max(sums + windows, self.finish))

    def kept_sums(self, plan: Plan) -> int:
        """What the sums take, wherever they are kept."""
        is_half = plan.is_half or plan.window.tiling == "nnunet"
        return self.sums(plan.window) // (2 if is_half else 1)


@dataclass(frozen=True)
class Plan:
    """How a run is cut.

    Parameters
    ----------
    window : Window
        With the number of windows at once.
    is_on_disk, is_half : bool
        Where and how exactly sums are kept; see `sliding.sums.Store`.
    is_on_device : bool
        Whether windows take a GPU's memory.
    has_room_for_preview : bool
        Whether the windows of the slice that a person looks at are kept, or asked twice.
    peak_bytes, free_bytes : int
        What will be taken of what may be taken.
    is_smaller : bool
        Whether windows are smaller than the card's.
    """

    window: Window
    is_on_disk: bool = False
    is_half: bool = False
    is_on_device: bool = False
    has_room_for_preview: bool = True
    peak_bytes: int = 0
    free_bytes: int = 0
    is_smaller: bool = False

    @property
    def sentence(self) -> str:
        """The plan in one line, for people."""
        size = "x".join(map(str, self.window.tile[3 - self.window.spatial_dims :]))
        kept = "on disk" if self.is_on_disk else "in memory"
        exact = " in half precision" if self.is_half else ""
        return (
            f"needs {in_gb(self.peak_bytes)} of {in_gb(self.free_bytes)} free: windows of {size}, "
            f"{self.window.batch} at once, sums {kept}{exact}"
        )

    @property
    def warning(self) -> str:
        """What changes the answer a little, as a sentence; empty where nothing does."""
        if self.is_smaller:
            return "Memory is short: windows are smaller than the model's own, so that labels may differ a little."
        if self.is_half:
            return "Memory is short: sums are kept in half precision, so that labels at a boundary may differ."
        return ""


def window_of(card: ModelCard, settings: RunSettings) -> Window:
    """How an image is cut: as the card says, unless a person said otherwise."""
    spec = card.input
    mirror_axes = card.output.mirror_axes
    if settings.mirror is not None:
        mirror_axes = tuple(range(spec.spatial_dims)) if settings.mirror else ()
    overlap = spec.overlap if settings.overlap is None else settings.overlap
    return Window(spec.patch_vox, overlap, spec.divisible_by, settings.batch, mirror_axes, spec.blending, spec.tiling)


def choose_plan(need: Need, window: Window, card: ModelCard, budget: Budget) -> Plan:
    """Choose the first cut that fits: fewer windows at once, sums on disk, half precision, then smaller windows.

    Parameters
    ----------
    window : Window
        Its batch is what is wanted.

    Raises
    ------
    PlanError
        If none fits, with what is needed and what there is.
    """
    smallest = math.inf
    for plan in _list_plans(window, card, budget):
        peak = need.peak(plan)
        if peak <= budget.memory_bytes and _fits_elsewhere(need, plan, budget):
            return replace(plan, peak_bytes=peak, free_bytes=budget.memory_bytes)
        smallest = min(smallest, peak)
    raise PlanError(
        f"{card.name} needs at least {in_gb(smallest)} for this image, and {in_gb(budget.memory_bytes)} may be taken. "
        "Close other programs, crop the image, or choose a model of a coarser grid."
    )


def in_gb(n_bytes: float) -> str:
    """Say a number of bytes.

    >>> in_gb(1_234_000_000), in_gb(456_000_000)
    ('1.2 GB', '0.46 GB')
    """
    return f"{n_bytes / _GB:.1f} GB" if n_bytes >= _GB else f"{max(n_bytes / _GB, 0.01):.2f} GB"


def _list_plans(window: Window, card: ModelCard, budget: Budget) -> Iterator[Plan]:
    """List ways to cut a run, the best first."""
    current: Window | None = window
    while current is not None:
        is_smaller = current.tile != window.tile
        plan = Plan(current, is_on_device=budget.device_bytes is not None, is_smaller=is_smaller)
        yield plan
        plan = replace(plan, has_room_for_preview=False)
        batch = current.batch
        while batch >= 1:
            yield replace(plan, window=replace(current, batch=batch))
            batch //= 2
        one = replace(plan, window=replace(current, batch=1))
        yield replace(one, is_on_disk=True)
        if current.tiling == "monai":
            yield replace(one, is_half=True)
        current = smaller_window(current, card)


def _fits_elsewhere(need: Need, plan: Plan, budget: Budget) -> bool:
    if plan.is_on_disk and need.kept_sums(plan) > budget.disk_bytes:
        return False
    return budget.device_bytes is None or need.window(plan.window) * plan.window.batch <= budget.device_bytes
