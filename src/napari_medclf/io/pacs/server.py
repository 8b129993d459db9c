"""Where a picture archive is and how it is spoken to, in one address."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from napari_medclf.domain.errors import OptionError

EXAMPLES = "https://host/dicom-web or dicom://AETITLE@host:104"
TIMEOUT_S = 20.0
_SECRET = re.compile(r"(env|keyring):[\w.@/-]+")


@dataclass(frozen=True)
class DicomWebServer:
    """A server that speaks DICOMweb (PS3.18).

    Parameters
    ----------
    url : str
        Without user, password, query.
    user : str
        For basic authentication; without one, the secret is a bearer token.
    secret : str
        Where the password or token is: ``env:NAME`` or ``keyring:SERVICE``; never the secret itself.
    ca_file : str
        Certificates to trust beside the system's, for a server with a certificate of its own house.
    timeout_s : float
        How long to wait for an answer, and between two parts of one.
    """

    url: str
    user: str = ""
    secret: str = ""
    ca_file: str = ""
    timeout_s: float = TIMEOUT_S

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise OptionError(f"{self.url!r} is no DICOMweb address. Give one such as https://host/dicom-web.")
        _check_common(self.secret, self.timeout_s)
        if self.secret and not self.is_private:
            raise OptionError(
                f"{self.url} is not encrypted, so a password or token would be readable on the way. Use https."
            )

    @property
    def host(self) -> str:
        """Name or number of the machine."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_private(self) -> bool:
        """Whether nobody on the way can read along: TLS, or this machine."""
        return self.url.startswith("https://") or is_loopback(self.host)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know before patients' data go there."""
        if self.is_private:
            return ()
        return (f"{self.host} is spoken to without encryption, so others on the network can read along. Use https.",)

    @property
    def address(self) -> str:
        """The one text it can be parsed from again; holds no secret."""
        parts = urlsplit(self.url)
        network = f"{self.user}@{parts.netloc}" if self.user else parts.netloc
        query = _query(secret=self.secret, ca=self.ca_file, timeout=_seconds(self.timeout_s))
        return urlunsplit((parts.scheme, network, parts.path, query, ""))

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True)
class DimseServer:
    """A server that speaks DICOM's own protocol (PS3.7, PS3.8).

    Parameters
    ----------
    ae_title, calling_ae_title : str
        Its name, and ours; archives know their callers by name.
    move_ae_title, move_port : str, int
        The name and port under which the archive knows *us* as a place to send to; without them objects
        are fetched with C-GET, with them with C-MOVE.
    is_tls : bool
        Whether the line is encrypted (``dicoms://``).
    certificate_file, key_file : str
        What we show on an encrypted line to a server that asks who we are; the key may be in the same file.
    """

    host: str
    port: int
    ae_title: str
    calling_ae_title: str = "MEDCLF"
    move_ae_title: str = ""
    move_port: int = 0
    is_tls: bool = False
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    timeout_s: float = TIMEOUT_S

    def __post_init__(self) -> None:
        if not self.host or not 0 < self.port < 65536:
            raise OptionError(f"{self.host}:{self.port} is no host and port. Give dicom://AETITLE@host:104.")
        for title in (self.ae_title, self.calling_ae_title, self.move_ae_title or "ANY"):
            if not 0 < len(title) <= 16 or not title.isascii() or not title.isprintable() or "\\" in title:
                raise OptionError(f"{title!r} is no AE title; it has 1 to 16 plain characters (PS3.5 6.2).")
        if bool(self.move_ae_title) != bool(self.move_port) or not 0 <= self.move_port < 65536:
            raise OptionError("C-MOVE needs our own name and port: ?move=MEDCLF:11112.")
        if self.certificate_file and not self.is_tls:
            raise OptionError("A certificate is shown on encrypted lines only: give dicoms://AETITLE@host:2762.")
        _check_common("", self.timeout_s)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know; DIMSE without TLS is the rule inside a hospital's network and is not told."""
        return ()

    @property
    def address(self) -> str:
        """The one text it can be parsed from again."""
        move = f"{self.move_ae_title}:{self.move_port}" if self.move_ae_title else ""
        calling = "" if self.calling_ae_title == "MEDCLF" else self.calling_ae_title
        query = _query(
            calling=calling,
            move=move,
            ca=self.ca_file,
            certificate=self.certificate_file,
            key=self.key_file,
            timeout=_seconds(self.timeout_s),
        )
        host = f"[{self.host}]" if ":" in self.host else self.host
        scheme = "dicoms" if self.is_tls else "dicom"
        return f"{scheme}://{self.ae_title}@{host}:{self.port}{'?' if query else ''}{query}"

    def __str__(self) -> str:
        return f"{self.ae_title} at {self.host}:{self.port}"


