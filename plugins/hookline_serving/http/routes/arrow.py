"""Bodies of `/predict` in Arrow's stream format, answered in it where the client takes it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any

import msgspec

from hookline.kinds.fitted import BOUNDS, label_text

from ..many import encoded, predict
from ..reading.cutting import Body
from ..replies import Reply
from .asked import Asked, media_of
from .batches import Rows, answered, check_size
from .frames import arrow_frame, arrow_weight, rows_in

if TYPE_CHECKING:
    from ..arms.traffic import Traffic
    from ..exchange import Item

ARROW = "application/vnd.apache.arrow.stream"
MARK = b"\xff"
"""What a stream begins with, and JSON never does."""


async def predict_any(traffic: Traffic, asked: Asked) -> Reply:
    """Answer `/predict`, whatever its body is; raises what `replies.told` tells."""
    if asked.media != ARROW and bytes(asked.body[:1]) != MARK:
        return Reply(await predict(traffic, asked.body, asked.request))
    check_size(traffic, asked.body)
    read, weigh = partial(_rows, traffic, asked.body), partial(arrow_weight, asked.body)
    if any(media_of(one) == ARROW for one in asked.headers.get("accept", "").split(",")):
        return Reply(await answered(traffic, asked, read, partial(_as_arrow, traffic), weigh), ARROW.encode())
    return Reply(await answered(traffic, asked, read, partial(encoded, traffic), weigh))


def _rows(traffic: Traffic, body: Body) -> Rows:
    return rows_in(arrow_frame(body, traffic.live.room.bounds.rows))


def _as_arrow(traffic: Traffic, items: Sequence[Item]) -> bytes:
    """Return a stream of one row a prediction: id, prediction, probabilities by class, warnings, and who answered."""
    import polars as pl

    live = traffic.live
    version = None if traffic.is_one else [item.version for item in items]
    columns: dict[str, Any] = {
        "id": [item.id for item in items],
        "prediction": [item.prediction for item in items],
        "warnings": pl.Series([list(item.warnings) for item in items], dtype=pl.List(pl.String)),
        "version": pl.Series(version or [live.info["version"]] * len(items), dtype=pl.Int64),
    }
    labels = [label_text(label) for label in live.predictor.target.classes]
    if items[0].probabilities is not msgspec.UNSET:
        chances = [item.probabilities or {} for item in items]
        fields = {label: pl.Float64() for label in labels}
        columns["probabilities"] = pl.Series(chances, dtype=pl.Struct(fields))
    for name in BOUNDS if all(item.lower is not msgspec.UNSET for item in items) else ():
        columns[name] = pl.Series([getattr(item, name) for item in items], dtype=pl.Float64)
    if all(item.set is not msgspec.UNSET for item in items):
        columns["set"] = pl.Series([[*map(label_text, item.set or ())] for item in items], dtype=pl.List(pl.String))
    into = BytesIO()
    pl.DataFrame(columns).write_ipc_stream(into)
    return into.getvalue()
