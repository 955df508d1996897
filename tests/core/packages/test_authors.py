"""Packages signed with a private key, and held against the public keys that are trusted."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

import hookline as hl
from hookline.errors import StoreError, UntrustedPackage, UsageError
from hookline.packages.door.sealing import SEAL, signed_by
from hookline.packages.manifest import read_manifest
from hookline.workspace.workspace import open_workspace
from kit.command_line import Told


def keys(folder: Path, name: str) -> tuple[Path, Path]:
    """Write a pair of keys as openssl does, and return the files: private and public."""
    key = Ed25519PrivateKey.generate()
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.fixture
def signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A package that was signed, as another user has it, and the public key."""
    private, public = keys(tmp_path, "ours")
    monkeypatch.setenv("HOOKLINE_SIGNING_KEY", str(private))
    run = hl.run("source=iris", "trainer=decision_tree", "packager=[skops]", "monitor=[]", "~deployer")
    monkeypatch.delenv("HOOKLINE_SIGNING_KEY")
    monkeypatch.setenv("HOOKLINE_STORE_KEY", "of another user")
    return run.package(), public


def test_what_a_trusted_key_signed_is_loaded_where_a_signature_is_required(
    signed: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, hookline: Told
) -> None:
    folder, public = signed
    trust = hl.Trust(signed=True)
    with pytest.raises(UntrustedPackage, match="which is not among the keys that you trust"):
        hl.load(folder, trust=trust)
    monkeypatch.setenv("HOOKLINE_TRUSTED_KEYS", str(public))
    assert hl.load(folder, trust=trust).manifest["name"] == "iris"
    monkeypatch.setenv("HOOKLINE_TRUSTED_KEYS", str(public.parent / "no.pub"))
    with pytest.raises(UsageError, match="names no public key that can be read"):
        hl.load(folder, trust=trust)
    code, out, _ = hookline("models", "verify", str(folder), "--json")
    assert code == 0
    assert json.loads(out)["author"].startswith("ed25519:")


def test_a_folder_of_public_keys_is_trusted_whole(signed: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, public = signed
    trusted = folder.parents[1] / "trusted"
    trusted.mkdir()
    keys(trusted, "theirs")
    (trusted / "theirs.pem").unlink()
    monkeypatch.setenv("HOOKLINE_TRUSTED_KEYS", str(trusted))
    with pytest.raises(UntrustedPackage):
        hl.load(folder, trust=hl.Trust(signed=True))
    (trusted / "ours.pub").write_bytes(public.read_bytes())
    assert hl.load(folder, trust=hl.Trust(signed=True))


def test_openssl_checks_the_same_signature(signed: tuple[Path, Path], tmp_path: Path) -> None:
    import base64

    folder, public = signed
    seal = read_manifest(folder)[SEAL]
    (tmp_path / "proof").write_bytes(base64.b64decode(seal["proof"]))
    (tmp_path / "said").write_bytes(b"hookline package\n" + seal["blake2b"].encode())
    words = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(public), "-rawin"]
    told = subprocess.run([*words, "-in", "said", "-sigfile", "proof"], cwd=tmp_path, capture_output=True, text=True)
    assert "Signature Verified Successfully" in told.stdout, told.stderr


def test_the_author_of_one_package_cannot_be_put_into_another(
    signed: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder, public = signed
    monkeypatch.setenv("HOOKLINE_SIGNING_KEY", str(keys(tmp_path, "thief")[0]))
    other = hl.run("source=iris", "trainer=decision_tree", "packager=[skops]", "monitor=[]", "~deployer", "seed=1")
    manifest = read_manifest(other.package())
    stolen = {**manifest[SEAL], **{part: read_manifest(folder)[SEAL][part] for part in ("author", "proof")}}
    with pytest.raises(StoreError, match="is not of this package"):
        signed_by({**manifest, SEAL: stolen})
    content = (other.package() / "manifest.json").read_text("utf-8")
    (other.package() / "manifest.json").write_text(content.replace(manifest[SEAL]["proof"], stolen["proof"]), "utf-8")
    monkeypatch.setenv("HOOKLINE_TRUSTED_KEYS", str(public))
    with pytest.raises(StoreError, match="is not what was sealed"):
        hl.load(other.package(), trust=hl.Trust(signed=True))


@pytest.mark.parametrize("content", [b"", b"no key", None], ids=["empty", "no key", "another curve"])
def test_what_is_no_key_is_said_before_anything_is_kept(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(pem if content is None else content)
    monkeypatch.setenv("HOOKLINE_SIGNING_KEY", str(tmp_path / "key.pem"))
    with pytest.raises(UsageError, match="HOOKLINE_SIGNING_KEY names"):
        hl.run("source=iris", "trainer=decision_tree", "packager=[skops]", "monitor=[]")
    assert open_workspace().catalog.models.names() == []
