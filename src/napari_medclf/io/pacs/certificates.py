"""Certificates of an encrypted line: who we are, and whom we believe (PS3.15 B, RFC 9325)."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from napari_medclf.domain.errors import OptionError


@dataclass(frozen=True)
class Certificates:
    """Files of PEM text.

    Parameters
    ----------
    certificate : Path
        Ours, with those who signed it.
    key : Path or None
        The private key; None where it is in the same file. It must not ask for a password.
    trusted : Path or None
        Certificates of those we talk to, or of who signed them. A server that has it lets in nobody who shows no such
        certificate; a client that has none believes what the system believes.
    """

    certificate: Path
    key: Path | None = None
    trusted: Path | None = None

    def of_server(self) -> ssl.SSLContext:
        """Make what encrypts the lines of callers: TLS 1.2 or newer.

        Raises
        ------
        OptionError
            If a file is not there or not what it should be.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        show_certificate(context, self.certificate, self.key)
        if self.trusted is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            try:
                context.load_verify_locations(self.trusted)
            except (OSError, ssl.SSLError) as error:
                raise OptionError(f"{self.trusted}: holds no certificates that can be read ({_why(error)}).") from None
        return context


def show_certificate(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    """Let a context show a certificate to the other side.

    Raises
    ------
    OptionError
        If the files do not hold a certificate and its key, or the key asks for a password.
    """
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ssl.SSLError) as error:
        files = f"{certificate} and {key}" if key else str(certificate)
        raise OptionError(
            f"{files}: this is no certificate with its private key, as PEM text ({_why(error)}). A key that asks for a "
            "password cannot be used by a service; keep the file readable for its account only."
        ) from None


def _no_password() -> bytes:
    """Answer what OpenSSL would otherwise ask on the terminal."""
    return b""


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no PEM text").replace("_", " ").lower()
    return error.strerror or type(error).__name__
