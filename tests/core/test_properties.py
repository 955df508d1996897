"""Whatever the table and whatever the config: an answer that holds together, or one of hookline's own errors."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hookline as hl
from hookline.data.columns import conform, infer_schema
from hookline.data.frames import mark_missing
from hookline.errors import ConfigError, DataError, HooklineError, PlanError
from hookline.kinds.artifacts import ROW_ID, Dataset, Roles
from hookline.kinds.component import Component
from hookline.kinds.kinds import KINDS, MULTIPLE
from hookline.plans.config import RunConfig, resolve
from hookline.registry.registry import Registry, load_registry
from hookline.runs.sequence import plan_run
from kit.tables import with_row_ids

# So few, since many an example is a whole run; `--hypothesis-profile long` asks for ten times as many.
FEW = settings(
    max_examples=settings().max_examples // 8,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)

NAMES = ("a", "b c", "ünï", "x.y", 'q"q', "a,b", "{z}", "len", "prediction", "row_id", "target", "__part__")
TEXTS = st.one_of(st.sampled_from(["", "a", "b", "NA", "é", "1", "01", " ", "\n", "a,b", '"']), st.text(max_size=4))
WHOLE = st.one_of(st.integers(-3, 3), st.integers(-(2**63), 2**63 - 1))
FLOATS = st.one_of(st.floats(-5, 5), st.floats(), st.sampled_from([0.0, -0.0, 1e300, 5e-324, math.inf, math.nan]))
DATES = st.dates(date(1, 1, 1), date(9999, 12, 31))
MOMENTS = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31))
KINDS_OF_VALUES: dict[str, tuple[Any, Any]] = {
    "float": (pl.Float64, FLOATS),
    "float32": (pl.Float32, st.one_of(st.floats(width=32), st.floats(-2, 2, width=32))),
    "small": (pl.Int64, st.integers(0, 3)),
    "whole": (pl.Int64, WHOLE),
    "u64": (pl.UInt64, st.integers(0, 2**64 - 1)),
    "i128": (pl.Int128, st.integers(-(2**100), 2**100)),
    "text": (pl.String, TEXTS),
    "few texts": (pl.String, st.sampled_from(["p", "q"])),
    "category": (pl.Categorical, st.sampled_from(["p", "q", ""])),
    "enum": (pl.Enum(["p", "q", "r"]), st.sampled_from(["p", "q"])),
    "boolean": (pl.Boolean, st.booleans()),
    "date": (pl.Date, DATES),
    "moment": (pl.Datetime("us"), MOMENTS),
    "zoned": (pl.Datetime("us", "Europe/Berlin"), st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))),
    "milliseconds": (pl.Datetime("ms"), MOMENTS),
    "decimal": (pl.Decimal(20, 2), st.decimals(-1000, 1000, places=2)),
    "null": (pl.Null, st.none()),
    "duration": (pl.Duration, st.timedeltas(timedelta(-5), timedelta(5))),
    "binary": (pl.Binary, st.binary(max_size=3)),
    "list": (pl.List(pl.Int64), st.lists(st.integers(0, 3), max_size=2)),
}
USUAL = [name for name in KINDS_OF_VALUES if name not in ("duration", "binary", "list")]


def column(draw: st.DrawFn, name: str, kind: str, rows: int) -> pl.Series:
    dtype, values = KINDS_OF_VALUES[kind]
    gaps = draw(st.sampled_from([0, 0, 1]))
    value = st.one_of(values, st.none()) if gaps else values
    drawn = draw(st.lists(value, min_size=rows, max_size=rows))
    if kind == "zoned":
        return pl.Series(name, drawn, dtype=pl.Datetime("us")).dt.replace_time_zone("UTC").cast(dtype)
    return pl.Series(name, drawn, dtype=dtype, strict=False)


@st.composite
def tables(draw: st.DrawFn, *, least: int = 0, most: int = 16, kinds: list[str] | None = None) -> pl.DataFrame:
    """A small table of odd columns under odd names."""
    rows = draw(st.integers(least, most))
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    kinds = list(KINDS_OF_VALUES) if kinds is None else kinds
    return pl.DataFrame([column(draw, name, draw(st.sampled_from(kinds)), rows) for name in names])


def attempt(act: Callable[[], Any]) -> Any:
    """Return what an act returns, or the error of ours that it raises; any other goes on."""
    try:
        return act()
    except HooklineError as error:
        return error
    except pl.exceptions.PanicException as error:  # No Exception, so that hypothesis would neither shrink nor show it.
        raise AssertionError("polars gave up") from error


@pytest.fixture(autouse=True)
def _no_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_DISABLE", "report,mlflow")


@FEW
@given(data=st.data())
def test_a_run_ends_with_a_model_that_its_package_agrees_with_or_with_an_error_of_ours(
    data: st.DataObject, tmp_path: Path
) -> None:
    table = data.draw(tables(least=4, kinds=data.draw(st.sampled_from([USUAL, USUAL, USUAL, list(KINDS_OF_VALUES)]))))
    target = data.draw(st.sampled_from([*table.columns, "small classes", "small classes"]))
    if target not in table.columns:
        labels = data.draw(st.lists(st.sampled_from(["u", "v"]), min_size=table.height, max_size=table.height))
        table = table.with_columns(pl.Series(target, labels))
    transforms = data.draw(st.sampled_from([[], ["impute"], ["dedupe", "drop_missing_target", "impute"]]))
    config: dict[str, Any] = {
        "featurizer": {"component": "tabular", "missing": data.draw(st.sampled_from(["nan", "zero"]))},
        "transform": transforms,
        "trainer": "decision_tree",
        "packager": ["skops"],
        "split": {"valid": data.draw(st.sampled_from([0.0, 0.2]))},
        "monitor": data.draw(st.sampled_from([[], ["data_drift"]])),
    }
    run = attempt(lambda: hl.run(source=table, target=target, home=tmp_path / "home", **config))
    if isinstance(run, HooklineError):
        assert len(str(run)) < 2_000
        return
    assert all(math.isfinite(value) for value in run.metrics.values())
    rows = table.drop(target)
    expected, packaged = run.predict(rows), hl.load(run.package()).predict(rows)  # type: ignore[union-attr]
    assert expected.values.tolist() == packaged.values.tolist()
    assert len(expected.values) == table.height


@settings(FEW, max_examples=settings().max_examples // 2)
@given(table=tables(least=1, kinds=USUAL))
def test_what_conforms_stays_as_it_is(table: pl.DataFrame) -> None:
    rows = mark_missing(table.lazy()).collect()
    schema = infer_schema(rows.lazy(), rows.columns)
    once = conform(rows, schema)
    assert conform(once, schema).equals(once)
    assert once.height == table.height


@settings(FEW, max_examples=settings().max_examples // 2)
@given(data=st.data())
def test_rows_of_another_table_conform_or_are_refused_by_column(data: st.DataObject) -> None:
    table, other = data.draw(tables(least=1, kinds=USUAL)), data.draw(tables(least=1))
    schema = infer_schema(mark_missing(table.lazy()), table.columns)
    rows = attempt(lambda: conform(other, schema))
    if isinstance(rows, DataError):
        assert {problem.path for problem in rows.problems} <= set(table.columns)
        return
    assert rows.columns == table.columns
    assert conform(rows, schema).equals(rows)


ALWAYS: dict[str, dict[str, Any]] = {
    "impute": {},
    "clip": {"lower_quantile": 0.1, "upper_quantile": 0.9},
    "normalize_text": {},
    "rare_categories": {},
}


@settings(FEW, max_examples=settings().max_examples // 2)
@given(data=st.data(), name=st.sampled_from(sorted(ALWAYS)))
def test_a_transform_that_always_applies_keeps_rows_order_and_ids(data: st.DataObject, name: str) -> None:
    table = data.draw(tables(least=1, kinds=USUAL))
    numbered = with_row_ids(mark_missing(table.lazy()))
    train = Dataset(numbered.head(max(1, table.height // 2)), Roles())
    component: Any = registry().build("transform", name, ALWAYS[name], f"transform.{name}")
    assert component.applies == "always"
    out = attempt(lambda: component.fit(train).transform(numbered).collect())
    if isinstance(out, HooklineError):
        return
    assert out[ROW_ID].to_list() == list(range(table.height))
    assert set(out.columns) >= set(table.columns)


@cache
def registry() -> Registry:
    return load_registry()


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> hl.Run:
    rng = np.random.default_rng(0)
    table = pl.DataFrame(
        {
            "x": rng.normal(size=200),
            "n": rng.integers(0, 9, 200),
            "s": rng.choice(["p", "q", "r"], 200),
            "b": rng.random(200) > 0.5,
            "t": [datetime(2024, 1, 1) + timedelta(hours=int(h)) for h in rng.integers(0, 5000, 200)],
            "y": rng.choice(["no", "yes"], 200),
        }
    )
    return hl.run(
        source=table,
        target="y",
        transform=["impute", "rare_categories"],
        trainer="hist_gradient_boosting",
        packager=["onnx", "skops"],
        home=tmp_path_factory.mktemp("home"),
    )


@st.composite
def rows_to_predict(draw: st.DrawFn) -> pl.DataFrame:
    """Rows of the columns that `learned` takes, with values that it never saw."""
    rows = draw(st.integers(1, 12))
    kinds = {"x": "float", "n": draw(st.sampled_from(["whole", "float"])), "s": "text", "b": "boolean", "t": "moment"}
    return pl.DataFrame([column(draw, name, kind, rows) for name, kind in kinds.items()])


@FEW
@given(data=st.data())
def test_a_row_is_answered_the_same_whatever_rows_come_with_it(data: st.DataObject, learned: hl.Run) -> None:
    rows = data.draw(rows_to_predict())
    chosen = data.draw(st.lists(st.sampled_from(range(rows.height)), min_size=1, max_size=5))
    package = hl.load(learned.package(data.draw(st.sampled_from(["onnx", "skops"]))))
    for predictor in (learned, package):
        together = attempt(lambda predictor=predictor: predictor.predict(rows))  # type: ignore[misc]
        if isinstance(together, DataError):
            continue
        alone = predictor.predict(rows[chosen])  # type: ignore[union-attr]
        assert alone.values.tolist() == together.values[chosen].tolist()
        assert np.allclose(alone.probabilities, together.probabilities[chosen], atol=1e-12)
        assert [alone.warnings.get(i, ()) for i in range(len(chosen))] == [together.warnings.get(i, ()) for i in chosen]


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.integers(0, 3), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(0, 2), max_size=2),
)


@st.composite
def components(draw: st.DrawFn, kind: str) -> Any:
    """A component's node with random fields, some of them its own."""
    names = registry().names(kind)
    name = draw(st.sampled_from([*names, "nobody"]))
    fields = list(registry().entry(kind, name).cls.__dataclass_fields__) if name in names else []
    keys = st.sampled_from([*fields, "frob"])
    node = draw(st.dictionaries(keys, VALUES, max_size=2))
    return draw(st.sampled_from([{"component": name, **node}, {"component": name}, name]))


