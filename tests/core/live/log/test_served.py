"""From a served answer to its truth: what a real server recorded is listed, labeled by id and judged."""

from __future__ import annotations

from pathlib import Path

import polars as pl

import hookline as hl
from kit.serving import serving


def test_a_served_answer_is_on_record_and_meets_its_truth(shop: Path) -> None:
    for file in (shop / "predictions" / "shop").iterdir():
        file.unlink()
    rows = [{"customer": f"n{place}", "size": place - 2.5, "version": 0.0} for place in range(6)]
    with serving("shop", shop) as server:
        answers = server.predict(*rows)
        assert [record["row"]["size"] for record in hl.predictions("shop")] == [row["size"] for row in rows]
    truth = pl.DataFrame({"id": [answer["id"] for answer in answers], "bought": ["no", "no", "no", "yes", "yes", "no"]})
    assert hl.label("shop", truth).aside == 0
    assert (hl.labels("shop").records, hl.labels("shop").labeled) == (6, 6)
    scored = hl.scored("shop", since="1h", version=2).frame.collect()
    assert scored["truth"].to_list() == truth["bought"].to_list()
    assert scored["prediction"].to_list() == [answer["prediction"] for answer in answers]
    assert scored["customer"].to_list() == [row["customer"] for row in rows]
    by_key = pl.DataFrame({"customer": ["n5"], "bought": ["yes"], "when": [scored["time"][5]]})
    assert hl.label("shop", by_key, by="customer", time="when").aside == 0
