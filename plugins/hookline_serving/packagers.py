"""The `container` packager: a package whose folder is also the context that an image is built from."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from string import Template
from typing import Any

from hookline import Pipeline
from hookline.packages.around import AroundPackager
from hookline.packages.telling.needs import locked_lines

FOLDER = "container"
PORT = 8000
# All that reach the container, which is a network of its own.
EVERYBODY = "0.0.0.0"  # noqa: S104
LOG = "/srv/home/predictions"
COMMAND = ("hookline", "serve", "/srv/model", "--host", EVERYBODY, "--port", str(PORT), "--log", LOG)
"""What the image runs."""
DOCKERFILE = Template("""\
# docker build -f container/Dockerfile -t NAME .   in the folder of the package
FROM python:$python-slim
RUN useradd --create-home --uid 10001 model && install -d -o model /srv/home
COPY container/requirements.txt /srv/requirements.txt
RUN pip install --no-cache-dir -r /srv/requirements.txt
COPY --chown=root:root . /srv/model
USER model
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

    def surround(self, pipeline: Pipeline[Any], path: Path) -> None:
        """Write the Dockerfile, and what it installs: hookline with what the format inside and the server need."""
        folder = path / FOLDER
        folder.mkdir()
        (folder / "requirements.txt").write_text("\n".join([*locked_lines(self, pipeline), ""]), "utf-8")
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        made = DOCKERFILE.substitute(python=python, port=PORT, command=json.dumps(COMMAND))
        (folder / "Dockerfile").write_text(made, "utf-8")
