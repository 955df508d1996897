"""How rows of a request are read: as a type where nothing is odd in them, and value by value otherwise, to the same end."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Any
from uuid import RFC_4122, UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookline import Roles, Schema, TextRules
from hookline.kinds.artifacts import Column
from hookline_serving.http import rows as reading
from hookline_serving.http.answers import new_ids
from hookline_serving.http.clients.writing import WholeAnswers
from hookline_serving.http.openapi.columns import example_row
from hookline_serving.http.rows import BadRequest, BadRows, Reader

MOMENT = 1_704_067_200.0
SCHEMA = Schema(
    (
        Column("amount", "Float64", "number", nullable=False, minimum=0.5, maximum=9.5),
        Column("visits", "Int64", "number", minimum=0, maximum=9),
        Column("free", "Float64", "number"),
        Column("serial", "UInt64", "number", minimum=1e19, maximum=1.5e19),
        Column("plan", "String", "string", categories=("basic", "gold")),
        Column("note", "String", "string", nullable=False),
        Column("zip", "String", "string", pattern=r"\d{4}", on_violation="reject", stated=True),
        Column("empty", "String", "string", categories=()),
        Column("active", "Boolean", "boolean", nullable=False, categories=("true",)),
        Column("new", "Boolean", "boolean", categories=("false", "true")),
        Column(
            "joined", "Datetime(time_unit='us', time_zone=None)", "datetime", minimum=MOMENT, maximum=MOMENT + 86_400
        ),
        Column("maybe", "Float64", "number", required=False, minimum=0, maximum=1),
        Column("rarely", "String", "string", nullable=False, required=False, categories=("a", "b")),
    )
)
PLAIN = {
    "amount": 1.5,
    "visits": 3,
    "free": 7,
    "serial": None,
    "plan": "gold",
    "note": "n",
    "zip": "8000",
    "empty": None,
    "active": True,
    "new": False,
    "joined": "2024-01-01T10:00:00",
    "rarely": "a",
}
ODD = {
    "amount": [None, 0.5, 10, -3.5, "1", True],
    "visits": [None, 0, 3.0, 3.5, 10, 2**70],
    "free": [None, 2**53 + 1, 10**30, 1e300, "x"],
    "serial": [2**53, 12_345_678_901_234_567_890, 10**30],
    "plan": [None, "", "basic", "silver", 3],
    "note": [None, "", "zürich", {"a": 1}],
    "zip": [None, "", "80001", 8000],
    "empty": ["", "x"],
    "active": [None, False, 1],
    "new": [None, True, "true"],
    "joined": [None, "2024-01-01", "2024-01-01T11:00:00+02:00", "2030-01-01", "soon", "0001-01-01T00:00:00+14:00", 5],
    "maybe": [None, 0.5, 2],
    "rarely": [None, "b", "c"],
    "customer": [None, 7, "c-7", [1]],
    "beyond": [None, 1],
}
ABSENT = object()
ROWS = st.dictionaries(st.sampled_from(sorted(ODD)), st.integers(0, 9), max_size=4).map(
    lambda chosen: {name: [*ODD[name], ABSENT][which % (len(ODD[name]) + 1)] for name, which in chosen.items()}
)


def reader() -> Reader:
    return Reader(SCHEMA, Roles(target="y", id="customer"))


def body_of(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps({"rows": rows}).encode()


def told(read: Any) -> Any:
    try:
        question = read()
    except BadRows as error:
        return error.problems
    recorded = msgspec.json.decode(msgspec.json.encode(question.rows))
    return recorded, [*map(tuple, question.values)], [*question.ids], question.warnings


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ROWS, min_size=1, max_size=3))
def test_both_ways_of_reading_a_row_come_to_the_same(changes: list[dict[str, Any]]) -> None:
    rows = [{name: value for name, value in (PLAIN | change).items() if value is not ABSENT} for change in changes]
    read = reader()
    assert told(lambda: read.read_body(body_of(rows))) == told(lambda: read.read(rows))


def test_a_row_with_nothing_odd_in_it_is_read_as_a_type() -> None:
    (row,) = reader().read_body(body_of([PLAIN | {"customer": "c-7"}])).rows
    assert isinstance(row, msgspec.Struct)


@pytest.mark.parametrize("change", [{"amount": 10}, {"plan": "silver"}, {"joined": "2030-01-01"}, {"beyond": 1}])
def test_a_row_with_something_odd_in_it_is_recorded_as_it_came(change: dict[str, Any]) -> None:
    row = PLAIN | change
    assert reader().read_body(body_of([row])).rows == [row]


@pytest.mark.parametrize("body", [b'{"rows": []}', b"", b'{"rows": [{"plan": "\xff"}]}'])
def test_a_body_that_holds_no_rows_is_told(body: bytes) -> None:
    with pytest.raises(BadRequest):
        reader().read_body(body)


EXTREMES = ["9999-12-31T23:59:59.999999", "0001-01-01T00:00:00", "9999-12-31", "0001-01-01T00:00:00.000001Z"]


@pytest.mark.parametrize("moment", EXTREMES)
def test_the_first_and_the_last_moment_there_is_are_answered_with_a_warning(moment: str) -> None:
    question = reader().read_body(body_of([PLAIN | {"joined": moment}]))
    assert [text.split()[1] for text in question.warnings[0]] == [moment[:10]]


def test_an_empty_text_is_a_missing_value_in_every_column() -> None:
    names = [column.name for column in SCHEMA.columns if column.name in PLAIN]
    blank = reader().read_body(body_of([PLAIN | dict.fromkeys(names, "")]))
    missing = reader().read_body(body_of([PLAIN | dict.fromkeys(names)]))
    kinds = {column.name: column.kind for column in SCHEMA.columns}
    texts = {i for i, column in enumerate(SCHEMA.columns) if kinds[column.name] == "string"}
    assert [v for i, v in enumerate(blank.values[0]) if i not in texts] == [
        v for i, v in enumerate(missing.values[0]) if i not in texts
    ]
    assert blank.warnings == missing.warnings


def test_problems_are_told_row_by_row_and_counted_no_further_than_a_thousand() -> None:
    with pytest.raises(BadRows) as caught:
        reader().read([PLAIN | {"amount": "much", "visits": "few"}] * 400)
    assert [(one.row, one.column) for one in caught.value.problems[:3]] == [
        (0, "amount"), (0, "visits"), (1, "amount"),
    ]  # fmt: skip
    assert caught.value.told() == "800 values do not fit the input contract"
    with pytest.raises(BadRows, match="over 1,000 values do not fit the input contract"):
        reader().read([PLAIN | {"amount": "much", "visits": "few"}] * 40_000)


def test_rejected_values_are_counted_no_further_than_a_thousand() -> None:
    with pytest.raises(BadRows, match="over 1,000 values"):
        reader().read([PLAIN | {"zip": "x"}] * 40_000)


def test_only_some_names_are_compared_with_a_missing_column(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []
    own = reading.closest
    monkeypatch.setattr(reading, "closest", lambda name, known: (compared.append(len(known)), own(name, known))[1])
    foreign = {f"amoun{number}": 1 for number in range(5_000)} | {"a" * 100_000: 1}
    with pytest.raises(BadRows) as caught:
        reader().read([{"ammount": 1, **foreign, "number": number} for number in range(3)] * 300)
    assert "did you mean 'ammount'?" in caught.value.problems[0].message
    assert sum(compared) <= reading.MOST_HINTS * reading.MOST_NAMES


def test_a_text_that_was_never_seen_is_told_in_short() -> None:
    (told,) = reader().read([PLAIN | {"plan": "x" * 100_000}]).warnings[0]
    assert len(told) < 300


def test_ids_are_random_uuids_of_version_4() -> None:
    made = [UUID(text) for text in new_ids(600)]
    assert len(set(made)) == 600
    assert {(one.version, one.variant) for one in made} == {(4, RFC_4122)}


class Written(asyncio.Transport):
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[bytes] = []

    def write(self, data: Any) -> None:
        self.parts.append(bytes(data))

    def close(self) -> None:
        self.parts.append(b"closed")


HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ([HEAD, b"body"], [HEAD + b"body"]),
        ([HEAD, b"part", b"part"], [HEAD + b"part", b"part"]),
        ([b"HTTP/1.1 100 Continue\r\n\r\n", HEAD, b"body"], [b"HTTP/1.1 100 Continue\r\n\r\n", HEAD + b"body"]),
        ([HEAD], [HEAD]),
        ([HEAD, None], [HEAD, b"closed"]),
    ],
    ids=["answer", "parts", "interim", "no body", "closed"],
)
def test_a_head_is_sent_with_what_follows_it(written: list[bytes | None], sent: list[bytes]) -> None:
    async def write() -> list[bytes]:
        transport = Written()
        whole = WholeAnswers(transport, asyncio.get_running_loop())
        for data in written:
            whole.close() if data is None else whole.write(data)
        await asyncio.sleep(0)
        return transport.parts

    assert asyncio.run(write()) == sent


TEXTS = Schema(
    (
        Column("size", "Float64", "number"),
        Column("region", "String", "string", categories=("north", "south")),
        Column("note", "String", "string"),
    ),
    TextRules(missing=("NA", "?"), strip=True),
)


@pytest.mark.parametrize(
    "row",
    [
        {"size": "NA", "region": "north", "note": "n"},
        {"size": None, "region": " north ", "note": " n"},
        {"size": " ?", "region": "north", "note": "n "},
    ],
)
def test_texts_of_a_request_are_read_as_those_of_the_training(row: dict[str, Any]) -> None:
    reader = Reader(TEXTS, Roles())
    for question in (reader.read([row]), reader.read_body(json.dumps({"rows": [row]}).encode())):
        assert question.values == [(None, "north", "n")]
        assert question.warnings == {}
        assert question.rows[0]["region"] == row["region"]


def test_a_mark_in_a_column_of_free_texts_is_missing() -> None:
    reader = Reader(TEXTS, Roles())
    for word in ("NA", " ? ", "  "):
        body = json.dumps({"rows": [{"size": 1, "region": "south", "note": word}]}).encode()
        assert reader.read_body(body).values == [(1.0, "south", None)]


def test_a_text_that_is_no_mark_is_no_number() -> None:
    with pytest.raises(BadRows) as caught:
        Reader(TEXTS, Roles()).read([{"size": "n.a.", "region": "?", "note": None}])
    assert [problem.column for problem in caught.value.problems] == ["size"]


def test_a_column_without_any_value_is_no_part_of_the_example() -> None:
    empty = Column("nothing", "String", "string", categories=(), required=False)
    assert example_row(Schema((*TEXTS.columns, empty))) == example_row(TEXTS)
    assert list(example_row(TEXTS)) == ["size", "region", "note"]


def test_a_date_of_a_request_is_read_in_the_order_that_training_found() -> None:
    columns = (Column("at", "Date", "datetime"), Column("until", "Date", "datetime"))
    rules = TextRules(missing=("NA",), dates={"at": "day_first", "until": "month_first"})
    reader = Reader(Schema(columns, rules), Roles())
    row = {"at": "03/04/2026", "until": "03/04/2026 5:07"}
    for question in (reader.read([row]), reader.read_body(json.dumps({"rows": [row]}).encode())):
        assert question.values == [(datetime(2026, 4, 3), datetime(2026, 3, 4, 5, 7))]
        assert question.rows == [row]
    assert reader.read([{"at": "NA", "until": "2026-03-04"}]).values == [(None, datetime(2026, 3, 4))]
    with pytest.raises(BadRows) as caught:
        reader.read([{"at": "03/31/2026", "until": None}])
    assert [problem.column for problem in caught.value.problems] == ["at"]
