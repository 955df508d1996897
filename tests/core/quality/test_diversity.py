"""How varied a table is: what is told of balance, combinations, gaps, near repeats, languages and a population is so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

import hookline as hl
from hookline.cli import main
from hookline.errors import ConfigError, DataError
from hookline.quality.profile.column import measure_column
from hookline.quality.profile.diversity.near import near_texts
from hookline.quality.profile.diversity.said import shares_in
from hookline.quality.profile.diversity.spread import spread_of
from hookline.quality.profile.diversity.writing import writing_of

RNG = np.random.default_rng(5)
WORDS = [
    "quick",
    "brown",
    "jumps",
    "over",
    "lazy",
    "while",
    "rain",
    "falls",
    "green",
    "hills",
    "people",
    "walk",
    "home",
]


def said(profile: Any) -> str:
    return "\n".join(f"{finding.severity}: {finding.message}" for finding in profile.findings)


def test_the_spread_is_that_of_the_formulas() -> None:
    counts = RNG.zipf(1.6, 300) + 1
    found = spread_of(counts)
    assert found is not None
    assert found.effective == pytest.approx(np.exp(stats.entropy(counts)))
    differences = np.abs(counts[:, None] - counts[None, :]).mean() / (2 * counts.mean())
    assert found.gini == pytest.approx(differences)
    assert found.top_share == pytest.approx(np.sort(counts)[-3:].sum() / counts.sum())
    assert (found.lorenz[0], found.lorenz[-1]) == (0.0, 1.0)


def test_equal_values_are_as_varied_as_they_are_many() -> None:
    found = measure_column(pl.Series("x", ["a", "b", "c", "d"] * 25)).spread
    assert found is not None
    assert (found.effective, found.gini) == pytest.approx((4.0, 0.0))


def test_a_pair_of_categories_that_never_occurs_is_told_with_the_rows_that_chance_would_give_it() -> None:
    plan, region = RNG.choice(["basic", "pro"], 1_000), RNG.choice(["north", "south"], 1_000)
    region[plan == "pro"] = "north"
    found = hl.profile(pl.DataFrame({"plan": plan, "region": region, "x": RNG.normal(size=1_000)})).table.combinations
    assert found is not None
    assert (found.possible, found.seen, found.absent) == (4, 3, 1)
    one = found.examples[0]
    assert (one.columns, one.values) == (("plan", "region"), ("pro", "south"))
    assert one.expected == pytest.approx((plan == "pro").mean() * (region == "south").sum())


def test_a_missing_value_is_no_category() -> None:
    frame = pl.DataFrame({"a": ["x", "y", None] * 40, "b": [None, "u", "v"] * 40})
    found = hl.profile(frame).table.combinations
    assert found is not None
    assert (found.possible, found.seen) == (4, 1)


def test_a_lost_fortnight_is_a_gap_and_weekends_are_none() -> None:
    days = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 12, 31), eager=True)
    work = days.filter(days.dt.weekday() <= 5).alias("day")
    whole = measure_column(work).gaps
    assert whole is not None
    assert (whole.unit, whole.usual, whole.count) == ("day", 3.0, 0)
    lost = work.filter(~work.is_between(pl.date(2024, 6, 10), pl.date(2024, 6, 24)))
    found = hl.profile(lost.to_frame(), roles={"time": "day"})
    gaps = found["day"].gaps
    assert gaps is not None
    assert gaps.count == 1
    assert "warning: 'day' has a gap from 2024-06-07 to 2024-06-25" in said(found)


def test_times_at_random_and_nights_have_no_gaps() -> None:
    at_random = np.cumsum(RNG.exponential(3_600, 5_000))
    by_day = np.sort((RNG.integers(0, 300, 5_000) * 24 + RNG.integers(8, 18, 5_000)) * 3_600.0)
    for seconds in (at_random, by_day):
        found = measure_column(pl.Series("t", (seconds * 1e6).astype(np.int64)).cast(pl.Datetime("us"))).gaps
        assert found is not None
        assert found.count == 0


def test_rows_that_differ_in_one_column_are_near_and_rows_that_repeat_whole_are_not_more_so() -> None:
    frame = pl.DataFrame({f"x{i}": RNG.normal(size=200) for i in range(6)})
    near = frame.head(10).with_columns(x3=pl.lit(9.0))
    found = hl.profile(pl.concat([frame, near, frame.slice(20, 5)])).table.near
    assert found is not None
    assert (found.sampled, found.rows) == (215, 20)
    assert found.columns == (("x3", 20),)


def test_texts_that_repeat_but_for_a_word_are_found_and_others_of_the_same_words_are_not() -> None:
    texts = [" ".join(RNG.choice(WORDS, 20)) for _ in range(300)]
    found = near_texts([*texts, *(f"{text} indeed" for text in texts[:15])])
    assert (found.sampled, found.texts) == (315, 30)
    assert len(found.example) == 2


def test_scripts_lengths_and_languages_of_texts_are_told() -> None:
    english = [f"The weather in the town was good on day {i}, and we went out for a long walk" for i in range(60)]
    german = [f"Das Wetter in der Stadt war am Tag {i} gut, und wir gingen lange spazieren" for i in range(30)]
    russian = [f"Погода в городе была хорошая в день {i}, и мы долго гуляли" for i in range(10)]
    texts = pl.DataFrame({"text": [*english, *german, *russian], "rows": [1] * 100})
    found = writing_of(texts)
    assert dict(found.scripts) == {"Latin": 90, "Cyrillic": 10}
    assert dict(found.languages) == {"en": 60, "de": 30, "ru": 10}
    assert dict(found.lengths)[1.0] == max(map(len, english))


def test_a_table_that_is_not_as_its_population_is_told_and_one_drawn_from_it_is_not() -> None:
    plans = ["basic"] * 700 + ["pro"] * 300
    frame = pl.DataFrame({"plan": plans, "x": RNG.normal(size=1_000)})
    unlike = hl.profile(frame, population={"plan": {"basic": 0.5, "pro": 0.5}})
    assert unlike.table.population[0].value == pytest.approx(0.2)
    assert "'plan' is not as in the population" in said(unlike)
    same = hl.profile(frame.sample(400, seed=1), population=frame)
    assert [one.statistic for one in same.table.population] == ["total variation", "KS"]
    assert "population" not in said(same)
    moved = hl.profile(frame.with_columns(pl.col("x") + 1), population=frame)
    assert "'x' is not as in the population (KS" in said(moved)


def test_chance_alone_rarely_makes_a_sample_unlike_its_population() -> None:
    shares = {f"c{i}": 0.05 for i in range(20)}
    low = [
        hl.profile(pl.DataFrame({"c": RNG.choice(list(shares), 300)}), population={"c": shares}).table.population[0].low
        for _ in range(25)
    ]
    assert sum(value > 0 for value in low) <= 2


def test_what_is_said_of_a_population_is_checked() -> None:
    frame = pl.DataFrame({"plan": ["a", "b"]})
    with pytest.raises(DataError, match="population names columns"):
        hl.profile(frame, population={"plam": {"a": 1.0}})
    with pytest.raises(ConfigError, match="the shares of all values make 1, got 1.2"):
        hl.profile(frame, population={"plan": {"a": 0.9, "b": 0.3}})
    with pytest.raises(DataError, match="'plan' is a string in the table and a number"):
        hl.profile(frame, population=pl.DataFrame({"plan": [1, 2]}))


def test_a_population_says_numbers_whether_or_not_gaps_or_infinities_stand_among_them() -> None:
    rooms = pl.DataFrame({"rooms": [1.0, 2.0, None] * 100, "x": [1.0, float("inf"), 2.0] * 100})
    shares = hl.profile(rooms, population={"rooms": {1: 0.5, 2: 0.5}}).table.population
    assert [one.value for one in shares] == [0.0]
    table = hl.profile(rooms, population=rooms).table.population
    assert all("nan" not in label for one in table for label, *_ in one.parts)
    endless = pl.DataFrame({"x": [float("inf")] * 3})
    assert hl.profile(rooms, population=endless).table.population == ()


@pytest.mark.parametrize("dtype", [pl.Date, pl.Datetime("us"), pl.Datetime("us", "UTC")])
def test_shares_of_dates_are_said_by_year_month_or_day(dtype: Any) -> None:
    days = pl.Series("day", ["2025-12-30", "2025-12-31", "2026-01-01", None]).str.to_date()
    frame = days.cast(dtype).to_frame().with_columns(n=pl.int_range(4))

    def parts(**shares: float) -> list[tuple[str, float, float]]:
        return sorted(hl.profile(frame, population={"day": shares}).table.population[0].parts)

    assert parts(**{"2025": 0.5, "2026": 0.5}) == [
        ("2025", pytest.approx(2 / 3), 0.5),
        ("2026", pytest.approx(1 / 3), 0.5),
    ]
    assert [name for name, *_ in parts(**{"2025-12": 0.5, "2026-01": 0.5})] == ["2025-12", "2026-01"]
    assert [name for name, *_ in parts(**{"2026-01-01": 1.0})] == ["2025-12-30", "2025-12-31", "2026-01-01"]


@pytest.mark.parametrize(
    ("shares", "told"),
    [({"2025": 0.5, "2026-01": 0.5}, "are of several lengths"), ({"January": 0.5, "2025": 0.5}, "name 'January'")],
)
def test_shares_of_dates_that_say_no_year_month_or_day_are_told(shares: dict[str, float], told: str) -> None:
    frame = pl.DataFrame({"day": ["2025-12-30", "2026-01-01"]}).select(pl.col("day").str.to_date())
    with pytest.raises(DataError, match=told):
        hl.profile(frame, population={"day": shares})


def test_a_population_without_a_share_is_told_as_such(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.csv").write_text("plan,x\nbasic,1\npro,2\n", "utf-8")
    assert main(["data", "profile", str(tmp_path / "t.csv"), "--population", "plan=basic"]) == 2
    told = capsys.readouterr().err
    assert "plan: says no share of 'basic'; write plan=basic:0.5,OTHER:0.5" in told


def test_shares_of_a_column_are_said_once() -> None:
    with pytest.raises(ConfigError, match="is said twice"):
        shares_in(["plan=a:1", "plan=b:1"])


def test_rows_that_a_few_groups_give_are_told() -> None:
    shops = [0] * 600 + list(range(1, 401))
    found = hl.profile(pl.DataFrame({"shop": shops, "x": RNG.normal(size=1_000)}), group="shop")
    assert "warning: 1 % of the values of 'shop' have 60% of the rows" in said(found)


def test_the_command_tells_it_in_lines_in_json_and_on_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, page, shares = tmp_path / "t.csv", tmp_path / "p.html", tmp_path / "shares.yaml"
    plans = ["basic"] * 200 + ["pro"] * 100
    days = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 10, 26), "1d", eager=True)
    frame = pl.DataFrame({"plan": plans, "shop": [f"s{i % 30}" for i in range(300)], "day": days})
    frame.with_columns(note=pl.lit("a text of words number ") + pl.arange(300).cast(pl.String)).write_csv(table)
    shares.write_text("plan: {basic: 0.5, pro: 0.5}\n", "utf-8")
    line = ["data", "profile", str(table), "--group", "shop", "--population", str(shares), "--html", str(page)]
    assert main(line) == 0
    out = capsys.readouterr()
    told = out.out + out.err
    for beginning in ("balance: 30 groups", "combinations: ", "times: 'day' has rows in 300", "texts: 'note'"):
        assert beginning in told
    assert "population: 'plan' total variation 0.167" in told
    html = page.read_text("utf-8")
    assert 'class="lorenz"' in html
    assert "Against the population" in html
    assert main([*line, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["population"][0]["column"] == "plan"
    assert facts["columns"][1]["spread"]["effective"] == pytest.approx(30)
