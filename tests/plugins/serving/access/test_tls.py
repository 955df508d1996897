"""A server that encrypts, and that asks for a token, as a real process."""

from __future__ import annotations

import secrets
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest

from hookline.errors import UsageError
from hookline_serving.http.access.tls import access_of
from kit.serving import ROW, serving


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for this machine, signed by itself, and its key."""
    folder = tmp_path_factory.mktemp("pair")
    return made(folder), folder / "key.pem"


def made(folder: Path, *more: str) -> Path:
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    where = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command = ["openssl", "req", "-x509", "-days", "2", *curve, *(more or ("-nodes",)), *subject, *where]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return folder / "cert.pem"


def test_a_request_is_answered_over_tls_to_whoever_has_a_token(
    package: Path, home: Path, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    token, file = secrets.token_hex(32), tmp_path / "tokens"
    file.write_text(token)
    file.chmod(0o600)
    options = ("--token-file", file, "--tls-cert", pair[0], "--tls-key", pair[1])
    with serving(package, home, tmp_path / "log", *options) as server:
        trusting = ssl.create_default_context(cafile=str(pair[0]))
        with httpx.Client(base_url=server.url, verify=trusting, timeout=20) as client:
            bearing = {"authorization": f"Bearer {token}"}
            assert server.url.startswith("https://127.0.0.1:")
            assert client.get("/health").status_code == 200
            assert client.post("/predict", json=ROW).status_code == 401
            few, many = (client.post("/predict", json=[ROW] * rows, headers=bearing) for rows in (1, 8_000))
            assert (len(few.json()["predictions"]), len(many.json()["predictions"])) == (1, 8_000)
        with pytest.raises(httpx.TransportError):
            httpx.get(server.url.replace("https", "http") + "/health", timeout=20)
        server.process.terminate()
        rest = server.process.communicate(timeout=60)[1] or ""
    assert token not in rest
    assert len(server.records()) == 8_001


def test_a_certificate_that_cannot_be_used_is_told_of_before_anything_begins(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    cert, key = pair
    other = made(tmp_path)
    with pytest.raises(
        UsageError, match=r"--tls-cert .* and --tls-key .* cannot be used together: key values mismatch"
    ):
        access_of(None, cert, other.with_name("key.pem"))
    with pytest.raises(UsageError, match=r"--tls-cert .*nowhere.pem cannot be read: No such file"):
        access_of(None, tmp_path / "nowhere.pem", key)
    with pytest.raises(UsageError, match=r"--tls-key .*nowhere.pem cannot be read: No such file"):
        access_of(None, cert, tmp_path / "nowhere.pem")
    with pytest.raises(UsageError, match="--tls-key is given without --tls-cert"):
        access_of(None, None, key)
    (tmp_path / "text.pem").write_text("no certificate")
    with pytest.raises(UsageError, match="cannot be used"):
        access_of(None, tmp_path / "text.pem", key)


def test_a_key_with_a_password_is_refused_rather_than_asked_for(tmp_path: Path) -> None:
    cert = made(tmp_path, "-passout", "pass:secret word")
    with pytest.raises(UsageError, match="is encrypted, and nobody is there to type its password"):
        access_of(None, cert, tmp_path / "key.pem")
