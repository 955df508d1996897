"""The seal of a manifest: a digest of all that it says, the files' digests included, signed with the user's key."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from hookline.errors import StoreError, UntrustedPackage
from hookline.workspace.signing import key_name, known_key, signature_of

from .authors import TRUSTED_KEYS, author_of, is_proven, is_trusted, name_of

SEAL = "seal"
PARTS = ("blake2b", "key", "signature")
AUTHOR = ("author", "proof")
"""Parts of a seal that was signed with a private key: the public one, and the signature."""
UNSEALED = (1, 2)
"""Versions of the layout whose manifests have no seal."""
_AGAIN = "copy or build the package again"


def sealed(manifest: Mapping[str, Any], key: bytes) -> str:
    """Return a manifest as JSON text that ends in its seal, a former one replaced, signed with a key.

    Where HOOKLINE_SIGNING_KEY names a private key, its signature is a part of the seal.
    """
    said = {name: value for name, value in manifest.items() if name != SEAL}
    body = json.dumps(said, indent=1).removesuffix("\n}")
    digest = hashlib.blake2b(body.encode()).hexdigest()
    return body + _tail(digest, key_name(key), signature_of(key, digest), author_of(digest))


def check_seal(manifest: Mapping[str, Any], content: bytes, where: str) -> None:
    """Raise StoreError where a manifest is not what was sealed, or bears this user's signature and is not what they signed.

    Every byte counts: what stands before the seal is digested as it is, and the seal may be written in one way only.
    content: the manifest's file
    """
    seal = manifest.get(SEAL)
    if seal is None and manifest.get("format") in UNSEALED:
        return
    if not isinstance(seal, dict) or not all(isinstance(seal.get(part), str) for part in PARTS):
        raise StoreError(f"{where} is damaged: it has no seal", hint=_AGAIN)
    author = {part: seal[part] for part in AUTHOR if isinstance(seal.get(part), str)}
    tail = _tail(seal["blake2b"], seal["key"], seal["signature"], author).encode()
    digest = hashlib.blake2b(content.removesuffix(tail)).hexdigest()
    if not content.endswith(tail) or not hmac.compare_digest(seal["blake2b"].encode(), digest.encode()):
        raise StoreError(f"{where} is damaged: it is not what was sealed", hint=_AGAIN)
    key = known_key()
    if key is not None and seal["key"] == key_name(key) and not _agrees(seal, key):
        raise StoreError(
            f"{where} was rewritten: it bears your signature, and is not what you signed",
            hint="see who can write this folder, and build the package again",
        )


def is_signed(manifest: Mapping[str, Any]) -> bool:
    """Tell whether a manifest that was read is signed with this user's key, or with the one that the team shares."""
    key, seal = known_key(), manifest.get(SEAL)
    return key is not None and isinstance(seal, dict) and seal.get("key") == key_name(key) and _agrees(seal, key)


def signed_by(manifest: Mapping[str, Any]) -> str | None:
    """Return the name of the public key that a manifest which was read is signed by; None where it is by none.

    Raises StoreError where its signature is not that key's.
    """
    seal = manifest.get(SEAL) or {}
    if "author" not in seal:
        return None
    if not is_proven(seal):
        raise StoreError(f"the signature of {name_of(str(seal['author']))} is not of this package", hint=_AGAIN)
    return name_of(str(seal["author"]))


def is_vouched_for(manifest: Mapping[str, Any]) -> bool:
    """Tell whether a manifest is signed with this user's key, or by one of HOOKLINE_TRUSTED_KEYS."""
    return is_signed(manifest) or is_trusted(manifest.get(SEAL) or {})


def require_own(manifest: Mapping[str, Any], where: str) -> None:
    """Raise UntrustedPackage where a manifest is not signed with this user's key."""
    if not is_signed(manifest):
        raise UntrustedPackage(
            f"package {where} is not signed with your key, so anybody may have written or rewritten it",
            hint="set HOOKLINE_STORE_KEY to the secret that it was made with, or run it again",
        )


def require_signed(manifest: Mapping[str, Any], where: str) -> None:
    """Raise UntrustedPackage where a manifest is signed neither with this user's key nor by a trusted one."""
    if is_vouched_for(manifest):
        return
    seal = manifest.get(SEAL) or {}
    if "author" in seal:
        raise UntrustedPackage(
            f"package {where} is signed by {name_of(str(seal['author']))}, which is not among the keys that you trust",
            hint=f"{TRUSTED_KEYS}=FILE names the public keys that you trust",
        )
    require_own(manifest, where)


def _tail(digest: str, key: str, signature: str, author: Mapping[str, str] | None = None) -> str:
    # Damage to a signature that nobody here can check is told all the same.
    told = " ".join([digest, key, signature, *(author or {}).values()])
    check = hashlib.blake2b(told.encode(), digest_size=8).hexdigest()
    seal = {"blake2b": digest, "key": key, "signature": signature, **(author or {}), "check": check}
    return f',\n "{SEAL}": {json.dumps(seal)}\n}}'


def _agrees(seal: Mapping[str, Any], key: bytes) -> bool:
    return hmac.compare_digest(str(seal.get("signature")).encode(), signature_of(key, str(seal["blake2b"])).encode())
