"""`hookline serve`: answer predictions over HTTP."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Sequence
from pathlib import Path

from hookline.kinds.deployments import ServeOptions
from hookline.live.serving.serving import serve

from ..options import add_contract, add_trust, trust_of
from ..output import parser


def main(argv: Sequence[str]) -> int:
    """Serve a model or package until interrupted."""
    options = parser("serve", "Answer predictions over HTTP until interrupted.")
    options.add_argument("model", help="a model (name, name:3, name@alias), a package folder, `last` or a run id")
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=8000, help="0 picks a free one")
    options.add_argument(
        "--log", type=Path, help="folder of the prediction log (default: predictions/ in HOOKLINE_HOME)"
    )
    options.add_argument("--max-rows", type=_positive, default=ServeOptions.max_rows, help="most rows of a request")
    options.add_argument(
        "--max-bytes", type=_positive, default=ServeOptions.max_bytes, help="largest body of a request"
    )
    options.add_argument(
        "--workers", type=_positive, default=1, help="processes that answer; one that dies is replaced"
    )
    options.add_argument("--no-log", action="store_true", help="keep no record of predictions")
    add_contract(options)
    add_trust(options)
    given = options.parse_args(argv)
    where = ServeOptions(given.host, given.port, given.max_rows, given.max_bytes, workers=given.workers)
    serve(
        given.model,
        where,
        log=not given.no_log and (given.log or True),
        trust=trust_of(given),
        contract=given.contract,
    )
    return 0


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ArgumentTypeError(f"must be 1 or more, got {number}")
    return number
