"""Opens malformed cases one after the other and tells what came of each, one JSON line a case.

python malformed_worker.py FOLDER, with names of cases on standard input.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import resource
import shutil
import sys
import time
import traceback
import warnings
from pathlib import Path

import numpy as np

from napari_medclf.io.read import discover, read
from napari_medclf.io.write import write_image
from napari_medclf.testing.malformed import all_malformed, reference_affine, reference_samples

CASES = {case.name: case for case in all_malformed()}
_MEMORY = 2 * 2**30


def main(home: Path) -> None:
    """Answer each name with what came of the case."""
    _warm_up(home)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    # Half as much again, so that what goes beyond 2 GiB is seen as such and does not hurt the machine.
    resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY * 3 // 2, resource.RLIM_INFINITY))
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        print(json.dumps(run(CASES[line.strip()], home)), file=answers, flush=True)


def run(case, home: Path) -> dict:
    """Make a case, open it, remove it."""
    folder = home / "case"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    path = case.build(folder)
    before = _tree(home)
    _forget_peak()
    base = _peak_bytes()
    start = time.monotonic()
    answer = {"name": case.name, "crash": ""} | _open(path, home)
    answer["seconds"] = time.monotonic() - start
    answer["peak_bytes"] = _peak_bytes() - base
    answer["written"] = sorted(str(one) for one in _tree(home) ^ before)
    answer["texts"] = [text.replace(str(folder), "") for text in answer["texts"]]
    return answer


def _open(path: Path, home: Path) -> dict:
    """Read, list and write on, with all that is said on the way."""
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    said = io.StringIO()
    answer: dict = {"images": [], "refusals": [], "crash": "", "derived": [], "names": []}
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), warnings.catch_warnings(record=True) as w:
        warnings.simplefilter("always")
        try:
            _read(path, home, answer)
        except BaseException:  # whatever comes out of here is the finding
            answer["crash"] = traceback.format_exc(limit=-3)
    root.removeHandler(handler)
    answer["texts"] = [
        said.getvalue(),
        log.getvalue(),
        *(str(one.message) for one in w),
        *answer["refusals"],
        *answer["names"],
        *(text for image in answer["images"] for text in image["warnings"]),
        *(text for one in answer["derived"] for text in one["warnings"]),
        answer["crash"],
    ]
    return answer


def _read(path: Path, home: Path, answer: dict) -> None:
    report = read([path])
    answer["refusals"] = [str(one) for one in report.refusals]
    answer["images"] = [_judge(image) for image in report.images]
    derived = (*report.label_sets, *report.reports)
    answer["derived"] = [{"kind": type(one).__name__, "warnings": list(one.warnings)} for one in derived]
    answer["names"] = [one.name for one in (*report.images, *report.label_sets, *report.reports)]
    answer["names"] += [repr(image.source) + repr(image.geometry) for image in report.images]
    if path.is_dir():
        found = discover(path)
        answer["names"] += [repr(one) for one in (*found.found, *found.entries)]
    for image in report.images[:2]:
        target = home / "written" / f"{image.name}.nii"
        with contextlib.suppress(Exception):
            write_image(image, target)
            answer["names"] += [target.name, target.read_bytes().decode("latin-1")]
        target.unlink(missing_ok=True)


def _judge(image) -> dict:
    data = np.asarray(image.data)
    return {
        "warnings": list(image.warnings),
        "shape": list(data.shape),
        "has_samples": any(np.array_equal(np.squeeze(data), np.squeeze(one)) for one in _references()),
        "has_place": any(np.allclose(image.geometry.affine, one, atol=1e-3) for one in _places()),
    }


def _references():
    """The whole reference, or the one slice that a single file holds."""
    return reference_samples(), reference_samples()[0], reference_samples()[1]


def _places():
    second = reference_affine()
    second[2, 3] += 2.5
    return reference_affine(), second


def _warm_up(home: Path) -> None:
    """Load what reading loads, so that a case is charged for itself alone."""
    (home / "written").mkdir(parents=True, exist_ok=True)
    for name in ("zip sound", "PNG sound", "TIFF sound", "series sound", "NIfTI in big-endian order"):
        full = name if name in CASES else f"dicom {name}"
        if full in CASES:
            run(CASES[full], home)
    for case in CASES.values():
        if case.name in ("dicom JPEG 2000 of noise", "dicom JPEG-LS of noise", "dicom RLE of noise"):
            run(case, home)


def _tree(home: Path) -> set[str]:
    """All that lies in the sandbox but what is unpacked for as long as the program runs; links are not followed."""
    found = set()
    for root, folders, names in os.walk(home):
        folders[:] = [name for name in folders if not name.startswith("medclf-zip-")]
        found |= {f"{root}/{name}" for name in (*folders, *names)}
    return found


def _peak_bytes() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _forget_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
