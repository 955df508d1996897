"""The OpenAPI document of what answers at this moment: every route, with the columns of the version in charge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from ..access.tokens import OPEN
from ..clients.bounds import MOST_EXPLAINED
from ..routes.arrow import ARROW
from ..routes.invocations import CSV, PARQUET
from . import bodies
from .acts import BINARY, JSON, get, in_json, in_path, listed, named, post, record, with_tokens
from .columns import example_row, row_schemas
from .tensors import example_tensors, protocol_schemas

if TYPE_CHECKING:
    from ..arms.traffic import Traffic
    from ..service import Service

NAMED = "/v2/models/{model}"
VERSIONED = f"{NAMED}/versions/{{version}}"
OCTETS = "application/octet-stream"
TEXT_PLAIN = {"text/plain": {"schema": {"type": "string"}}}
HTML = {"text/html": {"schema": {"type": "string"}}}
METRICS = TEXT_PLAIN | {"application/openmetrics-text": {"schema": {"type": "string"}}}
Paths = dict[str, dict[str, Any]]


class Example(NamedTuple):
    """A body that a route takes."""

    path: str
    summary: str
    body: Any


def document(traffic: Traffic, asks_token: bool = False) -> dict[str, Any]:
    """Return an OpenAPI 3.1 document of every route. asks_token: whether a request must bear one"""
    live = traffic.live
    versions = [str(one.info["version"]) for one in traffic.services() if one.info["version"] is not None]
    paths = _paths(live) | _protocol(live, [*dict.fromkeys(versions)])
    components: dict[str, Any] = {"schemas": _schemas(live)}
    if asks_token:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        paths = {path: _guarded(acts, path in OPEN) for path, acts in paths.items()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{live.info['model']} ({live.info['format']})",
            "version": str(live.info["version"] or "unregistered"),
        },
        **({"security": [{"token": []}]} if asks_token else {}),
        "paths": paths,
        "components": components,
    }


def examples_of(service: Service) -> Iterator[Example]:
    """Yield a body for each route that takes JSON, the one for `/predict` first."""
    paths = _paths(service) | _protocol(service, [])
    for path, acts in paths.items():
        if "post" in acts and "{version}" not in path:
            body = acts["post"]["requestBody"]["content"][JSON]["example"]
            yield Example(
                path.replace("{model}", quote(str(service.info["model"]), safe="")), acts["post"]["summary"], body
            )


def _guarded(acts: Mapping[str, Any], is_open: bool) -> dict[str, Any]:
    return {method: with_tokens(act, is_open) for method, act in acts.items()}


def _schemas(service: Service) -> dict[str, Any]:
    predictor, info, most = service.predictor, service.info, service.room.bounds.rows
    return {
        **row_schemas(predictor.schema, predictor.roles),
        "Rows": bodies.rows(most),
        "Predictions": bodies.predictions(predictor.target, info),
        "Error": bodies.error(),
        **bodies.label_schemas(predictor.target),
        **protocol_schemas(predictor, info, most),
    }


def _paths(service: Service) -> Paths:
    posts = {"/predict": _predict(service), "/invocations": _invocations(service), "/explain": _explain(service)}
    return {path: {"post": act} for path, act in (posts | {"/labels": _labels(service)}).items()} | _told(service)


def _told(service: Service) -> Paths:
    """Return the routes that tell something."""
    facts = {"model": bodies.TEXT, "version": bodies.VERSION, "format": bodies.TEXT}
    routes = record(**facts, routes=listed(bodies.TEXT))
    ready = record(name=bodies.TEXT, ready={"const": True})
    health = record(status={"const": "ok"}, **facts)
    metadata = record(**facts, schema=bodies.OBJECT, target=bodies.OBJECT)
    example = record(rows=listed(named("Row")))
    return {
        "/": {"get": get("routes", "What is served, and the routes", in_json(routes))},
        "/health": {"get": get("health", "Whether the server answers", in_json(health))},
        "/ready": {"get": get("ready", "Whether a version can answer", in_json(ready))},
        "/metadata": {"get": get("metadata", "The input contract and the target", in_json(metadata))},
        "/example": {"get": get("example", "A body for /predict", in_json(example))},
        "/openapi.json": {"get": get("openapi", "This document", in_json(bodies.OBJECT))},
        "/metrics": {"get": get("metrics", "What was counted, in Prometheus's text exposition", METRICS)},
        "/docs": {"get": get("docs", "A page to try the model", HTML)},
        "/ping": {"get": get("ping", "Whether a version can answer, as MLflow says it", in_json(bodies.OBJECT))},
        "/version": {"get": get("version", "The version of hookline", TEXT_PLAIN)},
    }


def _predict(service: Service) -> dict[str, Any]:
    schema, target = service.predictor.schema, service.predictor.target
    body = in_json(named("Rows"), {"rows": [example_row(schema)]}) | {ARROW: BINARY}
    return post("predict", f"Predict {target.name}", body, in_json(named("Predictions")) | {ARROW: BINARY})


def _explain(service: Service) -> dict[str, Any]:
    most = min(MOST_EXPLAINED, service.room.bounds.rows)
    body = in_json(bodies.rows(most), {"rows": [example_row(service.predictor.schema)]})
    summary = "Say how much each column moved the answer"
    return post("explain", summary, body, in_json(bodies.explanations()), wrong=("501",))


def _labels(service: Service) -> dict[str, Any]:
    body = in_json(bodies.labels(service.room.bounds.rows), bodies.example_labels(service.predictor.target))
    summary = "Tell what turned out to be true of answers"
    return post("labels", summary, body, in_json(bodies.labeled()), wrong=("404",))


def _invocations(service: Service) -> dict[str, Any]:
    schema, target = service.predictor.schema, service.predictor.target
    body = in_json(bodies.invocations(service.room.bounds.rows), {"dataframe_records": [example_row(schema)]})
    body[CSV] = {"schema": {"type": "string", "minLength": 1}, "example": bodies.example_csv(schema)}
    summary, answer = "Predict, as MLflow's scoring server does", in_json(bodies.invoked(target))
    return post("invocations", summary, body | {PARQUET: BINARY}, answer, wrong=("415",))


def _protocol(service: Service, versions: list[str]) -> Paths:
    """Return the routes of the Open Inference Protocol."""
    model = [in_path("model", [str(service.info["model"])])]
    both = [*model, in_path("version", versions)]
    told, ready = in_json(named("Model")), in_json(record(name=bodies.TEXT, ready={"const": True}))
    live, able = in_json(record(live={"const": True})), in_json(record(ready={"const": True}))
    server = in_json(named("Server"))
    return {
        f"{NAMED}/infer": {"post": _infer(service, "infer", model)},
        f"{VERSIONED}/infer": {"post": _infer(service, "version_infer", both)},
        "/v2": {"get": get("server_metadata", "The server, in the Open Inference Protocol", server)},
        "/v2/health/live": {"get": get("server_live", "Whether the server lives", live)},
        "/v2/health/ready": {"get": get("server_ready", "Whether a version can answer", able)},
        NAMED: {"get": get("model_metadata", "The tensors of the model", told, model, ["404"])},
        f"{NAMED}/ready": {"get": get("model_ready", "Whether the model answers", ready, model, ["404"])},
        VERSIONED: {"get": get("version_metadata", "The tensors of a version", told, both, ["404"])},
        f"{VERSIONED}/ready": {"get": get("version_ready", "Whether a version answers", ready, both, ["404"])},
    }


def _infer(service: Service, name: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    predictor = service.predictor
    which = " of a version" if len(parameters) > 1 else ""
    size = {"name": "Inference-Header-Content-Length", "in": "header", "schema": {"type": "integer", "minimum": 0}}
    size["description"] = "Of a body with tensors as bytes: how many bytes of JSON it begins with."
    body = in_json(named("Tensors"), example_tensors(predictor.schema)) | {OCTETS: BINARY}
    summary, answer = (
        f"Predict {predictor.target.name} from tensors{which}",
        in_json(named("Outputs")) | {OCTETS: BINARY},
    )
    return post(name, summary, body, answer, [*parameters, size], ["404"])
