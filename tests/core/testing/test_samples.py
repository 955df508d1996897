"""The rows that the conformance kit brings."""

from __future__ import annotations

from typing import Any

import pytest

from hookline.kinds.artifacts import ROW_ID
from hookline.testing.tables.samples import table


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_kits_table_has_every_type_gaps_and_all_classes(task: Any) -> None:
    sample = table(task)
    frame = sample.train.frame.collect()
    types = {repr(dtype).partition("(")[0] for name, dtype in frame.schema.items() if name != ROW_ID}
    assert types >= {"Float64", "Int64", "String", "Boolean", "Datetime"}
    assert frame["age"].null_count()
    assert frame["city"].null_count()
    assert set(frame["target"].unique()) >= set(sample.target.classes)
    assert set(sample.test.frame.collect()["target"].unique()) >= set(sample.target.classes)
