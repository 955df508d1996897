"""A table's profile: what is measured equals what others measure, what is odd is said, and what is not is left alone."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

import hookline as hl
from hookline.cli import main
from hookline.errors import DataError, UsageError
from hookline.kinds.artifacts import Roles
from hookline.quality.profile.association import auc, cramers_v, epsilon_squared, spearman
from hookline.quality.profile.column import QUANTILES, measure_column
from hookline.quality.profile.sentinels import odd_numbers
from hookline.quality.profile.table import inspect
from kit.processes import run_python

RNG = np.random.default_rng(0)


def said(profile: Any) -> str:
    return "\n".join(f"{finding.severity}: {finding.message} {finding.action}" for finding in profile.findings)


def test_numbers_are_measured_as_numpy_and_scipy_do() -> None:
    values = np.round(RNG.normal(3, 2, 5_001), 2)
    found = measure_column(pl.Series("x", [*values, None]))
    assert (found.count, found.missing, found.distinct) == (5_002, 1, len(np.unique(values)))
    assert dict(found.quantiles) == pytest.approx(dict(zip(QUANTILES, np.quantile(values, QUANTILES), strict=True)))
    assert found.mean == pytest.approx(values.mean())
    assert found.std == pytest.approx(values.std(ddof=1))
    assert (found.negative, found.zero) == ((values < 0).sum(), (values == 0).sum())
    kinds, counts = np.unique(values, return_counts=True)
    assert [rows for _, rows in found.top] == sorted(counts, reverse=True)[:20]
    assert all(counts[kinds == float(value)] == rows for value, rows in found.top)


def test_a_histogram_counts_as_numpy_does() -> None:
    values = RNG.gamma(2, 3, 3_000)
    found = measure_column(pl.Series("x", values)).histogram
    assert found is not None
    counts, edges = np.histogram(values, bins=30)
    assert found.edges == pytest.approx(edges)
    assert list(found.counts) == list(counts)


def test_texts_are_counted_and_their_form_is_looked_at() -> None:
    found = measure_column(pl.Series("t", ["a", "b", "a", " a", "A", None, "1", "007"]))
    assert (found.distinct, found.missing) == (6, 1)
    assert found.top[0] == ("a", 2)
    assert found.text is not None
    assert (found.text.spaced, found.text.numbers, found.text.coded, found.text.longest) == (1, 2, 1, 3)
    assert found.text.variants == 4
    assert set(found.text.variant) == {"a", " a", "A"}


def test_large_whole_numbers_keep_their_distinct_values() -> None:
    small = measure_column(pl.Series("x", [2**62 + i for i in range(100)]))
    large = measure_column(pl.Series("x", [2**100 + i for i in range(100)], dtype=pl.Int128))
    assert (small.distinct, large.distinct) == (100, 100)


def test_associations_equal_those_of_others() -> None:
    x, y = RNG.integers(0, 9, 500).astype(float), RNG.normal(size=500)
    label = (x + RNG.normal(0, 5, 500)) > 4
    assert spearman(pl.Series(x), pl.Series(y)) == pytest.approx(stats.spearmanr(x, y).statistic)
    assert auc(pl.Series(x), label) == pytest.approx(roc_auc_score(label, x))
    # Eta squared, from the F test that scipy makes of it; then Kelley's correction.
    groups = [y[x == g] for g in np.unique(x)]
    f, k, n = stats.f_oneway(*groups).statistic, len(groups), len(y)
    eta2 = f * (k - 1) / (f * (k - 1) + n - k)
    expected = max(0.0, 1 - (1 - eta2) * (n - 1) / (n - k))
    assert epsilon_squared(x.astype(int), y) == pytest.approx(expected)


def test_cramers_v_is_bergsmas() -> None:
    x, y = RNG.integers(0, 4, 400), RNG.integers(0, 3, 400)
    y[x == 1] = 2
    table = np.zeros((4, 3))
    np.add.at(table, (x, y), 1)
    n = table.sum()
    phi2 = stats.chi2_contingency(table, correction=False).statistic / n
    corrected = max(0, phi2 - 3 * 2 / (n - 1))
    rows, columns = 4 - 3**2 / (n - 1), 3 - 2**2 / (n - 1)
    assert cramers_v(x, y) == pytest.approx((corrected / (min(rows, columns) - 1)) ** 0.5)


def test_categories_that_say_nothing_get_no_association_however_many_they_are() -> None:
    rng = np.random.default_rng(0)  # Of its own: what other tests have drawn before is no matter of this one.
    x, y = rng.integers(0, 300, 1_000), rng.integers(0, 2, 1_000)
    assert cramers_v(x, y) < 0.1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([-1] * 20 + list(range(18, 80)) * 5, ["-1"]),
        ([-999.0] * 10 + RNG.normal(size=500).tolist(), ["-999"]),
        ([9999] * 30 + RNG.integers(0, 300, 600).tolist(), ["9999"]),
        ([0] * 30 + RNG.normal(70, 9, 700).round().astype(int).tolist(), ["0"]),
        (RNG.poisson(3, 2_000).tolist(), []),
        (RNG.integers(-50, 50, 2_000).tolist(), []),
        (RNG.integers(0, 100, 2_000).tolist(), []),
        ([-1] * 300 + [1] * 300, []),
        ([0] * 900 + RNG.integers(2_000, 9_000, 100).tolist(), []),
        (RNG.lognormal(5, 2, 5_000).round().astype(int).tolist(), []),
        (RNG.normal(size=5_000).round(1).tolist(), []),
    ],
    ids=str,
)
def test_numbers_that_stand_for_missing_ones_are_told_from_those_that_do_not(values: Any, expected: list[str]) -> None:
    assert [value for value, _ in measure_column(pl.Series("x", values)).sentinels] == expected


def test_random_counts_raise_no_false_alarm() -> None:
    for seed in range(200):
        sample = np.random.default_rng(seed).poisson(seed % 40 + 1, 2_000)
        assert odd_numbers(*np.unique(sample, return_counts=True)) == []


def test_moments_that_stand_for_missing_ones_are_found() -> None:
    days = [date(2020, 1, 1 + i % 28) for i in range(200)] + [date(1900, 1, 1)] * 10
    assert measure_column(pl.Series("d", days)).sentinels == (("1900-01-01", 10),)


def test_adult_is_said_to_have_question_marks_spaces_and_repeated_rows(shared_data: Path) -> None:
    found = hl.profile({"component": "file", "path": str(shared_data / "adult-train.csv")})
    text = said(found)
    assert "first line may be no header. source.header=false" in text
    assert "source.strip=true" in text
    assert "source.missing=[?]" in text
    assert "24 rows (0.07%) repeat an earlier one whole. transform=[dedupe]" in text


def test_titanic_is_said_to_hold_the_target_twice(shared_data: Path) -> None:
    found = hl.profile(shared_data / "titanic.csv", target="survived")
    assert found.findings[0].severity == "critical"
    assert found.findings[0].subject == "alive"
    assert "roles.ignore=[alive]" in found.findings[0].action
    assert found["pclass"].association is not None
    assert found["pclass"].association.statistic == "AUC"


def test_zeros_of_diamonds_are_found_and_nothing_else_of_its_numbers(shared_data: Path) -> None:
    found = hl.profile(shared_data / "diamonds.csv", target="price")
    odd = {column.name: column.sentinels for column in found.table.columns if column.sentinels}
    assert odd == {"x": (("0", 8),), "y": (("0", 7),), "z": (("0", 20),)}


@pytest.mark.parametrize("name", ["penguins.csv", "taxis.csv"])
def test_decent_tables_raise_no_warning(shared_data: Path, name: str) -> None:
    assert [finding for finding in hl.profile(shared_data / name).findings if finding.severity != "info"] == []


def test_words_that_mean_missing_already_are_kept_in_the_advice(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n" + "a,1\nb,?\n?,NA\n" * 10)
    found = hl.profile(tmp_path / "a.csv")
    options = [finding.action for finding in found.findings if "source.missing" in finding.action]
    assert options == ["""'source.missing=[NA,N/A,"NaN","nan","null","NULL",None,?]'"""]


def test_advice_can_be_typed_as_it_stands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import shlex

    rows = "".join(f"{i},{'?' if i % 9 == 0 else i % 7},{-999 if i % 20 == 0 else i},NA\n" for i in range(200))
    (tmp_path / "a b.csv").write_text("id,x y,n,gap\n" + rows)
    before = hl.profile(tmp_path / "a b.csv")
    advice = [f.action for f in before.findings if f.statistic == "sentinel_share" and "source." in f.action]
    assert main(["data", "profile", str(tmp_path / "a b.csv"), "--json", *shlex.split(advice[0])]) == 0
    after = json.loads(capsys.readouterr().out)
    assert [column["kind"] for column in after["columns"]][1] == "number"


def test_mixed_columns_tell_the_odd_ones_out() -> None:
    frame = pl.DataFrame({"n": ["1.5", "2"] * 50 + ["1,5"], "d": ["2026-01-02"] * 100 + ["soon"], "k": ["007"] * 101})
    text = said(hl.profile(frame))
    assert "'n' is a text, but 99.0% of its values are numbers; among the others are '1,5'." in text
    assert "'d' is a text, but 99.0% of its values are dates; among the others are 'soon'." in text
    assert "'k' is a text, and every value" not in text


def test_rows_that_repeat_others_are_counted_without_the_id() -> None:
    frame = pl.DataFrame({"id": range(6), "a": [1, 1, 2, 2, 2, None], "b": ["x", "x", "y", "y", "z", None]})
    assert hl.profile(frame).table.duplicates == 0
    assert hl.profile(frame, roles={"id": "id"}).table.duplicates == 2


@pytest.mark.parametrize("role", ["target", "group", "id", "time", "weight"])
def test_a_role_that_no_column_plays_is_named(role: str) -> None:
    frame = pl.LazyFrame({"moment": [1, 2], "y": ["a", "b"]})
    with pytest.raises(DataError, match="momment: not a column; did you mean 'moment'"):
        inspect(hl.Dataset(frame, Roles(**{role: "momment"})))


def test_classes_and_groups_are_counted() -> None:
    frame = pl.DataFrame({"y": ["no"] * 97 + ["yes"] * 3, "g": ["a"] * 60 + ["b"] * 40})
    found = hl.profile(frame, target="y", group="g")
    assert found.table.classes == (("no", 97), ("yes", 3))
    assert found.table.groups is not None
    assert (found.table.groups.count, found.table.groups.largest) == (2, 60)
    assert "The class 'yes' of 'y' has 3 rows (3.00%)" in said(found)


ODD: dict[str, pl.DataFrame] = {
    "all null": pl.DataFrame({"a": [None] * 4, "b": [1, 2, 3, 4]}),
    "one row": pl.DataFrame({"a": [1], "b": ["x"]}),
    "wide": pl.DataFrame({f"c{i}": [float(i), 1.0, 2.0] for i in range(2_000)}),
    "categories": pl.DataFrame({"c": [f"k{i}" for i in range(100_000)] * 2, "y": [0, 1] * 100_000}),
    "infinite": pl.DataFrame({"a": [float("inf"), -float("inf"), float("nan"), 1.0, 1e308, -1e308]}),
    "zones": pl.DataFrame({"t": pl.Series([datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)])}),
    "nested": pl.DataFrame({"l": [[1], [2, 3]], "s": [{"a": 1}] * 2, "b": [b"x", b"y"], "u": [None, [None]]}),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_tables_are_profiled_without_a_fault(name: str) -> None:
    found = hl.profile(ODD[name], target="y" if name == "categories" else None)
    assert found.table.rows == ODD[name].height
    assert len(found.rows()) == len(found.plain()["columns"]) == ODD[name].width
    json.dumps(found.plain(), allow_nan=False)
    assert found.table.name in found._repr_html_()


def test_types_that_no_pipeline_takes_are_named() -> None:
    assert "'l' is of type List(Int64), which no pipeline takes. roles.ignore=[l]" in said(hl.profile(ODD["nested"]))


@pytest.mark.parametrize(
    ("content", "message"), [("", "is empty"), ("a,b\n", "has a header but no rows")], ids=["empty", "header"]
)
def test_a_file_without_rows_is_said_to_have_none(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(DataError, match=message):
        hl.profile(tmp_path / "a.csv")


def test_frames_without_rows_or_columns_are_refused() -> None:
    with pytest.raises(DataError, match="has no rows"):
        hl.profile(pl.DataFrame({"a": []}))
    with pytest.raises(DataError, match="has no columns"):
        hl.profile(pl.DataFrame())


def test_a_table_larger_than_what_is_held_gives_the_same_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    from hookline.quality.profile import table as inspection

    small = hl.profile("iris").plain()
    monkeypatch.setattr(inspection, "HELD", 100)
    monkeypatch.setattr(inspection, "TOGETHER", 100)
    assert hl.profile("iris").plain() == small


def test_memory_stays_far_below_the_table(tmp_path: Path) -> None:
    code = """
