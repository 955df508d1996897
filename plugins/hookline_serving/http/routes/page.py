"""`/docs`: one page to try the model, which needs nothing from anywhere else."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..openapi.document import Example, examples_of

if TYPE_CHECKING:
    from ..service import Service

SLOT = re.compile("@[A-Z]+@")
INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


class Page(NamedTuple):
    """A page, and what a browser may do with it."""

    html: str
    policy: str
    """Of the header `Content-Security-Policy`: the page's own script and style run, and ask this server; nothing else does."""


def page_of(service: Service) -> Page:
    """Return the page of a version."""
    template, policy = _template()
    info, target = service.info, service.predictor.target
    version = f"version {info['version']}, " if info["version"] else ""
    facts = f"{version}{info['format']}; {target.task}, {len(service.predictor.schema.columns)} columns"
    examples = [*examples_of(service)]
    filled = {"@TITLE@": escape(str(info["model"])), "@FACTS@": escape(facts), "@BODY@": escape(_body(examples[0]))}
    filled["@ROUTES@"] = "".join(map(_option, examples))
    # In one pass, so that nothing is looked for in what was filled in.
    return Page(SLOT.sub(lambda found: filled[found.group()], template), policy)


def _option(example: Example) -> str:
    path, said = escape(example.path.removeprefix("/")), escape(f"POST {example.path}: {example.summary}")
    return f'<option value="{path}" data-body="{escape(_body(example))}">{said}</option>'


def _body(example: Example) -> str:
    # As Python writes it, since a line a column is easier to change.
    return json.dumps(example.body, indent=2, ensure_ascii=False)


@cache
def _template() -> tuple[str, str]:
    """Return the page without what is filled in, and the policy that names its script and style by their digests."""
    text = Path(__file__).with_name("page.html").read_text("utf-8")
    digests = {kind: b64encode(sha256(inline.encode()).digest()).decode() for kind, inline in INLINE.findall(text)}
    allowed = {
        "default-src": "'none'",
        "script-src": f"'sha256-{digests['script']}'",
        "style-src": f"'sha256-{digests['style']}'",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'self'",
    }
    return text, "; ".join(f"{name} {value}" for name, value in allowed.items())
