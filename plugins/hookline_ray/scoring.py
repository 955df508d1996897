"""Chunks of a table answered by actors on the machines of a Ray cluster, in order, a few at a time."""

from __future__ import annotations

import os
import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from hookline.errors import DataError
from hookline.registry.backends.clusters import first_line
from hookline.sweeps.workers.cores import THREADS

from .cluster import Cluster, require_ray
from .station import Surroundings

OPTION = "predict --on ray"
AHEAD = 2
"""Chunks that each actor has: one that it answers, and one that waits, so that it need not."""
RETRIES = 3
"""How often a chunk is given to another process where the actor's dies; Ray sees to it."""
MAKE = Callable[[], Callable[[Any], Any]]


def score(make: MAKE, chunks: Iterable[Any]) -> Iterator[Any]:
    """Yield the answers to chunks, in order, from actors that each load what answers once.

    The cluster is the one that this process has joined, or that RAY_ADDRESS names; else one of this machine alone. Raises
    what an answerer raises, MissingBackend, UsageError where no cluster can be joined, DataError where actors keep dying.
    """
    require_ray(OPTION)
    import ray

    address = "auto" if os.environ.get("RAY_ADDRESS") and not ray.is_initialized() else None
    cluster = Cluster(address, {}, 1, 0, None, "RAY_ADDRESS")
    try:
        cluster.open()
        # What others hold of the cluster may stay theirs for long.
        free = int(ray.available_resources().get("CPU", 1))
        yield from _in_order(_hired(make, max(1, min(cluster.room(), free))), chunks)
    finally:
        cluster.close()


class Answerer:
    """An actor's: answers chunks with what it has made once."""

    def __init__(self, around: Surroundings, make: bytes) -> None:
        around.take_on()
        for name in THREADS:
            os.environ[name] = "1"
        # Only now, since what it needs may be a module of the project.
        self.answer = pickle.loads(make)()

    def ask(self, chunk: Any) -> Any:
        """Answer one chunk."""
        return self.answer(chunk)


def _hired(make: MAKE, count: int) -> Sequence[Any]:
    import ray

    hire = ray.remote(num_cpus=1, max_restarts=RETRIES, max_task_retries=RETRIES)(Answerer)
    return [hire.remote(Surroundings.here(), pickle.dumps(make)) for _ in range(count)]


def _in_order(actors: Sequence[Any], chunks: Iterable[Any]) -> Iterator[Any]:
    import ray
    from ray.exceptions import RayError

    waiting: deque[Any] = deque()
    try:
        for number, chunk in enumerate(chunks):
            # In turn, as chunks are of one size: so an actor has never more than its share.
            waiting.append(actors[number % len(actors)].ask.remote(chunk))
            if len(waiting) >= AHEAD * len(actors):
                yield _answer(waiting.popleft())
        while waiting:
            yield _answer(waiting.popleft())
    finally:
        for actor in actors:
            with suppress(RayError):
                ray.kill(actor)


def _answer(asked: Any) -> Any:
    import ray
    from ray.exceptions import RayError, RayTaskError

    try:
        return ray.get(asked)
    except RayTaskError as error:
        # What the answerer raised, without Ray around it.
        raise error.cause from None
    except RayError as error:
        raise DataError(
            f"a worker of the Ray cluster cannot answer: {first_line(error)}",
            hint="every machine needs this hookline with the same plugins, and sees the package's folder",
        ) from error
