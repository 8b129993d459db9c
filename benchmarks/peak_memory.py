"""Peak memory of one way to do a thing, in a process of its own, above what its imports take."""

from __future__ import annotations

import subprocess
import sys

# The first number that Linux gives in kB is the process's own peak, also where the parent was larger.
_PROGRAM = """
def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])

{setup}
before = peak()
{work}
print(peak() - before)
"""


def peak_mib(setup: str, work: str) -> float:
    """Run `setup` and then `work`, two pieces of Python, and tell by how much `work` raised the peak; Linux only."""
    program = _PROGRAM.format(setup=setup, work=work)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1]) / 1024
