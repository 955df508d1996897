"""CSV files as others write them: without a header, with tabs, stray quotes, codes and a separator too many."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline.errors import ConfigError, DataError
from hookline.plans.hydra.compose import compose
from hookline.plans.keywords import source_of
from hookline.registry.registry import Registry
from hookline_polars import FileSource
from kit.command_line import Told
from kit.tables import rows_of


def written(path: Path, text: str) -> str:
    path.write_text(text, "utf-8")
    return str(path)


def typed(registry: Registry, path: str, advice: str) -> pl.DataFrame:
    """Return the rows that the overrides of a hint read."""
    node = compose(registry, ["source=file", *shlex.split(advice)])["source"]
    return rows_of(source_of(registry, {**node, "path": path}))


def test_columns_of_a_file_without_a_header_are_numbered(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "4,x\n5,y\n")
    frame = rows_of(FileSource(path, header=False))
    assert frame.to_dict(as_series=False) == {"c1": [4, 5], "c2": ["x", "y"]}


def test_many_small_files_without_a_header_keep_every_row(tmp_path: Path) -> None:
    for i in range(30):
        written(tmp_path / f"{i:02}.csv", f"{i},a\n{i},b\n")
    assert rows_of(FileSource(tmp_path, header=False))["c1"].to_list() == [i // 2 for i in range(60)]


@pytest.mark.parametrize("first", ["4,12,4\n", "a,b,a\n"])
def test_repeated_values_in_line_one_end_in_the_line_to_type(tmp_path: Path, registry: Registry, first: str) -> None:
    path = written(tmp_path / "a.csv", f"{first}5,13,5\n")
    with pytest.raises(DataError, match="has the column name") as caught:
        FileSource(path).load()
    assert caught.value.hint is not None
    assert typed(registry, path, caught.value.hint.split()[0]).shape == (2, 3)


def test_column_names_may_stand_in_a_file(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "1,2\n3,4\n")
    names = Path(written(tmp_path / "names.txt", "left\n\nright one\n"))
    source = FileSource(path, columns=names)
    assert rows_of(source).to_dict(as_series=False) == {"left": [1, 3], "right one": [2, 4]}
    before = source.fingerprint()
    written(names, "left\nright\n")
    assert source.fingerprint() != before
    # What a package keeps needs no other file.
    assert source.at("").columns == ("left", "right")


def test_a_file_of_column_names_that_is_not_there_says_how_names_are_typed(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "1\n")
    with pytest.raises(DataError, match=r"source\.columns: left cannot be read: No such file") as caught:
        FileSource(path, columns=Path("left")).load()
    assert caught.value.hint == "names stand in brackets: source.columns=[left], or in a file, one a line"


def test_a_list_of_280_columns_is_typed(hookline: Told, tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "".join(f"{','.join([str(i % 7)] * 280)}\n" for i in range(9)))
    names = ",".join(f"column_number_{i}" for i in range(280))
    code, out, _ = hookline("data", "profile", path, f"source.columns=[{names}]", "--json")
    assert (code, '"column_number_279"' in out) == (0, True)


@pytest.mark.parametrize("word", ["tab", "\\t"])
def test_a_tab_can_be_typed(tmp_path: Path, registry: Registry, word: str) -> None:
    path = written(tmp_path / "a.csv", "a\tb\n1\t2,5\n")
    assert typed(registry, path, f"source.separator='{word}'").row(0) == (1, "2,5")


@pytest.mark.parametrize("name", ["a.data", "a.txt", "a.tsv"])
def test_a_file_with_tabs_and_another_suffix_than_csv_has_tabs(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name, "a\tb\n1\tx, y\n")
    assert rows_of(FileSource(path)).row(0) == (1, "x, y")


def test_a_comma_in_line_one_is_the_separator_of_any_file(tmp_path: Path) -> None:
    path = written(tmp_path / "a.data", "a,b\tc\n1,2\n")
    assert rows_of(FileSource(path)).columns == ["a", "b\tc"]


def test_a_separator_of_two_characters_is_refused(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"source\.separator"):
        typed(registry, written(tmp_path / "a.csv", "a;;b\n"), "source.separator=';;'")


STRAY = 'label\ttext\nham\t"home ok\nspam\t5" nail\nham\tok "so" it is\n'


@pytest.mark.parametrize("lines", [1, 400])
def test_stray_quotes_are_read_as_the_error_says(tmp_path: Path, registry: Registry, lines: int) -> None:
    path = written(tmp_path / "a.tsv", "label\ttext\n" + "ham\tfine\n" * lines + STRAY.partition("\n")[2])
    with pytest.raises(DataError) as caught:
        FileSource(path).load()
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("source.quote=none where quotes are part of the texts")
    frame = typed(registry, path, caught.value.hint.split()[0])
    assert frame["text"].to_list()[lines:] == ['"home ok', '5" nail', 'ok "so" it is']


@pytest.mark.parametrize("quote", ["none", None])
def test_many_small_files_with_stray_quotes_are_read_as_they_stand(tmp_path: Path, quote: Any) -> None:
    for i in range(30):
        written(tmp_path / f"{i:02}.tsv", STRAY)
    texts = rows_of(FileSource(tmp_path, quote=quote))["text"].to_list()
    assert texts == ['"home ok', '5" nail', 'ok "so" it is'] * 30


def test_a_quote_may_be_another(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "a,b\n'1,2',x\"\n'3',y\n")
    assert rows_of(FileSource(path, quote="'")).rows() == [("1,2", 'x"'), ("3", "y")]


def test_a_short_line_is_refused_without_quotes_too(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", 'a,b\n"1,2\n3\n')
    with pytest.raises(DataError, match="line 3 of .* has 1 value, where there are 2 columns"):
        FileSource(path, quote="none").load()


def test_a_separator_at_the_end_of_all_lines_but_the_first_is_mended_by_the_hint(
    tmp_path: Path, registry: Registry
) -> None:
    path = written(tmp_path / "a.csv", "a,the b\n1,x,\n2,y,\n")
    with pytest.raises(DataError, match="line 2 of .* has 3 values, where there are 2 columns") as caught:
        FileSource(path).load()
    assert caught.value.hint is not None
    frame = typed(registry, path, caught.value.hint.partition(", or ")[2])
    assert frame.to_dict(as_series=False) == {"a": [1, 2], "the b": ["x", "y"], "c3": [None, None]}


def test_a_column_of_nothing_makes_no_feature_and_is_not_asked_for(tmp_path: Path) -> None:
    rows = "".join(f"{i % 10},{'yes' if i % 10 > 4 else 'no'},\n" for i in range(120))
    path = written(tmp_path / "a.csv", f"x,y,\n{rows}")
    run = hl.run(source=path, target="y", trainer="decision_tree", packager=["onnx"])
    assert hl.features(run.package())["name"].to_list() == ["x"]
    assert run.predict([{"x": 1}, {"x": 8}]).values.tolist() == ["no", "yes"]
    schema = run.predictor.schema
    assert [column.required for column in schema.columns] == [True, False]


@pytest.mark.parametrize("strip", [False, True])
def test_codes_with_leading_zeros_stay_texts(tmp_path: Path, strip: bool) -> None:
    path = written(tmp_path / "a.csv", "id,zip,n,zero\n000380,01234,0,0\n000381,8000,12,0.5\n")
    frame = rows_of(FileSource(path, strip=strip))
    assert frame.row(0) == ("000380", "01234", 0, 0.0)
    assert frame.row(1) == ("000381", "8000", 12, 0.5)


def test_codes_stay_texts_in_many_small_files(tmp_path: Path) -> None:
    for i in range(30):
        written(tmp_path / f"{i:02}.csv", f"id,x\n00{i:02},{i}\n")
    assert rows_of(FileSource(tmp_path))["id"].to_list() == [f"00{i:02}" for i in range(30)]


def test_ids_are_predicted_under_the_names_that_the_file_has(hookline: Told, tmp_path: Path) -> None:
    rows = "".join(f"{i:06},{i % 10},{'yes' if i % 10 > 4 else 'no'}\n" for i in range(120))
    path = written(tmp_path / "a.csv", f"id,x,y\n{rows}")
    hl.run(
        source=path,
        target="y",
        roles={"id": "id"},
        trainer="decision_tree",
        packager=["onnx"],
        deployer="local",
        name="m",
    )
    new = written(tmp_path / "new.csv", "id,x\n000380,8\n")
    code, out, _ = hookline("predict", "m", new)
    assert (code, out.splitlines()[1].split(",")[:2]) == (0, ["000380", "yes"])


def test_a_value_of_another_type_is_read_as_either_hint_says(tmp_path: Path, registry: Registry) -> None:
    path = written(tmp_path / "a.csv", f"n,b\n{10**40},1\n1,2\n")
    with pytest.raises(DataError) as caught:
        FileSource(path).load()
    as_text, as_missing = str(caught.value.hint).split(", or ")
    assert typed(registry, path, as_text)["n"].to_list() == [str(10**40), "1"]
    assert typed(registry, path, as_missing)["n"].to_list() == [None, 1]
