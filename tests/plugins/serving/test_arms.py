"""Versions beside the one in charge: each answer from exactly one, on record, and the one in charge where another cannot."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline import Prediction, Predictor
from hookline.errors import DataError
from hookline.kinds.deployments import REFUSED, Deployment, Route
from hookline.live.records import read_records
from hookline.live.seen import AnswerCounts, ArmCounts, seen_in
from hookline.workspace.catalog.sightings import Sighting
from hookline_serving.http.answers import Answerer
from hookline_serving.http.app import app_of
from hookline_serving.http.arms import aside
from hookline_serving.http.arms.desk import Desk
from hookline_serving.http.arms.following import Follower
from hookline_serving.http.arms.loading import traffic_of
from hookline_serving.http.clients.bounds import Bounds
from hookline_serving.http.exchange import Item, Question
from hookline_serving.http.log import PredictionLog, Stamp
from hookline_serving.http.many import predict
from hookline_serving.http.reading.faults import Overdue
from hookline_serving.http.replies import answered
from hookline_serving.http.service import Room
from kit.serving import ROW


class Always:
    """A predictor that answers every row with one class, or does what it is told."""

    def __init__(self, like: Predictor, label: str, act: Callable[[], None] = lambda: None) -> None:
        self.schema, self.roles, self.target = like.schema, like.roles, like.target
        self._label, self._act = label, act

    def predict(self, frame: pl.DataFrame | pl.LazyFrame) -> Prediction:
        self._act()
        rows = frame.lazy().collect().height
        place = self.target.classes.index(self._label)
        shares = np.zeros((rows, 2))
        shares[:, place] = 1.0
        return Prediction(np.array([self._label] * rows), shares, self.target.classes)


class Misshapen(Always):
    """A predictor that answers fewer rows than it is asked."""

    def predict(self, frame: pl.DataFrame | pl.LazyFrame) -> Prediction:
        whole = super().predict(frame)
        return Prediction(whole.values[:0], None)


@dataclass
class Versions:
    """A fleet of predictors that are at hand. log: the folder of the record"""

    predictors: Mapping[int, Predictor]
    current: Deployment
    folder: Path
    told: list[Sighting] = field(default_factory=list)

    def policy(self) -> Deployment:
        return self.current

    def predictor(self, version: int) -> Predictor:
        return self.predictors[version]

    def facts(self, version: int) -> Mapping[str, Any]:
        return {"model": "churn", "version": version, "format": "onnx"}

    def log(self) -> Path | None:
        return self.folder

    def counts(self, version: int) -> ArmCounts:
        return ArmCounts(AnswerCounts.of(self.predictors[version].target, None))

    def tell(self, sightings: Sequence[Sighting]) -> None:
        self.told += sightings

    def keep(self, versions: Any) -> None:
        self.kept = set(versions)


@pytest.fixture(scope="module")
def real(package: Path) -> Predictor:
    loaded = hl.load(package)
    return loaded.predictor


def policy(*routes: Route, key: str | None = None) -> Deployment:
    return Deployment("churn", 1, routes, "canary", key=key, number=7)


HALF = policy(Route(1, 0.5), Route(2, 0.5, arm="canary"))
ALL = policy(Route(2, 1.0, arm="canary"))


@pytest.fixture
def open_desk(real: Predictor, tmp_path: Path) -> Any:
    """Return the desk of two versions under a policy: the first answers `no`, the second as it is given."""

    def opened(current: Deployment, second: Predictor) -> Desk:
        fleet = Versions({1: Always(real, "no"), 2: second}, current, tmp_path)
        record = PredictionLog.open(tmp_path)
        return Desk(traffic_of(fleet, current, record, Room(Bounds())), record)

    return opened


def asked(desk: Desk, *bodies: Any) -> list[dict[str, Any]]:
    """Return what bodies are answered, one after the other, and close the desk."""

    async def go_on() -> list[dict[str, Any]]:
        found = []
        for body in bodies:
            answer = await answered(predict(desk.traffic, json.dumps(body).encode()))
            assert answer.status == 200, answer.body
            found.append(json.loads(answer.body))
        return found

    try:
        return asyncio.run(go_on())
    finally:
        desk.close()


def on_record(folder: Path) -> list[Mapping[str, Any]]:
    return [*read_records(sorted(folder.glob("*.ndjson")))]


def test_each_answer_is_of_exactly_one_version_and_on_record_as_that(
    open_desk: Any, real: Predictor, tmp_path: Path
) -> None:
    given = asked(open_desk(HALF, Always(real, "yes")), *[{"rows": [ROW]}] * 60)
    said = {one["predictions"][0]["id"]: (one["version"], one["predictions"][0]["prediction"]) for one in given}
    assert set(said.values()) == {(1, "no"), (2, "yes")}
    records = on_record(tmp_path)
    assert {record["id"]: (record["version"], record["prediction"]) for record in records} == said
    assert {(record["version"], record["arm"]) for record in records} == {(1, "live"), (2, "canary")}


def test_rows_of_one_request_go_by_their_keys_and_come_back_in_order(
    open_desk: Any, real: Predictor, tmp_path: Path
) -> None:
    keyed = replace(HALF, key="customer")
    rows = [ROW | {"customer": f"c{i % 40}"} for i in range(400)]
    few, many = asked(open_desk(keyed, Always(real, "yes")), {"rows": rows[:40]}, {"rows": rows})
    assert few["version"] is None
    first = [item["version"] for item in few["predictions"]]
    assert first * 10 == [item["version"] for item in many["predictions"]]
    assert {(item["version"], item["prediction"]) for item in many["predictions"]} == {(1, "no"), (2, "yes")}
    records = {record["id"]: record for record in on_record(tmp_path)}
    assert len(records) == 440
    for row, item in zip(rows, many["predictions"], strict=True):
        record = records[item["id"]]
        assert (record["version"], record["key"]) == (item["version"], row["customer"])


@pytest.mark.parametrize("rows", [1, 400], ids=["few", "many"])
@pytest.mark.parametrize("fault", ["raises", "misshapen", "hangs", "absent"])
def test_where_a_version_cannot_answer_the_one_in_charge_does(
    open_desk: Any, real: Predictor, tmp_path: Path, rows: int, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aside, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr("hookline_serving.http.arms.traffic.PATIENCE_SECONDS", 0.1)
    ended = threading.Event()

    def fail() -> None:
        raise RuntimeError("a fault in the model")

    seconds: dict[str, Any] = {
        "raises": lambda: Always(real, "yes", fail),
        "misshapen": lambda: Misshapen(real, "yes"),
        "hangs": lambda: Always(real, "yes", lambda: ended.wait(20) and None),
        "absent": lambda: None,
    }
    desk = open_desk(ALL, seconds[fault]())
    try:
        (given,) = asked(desk, {"rows": [ROW] * rows})
    finally:
        ended.set()
    assert {(item["version"], item["prediction"]) for item in given["predictions"]} == {(1, "no")}
    counts = desk.traffic.counted()
    assert (counts[2, "canary"].requests, counts[2, "canary"].errors) == (1, 1)
    assert (counts[1, "live"].requests, counts[1, "live"].errors) == (1, 0)
    assert [record["version"] for record in on_record(tmp_path)] == [1] * rows


def test_the_keys_of_requests_that_fail_are_counted_for_whom_they_fell_to(open_desk: Any, real: Predictor) -> None:
    def fail() -> None:
        raise RuntimeError("a fault in the model")

    desk = open_desk(replace(HALF, key="customer"), Always(real, "yes", fail))
    places = [desk.traffic.router.place(f"c{number % 10}") for number in range(40)]
    asked(desk, *[{"rows": [ROW | {"customer": f"c{number % 10}"}]} for number in range(40)])
    counts = desk.traffic.counted()
    fell = sum(route.version == 2 for route in map(desk.traffic.router.at, places[:10]))
    assert 0 < fell < 10
    assert (counts[2, "canary"].errors, len(counts[2, "canary"].failing)) == (4 * fell, fell)
    assert counts[1, "live"].failing == set()


def test_what_two_threads_drop_at_the_same_moment_is_counted_whole(real: Predictor) -> None:
    adding = threading.Event()

    class Held(int):
        """A number to which something is added while another thread has its turn."""

        def __add__(self, other: int) -> int:
            adding.set()
            time.sleep(0.1)
            return int(self) + other

    asked_aside = aside.Aside(Answerer(real, None, 9, Stamp("churn", 2, "canary")), "canary")
    asked_aside.dropped = Held(0)
    question = Question([ROW], [[]], [None], {}, 0.0)
    # Nobody waits for either: each is dropped by the thread, or refused by whoever asks while that is busy.
    with pytest.raises(Overdue):
        asked_aside.answer_now(question, patience=-1.0)
    assert adding.wait(5)
    with pytest.raises(Overdue):
        asked_aside.answer_now(question, patience=0.0)
    asked_aside.close()
    asked_aside.join(5)
    assert asked_aside.dropped == 2


def test_what_is_asked_in_one_turn_is_answered_together_and_what_waits_as_it_closes_is_answered_too(
    real: Predictor,
) -> None:
    many: list[int] = []

    class Counting(Answerer):
        def predict(self, asked: Sequence[Question]) -> list[list[Item]]:
            many.append(len(asked))
            return super().predict(asked)

    answerer = Counting(real, None, 9, Stamp("churn", 2, "canary"))
    beside = aside.Aside(answerer, "canary")

    def question() -> Question:
        return answerer.reader.read([ROW])

    async def ask() -> list[list[Item]]:
        waiting = [asyncio.ensure_future(beside.answer(question())) for _ in range(20)]
        await asyncio.sleep(0)
        beside.close()
        return await asyncio.gather(*waiting)

    answers = asyncio.run(ask())
    assert many == [20]
    assert [len(items) for items in answers] == [1] * 20
    with pytest.raises(aside.Closed):
        beside.answer_now(question(), 1.0)


def test_a_request_of_many_rows_goes_to_one_version_and_counts_once(open_desk: Any, real: Predictor) -> None:
    desk = open_desk(HALF, Always(real, "yes"))
    given = asked(desk, *[{"rows": [ROW] * 600}] * 6)
    assert all(one["version"] in (1, 2) for one in given)
    counts = desk.traffic.counted()
    assert counts[1, "live"].requests + counts[2, "canary"].requests == 6


def test_a_key_is_the_same_however_its_number_was_written(open_desk: Any, real: Predictor, tmp_path: Path) -> None:
    desk = open_desk(replace(HALF, key="visits"), Always(real, "yes"))
    bodies = [{"rows": [ROW | {"visits": number}]} for number in (3, 3.0, 3, 3.0)]
    bodies += [{"rows": [ROW | {"visits": 3, "plan": "never seen"}]}]
    given = asked(desk, *bodies)
    assert len({one["version"] for one in given}) == 1
    assert {record["key"] for record in on_record(tmp_path)} == {"3"}


def test_requests_of_one_moment_are_each_on_record_as_they_were(
    open_desk: Any, real: Predictor, tmp_path: Path
) -> None:
    desk = open_desk(replace(HALF, key="customer"), Always(real, "no"))
    only = desk.traffic.only(desk.traffic.live)

    async def ask(number: int) -> str:
        traffic = desk.traffic if number % 2 else only
        body = json.dumps({"rows": [ROW | {"customer": f"c{number}"}]}).encode()
        answer = await answered(predict(traffic, body, f"r{number}"))
        return str(json.loads(answer.body)["predictions"][0]["id"])

    async def together() -> list[str]:
        await asyncio.gather(*map(ask, range(2)))
        return await asyncio.gather(*map(ask, range(2, 12)))

    ids = asyncio.run(together())
    desk.close()
    records = {record["id"]: record for record in on_record(tmp_path)}
    assert len(records) == 12
    for number, one in enumerate(ids, 2):
        assert records[one]["request"] == f"r{number}"
        assert records[one]["key"] == (f"c{number}" if number % 2 else None)


def test_a_version_that_is_asked_for_by_its_number_counts_for_no_arm_and_holds_up_nobody(
    open_desk: Any, real: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hookline_serving.http.arms.traffic.PATIENCE_SECONDS", 0.1)
    ended, mood = threading.Event(), {"hangs": False}
    second = Always(real, "yes", lambda: ended.wait(20) and None if mood["hangs"] else None)
    desk = open_desk(HALF, second)
    only = desk.traffic.only(desk.traffic.arms[2, "canary"].service)

    async def ask(count: int) -> tuple[int, dict[str, Any]]:
        answer = await answered(predict(only, json.dumps({"rows": [ROW] * count}).encode()))
        return answer.status, json.loads(answer.body)

    async def go_on() -> None:
        for count in (1, 400):
            status, told = await ask(count)
            assert (status, told["version"], len(told["predictions"])) == (200, 2, count)
        mood["hangs"] = True
        assert (await ask(1))[0] == 503

    try:
        asyncio.run(go_on())
    finally:
        ended.set()
    desk.close()
    assert not any(counts.requests for counts in desk.traffic.counted().values())
    assert {(record["version"], record["arm"]) for record in on_record(tmp_path)} == {(2, "asked")}


def test_a_panic_of_a_library_is_a_fault_of_the_model_and_ends_no_thread(open_desk: Any, real: Predictor) -> None:
    class PanicException(BaseException):
        pass

    def panic() -> None:
        raise PanicException("not yet implemented")

    desk = open_desk(ALL, Always(real, "yes", panic))
    given = asked(desk, *[{"rows": [ROW]}] * 3)
    assert {one["version"] for one in given} == {1}
    assert desk.traffic.counted()[2, "canary"].errors == 3


def test_after_a_switch_those_on_their_way_are_answered_and_no_thread_begins(open_desk: Any, real: Predictor) -> None:
    desk = open_desk(ALL, Always(real, "yes"))
    before = threading.active_count()
    desk.traffic.close()
    (given,) = asked(desk, {"rows": [ROW]})
    assert given["version"] == 1
    assert desk.traffic.counted()[2, "canary"].errors == 0
    assert threading.active_count() <= before


def test_a_request_that_the_version_in_charge_refuses_counts_for_nobody(open_desk: Any, real: Predictor) -> None:
    desk = open_desk(HALF, Always(real, "yes"))

    async def ask() -> int:
        body = json.dumps({"rows": [ROW | {"amount": "much"}]}).encode()
        return (await answered(predict(desk.traffic, body))).status

    assert asyncio.run(ask()) == 422
    desk.close()
    assert not any(counts.requests for counts in desk.traffic.counted().values())


def test_a_new_policy_is_followed_and_what_was_seen_is_told(real: Predictor, tmp_path: Path) -> None:
    fleet = Versions({1: Always(real, "no"), 2: Always(real, "yes")}, policy(Route(1, 1.0)), tmp_path)
    desk = Desk(traffic_of(fleet, fleet.current, None, Room(Bounds())), None)

    async def go_on() -> Counter[int]:
        follower = Follower(fleet, desk, asyncio.get_running_loop().call_soon_threadsafe)
        follower.start()
        versions: Counter[int] = Counter()
        for number, routes in ((7, None), (8, ALL.routes)):
            if routes is not None:
                fleet.current = replace(fleet.current, routes=routes, number=number)
            async with asyncio.timeout(5):
                while desk.traffic.policy != fleet.current:
                    await asyncio.sleep(0.02)
            for _ in range(5):
                answer = await answered(predict(desk.traffic, json.dumps(ROW).encode()))
                versions[json.loads(answer.body)["version"]] += 1
        await asyncio.to_thread(follower.close)
        return versions

    assert asyncio.run(go_on()) == {1: 5, 2: 5}
    desk.close()
    last = {(one.policy, one.version): one for one in fleet.told}
    assert last[7, 1].requests == last[8, 2].requests == 5
    assert fleet.kept == {1, 2}
    seen = seen_in([last[8, 2]])[2]
    assert seen.requests == sum(seen.latency.counts) == 5
    assert seen.answers is not None
    assert seen.answers.count == 5


def test_a_policy_whose_version_in_charge_cannot_be_loaded_is_not_followed(
    real: Predictor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fleet = Versions({1: Always(real, "no")}, policy(Route(1, 1.0)), tmp_path)
    desk = Desk(traffic_of(fleet, fleet.current, None, Room(Bounds())), None)
    fleet.current = replace(fleet.current, version=9, routes=(Route(9, 1.0),), number=8)

    async def go_on() -> None:
        follower = Follower(fleet, desk, asyncio.get_running_loop().call_soon_threadsafe)
        follower.start()
        await asyncio.sleep(0.5)
        await asyncio.to_thread(follower.close)

    asyncio.run(go_on())
    desk.close()
    assert desk.traffic.policy.version == 1
    assert caplog.text.count("the one at hand stays") == 1


@pytest.mark.parametrize("rows", [1, 400], ids=["few", "many"])
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionRefusedError(111, "the feature store is down"), (500, "the model could not answer: ConnectionRefusedError")),
        (DataError("a column is of another kind"), (422, "a column is of another kind")),
    ],
    ids=["of the system", "of the data"],
)  # fmt: skip
def test_whatever_a_model_raises_counts_alike_for_every_version(
    open_desk: Any, real: Predictor, rows: int, error: Exception, said: tuple[int, str]
) -> None:
    def fail() -> None:
        raise error

    desk = open_desk(ALL, Always(real, "yes", fail))
    desk.traffic.live.answerer.predictor._act = fail

    async def ask() -> Any:
        return await answered(predict(desk.traffic, json.dumps({"rows": [ROW] * rows}).encode()))

    given = asyncio.run(ask())
    desk.close()
    counts = desk.traffic.counted()
    assert (given.status, json.loads(given.body)["error"]) == said
    assert [(one.requests, one.errors) for one in (counts[1, "live"], counts[2, "canary"])] == [(1, 1), (1, 1)]


@pytest.mark.parametrize("rows", [1, 400], ids=["few", "many"])
def test_what_a_model_says_of_the_data_is_counted_as_its_failure_alone(
    open_desk: Any, real: Predictor, rows: int
) -> None:
    def fail() -> None:
        raise DataError("a column is of another kind")

    desk = open_desk(policy(Route(1, 1.0)), Always(real, "yes"))
    desk.traffic.live.answerer.predictor._act = fail

    async def ask(*bodies: Any) -> list[int]:
        transport = httpx.ASGITransport(app_of(desk))
        async with httpx.AsyncClient(transport=transport, base_url="http://model") as client:
            return [(await client.post("/predict", json=body)).status_code for body in bodies]

    assert asyncio.run(ask([ROW] * rows, 5)) == [422, 400]
    counts, refused = desk.traffic.counted()[1, "live"], dict(zip(REFUSED, desk.traffic.refused.counts, strict=True))
    desk.close()
    assert (counts.requests, counts.errors) == (1, 1)
    assert {status: count for status, count in refused.items() if count} == {400: 1}


def test_what_the_disk_does_not_take_is_told_and_counts_for_nobody(
    open_desk: Any, real: Predictor, tmp_path: Path
) -> None:
    desk = open_desk(policy(Route(1, 1.0)), Always(real, "yes"))
    shutil.rmtree(tmp_path)
    tmp_path.write_text("in its place")

    async def ask() -> Any:
        return await answered(predict(desk.traffic, json.dumps({"rows": [ROW]}).encode()))

    given = asyncio.run(ask())
    tmp_path.unlink()
    desk.close()
    assert given.status == 503
    assert json.loads(given.body)["error"] == "the prediction could not be recorded: File exists"
    assert desk.traffic.counted()[1, "live"].requests == 0
