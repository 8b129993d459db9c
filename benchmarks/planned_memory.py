"""The memory that a run was foreseen to take, beside what it took; each run in a process of its own.

python benchmarks/planned_memory.py
"""

from __future__ import annotations

from peak_memory import peak_mib

CASES = {
    "25 classes, 1.4 M parameters, 96 cubed": "Size((200, 384, 384), (1.5, 0.75, 0.75), 25, (96, 96, 96), 'small')",
    "25 classes, 1.4 M parameters, 64 cubed": "Size((200, 384, 384), (1.5, 0.75, 0.75), 25, (64, 64, 64), 'small')",
    "60 classes, 1.4 M parameters, 48x96x96": "Size((200, 384, 384), (1.5, 0.75, 0.75), 60, (48, 96, 96), 'small')",
    "5 classes, 5.8 M parameters, 80 cubed": "Size((160, 320, 320), (1.5, 0.75, 0.75), 5, (80, 80, 80), 'large')",
    "3 classes at full size, 1.4 M, 64 cubed": "Size((90, 256, 256), (3.0, 3.0, 3.0), 3, (64, 64, 64), 'small')",
}
_SETUP = """
import contextlib, io, sys
import torch
sys.path.insert(0, {here!r})
from ct_case import Size, make_ct
from ct_ways import ours
torch.set_num_threads(1)
size = {size}
ct = make_ct(size)
run = ours(ct, size)
open("/proc/self/clear_refs", "w").write("5")
"""
_WORK = """
told = io.StringIO()
with contextlib.redirect_stderr(told):
    run()
line = told.getvalue()
print(line, file=open({log!r}, "w"))
"""


def main() -> None:
    """Print a line a case."""
    import tempfile
    from pathlib import Path

    here = str(Path(__file__).parent)
    with tempfile.TemporaryDirectory() as folder:
        log = str(Path(folder) / "plan.txt")
        for name, size in CASES.items():
            taken_gb = peak_mib(_SETUP.format(here=here, size=size), _WORK.format(log=log)) * 2**20 / 1e9
            line = Path(log).read_text().strip()
            planned_gb = float(line.split()[1])
            print(
                f"  {name:42} planned {planned_gb:.2f} GB, taken {taken_gb:.2f} GB ({planned_gb / taken_gb - 1:+.0%})"
            )


if __name__ == "__main__":
    main()
