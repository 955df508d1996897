"""Fixtures that the whole suite shares."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hydra import version
from hydra.core.singleton import Singleton
from hypothesis import settings

from hookline.registry.registry import Registry, load_registry
from kit.command_line import Told, teller
from kit.distributions import describe_installed
from kit.places import SHARED_DATA
from kit.postgres import new_database, postgres, wait_for
from kit.processes import free_port, lacks

settings.register_profile("long", max_examples=1_000)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take `--long`, which asks for the long form of tests that have a short one."""
    parser.addoption("--long", action="store_true", help="the long form of tests that have a short one")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked `long`, unless the long form is asked for."""
    if config.getoption("--long"):
        return
    left = [item for item in items if item.get_closest_marker("long")]
    items[:] = [item for item in items if not item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=left)


@pytest.fixture(scope="session")
def long(pytestconfig: pytest.Config) -> bool:
    """Whether the long form of a test is asked for."""
    return bool(pytestconfig.getoption("--long"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real tables that stands beside the project; skipped, loudly, where it is missing."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real tables are not at {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test its own HOOKLINE_HOME, and none of the caller's settings."""
    for name in [name for name in os.environ if name.startswith("HOOKLINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOOKLINE_HOME", str(tmp_path / "hookline-home"))
    # Which the tests of it turn on: whether a core is free is chance, and all others would take longer.
    monkeypatch.setenv("HOOKLINE_BESIDE", "off")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture(scope="session", autouse=True)
def _nobody_elses_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give what a module's tests share, which is made before any test's own home, another home than the checkout's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOKLINE_HOME", str(tmp_path_factory.mktemp("shared-home")))
        patch.setenv("HOOKLINE_BESIDE", "off")
        yield


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_arrives() -> Iterator[None]:
    """Take SIGINT again where the suite was started with it ignored (`nohup`, `&` in a script), as children inherit that."""
    ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    if ignored:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    if ignored:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that the tests of one module share."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def at_home(_own_home: None, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the module's home the test's own."""
    monkeypatch.setenv("HOOKLINE_HOME", str(home))
    return home


@pytest.fixture(scope="module")
def registry() -> Registry:
    """Every component that is installed."""
    return load_registry()


@pytest.fixture
def hookline(capsys: pytest.CaptureFixture[str]) -> Told:
    """Run a command line in this process; returns exit code, stdout and stderr."""
    return teller(capsys)


@pytest.fixture
def fresh_hydra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget which version base was chosen, as Hydra's suites count on and other tests of this process may have."""
    monkeypatch.delitem(Singleton._instances, version.VersionBase, raising=False)


@pytest.fixture
def install_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Install a one-module distribution with an entry point in the group `hookline`, for one test."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def install(distribution: str, name: str, module: str, code: str) -> None:
        (site / f"{module}.py").write_text(textwrap.dedent(code))
        describe_installed(site, distribution, entries={name: module})
        monkeypatch.delitem(sys.modules, module, raising=False)

    return install


@pytest.fixture
def project_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], str]:
    """Write a module of the user's own project and name it in HOOKLINE_PLUGINS; returns its unique name."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))

    def write(stem: str, code: str) -> str:
        module = f"{stem}_{uuid.uuid4().hex[:8]}"
        (folder / f"{module}.py").write_text(textwrap.dedent(code))
        monkeypatch.setenv("HOOKLINE_PLUGINS", module)
        return module

    return write


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a real PostgreSQL server without a database, started for this test process and stopped with it."""
    with postgres() as server:
        yield server.url


@pytest.fixture
def postgresql_url(postgresql_server: str) -> str:
    """The URL of a new, empty database on a real PostgreSQL server."""
    return new_database(postgresql_server)


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[str]:
    """The URL of a real MariaDB server without a database, started for this test process and stopped with it."""
    if (install := shutil.which("mariadb-install-db")) is None or (server := shutil.which("mariadbd")) is None:
        lacks("MariaDB is not installed: apt-get install mariadb-server")
    folder = Path(tempfile.mkdtemp(prefix="my-"))  # Short, since a socket's path may have 107 bytes.
    port = free_port()
    owner = {"user": "mysql"} if os.getuid() == 0 else {}  # MariaDB does not run as root.
    if owner:
        shutil.chown(folder, "mysql")
    start = folder / "start.sql"
    start.write_text("create user hookline@localhost;\ngrant all on *.* to hookline@localhost with grant option;\n")
    start.chmod(0o644)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
    data = f"--datadir={folder / 'data'}"
    subprocess.run(
        [install, "--no-defaults", data, "--auth-root-authentication-method=normal", "--skip-test-db"],
        check=True,
        **quiet,  # type: ignore[call-overload]
        **owner,
    )
    words = [server, "--no-defaults", data, f"--port={port}", "--bind-address=127.0.0.1", f"--init-file={start}"]
    words += [f"--socket={folder / 's'}", f"--pid-file={folder / 'pid'}", "--innodb-flush-log-at-trx-commit=0"]
    process = subprocess.Popen(words, **quiet, **owner)  # type: ignore[call-overload]
    try:
        wait_for(port)
        yield f"mysql://hookline@127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def mariadb_url(mariadb_server: str) -> str:
    """The URL of a new, empty database on a real MariaDB server."""
    import sqlalchemy as sa

    name = f"t{uuid.uuid4().hex}"
    engine = sa.create_engine(mariadb_server.replace("mysql:", "mysql+pymysql:"), poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"create database {name} character set utf8mb4")
    return f"{mariadb_server}/{name}"
