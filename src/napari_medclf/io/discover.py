"""What is in a folder, a file or an archive, from names and headers, without reading samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Geometry, Unit, Vector3
from napari_medclf.domain.listing import SeriesEntry
from napari_medclf.io import medmnist
from napari_medclf.io.archive import unpacked
from napari_medclf.io.look_ahead import LookAhead
from napari_medclf.io.passed_over import LeaveOut
from napari_medclf.io.preflight import refusing
from napari_medclf.io.raster.size import picture_size
from napari_medclf.io.raster.stack import STACK_MEMBER, stackable
from napari_medclf.io.relocate import outer_entry, outer_ref, outer_refusal
from napari_medclf.io.report import Discovery, Refusal
from napari_medclf.io.sniff import Kind, name_of
from napari_medclf.io.walk import Collected, Found, OnProgress, collect

_Size = tuple[tuple[int, ...], Vector3 | None]


def discover(
    path: Path, on_progress: Callable[[int, int], None] | None = None, leave_out: LeaveOut | None = None
) -> Discovery:
    """List the images of a folder, a file, a DICOMDIR or a zip archive.

    A DICOM series of several files is one `FileRef` of their folder, with the series as member; a
    file that is an image of its own is a `FileRef` of the file. `Discovery.entries` also lists what is no
    image, and what was refused, with the ways to open it all the same.

    Parameters
    ----------
    on_progress : callable
        Told (done, total), total 0 while it is not known; what it raises ends the search.
    leave_out : callable
        Tells which files and folders are not wanted; they are not opened.
    """
    return _list(collect([Path(path)], on_progress, leave_out), on_progress)


def discover_files(paths: Iterable[Path]) -> Discovery:
    """List the images that some files make together, and no others that lie beside them; as `discover`."""
    return _list(collect(paths))


def _list(collected: Collected, on_progress: OnProgress | None = None) -> Discovery:
    refusals = list(collected.refusals)
    found: list[FileRef] = []
    entries: list[SeriesEntry] = []
    others = list(collected.others)
    images = [one for one in collected.files if one.kind is not Kind.DICOM]
    list_one = partial(_list_one, collected=collected, on_progress=on_progress)
    for n_done, (_, part) in enumerate(LookAhead().each(list_one, images, ReadError)):
        if on_progress is not None:
            on_progress(n_done, len(images))
        if isinstance(part, ReadError):
            refusals.append(Refusal.of(part))
            continue
        found.extend(part.found)
        refusals.extend(part.refusals)
        entries.extend(part.entries)
        others.extend(part.others)
    entries.extend(_stacks(collected))
    copies: Mapping[Path, Path] = {}
    dicom_files = collected.of_kind(Kind.DICOM)
    if dicom_files:
        from napari_medclf.io.dicom.read import scan_files

        scan = scan_files(dicom_files, on_progress)
        found.extend(scan.refs)
        refusals.extend(scan.refusals)
        entries.extend(scan.entries)
        copies = scan.copies
    return Discovery(tuple(found), tuple(refusals), tuple(entries), tuple(others), collected.left_out, copies)


def _list_one(one: Found, collected: Collected, on_progress: OnProgress | None) -> Discovery:
    if one.kind is Kind.ZIP:
        return _list_zip(one.path, on_progress)
    if one.kind is Kind.NPZ:
        members = medmnist.list_members(one.path)
        splits = medmnist.splits_of(one.path, medmnist.read_headers(one.path))
        entries = tuple(_entry(FileRef(one.path, split), one.kind) for split in splits)
        return Discovery(tuple(FileRef(one.path, member) for member in members), (), entries)
    samples = collected.samples.get(one.path)
    files = (one.path,) if samples is None else (one.path, samples)
    entry = replace(_entry(FileRef(one.path), one.kind), files=files)
    return Discovery((FileRef(one.path),), (), (_with_size(entry),))


def _with_size(entry: SeriesEntry) -> SeriesEntry:
    """Add size and spacing where a header tells them cheaply; what is wrong with it is said when it is read."""
    reader = _SIZES.get(entry.kind)
    if reader is None:
        return entry
    try:
        size, spacing_mm = reader(entry.ref.path)
    except ReadError:
        return entry
    slice_mm = spacing_mm[0] if spacing_mm is not None else None
    return replace(entry, size=size, spacing_mm=spacing_mm, slice_mm=slice_mm)


def _nifti_size(path: Path) -> _Size:
    from napari_medclf.io.volume.nifti_header import read_header

    with refusing(path, "has no header that can be read"):
        header = read_header(path, [])
        steps = tuple(abs(float(one)) for one in header.fields["pixdim"][3:0:-1])
        is_known = all(steps) and header.fields.get_xyzt_units()[0] == "mm"
        return _listed(header.shape), (steps[0], steps[1], steps[2]) if is_known else None


def _nrrd_size(path: Path) -> _Size:
    from napari_medclf.io.volume.nrrd import nrrd_geometry
    from napari_medclf.io.volume.nrrd_header import read_nrrd_header

    with refusing(path, "has no header that can be read"):
        header = read_nrrd_header(path)
        others = header.other_axes
        spatial = tuple(n for axis, n in enumerate(header.sizes) if axis not in others)
        size = _listed((*spatial, *(1,) * (3 - len(spatial)), *(header.sizes[axis] for axis in others)))
    try:
        return size, _spacing_mm(nrrd_geometry(header))
    except ReadError:  # said when it is read
        return size, None


def _metaimage_size(path: Path) -> _Size:
    from napari_medclf.io.volume.metaimage import metaimage_geometry

    size, geometry = metaimage_geometry(path)
    return size, _spacing_mm(geometry)


def _analyze_size(path: Path) -> _Size:
    from napari_medclf.io.volume.analyze import analyze_geometry

    size, geometry = analyze_geometry(path)
    return size, _spacing_mm(geometry)


def _tiff_size(path: Path) -> _Size:
    from napari_medclf.io.raster.tiff import tiff_size

    return tiff_size(path)


def _gif_size(path: Path) -> _Size:
    from napari_medclf.io.raster.film import film_size

    return film_size(path), None


def _spacing_mm(geometry: Geometry) -> Vector3 | None:
    return geometry.spacing if geometry.unit is Unit.MILLIMETRE else None


def _listed(shape: tuple[int, ...]) -> tuple[int, ...]:
    """(i, j, k, c ...) as (k, j, i) or (c, k, j, i)."""
    return tuple(n for axis, n in reversed(list(enumerate(shape))) if axis < 3 or n > 1)


def _picture_size(kind: Kind, path: Path) -> _Size:
    return picture_size(path, kind) or (), None


_SIZES: dict[str, Callable[[Path], _Size]] = {
    Kind.NIFTI: _nifti_size,
    Kind.NRRD: _nrrd_size,
    Kind.METAIMAGE: _metaimage_size,
    Kind.ANALYZE: _analyze_size,
    Kind.TIFF: _tiff_size,
    Kind.GIF: _gif_size,
    **{kind: partial(_picture_size, kind) for kind in (Kind.PNG, Kind.JPEG, Kind.BMP)},
}


def _entry(ref: FileRef, kind: Kind) -> SeriesEntry:
    name = f"{name_of(ref.path)} {ref.member}".rstrip()
    return SeriesEntry(ref=ref, name=name, kind=str(kind), study=str(ref.path.parent), files=(ref.path,))


def _stacks(collected: Collected) -> Iterator[SeriesEntry]:
    """Offer numbered pictures of one folder as a volume."""
    by_folder: dict[Path, list[Found]] = {}
    for one in collected.files:
        if not one.is_named:
            by_folder.setdefault(one.path.parent, []).append(one)
    for folder, found in by_folder.items():
        paths = stackable(found, folder)
        if paths:
            name = f"{name_of(folder)}: {len(paths)} pictures as one volume"
            yield SeriesEntry(
                FileRef(folder, STACK_MEMBER), name, "stack", study=str(folder.parent), n_files=len(paths), files=paths
            )


def _list_zip(path: Path, on_progress: OnProgress | None) -> Discovery:
    folder = unpacked(path)
    inner = discover(folder, on_progress)
    return Discovery(
        tuple(outer_ref(ref, path, folder) for ref in inner.found),
        tuple(outer_refusal(refusal, path, folder) for refusal in inner.refusals),
        tuple(outer_entry(entry, path, folder) for entry in inner.entries),
        tuple(outer_refusal(other, path, folder) for other in inner.others),
    )
