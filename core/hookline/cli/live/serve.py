"""`hookline serve`: answer predictions over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hookline.kinds.deployments import ServeOptions
from hookline.live.serving.serving import serve

from ..options import add_contract, add_trust, positive, trust_of
from ..output import parser

ACCESS = {
    "--token-file": "a token a line, one of which each request must bear",
    "--tls-cert": "PEM file of the certificate to show, with those that signed it",
    "--tls-key": "PEM file of its private key (default: it is in the certificate's file)",
}


def main(argv: Sequence[str]) -> int:
    """Serve a model or package until interrupted."""
    options = parser("serve", "Answer predictions over HTTP until interrupted.")
    options.add_argument("model", help="a model (name, name:3, name@alias), a package folder, `last` or a run id")
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=8000, help="0 picks a free one")
    recording = options.add_mutually_exclusive_group()
    recording.add_argument(
        "--log", type=Path, help="folder of the prediction log (default: predictions/ in HOOKLINE_HOME)"
    )
    recording.add_argument("--no-log", action="store_true", help="keep no record of predictions")
    options.add_argument("--max-rows", type=positive, default=ServeOptions.max_rows, help="most rows of a request")
    options.add_argument("--max-bytes", type=positive, default=ServeOptions.max_bytes, help="largest body of a request")
    options.add_argument("--workers", type=positive, default=1, help="processes that answer; one that dies is replaced")
    for flag, what in ACCESS.items():
        options.add_argument(flag, type=Path, metavar="FILE", help=what)
    add_contract(options)
    add_trust(options)
    given = options.parse_args(argv)
    where = ServeOptions(
        given.host,
        given.port,
        given.max_rows,
        given.max_bytes,
        given.workers,
        token_file=given.token_file,
        tls_cert=given.tls_cert,
        tls_key=given.tls_key,
    )
    serve(
        given.model,
        where,
        log=not given.no_log and (given.log or True),
        trust=trust_of(given),
        contract=given.contract,
    )
    return 0
