"""What is said to an nnInteractive server about one object after the other; only on the worker's thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.events import Job, Progress

if TYPE_CHECKING:
    from napari_medclf.backends.nninteractive import Prompt, PromptedSession
    from napari_medclf.domain.image import MedImage


@dataclass(frozen=True, eq=False)
class ServerAnswer:
    """The object that a server found.

    Parameters
    ----------
    voxels : (N,) int64
        Of the object, raveled in C order on the image's grid; sorted.
    gone : (M,) int64
        Those of the answer before that are no longer of it.
    fresh : (F,) int64
        Those of the object that were not of the answer before.
    """

    voxels: NDArray[np.int64]
    gone: NDArray[np.int64]
    fresh: NDArray[np.int64]


class ServerTalk:
    """Keeps one image on a server, and what was said about it."""

    def __init__(self) -> None:
        self._session: PromptedSession | None = None
        self._about: tuple[MedImage, str] | None = None
        self._told: tuple[Prompt, ...] | None = ()

    def ask(
        self, image: MedImage, address: str, prompts: tuple[Prompt, ...], before: NDArray[np.int64]
    ) -> Job[ServerAnswer]:
        """Ask for the object that prompts describe; only those are sent that the server does not know yet.

        Parameters
        ----------
        prompts : tuple of Prompt
            All of the object. Where the server knows others, as after an undo, it is told all of them anew.
        before : (N,) int64
            The voxels of the answer before, sorted.

        Raises
        ------
        MedclfError
            As `PromptedSession.add`. The next question begins with another connection then.
        """
        session = self._session_for(image, address)
        told, self._told = self._told, None  # not known, until the server has answered
        try:
            if told is None or prompts[: len(told)] != told:
                yield from session.reset()
                told = ()
            found = yield from session.add(*prompts[len(told) :])
            self._told = prompts
        finally:
            if self._told is None:
                self._let_go()
        voxels = np.flatnonzero(found.labels)
        yield Progress(0, 0)
        return ServerAnswer(
            voxels,
            np.setdiff1d(before, voxels, assume_unique=True),
            np.setdiff1d(voxels, before, assume_unique=True),
        )

    def close(self) -> Job[None]:
        """Give the server's place up, and let it forget the image."""
        yield Progress(0, 0)
        session, self._session, self._about = self._session, None, None
        if session is not None:
            session.close()

    def _session_for(self, image: MedImage, address: str) -> PromptedSession:
        from napari_medclf.backends.nninteractive import PromptedSession

        about = self._about
        if self._session is None or about is None or about[0] is not image or about[1] != address:
            self._let_go()
            self._session, self._about, self._told = PromptedSession(image, address), (image, address), ()
        return self._session

    def _let_go(self) -> None:
        session, self._session, self._about = self._session, None, None
        if session is not None:
            session.close()
