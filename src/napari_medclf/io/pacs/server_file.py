"""The archives a person has given names to, in one small file; it holds no password."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from napari_medclf.atomic import atomic_write
from napari_medclf.domain.errors import OptionError, unknown_choice
from napari_medclf.io.pacs.server import EXAMPLES, Server, parse_server

_FILE = "pacs.json"
_NAME = re.compile(r"[\w.-]{1,40}")


def read_servers(folder: Path) -> dict[str, str]:
    """Names and addresses, in the order of the names; empty where there is no file.

    Raises
    ------
    OptionError
        If the file is not what this program wrote.
    """
    path = folder / _FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        servers = document["servers"]
        if not all(isinstance(one, str) for one in servers.values()):
            raise TypeError
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OptionError(f"{path} is damaged; remove it, or write it anew with `medclf pacs add`.") from error
    return dict(sorted(servers.items()))


def add_server(folder: Path, name: str, address: str) -> Server:
    """Remember an address under a name; one that is there is replaced.

    Raises
    ------
    OptionError
        If the name or the address is none, or the address holds a password.
    """
    if not _NAME.fullmatch(name):
        raise OptionError(f"{name!r} is no name for a server: letters, digits, dots and dashes, at most 40.")
    server = parse_server(address)
    _write(folder, {**read_servers(folder), name: server.address})
    return server


def remove_server(folder: Path, name: str) -> None:
    """Forget a server.

    Raises
    ------
    OptionError
        If there is none of this name.
    """
    servers = read_servers(folder)
    if name not in servers:
        raise OptionError(unknown_choice("server", name, servers))
    del servers[name]
    _write(folder, servers)


def find_server(folder: Path, name_or_address: str) -> Server:
    """Find a server by the name it was given, or by its address.

    Raises
    ------
    OptionError
        If it is neither.
    """
    if "://" in name_or_address:
        return parse_server(name_or_address)
    servers = read_servers(folder)
    if name_or_address not in servers:
        sentence = unknown_choice("server", name_or_address, servers)
        raise OptionError(f"{sentence} Or give an address such as {EXAMPLES}.")
    return parse_server(servers[name_or_address])


def _write(folder: Path, servers: Mapping[str, str]) -> None:
    atomic_write(folder / _FILE, json.dumps({"schema_version": 1, "servers": dict(servers)}, indent=2) + "\n")
