"""What MLflow loads where a model is not in ONNX: the package inside, read by hookline."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hookline import Packager, Predictor
from hookline.packages.loading import trust_of_environment
from hookline.packages.owncode.carried import read_carried
from hookline.packages.owncode.using import unproven
from hookline.packages.state import StoredPackage
from hookline.registry.registry import load_registry


@dataclass(frozen=True)
class Answering:
    """A predictor as MLflow asks it."""

    predictor: Predictor

    def predict(self, frame: Any, params: Any = None) -> Any:
        """Return a row an answer as a pandas frame: `prediction`, and `probability_<class>`; raises DataError for unfit rows."""
        import pandas as pd

        from hookline.data.frames import to_polars

        made = self.predictor.predict(to_polars(frame)).frame().drop("row_id", strict=False)
        return pd.DataFrame(made.to_dict(as_series=False))


def _load_pyfunc(path: str) -> Answering:
    """Read the model; raises UntrustedPackage for a pickle, and for other code than here, unless HOOKLINE_ALLOW_PICKLE is on."""
    registry, folder = load_registry(), Path(path)
    held = json.loads((folder / "holds.json").read_text("utf-8"))
    packager = registry.build("packager", str(held["packager"]), {}, "packager")
    assert isinstance(packager, Packager)
    trust = trust_of_environment()
    carried = read_carried(folder)
    stored = StoredPackage.opened(folder, registry, carried, trusted=trust.pickle)
    if carried is not None and stored.using.other:
        # Its golden rows are not in what MLflow copies.
        raise unproven(folder, carried.needed)
    return Answering(packager.load(stored, trust))
