"""`hookline ui`: pages on models, runs and data in a browser, or the same facts as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hookline.errors import MissingBackend
from hookline.kinds.hooks import PageOptions
from hookline.workspace.home import home

from .output import parser, print_json


def main(argv: Sequence[str]) -> int:
    """Serve the pages of the home until interrupted, or print what they tell."""
    options = parser("ui", "Look at models, runs and data in a browser, until interrupted.")
    options.add_argument("model", nargs="?", help="with --json: tell of this model (default: of the whole home)")
    options.add_argument("--host", default=PageOptions.host)
    options.add_argument("--port", type=int, default=PageOptions.port, help="0 picks a free one")
    options.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="a token a line, one of which each page asks for (default: actions ask for one that is made and told)",
    )
    options.add_argument("--json", action="store_true", help="print what the pages tell, as JSON, and end")
    given = options.parse_args(argv)
    if given.json:
        print_json(_facts(given.model))
        return 0
    _serve(PageOptions(home(), given.host, given.port, given.token_file))
    return 0


def _facts(model: str | None) -> dict[str, Any]:
    from hookline.live.overview.home import overview
    from hookline.live.overview.model import model_overview
    from hookline.live.overview.series import drift_over_time, plain_series, quality_over_time

    if model is None:
        return overview().plain()
    told = model_overview(model).plain()
    return told | {
        "drift": plain_series(drift_over_time(model)),
        "quality": plain_series(quality_over_time(model)),
    }


def _serve(options: PageOptions) -> None:
    from hookline.registry.registry import load_registry

    serve = load_registry().page_server("ui")
    if serve is None:
        raise MissingBackend("hookline ui", "starlette", "ui")
    serve(options)
