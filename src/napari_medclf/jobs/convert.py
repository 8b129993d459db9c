"""Write any readable image, or one label image, in another format, with its place in the patient kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.events import Job, Progress, Warned
from napari_medclf.domain.options import check_options, option


@dataclass(frozen=True)
class ConvertOptions:
    """What to convert to what."""

    source: Path = option(help="image file, or folder of one series", positional=True)
    target: Path = option(help="file to write; its suffix says the format: .nii .nii.gz .png .tif", positional=True)
    member: str = option("", help="which image of several, as `medclf read` names them")
    overwrite: bool = option(False, help="replace the target if it is there")

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class Converted:
    """What was written."""

    source: Path
    target: Path
    shape: tuple[int, ...]
    warnings: tuple[str, ...]


def convert(options: ConvertOptions) -> Job[Converted]:
    """Read one image and write it; the file is re-opened and compared before it counts as written.

    Raises
    ------
    OptionError
        If the target is there already and may not be replaced.
    """
    from napari_medclf.io.read import read_image
    from napari_medclf.io.write import write_image

    if options.target.exists() and not options.overwrite:
        raise OptionError(f"{options.target} is there already. Choose another name, or give --overwrite.")
    yield Progress(0, 2, f"reading {options.source.name}")
    image = read_image(options.source, options.member)
    for warning in image.warnings:
        yield Warned(warning)
    yield Progress(1, 2, f"writing {options.target.name}")
    write_image(image, options.target)
    return Converted(options.source, options.target, image.data.shape, image.warnings)
