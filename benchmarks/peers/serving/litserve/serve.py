"""A LitAPI behind the fast queue, which takes what has come by the time it is free."""

from __future__ import annotations

import sys
from typing import Any

import litserve
from model import Chances, Model, Row


class Predict(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.model = Model()

    def decode_request(self, request: dict[str, Any]) -> list[Row]:
        rows: list[Row] = request["rows"]
        return rows

    def predict(self, requests: list[list[Row]]) -> list[list[Chances]]:
        return self.model.many(requests)

    def encode_response(self, output: list[Chances]) -> list[Chances]:
        return output


if __name__ == "__main__":
    api = Predict(max_batch_size=64, batch_timeout=float(sys.argv[2]))
    server = litserve.LitServer(api, accelerator="cpu", devices=1, workers_per_device=1, fast_queue=True)
    server.run("127.0.0.1", int(sys.argv[1]), 1, "warning", generate_client_file=False, access_log=False)
