"""Pages on what was run and swept, and on versions of data."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import StoreError, UsageError
from hookline.kinds.plain import to_json
from hookline.runs.result import read_evidence
from hookline.sweeps.leaderboard import leaderboard
from hookline.sweeps.ledger import Ledger
from hookline.workspace.catalog.runs import RunRecord

from ..filling import finite
from ..pages.board import board_charts, headline_of
from ..standing import metrics_of
from .desk import desk_of
from .drawing import svg
from .guard import REPORT_POLICY
from .rendering import page

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

A_PAGE = 50
STATUSES = ("finished", "failed", "gated", "interrupted", "running", "pruned")
MOST_ROWS = 200
MOST_COLUMNS = 300


def runs(request: Request) -> Response:
    """Show runs, a page of them."""
    asked = request.query_params
    number = int(found) if (found := asked.get("page", "1")).isdecimal() and int(found[:9]) > 0 else 1
    name, status = asked.get("name") or None, asked.get("status") or None
    listed, count = desk_of(request).workspace().catalog.runs.page(A_PAGE, (number - 1) * A_PAGE, name, status)
    pages = max(1, math.ceil(count / A_PAGE))
    facts = {"runs": listed, "count": count, "number": number, "pages": pages, "name": name, "status": status}
    plain = {"runs": [to_json(one) for one in listed], "count": count, "page": number, "pages": pages}
    return page(request, "runs.html.jinja", {**facts, "statuses": STATUSES, "plain": plain})


def run(request: Request) -> Response:
    """Show one run: what came of it, and its report."""
    record = _run(request)
    evidence = _evidence(record)
    metrics = metrics_of(evidence) if evidence else []
    reported = (Path(record.path) / "report.html").is_file()
    facts = {"run": record, "evidence": evidence, "metrics": metrics, "reported": reported}
    return page(request, "run.html.jinja", {**facts, "plain": {"run": to_json(record), "evidence": evidence}})


def report(request: Request) -> Response:
    """Show a run's own report, apart from all else here."""
    from starlette.responses import Response

    record = _run(request)
    path = Path(record.path) / "report.html"
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise StoreError(f"run {record.id} has no report", hint=f"hookline report {record.id}") from None
    headers = {"content-security-policy": REPORT_POLICY}
    return Response(text, media_type="text/html", headers=headers)


def compared(request: Request) -> Response:
    """Show two runs on the same held-out rows."""
    from hookline.runs.several import compare

    chosen = [one for one in request.query_params.getlist("run") if one]
    if len(chosen) != 2:
        raise UsageError(f"choose two runs to compare, not {len(chosen)}", hint="mark two in the list of runs")
    found = compare(chosen[0], chosen[1], home=desk_of(request).home)
    told = {"first": found.first, "second": found.second, "rows": found.rows, "verdict": found.verdict}
    plain = {**told, "differences": found.frame().to_dicts(), "changed_decisions": found.changed_decisions}
    return page(request, "compared.html.jinja", {"found": found, "plain": plain})


def sweeps(request: Request) -> Response:
    """Show every sweep, the newest first."""
    ledger = Ledger(desk_of(request).workspace().catalog)
    rows = []
    for one in ledger.sweeps()[:MOST_ROWS]:
        states = [job.status for job in ledger.states(one.id)]
        facts = {"id": one.id, "overrides": " ".join(one.overrides), "jobs": len(states)}
        rows.append({**facts, "finished": states.count("finished"), "failed": states.count("failed")})
    return page(request, "sweeps.html.jinja", {"rows": rows, "plain": rows})


def sweep(request: Request) -> Response:
    """Show a sweep's leaderboard."""
    ledger = Ledger(desk_of(request).workspace().catalog)
    record = ledger.sweep(request.path_params["sweep"])
    board = leaderboard(record, ledger.jobs(record.id))
    plain = finite(board.plain())
    rows = [{**row, "link": f"/runs/{row['run']}" if row["run"] else None} for row in plain["rows"]]
    facts = {**plain, "rows": rows}
    charts = [svg({**one["spec"], "height": 260, "width": 640}, one["title"]) for one in board_charts(facts)]
    told = {"board": facts, "headline": headline_of(facts), "charts": charts, "most": MOST_ROWS}
    return page(request, "sweep.html.jinja", {**told, "plain": plain})


def data(request: Request) -> Response:
    """Show every version of data, the newest first."""
    found = desk_of(request).workspace().catalog.datasets.versions()
    plain = [{**to_json(one.version), "first_seen": one.first_seen.isoformat(), "runs": one.runs} for one in found]
    return page(request, "data.html.jinja", {"found": found[:MOST_ROWS], "count": len(found), "plain": plain})


def version(request: Request) -> Response:
    """Show a version of data: its columns as training rows had them, and who saw it."""
    found = desk_of(request).workspace().catalog.datasets.find(request.path_params["mark"])
    profile = {} if found.profile is None else {one.name: to_json(one) for one in found.profile.columns}
    columns: list[dict[str, Any]] = [
        {**to_json(one), "profile": finite(profile.get(one.name))} for one in found.version.columns[:MOST_COLUMNS]
    ]
    plain = {**to_json(found.version), "runs": found.runs, "models": found.models, "where": found.where}
    return page(request, "dataset.html.jinja", {"found": found, "columns": columns, "plain": plain})


def _run(request: Request) -> RunRecord:
    return desk_of(request).workspace().catalog.runs.get(request.path_params["run"])


def _evidence(record: RunRecord) -> dict[str, Any] | None:
    """Return what a run left; None where it did not get so far."""
    folder = Path(record.path)
    return finite(read_evidence(folder)) if (folder / "evidence.json").is_file() else None
