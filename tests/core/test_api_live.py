"""Acts on models in production as functions: what the command line does, with the same errors."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline.cli import main
from hookline.errors import UnknownName, UsageError
from hookline.workspace.workspace import open_workspace

ACTS = ("collect", "contract", "monitor", "promote", "register", "serve", "update")


def rows(count: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    size = rng.normal(size=count)
    return pl.DataFrame({"size": size, "bought": np.where(size > 0, "yes", "no")})


@pytest.fixture
def shop() -> list[hl.Run]:
    """A registered model `shop` of two versions, the second in charge."""
    given: dict[str, Any] = {"target": "bought", "name": "shop", "packager": ["onnx"], "deployer": "local"}
    return [hl.run(source=rows(200, seed), trainer="decision_tree", **given) for seed in (0, 1)]


@contextmanager
def serving(call: str) -> Iterator[str]:
    """Serve from Python in a process of its own; yields where it answers."""
    with subprocess.Popen(
        [sys.executable, "-c", f"import hookline as hl; hl.serve({call}, port=0)"], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            said = []
            for line in process.stderr:
                said.append(line)
                if found := re.search(r"answers at (http://\S+)", line):
                    yield found[1]
                    break
            else:
                pytest.fail(f"the server did not start: {''.join(said)}")
        finally:
            process.kill()


def asked(url: str) -> dict[str, Any]:
    response = httpx.post(f"{url}/predict", json={"rows": [{"size": 1.5}]}, timeout=20)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_the_acts_are_public_and_explained() -> None:
    for act in ACTS:
        assert act in hl.__all__
        assert getattr(hl, act).__doc__


def test_a_version_is_promoted_with_its_reason_as_on_the_command_line(shop: list[hl.Run]) -> None:
    catalog = open_workspace().catalog
    policy = hl.promote("shop:1", reason="the first was better")
    assert policy is not None
    assert policy.version == 1
    assert catalog.models.aliases("shop")["champion"] == 1
    assert catalog.deployments.history("shop")[0].reason == "the first was better"
    assert hl.promote("shop:2", alias="staging") is None
    assert catalog.models.aliases("shop") == {"champion": 1, "staging": 2}
    assert len(catalog.deployments.history("shop")) == 3


@pytest.mark.parametrize(
    ("version", "kind", "told"),
    [("shop", UsageError, "say which version"), ("shop:9", UnknownName, "'9'"), ("shup:1", UnknownName, "'shop'")],
)
def test_both_doors_refuse_a_promotion_in_the_same_words(
    shop: list[hl.Run], version: str, kind: type[UsageError], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(kind, match=told) as caught:
        hl.promote(version)
    assert main(["models", "promote", version]) == 2
    assert capsys.readouterr().err == f"error: {caught.value}\n"


def test_a_contract_is_a_value_and_the_text_that_the_command_line_prints(
    shop: list[hl.Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = hl.contract("shop")
    assert (contract.model, contract.version, contract.names) == ("shop", 2, ("size",))
    assert contract["size"].maximum == pytest.approx(rows(200, 1)["size"].max(), abs=1)
    assert main(["data", "contract", "shop"]) == 0
    assert capsys.readouterr().out == contract.text == str(contract)
    assert hl.contract("shop:1").schema != contract.schema
    (tmp_path / "contract.yaml").write_text(contract.text, "utf-8")
    assert hl.load("shop", contract=tmp_path / "contract.yaml").schema.names == contract.names
    assert main(["data", "contract", "shop", "--json"]) == 0
    assert [column["name"] for column in json.loads(capsys.readouterr().out)["columns"]] == ["size"]
    with pytest.raises(UnknownName):
        hl.contract("shup")


def test_a_model_is_served_from_python_as_its_policy_says(shop: list[hl.Run], tmp_path: Path) -> None:
    with serving("'shop'") as url:
        assert asked(url)["predictions"][0]["prediction"] == "yes"
    recorded = list((Path(os.environ["HOOKLINE_HOME"]) / "predictions" / "shop").glob("*.ndjson"))
    assert len(recorded) == 1
    assert '"version":2' in recorded[0].read_text("utf-8").replace(" ", "")


@pytest.mark.parametrize("log", [False, "kept"])
def test_answers_are_recorded_where_one_says(shop: list[hl.Run], tmp_path: Path, log: bool | str) -> None:
    folder = False if log is False else str(tmp_path / "kept")
    with serving(f"'shop:1', log={folder!r}") as url:
        asked(url)
    assert len(list((tmp_path / "kept").glob("*.ndjson"))) == (0 if log is False else 1)
    assert not (Path(os.environ["HOOKLINE_HOME"]) / "predictions").exists()


def test_what_cannot_be_served_is_said_before_a_port_is_opened(shop: list[hl.Run]) -> None:
    with pytest.raises(UnknownName, match="did you mean 'shop'"):
        hl.serve("shup", port=0)
    with pytest.raises(UsageError, match="cannot answer"):
        hl.serve("shop", host="256.0.0.1", port=0, log=False)


def test_another_home_is_another_place(shop: list[hl.Run], tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    with pytest.raises(UnknownName):
        hl.promote("shop:1", home=elsewhere)
    with pytest.raises(UnknownName):
        hl.monitor("shop", rows(50, 2), home=elsewhere)
    with pytest.raises(UnknownName):
        hl.contract("shop", home=elsewhere)
    with pytest.raises(UnknownName):
        hl.serve("shop", port=0, home=elsewhere)
