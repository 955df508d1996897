"""The file of dead letters: what it was before stays, and no event is too odd to be kept in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hookline.errors import StoreError
from hookline_events.brokers.broker import Event
from hookline_events.letters import DeadLetters, Letter
from hookline_events.shapes import NoRow, Shape

LETTER = Letter(Event("7", 0, b"no"), "is no JSON")
SHAPE = Shape(None, (), {"n": "integer", "share": "number"}, ("event_id", "event_time"))


@pytest.mark.parametrize("content", ["id,name", "id,name\n1,Ann\n", '{"name": "Ann"}\n', "[1]\n", '{"id": 1}'])
def test_a_file_of_other_things_is_told_and_stays_as_it_is(content: str, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(content, "utf-8")
    with pytest.raises(StoreError, match="holds other things than dead letters"):
        DeadLetters(path, "here").keep([LETTER])
    assert path.read_text("utf-8") == content


@pytest.mark.parametrize("torn", ['{"id": "6", "ti', '{"i'])
def test_what_a_killed_writer_left_of_a_line_is_cut_off(torn: str, tmp_path: Path) -> None:
    file = DeadLetters(tmp_path / "letters.ndjson", "here")
    file.keep([LETTER])
    whole = file.path.read_text("utf-8")
    file.path.write_text(whole + torn, "utf-8")
    assert file.keep([LETTER]) == 0
    assert file.path.read_text("utf-8") == whole


def test_what_another_process_added_is_not_added_once_more(tmp_path: Path) -> None:
    ours, theirs = (DeadLetters(tmp_path / "letters.ndjson", "here") for _ in range(2))
    other = Letter(Event("8", 0, b"nor this"), "is no JSON")
    assert (ours.keep([LETTER]), theirs.keep([LETTER, other]), ours.keep([LETTER, other])) == (1, 1, 0)
    ours.path.unlink()
    assert (ours.keep([LETTER]), theirs.keep([other])) == (1, 1)
    assert len(ours.path.read_text("utf-8").splitlines()) == 2


def test_a_long_file_is_read_once_however_often_it_is_added_to(tmp_path: Path) -> None:
    file = DeadLetters(tmp_path / "letters.ndjson", "here")
    file.keep([Letter(Event(str(place), 0, b"no" * 200), "is no JSON") for place in range(20_000)])
    before = len(file.path.read_bytes())
    # No reading of the whole could get past this.
    with file.path.open("r+b") as held:
        held.write(b"#")
    assert file.keep([Letter(Event("0", 0, b"no"), "is no JSON"), Letter(Event("new", 0, b"no"), "is no JSON")]) == 1
    assert len(file.path.read_bytes()) > before


def test_an_event_of_a_time_that_no_calendar_has_is_kept(tmp_path: Path) -> None:
    file = DeadLetters(tmp_path / "letters.ndjson", "here")
    assert file.keep([Letter(Event("8", 2**62, b"no"), "is no JSON")]) == 1
    assert json.loads(file.path.read_text("utf-8"))["time"] is None


def test_an_event_whose_time_fits_no_column_is_no_row() -> None:
    with pytest.raises(NoRow, match="more than 64 bits"):
        SHAPE.row(Event("9", 2**63, b'{"n": 1}'), set())


@pytest.mark.parametrize("body", ['{"n": "1_000"}', '{"share": "1_0.5"}'])
def test_digits_parted_as_python_alone_parts_them_are_no_number(body: str) -> None:
    with pytest.raises(NoRow, match="is no (integer|number)"):
        SHAPE.row(Event("1", 0, body.encode()), set())
