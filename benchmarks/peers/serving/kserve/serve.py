"""A custom predictor in KServe's model server. It listens on all addresses by itself, so it is given a socket of loopback."""

from __future__ import annotations

import socket
from typing import Any

from kserve import Model as Predictor
from kserve import ModelServer
from kserve.model_server import FASTAPI_APP_IMPORT_STRING, args
from kserve.protocol.rest.server import RESTServer
from model import Model


class Predict(Predictor):
    def load(self) -> bool:
        self.model = Model()
        self.ready = True
        return self.ready

    async def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> dict[str, Any]:
        return {"predictions": self.model.one(payload["instances"])}


if __name__ == "__main__":
    predict = Predict("w")
    predict.load()
    server = ModelServer()
    server.register_model(predict)
    rest = RESTServer(FASTAPI_APP_IMPORT_STRING, server.dataplane, server.model_repository_extension, args.http_port)
    rest.run([socket.create_server(("127.0.0.1", args.http_port), backlog=2048)])
