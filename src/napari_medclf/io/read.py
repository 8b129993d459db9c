"""The way in: files, folders and archives become images, labels and reports, and what cannot gets its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from napari_medclf.domain.arrays import PixelArray
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.derived import LabelOrigin, LabelSet, MeasurementReport
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.image import MedImage
from napari_medclf.io import medmnist
from napari_medclf.io.archive import unpacked
from napari_medclf.io.discover import discover
from napari_medclf.io.label_file import as_image, open_named
from napari_medclf.io.open_one import note_name
from napari_medclf.io.raster.stack import STACK_MEMBER, read_stack
from napari_medclf.io.relocate import inner_ref, outer_error, outer_item
from napari_medclf.io.report import Discovery, ReadItem, ReadReport, Refusal
from napari_medclf.io.sniff import Kind, can_read
from napari_medclf.io.walk import Collected, Found, collect, identify

__all__ = [
    "STACK_MEMBER", "Discovery", "ReadItem", "ReadReport", "Refusal", "can_read", "discover", "read", "read_each",
    "read_entry", "read_image", "thumbnail",
]  # fmt: skip

_MOST_NAMED = 8
_Item = MedImage | LabelSet | MeasurementReport


def read(paths: Iterable[Path]) -> ReadReport:
    """Read everything in some files, folders and zip archives; never raises for a bad file.

    DICOM files are put together into series wherever they lie, and labels and reports find the images they
    were made for among them. An npz gives one image a split.
    """
    results = list(read_each(paths))
    return ReadReport(
        tuple(one for one in results if isinstance(one, MedImage)),
        tuple(one for one in results if isinstance(one, Refusal)),
        tuple(one for one in results if isinstance(one, LabelSet)),
        tuple(one for one in results if isinstance(one, MeasurementReport)),
    )


def read_each(paths: Iterable[Path]) -> Iterator[ReadItem]:
    """Do as `read`, one thing or refusal at a time, so that a large study need not fit into memory."""
    collected = collect(Path(path) for path in paths)
    yield from collected.refusals
    refusals: list[Refusal] = []
    for one in collected.files:
        if one.kind is Kind.ZIP:
            yield from _read_zip(one.path)
    for load in _loaders(collected, refusals):
        try:
            yield load()
        except ReadError as error:
            yield Refusal.of(error)
    yield from refusals


def read_image(path: Path, member: str = "", files: Sequence[Path] = ()) -> MedImage:
    """Read exactly one image.

    Parameters
    ----------
    path : Path
        A file, a zip archive, or the folder of a DICOM series.
    member : str
        Which image, where the path holds several: as in `FileRef.member` or `Source.member`. ``+stack`` reads
        a folder of numbered pictures as one volume.
    files : sequence of Path
        All files of a DICOM series, where they are known (`SeriesEntry.files`): the folder is not looked through.

    Raises
    ------
    ReadError
        If it cannot be read; or, naming the members, if there are several.
    """
    item = _read_series(path, member, files) if _is_series(member, files) else read_entry(FileRef(Path(path), member))
    if isinstance(item, MedImage):
        return item
    if isinstance(item, LabelSet) and item.origin is LabelOrigin.FILE:
        return as_image(item)
    kind = f"labels ({item.origin})" if isinstance(item, LabelSet) else "a report of measurements"
    raise ReadError(path, f"is {kind}, and an image was expected")


def _is_series(member: str, files: Sequence[Path]) -> bool:
    """Whether these files are a whole series; parts of one and gaps need the others to be told apart."""
    return len(files) > 1 and bool(member) and not any(sign in member for sign in ":+!")


def _read_series(path: Path, member: str, files: Sequence[Path]) -> MedImage:
    from napari_medclf.io.dicom.read import read_member

    return read_member(path, member, files)


def read_entry(ref: FileRef, beside: Sequence[Path] = ()) -> MedImage | LabelSet | MeasurementReport:
    """Read one thing that was listed: an image, labels or a report.

    Parameters
    ----------
    beside : sequence of Path
        Files and folders with the images that labels or a report may have been made for; they then come on
        the grid of that image.

    Raises
    ------
    ReadError
        If it cannot be read; or, naming the members, if there are several.
    """
    path = ref.path
    if path.is_dir():
        return _read_from_folder(path, ref.member)
    kind = identify(path)
    if kind is Kind.ZIP:
        return _read_from_zip(ref, beside)
    if kind is Kind.NPZ:
        return _read_npz(path, ref.member)
    if kind is Kind.DICOMDIR:
        return _read_one_of(collect([path]), path, ref.member)
    if ref.member and kind is not Kind.DICOM:
        raise ReadError(path, f"is one image and has no member {ref.member!r}")
    if kind is Kind.DICOM:
        return _read_dicom(ref, beside)
    return open_named(path, kind)


def thumbnail(ref: FileRef) -> PixelArray | None:
    """Draw a small gray picture of one image: uint8, at most 128 x 128; None where that is not possible."""
    from napari_medclf.io.thumbnail import draw

    try:
        return draw(ref)
    except ReadError:
        return None


def _loaders(collected: Collected, refusals: list[Refusal]) -> Iterator[Callable[[], _Item]]:
    for one in collected.files:
        if one.kind is Kind.NPZ:
            yield from _split_loaders(one, refusals)
        elif one.kind not in (Kind.DICOM, Kind.ZIP):
            yield lambda path=one.path, kind=one.kind: open_named(path, kind)  # type: ignore[misc]
    dicom_files = collected.of_kind(Kind.DICOM)
    if dicom_files:
        from napari_medclf.io.dicom.read import scan_files

        scan = scan_files(dicom_files)
        refusals.extend(scan.refusals)
        yield from scan.loaders()


def _split_loaders(one: Found, refusals: list[Refusal]) -> Iterator[Callable[[], MedImage]]:
    try:
        splits = medmnist.splits_of(one.path, medmnist.read_headers(one.path))
    except ReadError as error:
        refusals.append(Refusal.of(error))
        return
    for split in splits:
        yield lambda split=split: medmnist.read_member(one.path, split)  # type: ignore[misc]


def _read_zip(path: Path) -> Iterator[ReadItem]:
    try:
        folder = unpacked(path)
    except ReadError as error:
        yield Refusal.of(error)
        return
    for item in read_each([folder]):
        yield outer_item(item, path, folder)


def _read_from_zip(ref: FileRef, beside: Sequence[Path]) -> _Item:
    folder = unpacked(ref.path)
    try:
        inner = inner_ref(ref.member, ref.path, folder) if ref.member else FileRef(folder)
        item = read_entry(inner, (folder, *beside))
    except ReadError as error:
        raise outer_error(error, ref.path, folder) from error
    outer = outer_item(item, ref.path, folder)
    assert not isinstance(outer, Refusal)
    return outer


def _read_dicom(ref: FileRef, beside: Sequence[Path]) -> _Item:
    from napari_medclf.io.dicom.kinds import DerivedObject
    from napari_medclf.io.dicom.read import read_file, scan_files

    try:
        return note_name(read_file(ref.path, ref.member), Kind.DICOM)
    except DerivedObject:
        pass
    from napari_medclf.io.derived.read import read_derived

    images = scan_files(collect(beside).of_kind(Kind.DICOM)).stacks if beside else ()
    return read_derived(ref.path, [stack.source_grid() for stack in images])


def _read_from_folder(folder: Path, member: str) -> _Item:
    collected = collect([folder])
    return read_stack(folder, collected.files) if member == STACK_MEMBER else _read_one_of(collected, folder, member)


def _read_one_of(collected: Collected, folder: Path, member: str) -> _Item:
    from napari_medclf.io.dicom.read import read_member, scan_files

    dicom_files = collected.of_kind(Kind.DICOM)
    if member:
        return read_member(folder, member, dicom_files)
    scan = scan_files(dicom_files)
    others = [one.path for one in collected.files if one.kind is not Kind.DICOM]
    loaders = list(scan.loaders())
    if len(scan.stacks) == 1 and not others:
        return loaders[0]()
    if len(others) == 1 and not loaders:
        return read_entry(FileRef(others[0]))
    if len(loaders) == 1 and not others:
        return loaders[0]()
    names = [ref.member or ref.path.name for ref in scan.refs] + [path.name for path in (*scan.derived, *others)]
    raise _not_one(folder, names, (*collected.refusals, *scan.refusals))


def _not_one(folder: Path, names: list[str], refusals: tuple[Refusal, ...]) -> ReadError:
    if not names:
        if len(refusals) == 1:
            return refusals[0].as_error()
        first = f", such as {refusals[0]}" if refusals else ""
        return ReadError(folder, f"holds no readable image; {len(refusals)} files were refused{first}")
    listing = ", ".join(names[:_MOST_NAMED]) + (" ..." if len(names) > _MOST_NAMED else "")
    return ReadError(folder, f"holds {len(names)} images, and one was expected: {listing}", "Name one of them.")


def _read_npz(path: Path, member: str) -> MedImage:
    if member:
        return medmnist.read_member(path, member)
    headers = medmnist.read_headers(path)
    n_images = {split: headers[f"{split}_images"].shape[0] for split in medmnist.splits_of(path, headers)}
    members = [f"{split}/0 ... {split}/{n - 1}" for split, n in n_images.items()]
    raise ReadError(path, f"holds several images: {', '.join(members)}", "Name one of them.")
