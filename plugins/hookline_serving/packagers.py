"""The `container` packager: a package whose folder is also the context that an image is built from."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from string import Template
from typing import Any

from hookline import Component, Pipeline
from hookline.packages.around import AroundPackager
from hookline.packages.telling.needs import locked_lines
from hookline.registry.distributions import distribution_of

FOLDER = "container"
PORT = 8000
USER = 10001
"""A number, so that an orchestrator can tell that it is not root's."""
# All that reach the container, which is a network of its own.
EVERYBODY = "0.0.0.0"  # noqa: S104
LOG = "/srv/home/predictions"
COMMAND = ("hookline", "serve", "/srv/model", "--host", EVERYBODY, "--port", str(PORT), "--log", LOG)
"""What the image runs."""
DOCKERFILE = Template("""\
# docker build -f container/Dockerfile -t NAME .   in the folder of the package
FROM python:$python-slim
# Where pip finds what the public index lacks: --build-arg PIP_EXTRA_INDEX_URL=..., or a folder of wheels.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_FIND_LINKS
RUN useradd --create-home --uid $user model && install -d -o model /srv/home
COPY container/requirements.txt /srv/requirements.txt
RUN pip install --no-cache-dir -r /srv/requirements.txt
COPY --chown=root:root . /srv/model
USER $user
ENV HOOKLINE_HOME=/srv/home HOOKLINE_PROGRESS=off
VOLUME /srv/home
EXPOSE $port
# Killed only after a drain has had its time.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \\
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:$port/ready', timeout=4)"]
# In the form of a list, so that the server itself hears signals, and no shell in between.
CMD $command
""")


class ContainerPackager(AroundPackager):
    """A package that an image is built from: `container/Dockerfile`, with locked requirements, no root, and a health check.

    It holds a package of another format, and `hookline serve` answers in the image. The folder of the package is the context:
    `docker build -f container/Dockerfile -t churn .`
    """

    name = "container"
    extra = "serving"

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the server that is to run in the image."""
        return ("uvicorn", "starlette", "msgspec", "httptools")

    @classmethod
    def answers_with(cls) -> tuple[str, ...]:
        """Return what the server needs, with what makes it quick and lets it be watched."""
        return (*cls.requires(), "prometheus_client", "uvloop")

    def refuses(self, parts: Sequence[Component]) -> str | None:
        """Say what the format inside refuses, and which code of people's own would be missing in the image."""
        if self.holds.native:
            own = sorted({name for name in _modules((self.holds, *parts)) if distribution_of(name) is None})
            if own:
                told = f"pip cannot install {' and '.join(own)} in the image, and {self.holds.name} goes by its code"
                return f"{told}; make it a distribution, or hold a format without code, such as onnx"
        return super().refuses(parts)

    def surround(self, pipeline: Pipeline[Any], path: Path) -> None:
        """Write the Dockerfile, and what it installs: hookline with what the format inside and the server need."""
        folder = path / FOLDER
        folder.mkdir()
        (folder / "requirements.txt").write_text("\n".join([*locked_lines(self, pipeline), ""]), "utf-8")
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        made = DOCKERFILE.substitute(python=python, port=PORT, user=USER, command=json.dumps(COMMAND))
        (folder / "Dockerfile").write_text(made, "utf-8")


def _modules(parts: Sequence[Component]) -> Iterator[str]:
    """Yield the top modules of components that are none of hookline's own."""
    for part in parts:
        top = type(part).__module__.partition(".")[0]
        if not top.startswith("hookline"):
            yield top
