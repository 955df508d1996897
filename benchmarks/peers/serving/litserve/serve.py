"""A LitAPI behind the fast queue, whose worker takes up to 64 requests at once."""

from __future__ import annotations

import sys

import litserve
from model import Chances, Model, Row

BATCH_SECONDS = 0.001
"""How long a request waits for others. With 0, the worker asks its queue without a pause, which takes a whole core."""


class Predict(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.model = Model()

    # LitServe reads the annotations of these two: with none, bodies are taken and given as they are.
    def decode_request(self, request):
        return request["rows"]

    def predict(self, requests: list[list[Row]]) -> list[list[Chances]]:
        return self.model.many(requests)

    def encode_response(self, output):
        return output


if __name__ == "__main__":
    api = Predict(max_batch_size=64, batch_timeout=BATCH_SECONDS)
    server = litserve.LitServer(api, accelerator="cpu", devices=1, workers_per_device=1, fast_queue=True)
    server.run("127.0.0.1", int(sys.argv[1]), 1, "warning", generate_client_file=False, access_log=False)
