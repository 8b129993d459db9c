"""Take the disk or the folder of results away from a batch, and look at what it says and whether it can go on.

python benchmarks/batch_faults.py [--images 6] [--data DIR] [--model hippocampus-mr] [FAULT ...]

disk-full     the results' disk fills up midway: one sentence, exit code 2; with more room, --resume comes to the end
read-only     the results' folder cannot be written: one sentence, and `medclf runs show` reads it all the same
output-gone   the folder of results vanishes midway: one sentence, and it is not made again
slow-share    every call to the disk of the results takes 200 ms, as on a far network share (needs cc): the same results
slow-listing  every call to the disk of the images takes 200 ms: a dry run lists them, and says what it says of a near
              disk; 8 * --images of them, in folders of 8, as they are and without looking ahead
Without a FAULT all are done in turn. In the end the results are compared with those of an undisturbed run, byte by byte
but for times. Linux only; disk-full and read-only need root.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from kill_batch import DATA, Batch, collect, differences

from napari_medclf.domain.run import CaseStatus
from napari_medclf.store.runs import Ledger

DELAY_MS = 200
FULL_KIB = 120
_DELAYED = """
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
static void slow(const char *path) {
  const char *below = getenv("SLOW_FOLDER");
  if (below && path && strncmp(path, below, strlen(below)) == 0) usleep(atoi(getenv("SLOW_MS")) * 1000);
}
static void slow_fd(int fd) {
  char link[64], path[4096]; ssize_t n;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  n = readlink(link, path, sizeof path - 1);
  if (n > 0) { path[n] = 0; slow(path); }
}
#define REAL(name, type) ((type) dlsym(RTLD_NEXT, name))
static int opened(const char *name, const char *path, int flags, int mode) {
  slow(path); return REAL(name, int (*)(const char *, int, ...))(path, flags, mode);
}
#define MODE int mode = 0; if (flags & O_CREAT) { va_list l; va_start(l, flags); mode = va_arg(l, int); va_end(l); }
int open(const char *path, int flags, ...) { MODE return opened("open", path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE return opened("open64", path, flags, mode); }
int fsync(int fd) { slow_fd(fd); return REAL("fsync", int (*)(int))(fd); }
int fdatasync(int fd) { slow_fd(fd); return REAL("fdatasync", int (*)(int))(fd); }
typedef int (*two)(const char *, const char *);
typedef int (*made)(const char *, mode_t);
int rename(const char *a, const char *b) { slow(a); return REAL("rename", two)(a, b); }
int unlink(const char *path) { slow(path); return REAL("unlink", int (*)(const char *))(path); }
int mkdir(const char *path, mode_t mode) { slow(path); return REAL("mkdir", made)(path, mode); }
#define ASKED(name) int name(const char *path, struct stat *found) { \\
  slow(path); return REAL(#name, int (*)(const char *, struct stat *))(path, found); }
ASKED(stat) ASKED(lstat)
int stat64(const char *path, struct stat64 *found) {
  slow(path); return REAL("stat64", int (*)(const char *, struct stat64 *))(path, found);
}
int lstat64(const char *path, struct stat64 *found) {
  slow(path); return REAL("lstat64", int (*)(const char *, struct stat64 *))(path, found);
}
DIR *opendir(const char *path) { slow(path); return REAL("opendir", DIR *(*)(const char *))(path); }
"""

_LIST = """
import os, sys, time
from pathlib import Path
from napari_medclf.io import look_ahead
from napari_medclf.jobs.api import run
from napari_medclf.jobs.batch.options import BatchOptions
from napari_medclf.jobs.batch.plan import look_through
if os.environ.get("ONE_BY_ONE"):
    look_ahead._N_SLOW = 10**9
share = Path(sys.argv[1])
began_s = time.monotonic()
found = run(look_through(BatchOptions(model="-", folder=share, out=share.parent / "none")))
print(f"{time.monotonic() - began_s:.1f}", file=sys.stderr)
for row in found.rows:
    print(row.record.case_id, row.record.source, row.record.status, row.record.reason, row.size, row.spacing_mm)
"""


class Trial:
    """A folder of images, and what was told while they were run."""

    def __init__(self, batch: Batch, work: Path) -> None:
        self.batch, self.work = batch, work
        self.out = work / "disk" / "out"
        self.reference = work / "reference"

    def run(self, **environment: str) -> tuple[int, str]:
        """Run to the end, or to where a fault ends it; returns the exit code and what was told."""
        ended = subprocess.run(
            self._command(), capture_output=True, text=True, env=os.environ | environment, check=False
        )
        return ended.returncode, ended.stderr.strip()

    def run_and_meanwhile(self, act: Callable[[], None], after: int = 1) -> tuple[int, str]:
        """Run, and act as soon as some cases are done."""
        watcher = threading.Thread(target=self._act_when_done, args=(act, after))
        watcher.start()
        try:
            return self.run()
        finally:
            watcher.join()

    def kill_when_done(self, n_done: int) -> None:
        """Run, and end it with SIGKILL as soon as some cases are done."""
        child = self.batch.start(self.out)
        self._act_when_done(lambda: os.kill(child, signal.SIGKILL), n_done)
        os.waitpid(child, 0)

    def _act_when_done(self, act: Callable[[], None], after: int) -> None:
        until_s = time.monotonic() + 300
        while time.monotonic() < until_s:
            if Ledger(self.out).exists() and Ledger(self.out).counts().get(CaseStatus.DONE, 0) >= after:
                act()
                return
            time.sleep(0.01)

    def _command(self) -> list[str]:
        return [sys.executable, "-m", "napari_medclf.cli", *self.batch.command(self.out), "--quiet"]


def disk_full(trial: Trial) -> None:
    """Let the disk fill up."""
    _mount(trial.out.parent, f"size={FULL_KIB}k")
    try:
        code, told = trial.run()
        _say("disk-full", code, told, expected=2)
        _mount(trial.out.parent, "remount,size=64m")
        _resumed(trial)
    finally:
        _unmount(trial.out.parent)


def read_only(trial: Trial) -> None:
    """Make the results of a killed run read-only."""
    _mount(trial.out.parent, "size=64m")
    try:
        trial.kill_when_done(1)
        _mount(trial.out.parent, "remount,ro")
        code, told = trial.run()
        _say("read-only", code, told, expected=2)
        show = [sys.executable, "-m", "napari_medclf.cli", "runs", "show", str(trial.out)]
        print("  " + subprocess.run(show, capture_output=True, text=True, check=True).stdout.strip().splitlines()[-1])
        _mount(trial.out.parent, "remount,rw")
        _resumed(trial)
    finally:
        _unmount(trial.out.parent)


def _move(paths: Iterable[Path], folder: Path) -> None:
    for path in paths:
        os.replace(path, folder / path.name)


def output_gone(trial: Trial) -> None:
    """Move the results away midway."""
    (trial.work / "moved").mkdir()
    code, told = trial.run_and_meanwhile(lambda: _move([trial.out], trial.work / "moved"))
    _say("output-gone", code, told, expected=2)
    print(f"  made again: {trial.out.exists()}")
    _move([trial.work / "moved" / "out"], trial.out.parent)
    _resumed(trial)


def slow_share(trial: Trial) -> None:
    """Delay every call to the results' disk."""
    began_s = time.monotonic()
    code, told = trial.run(**_slow(trial.work, trial.out.parent))
    _say(f"slow-share, {time.monotonic() - began_s:.1f} s", code, told, expected=0)
    _compare(trial)


def slow_listing(trial: Trial) -> None:
    """Delay every call to the images' disk, and list them."""
    share = trial.work / "share"
    images = sorted(trial.batch.images.iterdir())
    for number in range(8 * len(images)):
        place = share / f"patient{number // 8:03d}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:04d}.nii.gz").write_bytes(images[number % len(images)].read_bytes() + bytes(number))
    listed: dict[str, str] = {}
    for name, environment in (
        ("near", {}),
        ("far", _slow(trial.work, share)),
        ("far, one after the other", _slow(trial.work, share) | {"ONE_BY_ONE": "1"}),
    ):
        done = subprocess.run([sys.executable, "-c", _LIST, str(share)], capture_output=True, text=True, check=True,
                              env=os.environ | environment)  # fmt: skip
        listed[name] = done.stdout
        print(f"slow-listing, {8 * len(images)} images, {name}: {done.stderr.split()[-1]} s", flush=True)
    print(f"  compared with the near disk: {'same' if len(set(listed.values())) == 1 else 'OTHER'}")
    if len(set(listed.values())) != 1:
        raise SystemExit(1)


def _slow(work: Path, folder: Path) -> dict[str, str]:
    """Build a library that delays calls to a folder, and give the environment that uses it."""
    source, library = work / "slow.c", work / "slow.so"
    source.write_text(_DELAYED)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)  # noqa: S607
    return {"LD_PRELOAD": str(library), "SLOW_FOLDER": str(folder), "SLOW_MS": str(DELAY_MS)}


