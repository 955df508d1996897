"""Who made a package, as anybody can check: an Ed25519 signature beside the seal, held against the public keys that are trusted.

The seal's own key is a secret of one user or team. A signature (RFC 8032) is made with a private key and checked with the
public one, so that a package may be proven to machines that must not be able to make one.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import MissingBackend, UsageError
from hookline.workspace.bounded import Unreadable, read_ordinary

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SIGNING_KEY, TRUSTED_KEYS = "HOOKLINE_SIGNING_KEY", "HOOKLINE_TRUSTED_KEYS"
CONTEXT = b"hookline package\n"
"""Stands before what is signed, so that a signature of something else is none of a package."""
MOST_BYTES = 64 * 1024
"""Of a file with keys."""
MAKE = "openssl genpkey -algorithm ed25519 -out signing.pem"
PUBLISH = "openssl pkey -in signing.pem -pubout -out signing.pub"


def author_of(digest: str) -> dict[str, str]:
    """Return the public key and the signature of a manifest's digest, by the key that HOOKLINE_SIGNING_KEY names; empty without.

    Raises UsageError where that is no file of an Ed25519 key, MissingBackend where cryptography is not installed.
    """
    place = os.environ.get(SIGNING_KEY)
    if not place:
        return {}
    key = _private(Path(place))
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {"author": _text(public), "proof": _text(key.sign(CONTEXT + digest.encode()))}


def check_signing_key() -> None:
    """Raise as `author_of` does, so that a run with a wrong key ends before it begins."""
    author_of("")


def is_proven(seal: Mapping[str, Any]) -> bool:
    """Tell whether a seal's signature is that of the public key which it names."""
    _serialization("checking a signature")
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        public = Ed25519PublicKey.from_public_bytes(_bytes(seal["author"]))
        public.verify(_bytes(seal["proof"]), CONTEXT + str(seal["blake2b"]).encode())
    except (InvalidSignature, ValueError, LookupError, TypeError):
        return False
    return True


def is_trusted(seal: Mapping[str, Any]) -> bool:
    """Tell whether a seal is signed by one of the public keys in HOOKLINE_TRUSTED_KEYS; raises UsageError if these are none."""
    if "author" not in seal or not os.environ.get(TRUSTED_KEYS):
        return False
    return seal["author"] in trusted_keys() and is_proven(seal)


def trusted_keys() -> frozenset[str]:
    """Return the public keys in the files, or the folders of `.pub` and `.pem` files, that HOOKLINE_TRUSTED_KEYS names."""
    serialization, found = _serialization("checking a signature"), set()
    raw = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    for place in filter(None, os.environ.get(TRUSTED_KEYS, "").split(os.pathsep)):
        folder = Path(place)
        files = (
            sorted(path for path in folder.iterdir() if path.suffix in (".pub", ".pem"))
            if folder.is_dir()
            else [folder]
        )
        for file in files:
            found.add(_text(_public(file).public_bytes(*raw)))
    return frozenset(found)


def name_of(author: str) -> str:
    """Return what a public key is called where it is shown: the beginning of its SHA-256, hexadecimal."""
    return f"ed25519:{hashlib.sha256(author.encode()).hexdigest()[:16]}"


def _private(path: Path) -> Ed25519PrivateKey:
    serialization = _serialization("signing a package")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        key = serialization.load_pem_private_key(read_ordinary(path, MOST_BYTES), password=None)
    except (OSError, Unreadable, ValueError, TypeError) as error:
        raise UsageError(f"{SIGNING_KEY} names no private key that can be read: {path}", hint=MAKE) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{SIGNING_KEY} names a key that is not of Ed25519: {path}", hint=MAKE)
    return key


def _public(path: Path) -> Any:
    serialization = _serialization("checking a signature")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = serialization.load_pem_public_key(read_ordinary(path, MOST_BYTES))
    except (OSError, Unreadable, ValueError) as error:
        raise UsageError(f"{TRUSTED_KEYS} names no public key that can be read: {path}", hint=PUBLISH) from error
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{TRUSTED_KEYS} names a key that is not of Ed25519: {path}", hint=PUBLISH)
    return key


def _serialization(what: str) -> Any:
    try:
        from cryptography.hazmat.primitives import serialization
    except ModuleNotFoundError:
        raise MissingBackend(what, "cryptography", "signing") from None
    return serialization


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
