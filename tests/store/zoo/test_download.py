"""Downloads come whole or not at all, go on where they ended, and stop when they are asked to."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from napari_medclf.domain.errors import ServerError, WriteError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.store.zoo import download as module
from napari_medclf.store.zoo.download import Patience, download

CONTENT = bytes(range(251)) * 4000
HASTY = Patience(timeout_s=1.0, most_tries=3, first_wait_s=0.01)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "downloads" / "model.zip"


def _run(job: Job[Any]) -> list[Any]:
    events = []
    while True:
        try:
            events.append(next(job))
        except StopIteration:
            return events


def test_file_arrives_whole_with_progress_and_nothing_beside_it(site: Any, target: Path) -> None:
    site.files["model.zip"] = CONTENT
    events = _run(download(site.url("model.zip"), target, HASTY))
    assert target.read_bytes() == CONTENT
    assert list(target.parent.iterdir()) == [target]
    assert all(isinstance(one, Progress) for one in events)


def test_broken_connection_is_gone_on_from(site: Any, target: Path) -> None:
    site.files["model.zip"], site.cuts = CONTENT, [1000, 300_000]
    _run(download(site.url("model.zip"), target, HASTY))
    assert target.read_bytes() == CONTENT
    assert [wanted for _, wanted in site.asked] == ["", "bytes=1000-", "bytes=301000-"]


def test_server_without_ranges_is_asked_for_all_again(site: Any, target: Path) -> None:
    site.files["model.zip"], site.cuts, site.takes_ranges = CONTENT, [1000], False
    _run(download(site.url("model.zip"), target, HASTY))
    assert target.read_bytes() == CONTENT


def test_file_that_changed_on_the_server_is_not_mixed(site: Any, target: Path) -> None:
    site.files["model.zip"], site.cuts = CONTENT, [1000, 0, 0]
    with pytest.raises(ServerError, match="connection broke"):
        _run(download(site.url("model.zip"), target, HASTY))
    site.files["model.zip"], site.headers = CONTENT[::-1], {"ETag": '"2"'}
    _run(download(site.url("model.zip"), target, HASTY))
    assert target.read_bytes() == CONTENT[::-1]


def test_weak_tag_is_not_used_to_go_on(site: Any, target: Path) -> None:
    site.files["model.zip"], site.cuts, site.headers = CONTENT, [1000], {"ETag": 'W/"1"'}
    _run(download(site.url("model.zip"), target, HASTY))
    assert [wanted for _, wanted in site.asked] == ["", ""]
    assert target.read_bytes() == CONTENT


def test_date_serves_where_there_is_no_tag(site: Any, target: Path) -> None:
    site.files["model.zip"], site.cuts = CONTENT, [1000]
    site.headers = {"Last-Modified": "Sat, 21 Nov 2026 10:00:00 GMT"}
    _run(download(site.url("model.zip"), target, HASTY))
    assert site.asked[1] == ("model.zip", "bytes=1000-")
    assert target.read_bytes() == CONTENT


def test_stop_is_quick_though_the_server_is_silent_and_the_rest_is_fetched_later(site: Any, target: Path) -> None:
    site.files["model.zip"], site.is_silent_after = CONTENT, 200_000
    job = download(site.url("model.zip"), target)
    while next(job).done < 200_000:
        pass
    begun_s = time.monotonic()
    job.close()
    assert time.monotonic() - begun_s < 2
    assert not target.exists()
    site.is_silent_after = None
    _run(download(site.url("model.zip"), target, HASTY))
    assert target.read_bytes() == CONTENT
    assert site.asked[-1] == ("model.zip", "bytes=200000-")


def test_stopped_download_writes_no_more(site: Any, target: Path) -> None:
    site.files["model.zip"], site.is_silent_after = CONTENT, 200_000
    job = download(site.url("model.zip"), target)
    while next(job).done < 200_000:
        pass
    job.close()
    site.silence.set()
    time.sleep(0.3)
    assert (target.parent / "model.zip.part").stat().st_size == 200_000


def test_silent_server_is_told_after_the_last_try(site: Any, target: Path) -> None:
    site.files["model.zip"], site.is_silent_after = CONTENT, 0
    with pytest.raises(ServerError, match="did not answer in time"):
        _run(download(site.url("model.zip"), target, Patience(0.1, 2, 0.01)))


_DOWNLOAD_AND_DIE = """
import os, sys
from pathlib import Path
from napari_medclf.store.zoo.download import download
job = download(sys.argv[1], Path(sys.argv[2]))
while next(job).done < 200_000:
    pass
