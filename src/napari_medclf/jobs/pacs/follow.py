"""Let blocking network calls run beside a job, so that it can be stopped at any moment."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from napari_medclf.domain.events import Job, JobEvent, Progress

if TYPE_CHECKING:
    from napari_medclf.io.pacs.link import Link
    from napari_medclf.io.pacs.server import Server

Item = TypeVar("Item")
Answer = TypeVar("Answer")
_LOOK_EVERY_S = 0.1
_LONGEST_END_S = 1.5
_END = object()


@contextmanager
def linked(name_or_address: str) -> Iterator[tuple[Server, Link]]:
    """Give a server by its name or address, and a link to it.

    Raises
    ------
    OptionError
        If there is no such server.
    BackendUnavailable
        If the packages of the extra ``pacs`` are missing.
    """
    from napari_medclf.io.pacs.link import open_link
    from napari_medclf.io.pacs.server_file import find_server
    from napari_medclf.store.catalogue import default_user_folder

    server = find_server(default_user_folder(), name_or_address)
    with open_link(server) as link:
        yield server, link


def follow(
    work: Callable[[Callable[[Item], None]], None],
    link: Link,
    on_item: Callable[[Item], JobEvent],
    waiting: JobEvent,
) -> Job[None]:
    """Run `work` on a thread and turn what it tells into events.

    While nothing comes, the last event is given again every tenth of a second, so that whoever drives the
    job can stop it; then the link is aborted, and the job ends within two seconds.

    Raises
    ------
    Exception
        What `work` raised, after all it told before.
    """
    items: queue.Queue[object] = queue.Queue()
    ending: list[BaseException] = []
    thread = threading.Thread(target=_run, args=(work, items, ending), daemon=True)
    thread.start()
    try:
        while True:
            try:
                item = items.get(timeout=_LOOK_EVERY_S)
            except queue.Empty:
                yield waiting
                continue
            if item is _END:
                break
            waiting = on_item(item)  # type: ignore[arg-type]  # what `work` told
            yield waiting
    finally:
        if thread.is_alive():
            link.abort()
            thread.join(_LONGEST_END_S)
    if ending:
        raise ending[0]


def ask(question: Callable[[], Answer], link: Link, message: str) -> Job[Answer]:
    """Wait for one answer; it can be stopped like `follow`."""
    answers: list[Answer] = []

    def work(tell: Callable[[Answer], None]) -> None:
        tell(question())

    def keep(answer: Answer) -> Progress:
        answers.append(answer)
        return Progress(0, 0, message)

    yield from follow(work, link, keep, Progress(0, 0, message))
    return answers[0]


def _run(
    work: Callable[[Callable[[Item], None]], None], items: queue.Queue[object], ending: list[BaseException]
) -> None:
    try:
        work(items.put)
    except BaseException as error:  # noqa: BLE001  (it is raised again by the job, on its own thread)
        ending.append(error)
    finally:
        items.put(_END)
