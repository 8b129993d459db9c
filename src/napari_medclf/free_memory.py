"""How much memory and disk a program may still take, how much memory it took, and how to give some back."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
import tempfile
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_CGROUP = Path("/sys/fs/cgroup")
_FALLBACK_BYTES = 8 * 2**30


def available_bytes() -> int:
    """Tell how much memory could be taken without swapping; a guess where the system does not say."""
    return max(min(_free_bytes(), _container_bytes(), _address_bytes()), 0)


def available_disk_bytes() -> int:
    """Tell how much room there is for temporary files; 0 where they are kept in memory."""
    folder = Path(tempfile.gettempdir())
    try:
        return 0 if _is_in_memory(folder) else shutil.disk_usage(folder).free
    except OSError:
        return 0


def peak_bytes() -> int:
    """Peak memory of this process since `reset_peak` (Linux), else 0."""
    try:
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return 0
    return int(line.split()[1]) * 1024


def reset_peak() -> None:
    """Let `peak_bytes` begin at what is taken now (Linux)."""
    try:
        _CLEAR.write_text("5")
    except OSError:
        return


def give_back() -> None:
    """Give memory back to the system that the C library keeps for later (glibc; elsewhere nothing is done).

    Notes
    -----
    Each thread has a heap of its own, whose free parts stay with the program; with dozens of threads that adds up over
    thousands of images.
    """
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _container_bytes() -> int:
    """What a container's limit leaves, where there is one (cgroup v2)."""
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        used = int((_CGROUP / "memory.current").read_text())
        statistics = (_CGROUP / "memory.stat").read_text().split()
    except (OSError, ValueError):
        return sys.maxsize
    if not limit.isdigit():
        return sys.maxsize
    cached = int(statistics[statistics.index("inactive_file") + 1]) if "inactive_file" in statistics else 0
    return max(int(limit) - used + cached, 0)


def _address_bytes() -> int:
    """What ``ulimit -v`` leaves of the address space."""
    try:
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit == resource.RLIM_INFINITY:
            return sys.maxsize
        n_pages = int(Path("/proc/self/statm").read_text().split()[0])
        return limit - n_pages * resource.getpagesize()
    except (ImportError, OSError, ValueError):
        return sys.maxsize


def _free_bytes() -> int:
    if _MEMINFO.exists():
        for line in _MEMINFO.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return int(os.sysconf("SC_PHYS_PAGES")) * int(os.sysconf("SC_PAGE_SIZE"))
    return _FALLBACK_BYTES


def _is_in_memory(folder: Path) -> bool:
    """Whether a folder lies on a RAM disk (Linux)."""
    try:
        mounts = [line.split()[1:3] for line in Path("/proc/self/mounts").read_text().splitlines()]
    except OSError:
        return False
    here = str(folder.resolve())
    holding = [(len(place), kind) for place, kind in mounts if f"{here}/".startswith(f"{place.rstrip('/')}/")]
    return bool(holding) and max(holding)[1] in ("tmpfs", "ramfs")
