"""Write what becomes of every real DICOM file of the test collection into docs/reference/dicom-zoo.md.

python docs/zoo_table.py          rewrite the page
python docs/zoo_table.py --check  fail if it is out of date
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from napari_medclf.atomic import atomic_write
from napari_medclf.domain.derived import LabelSet
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.io.read import read
from napari_medclf.io.report import ReadReport

ROOT = Path(__file__).resolve().parents[1]
ZOO = ROOT.parent / "shared" / "data" / "dicom_zoo"
PAGE = ROOT / "docs" / "reference" / "dicom-zoo.md"
_HEAD = """# What becomes of real DICOM files

The tests read every one of {n} real files, collected from pydicom, cornerstone, fo-dicom, dcmqi, highdicom, rt-utils,
dcm_qa and others: {counts}. None crashes or hangs.
`docs/zoo_table.py` writes this page, and a test fails where it is out of date.

Sizes are (slices, rows, columns), led by the number of channels or times. A warning is given in full.
"""
_NO_DICOM = (".md", ".csv", ".txt", ".nrrd", ".json")


def main() -> int:
    """Rewrite or check the page."""
    content = page()
    if "--check" in sys.argv:
        is_stale = not PAGE.exists() or PAGE.read_text(encoding="utf-8") != content
        if is_stale:
            print(f"{PAGE.name} is out of date; run python docs/zoo_table.py", file=sys.stderr)
        return int(is_stale)
    atomic_write(PAGE, content)
    return 0


def page() -> str:
    """Give the page's text."""
    files = [path for path in sorted(ZOO.rglob("*")) if path.is_file() and is_listed(path)]
    rows = [(path.relative_to(ZOO), syntax(path), *outcome(read([path]))) for path in files]
    counted = Counter(kind for *_, kind, _ in rows)
    counts = ", ".join(f"{counted[kind]} {kind}" for kind in ("read", "read with a warning", "refused in a sentence"))
    parts = [_HEAD.format(n=len(rows), counts=counts), "## Series, as folders\n", *_table(list(_series()))]
    for folder in sorted({path.parts[0] for path, *_ in rows}):
        parts += [f"\n## {folder}, file by file\n", *_table([row for row in rows if row[0].parts[0] == folder])]
    return "\n".join(parts) + "\n"


def is_listed(path: Path) -> bool:
    """Whether a file belongs to the collection, and not to its description."""
    return path.suffix not in _NO_DICOM and path.name != "SHA256SUMS"


def outcome(report: ReadReport) -> tuple[str, str]:
    """Tell what became of a file or folder: a word, and the sentence."""
    said = [_image(image) for image in report.images]
    said += [f"{one.origin}: {', '.join(_segments(one))}" for one in report.label_sets]
    said += [f"report of {len(one.groups)} groups" for one in report.reports]
    said += [f"refused: {one.reason}" for one in report.refusals]
    kind = "refused in a sentence" if not (report.images or report.label_sets or report.reports) else "read"
    if kind == "read" and report.warnings:
        kind = "read with a warning"
    warnings = [text for one in (*report.images, *report.label_sets, *report.reports) for text in one.warnings]
    return kind, _plain(" ".join(dict.fromkeys(f"{one.rstrip('.')}." for one in [*said, *warnings])))


def syntax(path: Path) -> str:
    """Name the transfer syntax, where the file tells one that is known."""
    import pydicom

    try:
        meta = pydicom.filereader.read_file_meta_info(path)
        return str(meta.TransferSyntaxUID.name or "not told")
    except Exception:  # noqa: BLE001  (whatever is wrong with the file is told in the next column)
        return "not told"


def _series() -> Iterator[tuple[Path, str, str, str]]:
    for folder in sorted(path for path in (ZOO / "series").iterdir() if path.is_dir()):
        one = next(path for path in sorted(folder.rglob("*")) if path.is_file() and is_listed(path))
        yield folder.relative_to(ZOO), syntax(one), *outcome(read([folder]))


def _image(image: MedImage) -> str:
    kind = "" if image.channel_kind is ChannelKind.NONE else f" {image.channel_kind}"
    step = " x ".join(f"{mm:.3g}" for mm in image.geometry.spacing)
    unit = f", {step} mm" if image.geometry.unit.value == "mm" else ""
    return f"{image.modality or 'image'} {image.data.shape} {image.data.dtype}{kind}{unit}"


def _segments(labels: LabelSet) -> list[str]:
    return [name for one in labels.segmentations for name in one.schema.names]


def _table(rows: list[tuple[Path, str, str, str]]) -> list[str]:
    lines = ["| file | transfer syntax | outcome | what is said |", "|---|---|---|---|"]
    lines += [f"| {_plain(str(path))} | {name} | {kind} | {text} |" for path, name, kind, text in rows]
    return lines


def _plain(text: str) -> str:
    """Keep a cell in one line, the same on every machine."""
    text = re.sub(r"[\d.]+ GiB of memory are free", "less memory is free", text.replace(str(ZOO), ""))
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


if __name__ == "__main__":
    sys.exit(main())
