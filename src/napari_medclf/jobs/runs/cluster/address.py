"""Tell an address of a scheduler from what is none, before anything is begun."""

from __future__ import annotations

from pathlib import Path

from napari_medclf.domain.errors import OptionError

_PROTOCOLS = ("tcp://", "tls://")


def check_scheduler(address: str, n_workers: int = 1) -> None:
    """Refuse what is no address of a scheduler; an empty text means none.

    Parameters
    ----------
    n_workers : int
        Of processes on this computer; a scheduler has workers of its own.

    Raises
    ------
    OptionError
        With what one looks like.

    Examples
    --------
    >>> check_scheduler("tcp://10.0.0.7:8786")
    """
    if not address:
        return
    if n_workers > 1:
        raise OptionError("--scheduler and --workers exclude each other: a scheduler has workers of its own.")
    host, _, port = address.partition("://")[2].rpartition(":")
    if is_scheduler_file(address) or (address.startswith(_PROTOCOLS) and host and port.isdigit()):
        return
    raise OptionError(
        f"--scheduler {address}: is no address of a Dask scheduler; write tcp://HOST:PORT, tls://HOST:PORT, or the "
        "path of its scheduler file."
    )


def is_scheduler_file(address: str) -> bool:
    """Tell whether it is the JSON file in which a scheduler writes where it is."""
    try:
        return Path(address).is_file()
    except OSError:  # too long for a name
        return False
