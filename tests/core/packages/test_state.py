"""The fitted parts of a package are read back, or told to be damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hookline.errors import StoreError
from hookline.packages.state import PIPELINE, StoredPackage
from hookline.registry.registry import load_registry

STAGE = {"key": "transform.impute", "component": "impute", "state": {}}


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"transforms": None, "featurizers": {}},
        {"transforms": [None], "featurizers": ["x"]},
        {"transforms": [{"key": "a"}], "featurizer": None},
        *(
            {kind: [{k: v for k, v in STAGE.items() if k != part}] for kind in ("transforms", "featurizers")}
            for part in STAGE
        ),
    ],
)
@pytest.mark.parametrize("part", ["transforms", "featurizers"])
def test_a_damaged_part_is_one_clear_error(tmp_path: Path, state: dict[str, Any], part: str) -> None:
    (tmp_path / PIPELINE).write_text(json.dumps(state))
    with pytest.raises(StoreError, match="pipeline.json is damaged"):
        getattr(StoredPackage(tmp_path, load_registry()), part)
