"""Take images through steps that a person chose, and write what is left where it lay."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.events import Job, Progress, Warned
from napari_medclf.domain.options import check_options, option
from napari_medclf.domain.preprocess_step import PreprocessStep
from napari_medclf.domain.step_kinds import STEP_KINDS

if TYPE_CHECKING:
    from napari_medclf.domain.image import MedImage


@dataclass(frozen=True)
class PreprocessOptions:
    """Which image, through which steps, to where."""

    source: Path = option(help="file, folder of one series, or folder#member to choose one of several", positional=True)
    out: Path = option(help="file to write; its suffix says the format: .nii .nii.gz .nrrd .mha .png .tif")
    step: tuple[str, ...] = option(
        (), help=f"steps in their order, such as median:radius_vox=2,clahe; known: {', '.join(STEP_KINDS)}"
    )
    slices_apart: bool = option(False, help="treat the slices of a volume apart, as a 2D network sees them")
    overwrite: bool = option(False, help="replace the file if it is there")

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class Preprocessed:
    """What was written, and what was done.

    Parameters
    ----------
    steps : tuple of str
        With all their numbers, as `PreprocessStep.parse` reads them.
    shape, spacing : (k, j, i)
        Of the written image.
    """

    source: Path
    out: Path
    steps: tuple[str, ...]
    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    seconds: float


def preprocess_file(options: PreprocessOptions) -> Job[Preprocessed]:
    """Read an image, take it through steps, and write it; the file is re-opened and compared before it counts.

    Raises
    ------
    OptionError
        If a step is not known, there is none, or the file is there already.
    ReadError, CardError, WriteError
        If the image cannot be read, does not fit a step, or cannot be written in that format.
    """
    import time

    from napari_medclf.engine.preprocess.run import preprocess, with_stored_dtype
    from napari_medclf.io.write import write_image

    steps = [PreprocessStep.parse(text) for text in options.step]
    if not steps:
        raise OptionError(f"Give at least one --step; known: {', '.join(STEP_KINDS)}.")
    if options.out.exists() and not options.overwrite:
        raise OptionError(f"{options.out} is there already. Choose another name, or give --overwrite.")
    yield Progress(0, len(steps) + 2, f"reading {options.source.name}")
    image = _read(options.source)
    for warning in image.warnings:
        yield Warned(warning)
    started = time.perf_counter()
    done = yield from preprocess(image, steps, is_slicewise=options.slices_apart)
    seconds = time.perf_counter() - started
    yield Progress(len(steps) + 1, len(steps) + 2, f"writing {options.out.name}")
    write_image(with_stored_dtype(done, image, steps), options.out)
    texts = tuple(step.text for step in steps)
    return Preprocessed(options.source, options.out, texts, done.geometry.shape, done.geometry.spacing, seconds)


def _read(source: Path) -> MedImage:
    from napari_medclf.io.read import read_image
    from napari_medclf.jobs.runs.sources import split_member

    ref = split_member(source)
    return read_image(ref.path, ref.member)
