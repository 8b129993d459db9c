"""No malformed case crashes, hangs, eats memory, writes elsewhere, names the patient, or is read wrong in silence."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from napari_medclf.testing.malformed import Allowed, all_malformed

CASES = {case.name: case for case in all_malformed()}
LONGEST_S = 10
MOST_BYTES = 2 * 2**30
PLANTED = ("SECRET", "JANE", "MRN-4711")
WORKER = Path(__file__).with_name("malformed_worker.py")


class Workers:
    """One process that opens cases; a new one after a crash or a hang."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> subprocess.Popen[str]:
        temporary = self.home / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        places = dict.fromkeys(("HOME", "TMPDIR", "MEDCLF_HOME", "XDG_CACHE_HOME"), str(temporary))
        return subprocess.Popen(
            [sys.executable, str(WORKER), str(self.home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=self.home,
            env={**os.environ, **places, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )

    def ask(self, name: str) -> dict:
        is_new = self.process is None
        self.process = self.process or self.start()
        print(name, file=self.process.stdin, flush=True)
        ready, _, _ = select.select([self.process.stdout], [], [], LONGEST_S + 60 * is_new)
        line = self.process.stdout.readline() if ready else ""
        if not line:
            self.stop()
            return {"name": name, "crash": "the process died" if ready else f"no answer after {LONGEST_S} s"}
        return json.loads(line)

    def end(self) -> None:
        """Let it clean up after itself."""
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait(30)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    workers = Workers(tmp_path_factory.mktemp("malformed"))
    found = {name: workers.ask(name) for name in CASES}
    workers.end()
    found["left"] = sorted(path.name for path in (workers.home / "tmp").rglob("*") if path.is_file())
    return found


def test_nothing_is_left_in_the_temporary_folder(outcomes):
    assert outcomes["left"] == []


@pytest.mark.parametrize("name", CASES)
def test_case_ends_well(name, outcomes):
    assert faults(outcomes[name], CASES[name].allowed) == []


def test_there_are_many_cases_of_many_kinds():
    assert len(CASES) >= 150
    assert len({case.group for case in CASES.values()}) >= 12


def faults(outcome: dict, allowed: Allowed) -> list[str]:
    """Say all that is wrong with what came of a case."""
    if outcome["crash"]:
        return [outcome["crash"]]
    found = []
    if outcome["seconds"] > LONGEST_S:
        found.append(f"took {outcome['seconds']:.1f} s")
    if outcome["peak_bytes"] > MOST_BYTES:
        found.append(f"took {outcome['peak_bytes'] / 2**30:.1f} GiB")
    if outcome["written"]:
        found.append(f"wrote {outcome['written'][:3]}")
    found += [f"names the patient: {text[:200]!r}" for text in outcome["texts"] if any(one in text for one in PLANTED)]
    found += [f"no sentence: {one!r}" for one in outcome["refusals"] if not _is_sentence(one)]
    return found + _silent(outcome, allowed)


def _is_sentence(refusal: str) -> bool:
    where, _, reason = refusal.partition(": ")
    return "\n" not in refusal and bool(where) and len(reason.split()) >= 3 and reason.endswith((".", "?", "!"))


def _silent(outcome: dict, allowed: Allowed) -> list[str]:
    images, others = outcome["images"], outcome["derived"]
    if not images and not others and not outcome["refusals"]:
        return ["says nothing and reads nothing"]
    if allowed is Allowed.READ and not any(_is_right(image, allowed) for image in images):
        return [f"does not read the sound images beside it: {outcome['refusals'][:2]}"]
    if outcome["refusals"]:  # a word was said about this case
        return []
    unwarned = [one for one in images if not one["warnings"]]
    if allowed is Allowed.NOTHING:
        return [f"read without a word: {one}" for one in unwarned] + [
            f"read without a word: {one}" for one in others if not one["warnings"]
        ]
    if allowed is Allowed.WARNED:
        return [f"read without a warning: {one}" for one in (*unwarned, *others) if not one["warnings"]]
    return [f"read wrong in silence: {one}" for one in unwarned if not _is_right(one, allowed)]


def _is_right(image: dict, allowed: Allowed) -> bool:
    return image["has_samples"] and (image["has_place"] or allowed is Allowed.PICTURE)
