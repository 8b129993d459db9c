"""Run a folder of 2,000 mixed entries, and compare the ledger's counts with what was planted.

python benchmarks/mixed_folder.py [--entries 2000] [--data ../shared/data] [--keep FOLDER]

Good pictures, volumes and DICOM series; copies of them; tables, texts, hidden files, indexes, labels and reports;
truncated, empty and misnamed files; series with a missing slice; links to nowhere and pipes; files that declare more
than any memory holds; and what a pattern leaves out. Every file below the folder must be in a row of the ledger.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import sqlite3
import struct
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

MODEL = "chest-xray-pneumonia"
LEFT_OUT = "localizer*"
N_SLICES = 4
Outcome = tuple[str, str]
"""Status and kind of skipping, as the ledger has them."""
DONE, FAILED = ("done", ""), ("failed", "")
COPY, OTHER, REFUSED, RULE = (("skipped", kind) for kind in ("copy", "other", "refused", "rule"))
Plant = Callable[["Source", Path, int], None]


@dataclass(frozen=True)
class Source:
    """Real images that entries are made of."""

    data: Path

    def picture(self, number: int) -> bytes:
        """An X-ray as PNG with a comment of its own, so that no two are the same bytes."""
        files = sorted((self.data / "csv_pneumonia" / "images").glob("*.png"))
        content = files[number % len(files)].read_bytes()
        chunk = b"tEXt" + f"number\0{number}".encode()
        after_head = 33  # signature and IHDR
        made = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        return content[:after_head] + made + content[after_head:]

    def volume(self, number: int) -> Path:
        """A hippocampus as NIfTI."""
        files = sorted((self.data / "hippocampus_msd" / "images").glob("*.nii.gz"))
        return files[number % len(files)]

    def write_series(self, folder: Path, number: int, slices: range = range(N_SLICES)) -> None:
        """Write slices of a small CT as a series of its own."""
        from pydicom import dcmread
        from pydicom.uid import UID

        folder.mkdir(parents=True)
        files = sorted((self.data / "dicom_zoo" / "series" / "ct_small_torchio_17").rglob("*.dcm"))
        ordered = sorted(files, key=lambda path: float(dcmread(path, stop_before_pixels=True).ImagePositionPatient[2]))
        for k in slices:
            dataset = dcmread(ordered[k])
            dataset.StudyInstanceUID = UID(f"2.25.{number}.1")
            dataset.SeriesInstanceUID = UID(f"2.25.{number}.2")
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(f"2.25.{number}.3.{k}")
            dataset.save_as(folder / f"{k:03d}.dcm")

    def derived(self, number: int) -> Path:
        """Labels, contours or a report as DICOM."""
        files = sorted((self.data / "dicom_zoo" / "seg_sr_rt").rglob("*seg*.dcm"))
        return files[number % len(files)]


def plant_picture(source: Source, folder: Path, number: int) -> None:
    """A good picture."""
    (folder / f"xray{number}.png").write_bytes(source.picture(number))


def plant_volume(source: Source, folder: Path, number: int) -> None:
    """A good volume; after the last real one a comment in the header makes it another file."""
    import gzip

    content = bytearray(gzip.decompress(source.volume(number).read_bytes()))
    content[148:228] = f"number {number}".encode().ljust(80, b"\0")  # descrip
    (folder / f"volume{number}.nii.gz").write_bytes(gzip.compress(bytes(content), 1))


def plant_series(source: Source, folder: Path, number: int) -> None:
    """A good DICOM series, its files in a folder of their own."""
    source.write_series(folder / f"series{number}", 1000 + number)


def plant_copy(source: Source, folder: Path, number: int) -> None:
    """A picture that is there already."""
    (folder / f"again{number}.png").write_bytes(source.picture(0))


def plant_copied_series(source: Source, folder: Path, number: int) -> None:
    """A DICOM series that is there already."""
    source.write_series(folder / f"backup{number}", 1000)


def plant_junk(source: Source, folder: Path, number: int) -> None:
    """A file that is no image by its name."""
    names = ("notes.txt", "labels.csv", "report.pdf", "card.json", ".DS_Store", "DICOMDIR", "Thumbs.db")
    inside = folder / f"junk{number}"
    inside.mkdir()
    (inside / names[number % len(names)]).write_text(f"nothing to see here {number}\n", encoding="utf-8")


def plant_labels(source: Source, folder: Path, number: int) -> None:
    """Labels or measurements as DICOM."""
    shutil.copy(source.derived(number), folder / f"derived{number}.dcm")


def plant_cut(source: Source, folder: Path, number: int) -> None:
    """A picture whose end is missing: that is seen when it is read."""
    content = source.picture(100_000 + number)
    (folder / f"cut{number}.png").write_bytes(content[: len(content) * 2 // 3])


def plant_corrupt(source: Source, folder: Path, number: int) -> None:
    """A file that is seen not to be what its name says as soon as it is listed."""
    name, content = (
        ("empty.png", b""),
        ("zeros.dcm", bytes(2000)),
        ("text.nii.gz", b"this is no volume\n" * 50),
        ("unknown.dat", b"\x01\x02\x03\x04" * 100),
    )[number % 4]
    inside = folder / f"corrupt{number}"
    inside.mkdir()
    (inside / name).write_bytes(content)


def plant_incomplete(source: Source, folder: Path, number: int) -> None:
    """A DICOM series whose third slice is missing."""
    inside = folder / f"incomplete{number}"
    source.write_series(inside, 500_000 + number, range(5))
    (inside / "002.dcm").unlink()


def plant_unreadable(source: Source, folder: Path, number: int) -> None:
    """A link to nowhere."""
    (folder / f"lost{number}.png").symlink_to(folder / "no such file.png")


def plant_pipe(source: Source, folder: Path, number: int) -> None:
    """A pipe, which would block whoever opens it."""
    os.mkfifo(folder / f"pipe{number}.nii")


def plant_huge(source: Source, folder: Path, number: int) -> None:
    """A file of a few bytes that declares terabytes."""
    if number % 2:
        content = bytearray(source.picture(200_000 + number))
        content[16:24] = struct.pack(">II", 2_000_000, 2_000_000 + number)
        content[29:33] = struct.pack(">I", zlib.crc32(bytes(content[12:29])))
        (folder / f"huge{number}.png").write_bytes(content)
        return
    header = bytearray(352)
    header[:4] = struct.pack("<i", 348)
    header[40:56] = struct.pack("<8h", 3, 30_000, 30_000, 3000 + number, 1, 1, 1, 1)
    header[70:74] = struct.pack("<2h", 4, 16)
    header[76:92] = struct.pack("<4f", 1, 1, 1, 1)
    header[108:112] = struct.pack("<f", 352)
    header[344:348] = b"n+1\0"
    (folder / f"huge{number}.nii").write_bytes(header)


def plant_left_out(source: Source, folder: Path, number: int) -> None:
    """A good picture that a pattern leaves out."""
    (folder / f"localizer{number}.png").write_bytes(source.picture(300_000 + number))


KINDS: dict[str, tuple[Plant, Outcome, float]] = {
    "good pictures": (plant_picture, DONE, 0.53),
    "good volumes": (plant_volume, DONE, 0.06),
    "good series": (plant_series, DONE, 0.04),
    "copies of a picture": (plant_copy, COPY, 0.08),
    "copies of a series": (plant_copied_series, COPY, 0.01),
    "tables, texts, hidden files, indexes": (plant_junk, OTHER, 0.1),
    "labels and reports": (plant_labels, OTHER, 0.01),
    "truncated pictures": (plant_cut, FAILED, 0.05),
    "empty, misnamed and unknown files": (plant_corrupt, REFUSED, 0.05),
    "series with a missing slice": (plant_incomplete, REFUSED, 0.01),
    "links to nowhere": (plant_unreadable, REFUSED, 0.015),
    "pipes": (plant_pipe, OTHER, 0.005),
    "declare terabytes": (plant_huge, REFUSED, 0.02),
    "left out by a pattern": (plant_left_out, RULE, 0.02),
}


def build(folder: Path, data: Path, n_entries: int) -> dict[str, int]:
    """Plant entries in numbered folders; gives the number of each kind, which add up to `n_entries`."""
    source = Source(data)
    counts = {kind: max(round(part * n_entries), 1) for kind, (_, _, part) in KINDS.items()}
    counts["good pictures"] += n_entries - sum(counts.values())
    places = itertools.cycle(folder / f"part{n:02d}" for n in range(max(n_entries // 40, 1)))
    for kind, count in counts.items():
        for number in range(count):
            place = next(places)
            place.mkdir(parents=True, exist_ok=True)
            KINDS[kind][0](source, place, number)
    return counts


def planted(counts: dict[str, int]) -> Counter[Outcome]:
    """How many rows of each outcome the ledger must have."""
    found: Counter[Outcome] = Counter()
    for kind, count in counts.items():
        found[KINDS[kind][1]] += count
    return found


def ledger_counts(out: Path) -> Counter[Outcome]:
    """Count the rows of a ledger by SQL, without this program."""
    with sqlite3.connect(f"file:{out / 'ledger.sqlite'}?mode=ro", uri=True) as database:
        rows = database.execute("SELECT status, COALESCE(skipped_as, ''), COUNT(*) FROM cases GROUP BY 1, 2")
        return Counter({(status, kind): count for status, kind, count in rows})


def files_below(folder: Path) -> Iterator[Path]:
    """Every file, whatever it is."""
    for root, _, names in os.walk(folder):
        yield from (Path(root, name) for name in names)


def main() -> int:
    """Build, plan, run, compare; 1 where a count differs or a file is in no row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=2000)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--keep", type=Path, help="build and run here, and keep it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        base = options.keep or Path(temporary)
        started_s = time.perf_counter()
        counts = build(base / "images", options.data, options.entries)
        print(f"{sum(counts.values())} entries planted in {time.perf_counter() - started_s:.0f} s")
        return run(base / "images", base / "results", counts)


