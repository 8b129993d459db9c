"""The first words of an encrypted line, where they cannot hold up other callers."""

from __future__ import annotations

import socket
import ssl

_WHY = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it showed no certificate, and must (--trusted)",
    "CERTIFICATE_VERIFY_FAILED": "its certificate is not among those that may send (--trusted)",
    "WRONG_VERSION_NUMBER": "it speaks without encryption, and this line is encrypted (--certificate)",
    "HTTP_REQUEST": "it speaks without encryption, and this line is encrypted (--certificate)",
    "UNSUPPORTED_PROTOCOL": "its encryption is older than TLS 1.2",
    "TLSV1_ALERT_UNKNOWN_CA": "it does not trust our certificate (--certificate)",
}


class Handshakes:
    """Encrypts lines, but leaves their handshakes to `shake_hands`.

    pynetdicom 3 shakes hands in the one thread that lets callers in, and waits for each without end.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context

    def wrap_socket(self, line: socket.socket, *, server_side: bool) -> ssl.SSLSocket:
        """Encrypt a line, as `ssl.SSLContext.wrap_socket` does; pynetdicom calls it."""
        return self._context.wrap_socket(line, server_side=server_side, do_handshake_on_connect=False)


def shake_hands(line: socket.socket, timeout_s: float) -> str:
    """Begin to speak on a line that `Handshakes` made; gives what went wrong as a sentence's part, or nothing."""
    if not isinstance(line, ssl.SSLSocket):
        return ""
    line.settimeout(timeout_s)
    try:
        line.do_handshake()
    except TimeoutError:
        return f"it did not begin an encrypted line within {timeout_s:g} s"
    except ssl.SSLError as error:
        reason = error.reason or ""
        return _WHY.get(reason, f"no encrypted line came about ({reason.replace('_', ' ').lower() or 'broken off'})")
    except (OSError, ValueError):  # ValueError of a line that was closed meanwhile
        return "it broke off before an encrypted line came about"
    return ""
