"""Columns, rules and repairs that are said in expressions: of one row at a time, recorded, and the same in every format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline import Dataset, Finding, Roles, Transform
from hookline.errors import ConfigError, DataError, ExportError, PlanError
from hookline.kinds.fitting import findings_in
from hookline.registry.values import validate
from hookline_polars import CoherenceTransform, ExpressionsTransform, MendTransform
from kit.tables import with_row_ids

PEOPLE = pl.DataFrame(
    {
        "weight": [80, 60, None, 70, 90],
        "height": [2.0, 1.5, 1.8, 0.0, 1.0],
        "name": ["a", "b", None, "c", "d"],
        "start": [1, 5, 3, 4, 5],
        "end": [2, 4, 3, None, 3],
        "y": [1.0, 10.0, 100.0, 1000.0, 10.0],
    }
)


def people(**roles: Any) -> Dataset:
    return Dataset(with_row_ids(PEOPLE), Roles(target="y", **roles))


def made(transform: Transform, train: Dataset | None = None) -> pl.DataFrame:
    given = train or people()
    return transform.fit(given).transform(given.frame).collect()


def told_by(transform: Transform) -> list[Finding]:
    found: list[Finding] = []
    with findings_in(found):
        transform.fit(people())
    return found


def expression(**columns: str) -> ExpressionsTransform:
    return ExpressionsTransform(columns=columns)


def test_a_column_is_computed_of_others_and_what_is_no_number_is_missing() -> None:
    out = made(expression(bmi="weight / POWER(height, 2)", name="UPPER(name)", heavy="weight > 75"))
    assert out["bmi"].to_list() == [20.0, pytest.approx(26.6667, abs=1e-4), None, None, 90.0]
    assert out["name"].to_list() == ["A", "B", None, "C", "D"]
    assert out["heavy"].to_list() == [True, False, None, False, True]
    assert out["weight"].dtype == pl.Int64


def test_all_are_computed_of_the_columns_as_they_came() -> None:
    out = made(expression(start="start + 1", later="start * 10"))
    assert out["start"].to_list() == [2.0, 6.0, 4.0, 5.0, 6.0]
    assert out["later"].to_list() == [10.0, 50.0, 30.0, 40.0, 50.0]


def test_a_new_column_may_be_used_by_those_after_it_and_a_replaced_one_is_as_it_came() -> None:
    out = made(expression(weight="weight * 2", half="weight / 2", quarter="half / 2", start="half + start"))
    assert out["quarter"].to_list() == [20.0, 15.0, None, 17.5, 22.5]
    assert out["start"].to_list() == [41.0, 35.0, None, 39.0, 50.0]
    with pytest.raises(ConfigError, match=r"columns\.quarter: .*names 'later', which is no column"):
        made(expression(quarter="later / 2", later="weight / 2"))


def test_a_column_may_be_divided_by_a_constant_of_which_the_last_digit_hangs_on_how_many_rows_there_are() -> None:
    rows = pl.DataFrame({"a": np.random.default_rng(0).normal(size=40)})
    found = made(expression(third="a / 3"), Dataset(with_row_ids(rows)))
    assert found["third"].to_list() == pytest.approx((rows["a"].to_numpy() / 3).tolist())


def test_what_stands_in_quotes_is_no_power() -> None:
    assert made(expression(new="REGEXP_LIKE(name, '^a')"))["new"].to_list() == [True, False, None, False, False]


def test_columns_with_a_role_keep_it_and_are_not_used() -> None:
    with pytest.raises(ConfigError, match=r"columns\.start: 'start' has a role, and stays as it is"):
        made(expression(start="weight"), people(id="start"))
    with pytest.raises(ConfigError, match=r"columns\.new: 'start' is no feature"):
        made(expression(new="start + 1"), people(ignore=("start",)))


def test_the_target_may_be_made_of_itself_alone() -> None:
    assert made(expression(y="LOG10(y)"))["y"].to_list() == pytest.approx([0, 1, 2, 3, 1])
    with pytest.raises(ConfigError, match="'y' is no feature, and is not there when a model is asked"):
        made(expression(leak="y * 2"))
    with pytest.raises(ConfigError, match="the target may be made of itself alone"):
        made(expression(y="y + start"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("weight / height ** 2", r"powers are written POWER\(x, 2\)"),
        ("weight - AVG(weight)", r"looks at other rows than its own \(mean\)"),
        ("SUM(weight) OVER (PARTITION BY name)", "looks at other rows than its own"),
        ("LAG(weight) OVER (ORDER BY start)", "looks at other rows than its own"),
        ("(SELECT 1)", "looks at other rows than its own"),
        ("weight +", "cannot be read"),
        ("read_csv('/etc/passwd')", "cannot be read"),
        ("CAST(name AS INT)", "TRY_CAST makes that missing"),
        ("COUNT(*)", "looks at other rows than its own"),
        ("STRPTIME(name, '%Y')", r"dates are read by transform=\[parse_dates\]"),
        ("DROP TABLE x", "cannot be read"),
        ("weight" + " + 1" * 300, "it is nested too deeply"),
        ("1 + 1", "names no column"),
    ],
)
def test_what_is_no_expression_of_a_row_is_refused_where_config_enters(text: str, message: str) -> None:
    for cls, fields in (
        (ExpressionsTransform, {"columns": {"new": text}}),
        (CoherenceTransform, {"rules": {"new": text}}),
        (MendTransform, {"when": "weight > 1", "expressions": {"new": text}}),
    ):
        (field,) = (name for name in ("columns", "rules", "expressions") if name in fields)
        with pytest.raises(ConfigError, match=rf"transform\.{field}\.new: .*{message}"):
            validate(cls, fields, "transform", "bad config")


def test_a_column_that_is_not_there_and_types_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match="did you mean 'weight'"):
        made(expression(new="weigth / 2"))
    with pytest.raises(ConfigError, match=r"transform\.expressions\.columns: "):
        made(expression(new="name / 2"))


WORDS = {
    "ratio": "a / b",
    "power": "POWER(a, 2) - 1.5 * c",
    "either": "a > 0.5 OR NOT (b < 0)",
    "within": "c BETWEEN 2 AND 5 AND a IS NOT NULL",
    "chosen": "CASE WHEN a > 0 THEN b WHEN c > 3 THEN c ELSE NULL END",
    "first": "COALESCE(a, c, 7)",
    "most": "GREATEST(a, b) + LEAST(b, c)",
    "log": "LN(ABS(a) + 1) + SQRT(ABS(b))",
    "named": "p = 'x' OR p IS NULL",
    "text": "CASE WHEN log > 1 THEN COALESCE(p, 'none') ELSE 'low' END",
    "filled": "COALESCE(a / b, 0)",
    "beside": "GREATEST(b / b, LN(a), c)",
    "c": "c * 2",
    "late": "c + ratio",
}


def numbers(rows: int = 300, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame(
        {
            "a": rng.normal(size=rows),
            "b": rng.integers(-2, 3, rows),
            "c": rng.integers(0, 9, rows).astype(float),
            "p": rng.choice(["x", "z", None], rows).tolist(),
            "y": rng.choice(["no", "yes"], rows),
        }
    )
    gaps = {name: pl.int_range(pl.len()) % every == 3 for name, every in (("a", 7), ("b", 11), ("c", 13))}
    return frame.with_columns(pl.when(~gap).then(name).alias(name) for name, gap in gaps.items())


def test_onnx_computes_the_same_also_of_what_is_missing(tmp_path: Path) -> None:
    # A package that answers otherwise than the pipeline is refused.
    run = hl.run(
        home=tmp_path,
        source=numbers(),
        target="y",
        transform=[
            {"component": "expressions", "columns": WORDS},
            {"component": "mend", "when": "a > 1 AND c > 2", "values": {"a": 1.0}, "expressions": {"c": "c + b"}},
        ],
        trainer={"component": "decision_tree", "max_depth": 8},
        evaluator=[],
        monitor=[],
        packager=["onnx"],
    )
    fresh = numbers(seed=1).drop("y")
    found = hl.load(run.package("onnx")).predict(fresh)
    np.testing.assert_allclose(found.probabilities, run.predict(fresh).probabilities, atol=1e-6)


@pytest.mark.parametrize("text", ["UPPER(name)", "weight % 2", "name || 'x'", "weight IN (1, 2)"])
def test_what_has_no_word_in_onnx_is_refused_before_anything_is_read(text: str) -> None:
    with pytest.raises(PlanError, match="packager 'onnx' cannot say this pipeline: expressions needs"):
        hl.plan(
            source=PEOPLE,
            target="y",
            transform=[{"component": "expressions", "columns": {"new": text}}],
            packager=["onnx"],
        )


def test_what_hangs_on_the_type_of_a_column_is_refused_when_it_is_exported(tmp_path: Path) -> None:
    changes: list[dict[str, Any]] = [
        {"component": "mend", "when": "a > 1", "expressions": {"c": "CASE WHEN b > 0 THEN '1' ELSE '2' END"}},
        {"component": "expressions", "columns": {"later": "p > 'x'"}},
    ]
    for change, message in zip(changes, ("into 'c' as another type", "which of two texts comes first"), strict=True):
        with pytest.raises(ExportError, match=message):
            hl.run(
                home=tmp_path,
                source=numbers(),
                target="y",
                transform=[change],
                trainer="decision_tree",
                evaluator=[],
                monitor=[],
                packager=["onnx"],
            )


def test_rows_that_break_a_rule_go_and_are_told_by_rule() -> None:
    transform = CoherenceTransform(rules={"stay": '"end" >= start', "tall": "height > 0"})
    assert made(transform)["name"].to_list() == ["a", None]
    stay, tall = told_by(transform)
    assert (stay.subject, stay.value, stay.rows) == ("stay", 2.0, (1, 4))
    assert (tall.subject, tall.value, tall.rows) == ("tall", 1.0, (3,))


def test_a_rule_that_must_hold_ends_the_run_with_the_rows() -> None:
    transform = CoherenceTransform(rules={"stay": '"end" >= start'}, action="fail")
    with pytest.raises(DataError, match=r"2 rows break the rule 'stay' \(\"end\" >= start\), at the positions 1, 4"):
        made(transform)
    with pytest.raises(ConfigError, match="is no condition: it makes"):
        made(CoherenceTransform(rules={"stay": "start + 1"}))


def test_rows_that_meet_a_condition_are_mended_and_told() -> None:
    transform = MendTransform(when='"end" < start', values={"name": None}, expressions={"end": "start"})
    out = made(transform)
    assert out["end"].to_list() == [2, 5, 3, None, 5]
    assert out["name"].to_list() == ["a", None, None, "c", None]
    (told,) = told_by(transform)
    assert (told.value, told.rows) == (2.0, (1, 4))


def test_mending_what_is_no_feature_or_nothing_at_all_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"transform\.mend\.values\.y: is no feature column"):
        made(MendTransform(when="start > 1", values={"y": 0.0}))
    with pytest.raises(ValueError, match="else it changes nothing"):
        MendTransform(when="start > 1")


def test_what_a_rule_found_is_in_the_evidence_of_the_run_also_where_all_is_cached(tmp_path: Path) -> None:
    frame = numbers(200).with_columns(start=pl.int_range(pl.len()), end=pl.int_range(pl.len()) + 1)
    frame = frame.with_columns(end=pl.when(pl.int_range(pl.len()) < 3).then(-1).otherwise("end"))
    for _ in range(2):
        run = hl.run(
            home=tmp_path,
            source=frame,
            target="y",
            transform=[{"component": "coherence", "rules": {"stay": '"end" >= start'}}],
            trainer="decision_tree",
            evaluator=[],
            monitor=[],
            packager=[],
        )
        told = [one for one in run.findings if one["subject"] == "stay"]
        assert [(one["value"], one["rows"]) for one in told] == [(3.0, [0, 1, 2])]
