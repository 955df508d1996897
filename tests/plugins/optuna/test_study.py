"""Studies without any job: what is asked for, what is told, what is kept."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import optuna
import pytest

from hookline.errors import ConfigError, UnknownName, UsageError
from hookline.workspace.catalog.catalog import Catalog
from hookline_optuna.definition import Definition, check_same
from hookline_optuna.space import Choices, Condition, Numbers, Parameter, Space
from hookline_optuna.storage import catalog_storage, define, read_definition
from hookline_optuna.study import Search

KIND = Parameter("trainer", "trainer", Choices(("forest", "logistic"), ("forest", "logistic")))
DEPTH = Parameter("depth", "trainer.depth", Numbers(1, 3, 1, whole=True), Condition("trainer", frozenset({"forest"})))
C = Parameter("C", "trainer.C", Numbers(0.001, 10.0, log=True), Condition("trainer", frozenset({"logistic"})))
SPACE = Space((KIND, DEPTH, C))
PLANE = Space((Parameter("x", "x", Numbers(-5.0, 5.0)), Parameter("y", "y", Numbers(-5.0, 5.0))))


def asked(search: Search, trials: int, batch: int = 2) -> list[list[str]]:
    """Return the overrides of trials that are each told something that hangs on them."""
    found: list[list[str]] = []
    while len(found) < trials:
        for trial in search.ask(batch):
            found.append(trial.overrides)
            search.tell(trial.number, [sum(map(len, trial.overrides)) * 1.0])
    return found


@pytest.fixture
def storage(tmp_path: Path) -> Any:
    folder = tmp_path / "a {folder} with braces"
    folder.mkdir()
    return catalog_storage(Catalog(f"sqlite:///{folder / 'catalog.db'}").database.url, 60)


@pytest.mark.parametrize("sampler", ["tpe", "random", "nsga2"])
def test_a_seeded_study_repeats_and_another_seed_differs(sampler: str) -> None:
    first, second, other = (asked(Search(SPACE, sampler, seed, 14), 14) for seed in (1, 1, 2))
    assert first == second
    assert first != other


@pytest.mark.parametrize("sampler", ["tpe", "random", "cmaes", "nsga2"])
def test_a_study_gone_on_with_asks_for_what_an_uninterrupted_one_does(sampler: str, storage: Any) -> None:
    whole = asked(Search(PLANE, sampler, 3, 16), 16)
    first = asked(Search(PLANE, sampler, 3, 16, storage, "s"), 8)
    assert [*first, *asked(Search(PLANE, sampler, 3, 16, storage, "s"), 8)] == whole


def test_a_log_interval_stays_in_its_bounds_and_draws_orders_of_magnitude_evenly() -> None:
    space = Space((Parameter("C", "C", Numbers(0.001, 10.0, log=True)),))
    values = [float(overrides[0].partition("=")[2]) for overrides in asked(Search(space, "random", 0, 200), 200, 50)]
    assert all(0.001 <= value <= 10 for value in values)
    assert sum(value < 0.1 for value in values) / 200 == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("sampler", ["tpe", "cmaes", "gp", "nsga2", "random"])
def test_every_sampler_draws_from_a_space_that_hangs_on_a_choice(sampler: str) -> None:
    for overrides in asked(Search(SPACE, sampler, 0, 12), 12, 4):
        assert len(overrides) == 2
        assert overrides[1].startswith("trainer.depth=" if overrides[0] == "trainer=forest" else "trainer.C=")


@pytest.mark.parametrize("sampler", ["tpe", "cmaes"])
def test_samplers_that_learn_beat_chance(sampler: str) -> None:
    def best(sampler: str) -> float:
        search, values = Search(PLANE, sampler, 0, 40, directions=("minimize",)), []
        while trials := search.ask(2):
            for trial in trials:
                x, y = (float(override.partition("=")[2]) for override in trial.overrides)
                values.append((x - 2) ** 2 + (y + 1) ** 2)
                search.tell(trial.number, [values[-1]])
        return min(values)

    assert best(sampler) < best("random") / 2


def test_a_grid_covers_every_point_once_and_then_ends(storage: Any) -> None:
    space = Space((KIND, DEPTH))
    first = Search(space, "grid", 0, None, storage, "g")
    found = [trial.overrides for trial in first.ask(3)]
    again = Search(space, "grid", 0, None, storage, "g")
    found += [trial.overrides for trial in again.ask(3)]
    assert again.ask(3) == []
    depths = [["trainer=forest", f"trainer.depth={depth}"] for depth in (1, 2, 3)]
    assert found == [*depths, ["trainer=logistic"]]


def test_a_study_has_no_more_trials_than_it_is_to_have() -> None:
    search = Search(PLANE, "random", 0, 5)
    assert [len(search.ask(2)) for _ in range(4)] == [2, 2, 1, 0]


def test_a_trial_without_a_finite_number_has_failed_and_says_why() -> None:
    search = Search(PLANE, "tpe", 0, 5)
    search.ask(3)
    search.tell(0, None, "the disk is full")
    search.tell(1, [math.nan])
    search.tell(2, [1.0])
    states = [(trial.state.name, trial.user_attrs.get("error")) for trial in search.study.trials]
    assert states == [("FAIL", "the disk is full"), ("FAIL", "its metric is not a finite number"), ("COMPLETE", None)]


def test_directions_that_are_learned_later_leave_trials_as_they_are(storage: Any) -> None:
    search = Search(SPACE, "tpe", 0, 5, storage, "d")
    define(search.study, Definition({}, {}, [], [], ["x=1"]))
    before = [trial.overrides for trial in search.ask(3)]
    search.place(1, 7)
    search.tell(0, None, "it failed")
    search.direct(["minimize"])
    search.tell(2, [0.5])
    study = optuna.load_study(study_name="d", storage=storage)
    assert study.direction.name == "MINIMIZE"
    assert [trial.state.name for trial in study.trials] == ["FAIL", "RUNNING", "COMPLETE"]
    assert [trial.user_attrs["overrides"] for trial in study.trials] == before
    assert study.trials[1].user_attrs["sweep_trial"] == 7
    assert read_definition(storage, "d").arguments == ["x=1"]


def test_a_study_that_is_not_there_is_suggested(storage: Any) -> None:
    Search(PLANE, "tpe", 0, 5, storage, "20261124-000000-aaaaaa")
    with pytest.raises(UnknownName, match="no study named '20261124-000000-aaaaab'"):
        read_definition(storage, "20261124-000000-aaaaab")


def test_a_study_whose_space_has_changed_is_refused_with_the_difference() -> None:
    before = Definition(
        {"x": "0.0..1.0", "y": "a | b"}, {"source.component": "iris", "seed": 0}, ["trainer.C=1"], [], []
    )
    now = Definition({"x": "0.0..2.0", "z": "1..3"}, {"source.component": "wine", "seed": 0}, [], ["f1"], [])
    with pytest.raises(ConfigError) as refused:
        check_same(before, now, "s")
    assert [str(problem) for problem in refused.value.problems] == [
        "x: was 0.0..1.0, now 0.0..2.0",
        "y: was a | b, now not searched",
        "z: was not searched, now 1..3",
        "source.component: was iris, now wine",
        "trainer.C=1: is gone",
        "hydra.sweeper.metric: was the headline metric, now f1",
    ]


def test_an_unknown_sampler_is_suggested() -> None:
    with pytest.raises(UnknownName, match="did you mean 'cmaes'"):
        Search(PLANE, "cma", 0, 5)


def test_cmaes_refuses_several_metrics() -> None:
    with pytest.raises(UsageError, match="sampler 'cmaes' knows one metric only"):
        Search(PLANE, "cmaes", 0, 5, directions=("minimize", "minimize"))


def test_optuna_and_the_catalog_share_a_database_without_a_common_table(tmp_path: Path) -> None:
    from sqlalchemy import create_engine, inspect

    url = f"sqlite:///{tmp_path / 'catalog.db'}"
    ours = {table.name for table in Catalog(url).database.tables.values()}
    catalog_storage(url, 60)
    tables = set(inspect(create_engine(url)).get_table_names())
    assert ours < tables
    assert {"studies", "trials"} <= tables - ours
