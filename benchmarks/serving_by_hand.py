"""Servers to compare with: FastAPI around the same ONNX session, and a bare JSON echo on the same uvicorn."""

import sys
from pathlib import Path
from typing import Any


def fastapi_app(package: Path) -> Any:
    import json

    import numpy as np
    import onnxruntime
    from fastapi import FastAPI
    from pydantic import create_model

    columns = json.loads((package / "pipeline.json").read_text())["schema"]["columns"]
    kinds = {"number": float, "string": str, "boolean": bool}
    row = create_model("Row", **{column["name"]: (kinds[column["kind"]] | None, ...) for column in columns})
    body = create_model("Body", rows=(list[row], ...))  # type: ignore[valid-type]
    session = onnxruntime.InferenceSession(str(package / "model.onnx"))
    app = FastAPI()

    @app.post("/predict")
    async def predict(request: body) -> Any:  # type: ignore[valid-type]
        feeds = {}
        for column in columns:
            values = [getattr(one, column["name"]) for one in request.rows]
            if column["kind"] == "string":
                feeds[column["name"]] = np.array([value or "" for value in values], dtype=object).reshape(-1, 1)
            else:
                feeds[column["name"]] = np.array(
                    [np.nan if v is None else v for v in values], dtype=np.float64
                ).reshape(-1, 1)
        labels, chances = session.run(None, feeds)
        return {
            "predictions": [
                {"prediction": a, "probabilities": b} for a, b in zip(labels.tolist(), chances.tolist(), strict=True)
            ]
        }

    return app


def echo_app() -> Any:
    import msgspec

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message["body"]
            more = message.get("more_body", False)
        answer = msgspec.json.encode(msgspec.json.decode(body))
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    return app


if __name__ == "__main__":
    import uvicorn

    which, port = sys.argv[1], int(sys.argv[2])
    app = echo_app() if which == "echo" else fastapi_app(Path(sys.argv[3]))
    # As hookline's own server is set up; uvloop and httptools are uvicorn's choice where they are installed.
    uvicorn.run(app, port=port, log_level="warning", access_log=False, server_header=False, proxy_headers=False)
