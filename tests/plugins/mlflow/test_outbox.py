"""Runs that wait to be sent, where several processes send from one home."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hookline.errors import StoreError
from hookline_mlflow.outbox import Outbox


def test_a_run_that_another_process_sends_meanwhile_keeps_none_from_being_sent(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.folder.mkdir(parents=True)
    # A name that is listed, and behind which no file is when it is read.
    (outbox.folder / "0-sent.json").symlink_to(tmp_path / "nowhere")
    (outbox.folder / "1-waits.json").write_text(json.dumps({"id": "waits", "run": {}}), "utf-8")
    assert [entry.run_id for entry in outbox.entries()] == ["waits"]


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.folder.mkdir(parents=True)
    (outbox.folder / "0-torn.json").write_text('{"id": ', "utf-8")
    with pytest.raises(StoreError, match=r"0-torn\.json cannot be read"):
        outbox.entries()
