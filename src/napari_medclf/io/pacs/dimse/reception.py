"""Who may send objects to us, and what the receiver tells of them."""

from __future__ import annotations

from dataclasses import dataclass

from napari_medclf.domain.errors import OptionError
from napari_medclf.io.pacs.certificates import Certificates
from napari_medclf.io.pacs.depot import Taken
from napari_medclf.io.pacs.server import is_loopback


@dataclass(frozen=True)
class Reception:
    """Who may send, where to, and how much.

    Parameters
    ----------
    host : str
        Address to listen on; any other than this machine's own needs `calling`.
    calling : tuple of str
        AE titles that may send; empty lets every program of this machine send.
    most_senders : int
        Associations at a time; more are turned away and may try again.
    most_bytes : int
        Largest object; a sender of a larger one is cut off.
    idle_s : float
        After so long without a word a sender is cut off.
    certificates : Certificates or None
        Of the encrypted line; None takes senders without TLS.
    """

    port: int
    host: str = "127.0.0.1"
    ae_title: str = "MEDCLF"
    calling: tuple[str, ...] = ()
    most_senders: int = 10
    most_bytes: int = 2**32
    idle_s: float = 60.0
    certificates: Certificates | None = None

    def __post_init__(self) -> None:
        for title in (self.ae_title, *self.calling):
            if not 0 < len(title) <= 16 or not title.isascii() or not title.isprintable() or "\\" in title:
                raise OptionError(f"{title!r} is no AE title; it has 1 to 16 plain characters (PS3.5 6.2).")
        if not (is_loopback(self.host) or self.calling or self.knows_senders):
            raise OptionError(
                f"Listening on {self.host} lets other machines send, so --calling must name the AE titles that may, or "
                "--trusted their certificates. Without --host only programs of this machine can."
            )

    @property
    def knows_senders(self) -> bool:
        """Whether every sender must show a certificate that is trusted here."""
        return self.certificates is not None and self.certificates.trusted is not None


@dataclass(frozen=True)
class Stored:
    """An object was dealt with; ``sender`` is the AE title it came from."""

    sender: str
    taken: Taken


@dataclass(frozen=True)
class Ended:
    """A sender is gone.

    Parameters
    ----------
    studies : tuple of str
        What it had begun.
    is_whole : bool
        Whether it said that this was all; else it, or the line, broke off.
    """

    sender: str
    studies: tuple[str, ...]
    is_whole: bool


@dataclass(frozen=True)
class TurnedAway:
    """A sender was not let in, or was cut off; `reason` is a sentence without its name."""

    sender: str
    address: str
    reason: str


Told = Stored | Ended | TurnedAway
