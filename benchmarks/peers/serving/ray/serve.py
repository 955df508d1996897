"""A deployment of one replica that answers together what waits, behind the HTTP proxy of the throughput mode."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import ray
from model import Chances, Model, Row
from ray import serve

if TYPE_CHECKING:
    from starlette.requests import Request


@serve.deployment(num_replicas=1, max_ongoing_requests=256)
class Predict:
    def __init__(self) -> None:
        self.model = Model()

    @serve.batch(max_batch_size=64, batch_wait_timeout_s=0)
    async def answer(self, requests: list[list[Row]]) -> list[list[Chances]]:
        return self.model.many(requests)

    async def __call__(self, request: Request) -> list[Chances]:
        found: list[Chances] = await self.answer((await request.json())["rows"])
        return found


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    port, folder = int(sys.argv[1]), sys.argv[2]
    ray.init(
        "local",
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=2**27,
        _node_ip_address="127.0.0.1",
        _temp_dir=folder,
    )
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    serve.run(Predict.bind(), route_prefix="/predict")
    try:
        signal.pause()
    finally:
        ray.shutdown()