os._exit(9)
"""


def test_download_of_a_killed_process_is_gone_on_from(site: Any, target: Path) -> None:
    site.files["model.zip"], site.is_silent_after = CONTENT, 200_000
    words = [sys.executable, "-c", _DOWNLOAD_AND_DIE, site.url("model.zip"), str(target)]
    assert subprocess.run(words, timeout=60, check=False).returncode == 9
    site.is_silent_after = None
    _run(download(site.url("model.zip"), target, HASTY))
    assert target.read_bytes() == CONTENT
    assert site.asked[-1] == ("model.zip", "bytes=200000-")
    assert list(target.parent.iterdir()) == [target]


def test_kill_after_the_last_byte_needs_no_second_download(site: Any, target: Path) -> None:
    site.files["model.zip"], site.cuts = CONTENT, [len(CONTENT) - 1, 0, 0]
    with pytest.raises(ServerError):
        _run(download(site.url("model.zip"), target, HASTY))
    with (target.parent / "model.zip.part").open("ab") as part:
        part.write(CONTENT[-1:])
    n_before = len(site.asked)
    _run(download(site.url("model.zip"), target, HASTY))
    assert (target.read_bytes(), len(site.asked)) == (CONTENT, n_before)


def test_busy_server_is_asked_again(site: Any, target: Path) -> None:
    site.files["model.zip"], site.failures = CONTENT, [503, 429]
    _run(download(site.url("model.zip"), target, HASTY))
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("code", "says", "n_tries"), [(404, "has no such file", 1), (403, "refuses", 1), (503, "busy or ill", 3)]
)
def test_refusal_of_the_server_is_one_sentence(site: Any, target: Path, code: int, says: str, n_tries: int) -> None:
    site.failures = [code] * 5
    with pytest.raises(ServerError, match=says):
        _run(download(site.url("model.zip"), target, HASTY))
    assert len(site.asked) == n_tries
    assert not target.exists()


def test_web_page_is_no_model(site: Any, target: Path) -> None:
    site.files["model.zip"], site.headers = b"<html>Please log in</html>", {"Content-Type": "text/html; charset=utf-8"}
    with pytest.raises(ServerError, match="sent a web page in place of the file"):
        _run(download(site.url("model.zip"), target, HASTY))


@pytest.mark.parametrize("place", ["http://example.org/model.zip", "file:///etc/passwd", "ftp://example.org/x"])
def test_redirect_away_from_https_is_refused(site: Any, target: Path, place: str) -> None:
    site.moved["model.zip"] = place
    with pytest.raises(ServerError, match=r"https only|in place of the file"):
        _run(download(site.url("model.zip"), target, HASTY))


@pytest.mark.parametrize("place", ["http://example.org/model.zip", "file:///etc/passwd", "model.zip", "https://"])
def test_only_https_is_asked(target: Path, place: str) -> None:
    with pytest.raises(ServerError, match="https only"):
        _run(download(place, target, HASTY))


def test_server_that_is_not_there_is_one_sentence(target: Path) -> None:
    with pytest.raises(ServerError, match=r"cannot be reached .* --mirror"):
        _run(download("http://127.0.0.1:9/model.zip", target, HASTY))


def test_full_disk_is_told_before_the_download(site: Any, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site.files["model.zip"] = CONTENT
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1000})())
    with pytest.raises(WriteError, match="1 MB are to come"):
        _run(download(site.url("model.zip"), target, HASTY))


def test_two_processes_do_not_write_one_file(site: Any, target: Path) -> None:
    target.parent.mkdir(parents=True)
    (target.parent / f"model.zip.claim-{os.getppid()}").touch()
    with pytest.raises(WriteError, match="is being downloaded by another process"):
        _run(download(site.url("model.zip"), target, HASTY))
