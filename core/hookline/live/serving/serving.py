"""A server begun: what a name means is found out once, and one process answers, or several on one port."""

from __future__ import annotations

from pathlib import Path

from hookline.errors import UsageError
from hookline.kinds.deployments import ServeOptions, Trust
from hookline.packages.manifest import read_manifest
from hookline.registry.registry import load_registry
from hookline.runs.names import Found, find
from hookline.workspace.home import home as default_home
from hookline.workspace.workspace import make_home

from ..log.predictions import FOLDER
from .answering import answer, rollouts, server_of, workspace_of
from .crew import Crew
from .listening import bind
from .work import Work


def serve(
    what: str | Path,
    options: ServeOptions | None = None,
    *,
    log: str | Path | bool = True,
    trust: Trust | None = None,
    contract: str | Path | None = None,
    home: str | Path | None = None,
) -> None:
    """Answer predictions over HTTP until interrupted, in as many processes as the options say.

    what: a model, which is answered for as its policy says (`name`), one of its versions (`name:3`, `name@alias`), a run
        or a package folder
    log: folder of the prediction log; True: `predictions/MODEL` in the home; False: answers are not recorded
    contract: a contract file whose word stands above the package's own
    Raises UnknownName, UsageError, DataError, StoreError or UntrustedPackage where it cannot begin, WorkersFailed where
    processes end again and again.
    """
    options = options or ServeOptions()
    if options.workers < 1:
        raise UsageError(f"workers must be 1 or more, got {options.workers}", hint="see --workers")
    found, at = find(what, home), Path(home).absolute() if home else default_home()
    work = Work(
        folder=str(found.package().absolute()),
        model=found.model,
        version=found.version,
        whole=found.whole,
        home=str(at),
        log=_log_folder(found, log, at),
        contract=None if contract is None else str(Path(contract).absolute()),
        trust=trust,
        options=options,
    )
    registry = load_registry()
    if options.workers == 1:
        with rollouts(work, registry):
            answer(work, registry)
        return
    # What can be told without the model is told before anything is started.
    server_of(registry, work, workspace_of(work))
    with bind(options.host, options.port) as listening, rollouts(work, registry):
        Crew(work, listening).serve()


def _log_folder(found: Found, log: str | Path | bool, home: Path) -> str | None:
    if not isinstance(log, bool):
        return str(Path(log).absolute())
    if not log:
        return None
    make_home(home)
    model = found.model if found.whole else read_manifest(found.package())["name"]
    return str(home / FOLDER / str(model))