Server = DicomWebServer | DimseServer


def parse_server(address: str) -> Server:
    """Read a server from its address.

    >>> parse_server("dicom://ORTHANC@localhost:4242?calling=ME").calling_ae_title
    'ME'

    Raises
    ------
    OptionError
        If it is none, or holds a password: that would end in shells' histories and files.
    """
    try:
        parts = urlsplit(address.strip())
        port = parts.port
    except ValueError:
        raise OptionError(f"This is no server's address. Give one such as {EXAMPLES}.") from None
    if parts.password is not None:
        raise OptionError(
            f"The address {_without_password(parts)} holds a password. Put it into an environment variable or the "
            "keyring, and give ?secret=env:NAME or ?secret=keyring:SERVICE instead."
        )
    if parts.scheme in ("http", "https"):
        return _parse_web(parts)
    if parts.scheme in ("dicom", "dicoms"):
        return _parse_dimse(parts, port)
    raise OptionError(f"{address!r} is no server's address. Give one such as {EXAMPLES}.")


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _parse_web(parts: SplitResult) -> DicomWebServer:
    settings = _settings(parts, ("secret", "ca", "timeout"))
    user, _, network = parts.netloc.rpartition("@")
    url = urlunsplit((parts.scheme, network, parts.path.rstrip("/"), "", ""))
    server = DicomWebServer(url, user, settings.get("secret", ""), _file(settings))
    return replace(server, timeout_s=_timeout(settings))


def _parse_dimse(parts: SplitResult, port: int | None) -> DimseServer:
    settings = _settings(parts, ("calling", "move", "ca", "certificate", "key", "timeout"))
    title = parts.netloc.rpartition("@")[0]
    if not title or port is None:
        raise OptionError(f"{parts.geturl()!r} lacks the AE title or the port. Give dicom://AETITLE@host:104.")
    move_title, _, move_port = settings.get("move", "").rpartition(":")
    if "move" in settings and not (move_title and move_port.isdigit()):
        raise OptionError("C-MOVE needs our own name and port: ?move=MEDCLF:11112.")
    return DimseServer(
        host=parts.hostname or "",
        port=port,
        ae_title=title,
        calling_ae_title=settings.get("calling", "MEDCLF"),
        move_ae_title=move_title,
        move_port=int(move_port or 0),
        is_tls=parts.scheme == "dicoms",
        ca_file=_file(settings),
        certificate_file=_file(settings, "certificate"),
        key_file=_file(settings, "key"),
        timeout_s=_timeout(settings),
    )


def _settings(parts: SplitResult, known: tuple[str, ...]) -> dict[str, str]:
    settings = dict(parse_qsl(parts.query))
    unknown = sorted(settings.keys() - set(known))
    if unknown:
        raise OptionError(f"The address knows no {unknown[0]!r}. Known: {', '.join(known)}.")
    return settings


def _timeout(settings: dict[str, str]) -> float:
    try:
        return float(settings.get("timeout", TIMEOUT_S))
    except ValueError:
        raise OptionError(f"The timeout {settings['timeout']!r} is no number of seconds.") from None


def _file(settings: dict[str, str], name: str = "ca") -> str:
    path = settings.get(name, "")
    if path and not Path(path).is_file():
        what = "private key" if name == "key" else "certificates"
        raise OptionError(f"There is no file of {what} at {path}.")
    return path


def _check_common(secret: str, timeout_s: float) -> None:
    if secret and not _SECRET.fullmatch(secret):
        raise OptionError("A secret is named, not given: ?secret=env:NAME or ?secret=keyring:SERVICE.")
    if not 0 < timeout_s <= 3600:
        raise OptionError(f"The timeout is {timeout_s:g} s, but must be between 0 and 3600 s.")


def _query(**settings: str) -> str:
    return urlencode({name: value for name, value in settings.items() if value}, safe=":/@")


def _seconds(timeout_s: float) -> str:
    return "" if timeout_s == TIMEOUT_S else f"{timeout_s:g}"


def _without_password(parts: SplitResult) -> str:
    return urlunsplit((parts.scheme, f"{parts.username}:...@{parts.hostname}", parts.path, "", ""))
