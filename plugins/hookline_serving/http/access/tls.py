"""Who may ask a server, and the certificate that it shows, looked at before it begins to listen."""

from __future__ import annotations

import ssl
import stat
import sys
from pathlib import Path
from typing import NamedTuple

from hookline.errors import UsageError
from hookline.live.serving.tokens import Tokens

HINT = "--tls-cert takes a PEM file with the certificate and those that signed it, --tls-key one with its private key"
LOOPBACK = ("127.", "::1")
"""What addresses that only this machine can reach begin with."""


class Access(NamedTuple):
    """Who may ask, and what encrypts what they ask."""

    tokens: Tokens | None = None
    cert: Path | None = None
    key: Path | None = None


def access_of(token_file: Path | None, cert: Path | None, key: Path | None) -> Access:
    """Return what the options mean; raises UsageError where their files cannot be used."""
    if key is not None and cert is None:
        raise UsageError("--tls-key is given without --tls-cert", hint=HINT)
    if cert is not None:
        _check(cert, key)
    return Access(None if token_file is None else Tokens.read(token_file), cert, key)


def warn_of_access(access: Access, host: str) -> None:
    """Say on stderr who can ask, or read the tokens, that might not be meant to. host: the address that is listened at."""
    if access.tokens is None:
        if not host.startswith(LOOPBACK):
            sys.stderr.write(f"warning: whoever reaches {host} is answered; --token-file asks for a token\n")
        return
    path = access.tokens.path
    # Not refused: containers are given their secrets in files that everybody in them may read.
    if path is not None and path.stat().st_mode & stat.S_IROTH:
        sys.stderr.write(f"warning: everybody on this machine can read {path}; chmod 600 {path} keeps it to you\n")
    if access.cert is None and not host.startswith(LOOPBACK):
        sys.stderr.write("warning: tokens travel unencrypted; --tls-cert and --tls-key encrypt them\n")


def _check(cert: Path, key: Path | None) -> None:
    def no_password() -> str:
        raise UsageError("the key of --tls-key is encrypted, and nobody is there to type its password", hint=HINT)

    for option, path in (("--tls-cert", cert), ("--tls-key", key)):
        if path is not None:
            try:
                path.open("rb").close()
            except OSError as error:
                raise UsageError(f"{option} {path} cannot be read: {error.strerror}", hint=HINT) from None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, no_password)
    except ssl.SSLError as error:
        reason = (error.reason or str(error)).replace("_", " ").lower()
        told = f"--tls-cert {cert}" + (f" and --tls-key {key}" if key is not None else "")
        raise UsageError(f"{told} cannot be used together: {reason}", hint=HINT) from None