@st.composite
def configs(draw: st.DrawFn) -> dict[str, Any]:
    """A config tree, right or wrong."""
    tree: dict[str, Any] = {"source": "iris", "featurizer": {"tabular": "tabular"}, "trainer": "decision_tree"}
    for kind in draw(st.lists(st.sampled_from(KINDS), max_size=3, unique=True)):
        node = draw(components(kind))
        tree[kind] = {"one": node} if kind in MULTIPLE else node
    options = ("name", "seed", "task", "roles", "split", "gates", "repeats", "on_error", "audit", "settings", "frob")
    return tree | draw(st.dictionaries(st.sampled_from(options), VALUES, max_size=2))


@settings(FEW, max_examples=settings().max_examples)
@given(tree=configs())
def test_a_config_is_planned_or_refused_by_the_path_of_each_fault(tree: dict[str, Any]) -> None:
    config = attempt(lambda: resolve(registry(), tree))
    if isinstance(config, ConfigError):
        assert config.problems
        roots = {problem.path.partition(".")[0] for problem in config.problems}
        assert roots <= {*tree, *KINDS, "split", "roles"}, roots
        return
    plan = attempt(lambda: plan_run(registry(), config))
    assert not isinstance(plan, HooklineError) or isinstance(plan, (PlanError, ConfigError, DataError))
    assert _same(resolve(registry(), config.plain()), config)


def _same(one: RunConfig, other: RunConfig) -> bool:
    return repr(one.plain()) == repr(other.plain()) and list(_components(one)) == list(_components(other))


def _components(config: RunConfig) -> Iterator[Component]:
    for placed in config.components.values():
        yield from (item.component for item in placed)