def run(folder: Path, out: Path, counts: dict[str, int]) -> int:
    """Plan and run; print what was planted beside what the ledger says."""
    from napari_medclf.jobs.batch.batch import batch
    from napari_medclf.jobs.batch.options import BatchOptions
    from napari_medclf.jobs.batch.plan import plan_batch
    from napari_medclf.jobs.drive import drive

    options = BatchOptions(model=MODEL, folder=folder, out=out, exclude=(LEFT_OUT,), device="cpu")
    started_s = time.perf_counter()
    plan = drive(plan_batch(options)).result
    assert plan is not None
    planned_s = time.perf_counter() - started_s
    told = {path for row in plan.rows for path in row.files}
    silent = sorted(path for path in files_below(folder) if path not in told)
    print(
        f"planned in {planned_s:.1f} s; expected {plan.expected_s:.0f} s, {(plan.peak_bytes or 0) / 1e6:.0f} MB. "
        f"{plan.basis}"
    )
    outcome = drive(batch(options))
    expected, found = planted(counts), ledger_counts(out)
    elapsed_s = 0.0 if outcome.result is None else outcome.result.elapsed_s
    print(f"run {outcome.reason.value} in {elapsed_s:.0f} s {outcome.message}")
    for kind, count in counts.items():
        print(f"{count:6}  {kind:40} {' '.join(KINDS[kind][1])}")
    for one in sorted(expected | found):
        verdict = "" if expected[one] == found[one] else "  DIFFERS"
        print(f"{' '.join(one):18} planted {expected[one]:5}  ledger {found[one]:5}{verdict}")
    print(f"files in no row: {len(silent)} {silent[:5] or ''}")
    return int(expected != found or bool(silent))


if __name__ == "__main__":
    sys.exit(main())