def _resumed(trial: Trial) -> None:
    done = Ledger.open(trial.out).counts().get(CaseStatus.DONE, 0)
    code, told = trial.run()
    _say(f"  resumed after {done} done", code, told, expected=0)
    _compare(trial)


def _compare(trial: Trial) -> None:
    found = list(differences(trial.out, trial.reference))
    print(f"  compared with the undisturbed run: {found or 'same'}")
    if found:
        raise SystemExit(1)


def _say(name: str, code: int, told: str, *, expected: int) -> None:
    print(f"{name}: exit code {code}{'' if code == expected else f' INSTEAD OF {expected}'}; {told or 'nothing told'}")
    if code != expected or "Traceback" in told:
        raise SystemExit(1)


def _mount(folder: Path, options: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)  # noqa: S607


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", folder], check=True)  # noqa: S607


FAULTS = {
    "disk-full": disk_full,
    "read-only": read_only,
    "output-gone": output_gone,
    "slow-share": slow_share,
    "slow-listing": slow_listing,
}


def main() -> None:
    """Try the faults."""
    parser = argparse.ArgumentParser(description="take things away from a batch")
    parser.add_argument("faults", nargs="*", choices=[[], *FAULTS], metavar="FAULT")
    parser.add_argument("--images", type=int, default=6)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--model", default="hippocampus-mr")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.inside and os.geteuid() == 0:  # disks that are mounted here go with the process
        alone = ["unshare", "--mount", sys.executable, *sys.argv, "--inside"]
        raise SystemExit(subprocess.run(alone, check=False).returncode)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        collect(arguments.data, work / "in", arguments.images)
        trial = Trial(Batch(arguments.model, work / "in", ("nifti", "csv", "overlay")), work)
        trial.batch.finish(trial.reference)
        for name in arguments.faults or FAULTS:
            FAULTS[name](trial)
            shutil.rmtree(trial.out.parent, ignore_errors=True)


if __name__ == "__main__":
    main()
