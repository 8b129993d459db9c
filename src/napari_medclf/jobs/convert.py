"""Write anything readable in another format: images, labels, contours and reports, each with its place kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.errors import GridError, OptionError
from napari_medclf.domain.events import Job, Progress, Warned
from napari_medclf.domain.options import check_options, option
from napari_medclf.jobs.outputs.formats import LABEL_FILES

if TYPE_CHECKING:
    from napari_medclf.domain.authorship import Authorship
    from napari_medclf.domain.derived import LabelSet, MeasurementReport
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.results import Segmentation

_DICOM_FORMS = ("dicom-seg", "dicom-labelmap", "rtstruct")
_MADE = ("", "automatic", "semiautomatic", "manual")


@dataclass(frozen=True)
class ConvertOptions:
    """What to convert to what."""

    source: Path = option(help="file, folder of one series, or folder#member to choose one of several", positional=True)
    target: Path = option(
        help="file to write; its suffix says the format: .nii .nii.gz .nrrd .mha .png .tif; .dcm for labels; .csv for "
        "reports",
        positional=True,
    )
    member: str = option("", help="which image of several, as `medclf read` names them")
    like: Path | None = option(
        None, help="the image that labels were made for: they are written on its grid and refer to its slices"
    )
    form: str = option("dicom-seg", help="what a .dcm of labels is", choices=_DICOM_FORMS)
    made: str = option("", help="how labels for a .dcm were made, which the file has to say", choices=_MADE)
    algorithm: str = option("", help="name of the program or model that made them, unless by hand")
    names: tuple[str, ...] = option((), help="class names of the label values 1, 2 ... of a plain label image")
    overwrite: bool = option(False, help="replace the target if it is there")

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class Converted:
    """What was written; several targets where labels overlap."""

    source: Path
    targets: tuple[Path, ...]
    shape: tuple[int, ...]
    warnings: tuple[str, ...]


def convert(options: ConvertOptions) -> Job[Converted]:
    """Read one thing and write it; the file is re-opened and compared before it counts as written.

    Raises
    ------
    OptionError
        If the target is there already and may not be replaced, or cannot hold what was read.
    GridError
        If labels do not lie on the grid of the image they are said to be made for.
    """
    from napari_medclf.domain.derived import LabelSet, MeasurementReport

    _check_free(options.target, options)
    yield Progress(0, 2, f"reading {options.source.name}")
    if _takes_plain_labels(options):
        image = _read_like(options)
        written = _write_layers((_plain_labels(options, image),), image, options)
        yield Progress(1, 2, f"writing {options.target.name}")
        return Converted(options.source, written, image.geometry.shape, image.warnings)
    item = _read(options)
    for warning in item.warnings:
        yield Warned(warning)
    yield Progress(1, 2, f"writing {options.target.name}")
    if isinstance(item, LabelSet):
        return _convert_labels(item, options)
    if isinstance(item, MeasurementReport):
        return _convert_report(item, options)
    return _convert_image(item, options)


def _read(options: ConvertOptions) -> MedImage | LabelSet | MeasurementReport:
    from napari_medclf.domain.dataset import FileRef
    from napari_medclf.io.read import read_entry
    from napari_medclf.jobs.runs.sources import split_member

    ref = FileRef(options.source, options.member) if options.member else split_member(options.source)
    return read_entry(ref, () if options.like is None else (options.like,))


def _takes_plain_labels(options: ConvertOptions) -> bool:
    """Whether the source is a label image of a format that does not say so itself."""
    from napari_medclf.io.sniff import Kind, kind_by_name

    is_said = bool(options.names) or options.like is not None
    return is_said and not options.source.is_dir() and kind_by_name(options.source) not in (Kind.DICOM, Kind.UNKNOWN)


def _read_like(options: ConvertOptions) -> MedImage:
    from napari_medclf.io.read import read_image
    from napari_medclf.jobs.runs.sources import split_member

    ref = split_member(options.like if options.like is not None else options.source)
    return read_image(ref.path, ref.member)


def _plain_labels(options: ConvertOptions, image: MedImage) -> Segmentation:
    from napari_medclf.domain.labels import LabelSchema
    from napari_medclf.domain.results import Segmentation
    from napari_medclf.io.labels import read_label_map

    found = read_label_map(options.source, options.member)
    difference = image.geometry.explain_difference(found.geometry)
    if difference:
        raise GridError(f"{options.source}: these labels do not lie on the grid of {options.like}: {difference}.")
    highest = int(found.labels.max())
    names = options.names or tuple(f"label {value}" for value in range(1, highest + 1))
    if highest > len(names):
        raise OptionError(
            f"{options.source}: holds the label value {highest}, and {len(names)} class names were given."
        )
    return Segmentation(found.labels, image.geometry, LabelSchema.from_names(names, first_value=1), name=image.name)


def _convert_labels(labels: LabelSet, options: ConvertOptions) -> Converted:
    if not labels.segmentations:
        raise OptionError(
            f"{options.source}: its contours have no grid. Give the series they were drawn on with --like."
        )
    image = _read_like(options) if options.like is not None else None
    targets = _write_layers(labels.segmentations, image, options)
    return Converted(options.source, targets, labels.segmentations[0].labels.shape, labels.warnings)


def _write_layers(
    layers: tuple[Segmentation, ...], image: MedImage | None, options: ConvertOptions
) -> tuple[Path, ...]:
    """Write layers that may overlap each other, one a file."""
    from napari_medclf.domain.authorship import Authorship, Making
    from napari_medclf.io.write import write_segmentation
    from napari_medclf.jobs.outputs.labels import write_labels

    is_dicom = options.target.suffix.lower() == ".dcm"
    if is_dicom and (image is None or options.like is None):
        raise OptionError("Labels in DICOM refer to the series they were made for: give it with --like.")
    authorship = _authorship(options) if is_dicom else Authorship(Making.MANUAL)
    targets = [_numbered(options.target, number) for number in range(len(layers))]
    for target in targets:
        _check_free(target, options)
    for layer, target in zip(layers, targets, strict=True):
        if is_dicom and image is not None:
            on_grid = replace(layer, geometry=image.geometry) if image.geometry.same_grid(layer.geometry) else layer
            write_labels(on_grid, image, authorship, target, options.form)
        else:
            write_segmentation(layer, target)
    return tuple(targets)


def _authorship(options: ConvertOptions) -> Authorship:
    from napari_medclf.domain.authorship import Authorship, Making

    if not options.made or (options.made != "manual" and not options.algorithm):
        raise OptionError(
            "A DICOM file of labels says how they were made: give --made manual, or --made automatic (or "
            "semiautomatic) with --algorithm NAME."
        )
    return Authorship(Making(options.made.upper()), model=options.algorithm)


def _convert_report(report: MeasurementReport, options: ConvertOptions) -> Converted:
    from napari_medclf.io.tables import write_report_csv

    if options.target.suffix.lower() != ".csv":
        raise OptionError(f"{options.target}: a report is written as .csv.")
    write_report_csv(report, options.target)
    return Converted(options.source, (options.target,), (), report.warnings)


def _convert_image(image: MedImage, options: ConvertOptions) -> Converted:
    from napari_medclf.io.write import write_image

    if options.target.suffix.lower() == ".dcm":
        raise OptionError(
            f"{options.target}: images are not written as DICOM. Labels are: give the series they were made for with "
            f"--like, and one of {', '.join(name for name in LABEL_FILES if name in _DICOM_FORMS)} with --form."
        )
    write_image(image, options.target)
    return Converted(options.source, (options.target,), image.data.shape, image.warnings)


def _numbered(target: Path, number: int) -> Path:
    """Name the layers of overlapping labels: ``a.nii.gz``, ``a-2.nii.gz`` ..."""
    from napari_medclf.io.sniff import stem_of, suffix_of

    if number == 0:
        return target
    return target.with_name(f"{stem_of(target)}-{number + 1}{suffix_of(target)}")


def _check_free(target: Path, options: ConvertOptions) -> None:
    if target.exists() and not options.overwrite:
        raise OptionError(f"{target} is there already. Choose another name, or give --overwrite.")
