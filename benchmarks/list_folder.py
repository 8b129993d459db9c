"""List the series of a folder of many DICOM files: ours, and pydicom reading the same headers.

python benchmarks/list_folder.py [--rounds 3] [--files 10000] [--series 40]

The files are small slices made in a temporary folder. "cold" is the first listing of a new process whose
files were dropped from the page cache (Linux, as root; else it says so).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from peak_memory import peak_mib
from side_by_side import compare, show

from napari_medclf.io.read import discover

_TIMED = """
import sys, time
from pathlib import Path
started = time.perf_counter()
from napari_medclf.io.read import discover
found = discover(Path({folder!r}))
print(len(found.entries), time.perf_counter() - started)
"""


def main() -> None:
    """Print the table, the cold time and the peak memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--series", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "study"
        write_files(folder, options.files, options.series)
        cold = list_cold(folder)
        ways = {"napari-medclf": lambda: ours(folder, options.series), "pydicom, headers": lambda: headers(folder)}
        show(f"{options.files} files of {options.series} series", compare(ways, options.rounds))
        print(f"\nA new process, files {cold[0]}: {cold[1]:.1f} s, imports included")
        setup = "from pathlib import Path\nfrom napari_medclf.io.read import discover"
        print(f"Peak memory above the imports: {peak_mib(setup, f'discover(Path({str(folder)!r}))'):.0f} MiB")


def ours(folder: Path, n_series: int) -> None:
    """List the series."""
    found = discover(folder)
    assert len(found.entries) == n_series, found.refusals[:3]


def headers(folder: Path) -> None:
    """Read every header and no more."""
    from pydicom import dcmread

    for path in folder.rglob("*.dcm"):
        dcmread(path, stop_before_pixels=True)


def list_cold(folder: Path) -> tuple[str, float]:
    """List in a new process, after the page cache was dropped where that is allowed."""
    os.sync()
    dropped = "not dropped from the page cache"
    try:
        Path("/proc/sys/vm/drop_caches").write_text("1\n", encoding="ascii")
        dropped = "dropped from the page cache"
    except OSError:
        pass
    code = _TIMED.format(folder=str(folder))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return dropped, float(done.stdout.split()[1])


def write_files(folder: Path, n_files: int, n_series: int) -> None:
    """Write slices with the header of pydicom's CT example and 32 x 32 samples, a folder a series."""
    from pydicom import dcmread
    from pydicom.data import get_testdata_file
    from pydicom.uid import UID

    slice_ = dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
    slice_.Rows = slice_.Columns = 32
    slice_.PixelData = bytes(2 * 32 * 32)
    per_series = n_files // n_series
    for number in range(n_series * per_series):
        series, k = divmod(number, per_series)
        slice_.SeriesInstanceUID = UID(f"2.25.{series + 1}")
        slice_.SOPInstanceUID = slice_.file_meta.MediaStorageSOPInstanceUID = UID(f"2.25.{series + 1}.{k + 1}")
        slice_.ImagePositionPatient = [-158.1, -179.0, 5.0 * k]
        path = folder / f"series{series:03d}" / f"{k * 37 % per_series:05d}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        slice_.save_as(path, enforce_file_format=True)


if __name__ == "__main__":
    main()
