"""A worker behind mosec's server in Rust, which hands it several requests at once; JSON by msgspec, which mosec brings."""

from __future__ import annotations

import msgspec
from model import Chances, Model, Row
from mosec import Server, Worker


class Predict(Worker):
    def __init__(self) -> None:
        super().__init__()
        self.model = Model()

    def deserialize(self, data: bytes) -> list[Row]:
        rows: list[Row] = msgspec.json.decode(data)["rows"]
        return rows

    def serialize(self, data: list[Chances]) -> bytes:
        return msgspec.json.encode(data)

    def forward(self, data: list[list[Row]]) -> list[list[Chances]]:
        return self.model.many(data)


if __name__ == "__main__":
    server = Server()
    server.append_worker(Predict, num=1, max_batch_size=64, max_wait_time=1, route="/predict")
    server.run()