import sys, threading, time
import hookline as hl
def held():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("RssAnon")) // 1024
hl.profile("iris", target="target")
peak, before = [0], held()
def watch():
    while True:
        peak[0] = max(peak[0], held())
        time.sleep(0.002)
threading.Thread(target=watch, daemon=True).start()
hl.profile(sys.argv[1], target="target")
print(peak[0] - before)
"""
    from hookline_polars import SyntheticSource

    path = tmp_path / "w.parquet"
    SyntheticSource(rows=600_000, numeric=40).load().frame.sink_parquet(path)
    done = run_python(code, path)
    # 600,000 rows of 48 columns are 230 MB as they stand in memory.
    assert int(done.stdout) < 230


def test_the_command_takes_a_file_or_a_source_and_overrides_on_both_sides(
    shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(shared_data / "titanic.csv")
    assert main(["data", "profile", path, "roles.ignore=[alive]", "--json", "source.missing=[C]"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert main(["data", "profile", "--json", "source=file", f"source.path={path}", "roles.ignore=[alive]"]) == 0
    second = json.loads(capsys.readouterr().out)
    assert {column["name"] for column in first["columns"]} == {column["name"] for column in second["columns"]}
    assert first["origin"]["missing"] == ["C"]
    assert first["columns"][7]["missing"] > second["columns"][7]["missing"]


def test_the_terminal_shows_a_line_a_column_and_what_is_odd(
    shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "profile", str(shared_data / "titanic.csv"), "--target", "survived"]) == 0
    out = capsys.readouterr().out
    assert len([line for line in out.splitlines() if line.startswith(("age ", "deck ", "alone "))]) == 3
    assert "critical: 'alive' goes together" in out
    assert "    transform=[dedupe]" in out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "name a table"),
        (["nope.csv"], 1, "there is no file nope.csv"),
        (["iris", "wine"], 2, "one table at a time"),
        (["source=irsi"], 2, "did you mean 'iris'"),
        (["source=iris", "--target", "targte"], 1, "did you mean 'target'"),
        (["source=iris", "--htlm", "x"], 2, "unrecognized arguments: --htlm"),
        (["source=iris", "--html", "no/where/x.html"], 1, "there is no folder"),
    ],
    ids=str,
)
def test_a_typo_is_told(arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "profile", *arguments]) == code
    assert message in capsys.readouterr().err


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(DataError, match="rows must be a data frame"):
        hl.profile(7)
    with pytest.raises(UsageError, match="no source named 'irsi'"):
        hl.profile("irsi")


def test_numbers_as_people_write_them_are_told_with_the_option_that_reads_them(tmp_path: Path) -> None:
    table = {
        "bill": [f"{i},{i % 100:02}" for i in range(300)],
        "deposit": [f"${1 + i % 9},{100 + i}.50" for i in range(300)],
        "charge": [" " if i % 100 == 0 else f"{i}.5" for i in range(300)],
        "mixed": ["unpaid" if i % 50 == 0 else f"{i} %" for i in range(300)],
        "y": [i % 2 for i in range(300)],
    }
    pl.DataFrame(table).write_csv(tmp_path / "a.csv")
    profile = hl.profile(tmp_path / "a.csv", target="y")
    told = {finding.subject: finding for finding in profile.findings if finding.statistic == "disguised"}
    assert set(told) == {"bill", "deposit", "charge", "mixed"}
    assert told["bill"].action.startswith("'source.decimal=\",\"', or transform=[parse_numbers]")
    assert told["deposit"].action.startswith("source.decimal=., or transform=[parse_numbers]")
    assert "98 % of values, such as '1 %'; others are 'unpaid'" in told["mixed"].message
    assert not [f for f in profile.findings if "names rows" in f.message]


def test_dates_whose_order_no_date_tells_are_asked_for(tmp_path: Path) -> None:
    days = [f"{1 + i % 12:02}/{1 + i // 12 % 12:02}/2026" for i in range(144)]
    table = pl.DataFrame({"at": days, "us": [f"01/{1 + i % 28:02}/2026" for i in range(144)]})
    table.write_csv(tmp_path / "a.csv")
    profile = hl.profile(tmp_path / "a.csv")
    told = {finding.subject: finding for finding in profile.findings if finding.statistic.endswith("dates")}
    assert "whether the day or the month stands first" in told["at"].message
    assert told["at"].action == "source.date_order=day_first, or source.date_order=month_first"
    assert told["us"].action == "source.date_order=month_first"


def test_zeros_that_are_a_value_of_their_own_are_no_missing_ones() -> None:
    rng = np.random.default_rng(5)
    table = pl.DataFrame(
        {
            "wave": np.where(rng.random(1_000) < 0.2, 0, rng.integers(20, 60, 1_000)),
            "scale": np.where(rng.random(1_000) < 0.03, 0, np.clip(rng.integers(6, 21, 1_000), 0, 20)),
            "rain": np.where(rng.random(1_000) < 0.4, 0, rng.gamma(9, 1, 1_000)).round(1),
            "length": np.where(rng.random(1_000) < 0.01, 0, rng.normal(60, 2, 1_000)).round(1),
        }
    )
    assert [f.subject for f in hl.profile(table).findings if f.statistic == "sentinel_share"] == ["length"]


def test_none_is_a_class_among_few_and_a_gap_among_many() -> None:
    table = pl.DataFrame(
        {
            "defect": ["none", "scratch", "dent", "none"] * 30,
            "street": [f"street {i}" if i % 4 else "none" for i in range(120)],
        }
    )
    assert [f.subject for f in hl.profile(table).findings if f.statistic == "sentinel_share"] == ["street"]


@pytest.mark.parametrize("number", [False, True])
def test_a_column_of_fewer_values_than_classes_does_not_give_the_class_away(number: bool) -> None:
    label = np.random.default_rng(0).choice(list("pqrstu"), 600)
    group = [{"p": 1, "q": 1, "r": 2, "s": 2, "t": 3, "u": 3}[one] for one in label]
    table = pl.DataFrame({"group": group if number else [f"g{one}" for one in group], "label": label})
    assert "goes together" not in said(hl.profile(table, target="label"))
    assert "goes together" in said(hl.profile(table.with_columns(same="label"), target="label"))


def test_metrics_that_are_advised_are_measured_by_that_name() -> None:
    table = pl.DataFrame({"x": range(400), "y": [i < 5 for i in range(400)]})
    assert "judge by balanced_accuracy or pr_auc" in said(hl.profile(table, target="y"))


def test_free_text_is_told_from_names_of_rows_also_where_some_are_numbers() -> None:
    rng = np.random.default_rng(1)
    notes = [" ".join(rng.choice(list("abcdefgh"), 6)) if i % 5 else str(i) for i in range(300)]
    table = pl.DataFrame({"note": notes, "code": [f"K{i}" for i in range(300)]})
    told = {finding.subject: finding.statistic for finding in hl.profile(table).findings}
    assert told == {"note": "free_text", "code": "distinct_share"}


def test_whole_amounts_are_no_names_of_rows() -> None:
    rng = np.random.default_rng(2)
    table = pl.DataFrame({"amount": rng.lognormal(12, 0.5, 500).astype(int), "row": rng.permutation(500) + 7})
    assert [f.subject for f in hl.profile(table).findings if f.statistic == "distinct_share"] == ["row"]
