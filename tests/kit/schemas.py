"""Schemathesis, which asks a server all that its OpenAPI document describes, and what it forbids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import polars as pl
from hypothesis import strategies as st

from kit.serving import ROW

# Imported where it is used, since it takes a second, and few tests use it.

REFUSALS = [400, 401, 404, 405, 413, 415, 422]
"""How a request that the document forbids may be answered: as Schemathesis has it, and with 413 for too many rows."""
LOOSE = {
    # JSON Schema cannot say that lists are of one length.
    "/v2/models/{model}/infer": "the tensors of a request, and their shapes, are of one length",
    "/v2/models/{model}/versions/{version}/infer": "the same",
    "/invocations": "a row has as many values as there are columns, and a text is no CSV",
    # Nor what was true, or when it is.
    "/labels": "a time is not in the future, and two rows do not contradict each other",
}
"""Routes that may refuse (400, 413, 422) what the document lets through -> what the document has no words for."""


@dataclass
class Found:
    """What was asked, and what was wrong with the answers."""

    asked: Counter[str] = field(default_factory=Counter)
    """Requests by method and path."""
    faults: list[str] = field(default_factory=list)


def settings(
    examples: int, phases: Sequence[str], token: str | None, unlike: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """Return the settings of a run, every check among them. unlike: of routes that have other ones"""
    loose: dict[str, Any] = {"positive_data_acceptance": {"expected-statuses": ["2xx", 400, 413, 422]}}
    return {
        "seed": 1,
        "generation": {"max-examples": examples, "deterministic": True, "database": "none"},
        "phases": {name: {"enabled": name in phases} for name in ("examples", "coverage", "fuzzing", "stateful")},
        "checks": {
            "positive_data_acceptance": {"expected-statuses": ["2xx"]},
            "negative_data_rejection": {"expected-statuses": REFUSALS},
        },
        "operations": [{"include-path": [*LOOSE], "checks": loose}, *unlike],
        "cache": {"enabled": False},
        "continue-on-failure": True,
        "suppress-health-check": ["all"],
        "warnings": False,
        **({} if token is None else {"auth": {"openapi": {"token": {"bearer": token}}}}),
    }


def found_at(server: Any, settings: dict[str, Any], token: str | None) -> Found:
    """Return what Schemathesis finds at a URL, or in an ASGI application of this process."""
    import schemathesis
    from schemathesis.config import SchemathesisConfig
    from schemathesis.engine import events, from_schema

    _teach_values()
    head = {} if token is None else {"headers": {"Authorization": f"Bearer {token}"}}
    config = SchemathesisConfig.from_dict(settings)
    if isinstance(server, str):
        schema = schemathesis.openapi.from_url(f"{server}/openapi.json", config=config, **head)
    else:
        schema = schemathesis.openapi.from_asgi("/openapi.json", server, config=config, **head)
    found = Found()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            _note(event.recorder, found)
        elif isinstance(event, (events.NonFatalError, events.FatalError)):
            found.faults.append(f"{event.label} could not be asked: {event.value}")
    return found


def _note(recorder: Any, found: Found) -> None:
    for case, checks in recorder.checks.items():
        found.asked[recorder.cases[case].value.operation.label] += 1
        for check in checks:
            if check.failure_info is not None:
                failure, sample = check.failure_info.failure, check.failure_info.code_sample
                answer = recorder.interactions[case].response
                said = f"{answer.status_code} {answer.content[:500]!r}" if answer is not None else "nothing"
                found.faults.append(
                    f"{check.name}: {failure.title}\n{failure.message[:1000]}\n{sample[:2000]}\n-> {said}"
                )


def _teach_values() -> None:
    """Say how bodies are made that hold a table, and times of which JSON Schema cannot say where they lie."""
    import schemathesis

    # A moment that in UTC is of the year 0, or of 10000, is none to Python.
    moments = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC))
    schemathesis.openapi.format("date-time", moments.map(datetime.isoformat))
    rows = st.lists(
        st.fixed_dictionaries({"amount": st.floats(0, 20), "visits": st.integers(0, 9)}), min_size=1, max_size=3
    )
    frames = rows.map(lambda some: pl.DataFrame([ROW | row for row in some]))
    writers = {
        "application/vnd.apache.arrow.stream": pl.DataFrame.write_ipc_stream,
        "application/vnd.apache.parquet": pl.DataFrame.write_parquet,
    }
    for media, write in writers.items():
        schemathesis.openapi.media_type(media, frames.map(lambda frame, write=write: _written(frame, write)))


def _written(frame: pl.DataFrame, write: Any) -> bytes:
    into = BytesIO()
    write(frame, into)
    return into.getvalue()
