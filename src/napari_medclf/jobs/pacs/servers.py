"""The archives a person has given names to."""

from __future__ import annotations

from dataclasses import dataclass

from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.events import Job, Warned
from napari_medclf.domain.options import check_options, option

ACTIONS = ("list", "add", "remove")


@dataclass(frozen=True)
class ServersOptions:
    """What to do with which server."""

    action: str = option("list", help="list, add or remove", choices=ACTIONS, positional=True)
    name: str = option("", help="a short name of your choice", positional=True)
    address: str = option(
        "",
        help="https://host/dicom-web?secret=env:NAME or dicom://AET@host:104?calling=MEDCLF&move=MEDCLF:11112",
        positional=True,
    )

    def __post_init__(self) -> None:
        check_options(self)
        if self.action == "add" and not (self.name and self.address):
            raise OptionError("`medclf pacs servers add` needs a name and an address.")
        if self.action == "remove" and not self.name:
            raise OptionError("`medclf pacs servers remove` needs a name.")


@dataclass(frozen=True)
class ServerTable:
    """Names and addresses; the addresses hold no secrets."""

    servers: tuple[tuple[str, str], ...]


def server_names() -> tuple[str, ...]:
    """List the names, without a job; a damaged file counts as empty."""
    from napari_medclf.io.pacs.server_file import read_servers
    from napari_medclf.store.catalogue import default_user_folder

    try:
        return tuple(read_servers(default_user_folder()))
    except OptionError:
        return ()


def servers(options: ServersOptions) -> Job[ServerTable]:
    """List the named servers, after adding or removing one.

    Raises
    ------
    OptionError
        If the address is none, or holds a password.
    """
    from napari_medclf.io.pacs.server_file import add_server, read_servers, remove_server
    from napari_medclf.store.catalogue import default_user_folder

    folder = default_user_folder()
    if options.action == "add":
        for warning in add_server(folder, options.name, options.address).warnings:
            yield Warned(warning)
    elif options.action == "remove":
        remove_server(folder, options.name)
    return ServerTable(tuple(read_servers(folder).items()))
