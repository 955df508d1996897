"""What is advised comes from the components that are there, and can be typed as it stands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline.errors import DataError, PluginError, UsageError
from hookline.kinds.component import AILMENTS
from hookline.plans.config import resolve
from hookline.plans.hydra.compose import compose
from hookline.registry.loading import load_plugins
from hookline.registry.registry import Registry, load_registry
from hookline.registry.remedies import add_remedies, typed
from kit.command_line import Told

FACTS: dict[str, Any] = {
    "decimal": ",",
    "order": "month_first",
    "column": "a b(c)",
    "type": "number",
    "low": -1.5,
    "high": 1e300,
    "old": ["?", "it's", 'a "b"'],
    "new": [None, None, None],
    "words": ["?", "n/a", "null"],
    "names": ["c1", "c2", "..."],
    "missing": ["NA", "-"],
}
ROOT = Path(hl.__file__).parents[2]
GAPS = """
from typing import ClassVar
from hookline import Transform, hookimpl

class Gaps(Transform):
    '''Fill gaps.'''

    name = "gaps"
    mends: ClassVar = {mends}

    def transform(self, frame):
        '''Leave rows alone.'''
        return frame

@hookimpl
def register_transforms():
    return [Gaps]
"""
Write = Callable[[str, str], str]
HOLED = pl.DataFrame({"x": [1.0, None, 3.0, 4.0] * 25, "z": range(100), "y": ["no", "yes"] * 50})


def advice(registry: Registry) -> dict[str, list[str]]:
    return {ailment: registry.remedies(ailment, **FACTS) for ailment in AILMENTS}


def test_all_advice_of_built_ins_is_read_back_by_the_config(registry: Registry) -> None:
    for ailment, lines in advice(registry).items():
        for line in lines:
            words = shlex.split(line)
            file = ["source=file", "source.path=x.csv"] if line.startswith("source.") else []
            tree = compose(registry, [*file, *words])
            for word in words:
                key, _, value = word.partition("=")
                held: Any = tree
                for part in key.split("."):
                    held = held[part]
                assert held is not None or value == "null", (ailment, word)


def test_facts_arrive_as_they_are(registry: Registry) -> None:
    (line,) = registry.remedies("sentinel", **FACTS)
    node = compose(registry, shlex.split(line))["transform"]["map_values"]
    assert (node["column"], node["old"], node["new"]) == (FACTS["column"], FACTS["old"], FACTS["new"])
    (line,) = registry.remedies("wrong_type", **FACTS)
    config = resolve(registry, compose(registry, shlex.split(line)))
    cast: Any = config.components["transform"][0].component
    assert cast.dtypes == {"a b(c)": "number"}


def test_every_ailment_is_mended_and_every_error_names_one_that_there_is(registry: Registry) -> None:
    told = advice(registry)
    config = {"source": {"component": "file", "missing": ["NA"], "columns": []}}
    told["more_missing_words"] = registry.remedies("more_missing_words", config, **FACTS)
    assert [ailment for ailment in AILMENTS if not told[ailment]] == []
    files = [*(ROOT / "core").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")]
    named = {name for file in files for name in re.findall(r'ailment="(\w+)"', file.read_text("utf-8"))}
    assert named
    assert named - set(AILMENTS) == set()


def test_the_core_names_no_option_of_a_component() -> None:
    left_alone = (
        "cli/plugins/templates/components.py",
        "cli/plugins/templates/learning.py",
        "cli/runs/run.py",
        "cli/__init__.py",
        "cli/data/profile.py",
        "kinds/component.py",
    )
    for file in (ROOT / "core" / "hookline").rglob("*.py"):
        if not file.as_posix().endswith(left_alone):
            found = re.findall(
                r"transform=\[\w|featurizer\.\w+[.=]|packager=\[\w|source\.(?:dtypes|strip|missing)", file.read_text()
            )
            assert found == [], file


def test_a_component_that_is_not_there_is_not_advised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_DISABLE", "polars")
    registry = load_registry()
    assert not any(advice(registry).values())
    error = DataError("gaps", hint="choose another column", ailment="missing_values")
    add_remedies(error, registry.remedies)
    assert error.hint == "choose another column"


def test_a_projects_own_component_is_advised_beside_the_built_in(
    project_module: Write, hookline: Told, tmp_path: Path
) -> None:
    project_module("filling", GAPS.format(mends={"missing_values": "transform=[gaps]"}))
    with pytest.raises(DataError, match="takes no missing values") as caught:
        hl.run(source=HOLED, target="y", trainer="logistic_regression", packager=[])
    wanted = (
        "transform=[impute], or transform=[gaps], or featurizer.tabular.missing=zero, or choose hist_gradient_boosting"
    )
    assert caught.value.hint == wanted
    HOLED.write_csv(tmp_path / "a.csv")
    code, out, _ = hookline("data", "profile", str(tmp_path / "a.csv"))
    assert code == 0
    assert "transform=[impute], or transform=[gaps], or featurizer.tabular.missing=zero" in out
    code, _, err = hookline(str(tmp_path / "a.csv"), "target=y", "trainer=logistic_regression")
    assert code == 1
    assert f"hint: {wanted}\n" in err


def test_a_model_that_has_no_answer_says_how_to_train_it() -> None:
    whole = HOLED.with_columns(pl.col("x").fill_null(2.0))
    run = hl.run(source=whole, target="y", trainer="logistic_regression", packager=["pickle"])
    wanted = "train with transform=[impute], or featurizer.tabular.missing=zero"
    with pytest.raises(DataError, match="takes no missing values") as caught:
        run.predict(HOLED)
    assert caught.value.hint == wanted
    loaded: Any = hl.load(run.package(), trust=hl.Trust(pickle=True))
    with pytest.raises(DataError, match="takes no missing values") as caught:
        loaded.predict(HOLED)
    assert caught.value.hint == wanted


@pytest.mark.parametrize(
    ("mends", "told"),
    [
        ({"missing_value": "transform=[gaps]"}, "there is no ailment 'missing_value'; did you mean 'missing_values'?"),
        ({"wrong_type": "transform.gaps.x={colum}"}, "'colum' is no fact of 'wrong_type'.*did you mean 'column'"),
    ],
)
def test_advice_that_cannot_hold_is_told_with_the_plugin(project_module: Write, mends: Any, told: str) -> None:
    project_module("strange", GAPS.format(mends=mends))
    with pytest.raises(PluginError, match=told):
        Registry(load_plugins())


def test_options_are_advised_where_the_component_is_in_place(registry: Registry) -> None:
    said = registry.remedies("spaced_values", {"source": {"component": "file", "strip": False}})
    assert said == ["source.strip=true", "transform=[normalize_text]"]
    assert registry.remedies("spaced_values", {"source": {"component": "iris"}}) == ["transform=[normalize_text]"]
    assert registry.remedies("missing_values", {"featurizer": {"other": {"component": "tabular"}}}) == [
        "transform=[impute]"
    ]


def test_a_list_that_somebody_has_set_is_not_taken_from_them(registry: Registry) -> None:
    set_ = {"source": {"component": "file", "columns": ["1", "2"], "missing": ["C"]}}
    assert registry.remedies("no_header", set_) == []
    assert registry.remedies("missing_words", set_, words=["?"]) == []
    assert registry.remedies("more_missing_words", set_, words=["?"]) == ["source.missing=[C,?]"]


def test_a_column_that_no_mapping_can_name_is_not_advised(registry: Registry) -> None:
    assert registry.remedies("wrong_type", column="größe", type="number") == []


@pytest.mark.parametrize(
    "value", ["null", "NaN", "12", "1e5", "é", "it's", 'a "b" \\', "(x)", "{y}", "-", "?", "a=b,c"]
)
def test_texts_are_read_back_as_texts(registry: Registry, value: str) -> None:
    tree = compose(registry, ["source=file", f"source.missing=[{typed([value])}]"])
    assert tree["source"]["missing"] == [value]


def test_a_run_without_a_package_names_packagers_that_take_its_model() -> None:
    run = hl.run("source=iris", "trainer=decision_tree", "packager=[]", "deployer=null")
    with pytest.raises(UsageError, match="has no package") as caught:
        run.package()
    known = load_registry().names("packager")
    advised = re.findall(r"packager=\[([\w.]+)\]", str(caught.value.hint))
    assert {"onnx", "skops"} <= set(advised) <= set(known)
