"""OpenTelemetry spans of requests, where HOOKLINE_OTEL is on; where it is off, nothing of it is imported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from hookline.errors import MissingBackend
from hookline.kinds.given.switches import switched_on

from ..arms.traffic import Traffic

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ..exchange import Item, Question

SWITCH = "HOOKLINE_OTEL"
ENDED = 500
"""The least status of a request that failed here."""
QUIET = frozenset({"/health", "/ready", "/metrics", "/ping", "/v2/health/live", "/v2/health/ready"})
"""Paths of which no span is made: whoever watches asks them every few seconds."""
span_of: ContextVar[Span | None] = ContextVar("span_of", default=None)
"""The span of the request that is answered."""


def spans() -> TracerProvider | None:
    """Return what spans go to, by the standard's own variables (OTEL_EXPORTER_OTLP_ENDPOINT and so on); None where it is off.

    Raises MissingBackend where it is on and its libraries are not installed.
    """
    if not switched_on(SWITCH):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise MissingBackend(SWITCH, error.name or "opentelemetry", "otel") from None
    # What OTEL_SERVICE_NAME says stands above it.
    made = TracerProvider(resource=Resource({SERVICE_NAME: "hookline"}).merge(Resource.create()))
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return made


def traced(app: ASGIApp, into: TracerProvider) -> ASGIApp:
    """Return an application that makes a span of each request, with no word of its body."""
    tracer = into.get_tracer("hookline.serving")

    async def ask(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in QUIET:
            await app(scope, receive, send)
            return
        with _span(tracer, scope) as span:
            held = span_of.set(span)
            try:
                await app(scope, receive, _watched(span, scope, send))
            finally:
                span_of.reset(held)

    return ask


def _span(tracer: Tracer, scope: Scope) -> Any:
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    context = TraceContextTextMapPropagator().extract(headers)
    said = {"http.request.method": scope["method"], "url.path": scope["path"]}
    return tracer.start_as_current_span(scope["method"], context, SpanKind.SERVER, said)


def _watched(span: Span, scope: Scope, send: Send) -> Send:
    from opentelemetry.trace import StatusCode

    async def watched(message: Message) -> None:
        if message["type"] == "http.response.start":
            span.set_attribute("http.response.status_code", message["status"])
            if message["status"] >= ENDED:
                span.set_status(StatusCode.ERROR)
            route = getattr(scope.get("route"), "path", None)
            if route is not None:
                span.set_attribute("http.route", route)
                span.update_name(f"{scope['method']} {route}")
        await send(message)

    return watched


def seen_by(traffic: Traffic) -> Traffic:
    """Return the traffic that a request is answered by, which tells the request's span of it where there is one."""
    span = span_of.get()
    return traffic if span is None else TracedTraffic.of(traffic, span)


class TracedTraffic(Traffic):
    """The traffic of one request, which notes on its span who answers how many rows."""

    span: Span
    seen: dict[tuple[int | None, str], int]

    @classmethod
    def of(cls, traffic: Traffic, span: Span) -> TracedTraffic:
        """Return the same traffic with a span."""
        made = cls.__new__(cls)
        # Not made anew: the threads that it has are those of all requests.
        vars(made).update(vars(traffic), span=span, seen={})
        return made

    async def answer(self, question: Question) -> list[Item]:
        """Answer as traffic does."""
        items = await super().answer(question)
        self._note(items)
        return items

    def answer_parts(self, parts: Iterable[Question]) -> Iterator[list[Item]]:
        """Answer as traffic does."""
        for items in super().answer_parts(parts):
            self._note(items)
            yield items

    def _note(self, items: Sequence[Item]) -> None:
        live, rows = self.live.answerer.stamp, "hookline.rows"
        arms = {route.version: route.arm for route in self.policy.routes if not route.shadow}
        for item in items:
            version = live.version if self.is_single or not isinstance(item.version, int) else item.version
            key = version, live.arm if version == live.version else arms.get(version or 0, live.arm)
            self.seen[key] = self.seen.get(key, 0) + 1
        self.span.set_attribute("hookline.model", live.model)
        self.span.set_attribute(rows, sum(self.seen.values()))
        # Of a request whose rows were answered by several, each in the order that they began to answer.
        self.span.set_attribute("hookline.versions", [str(version or "") for version, _ in self.seen])
        self.span.set_attribute("hookline.arms", [arm for _, arm in self.seen])
