"""Which modules travel: those of a pipeline's classes and what these import of people's own, and none where one cannot."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import hookline as hl
from hookline.packages.owncode.carried import told_of
from hookline.packages.owncode.finding import carry
from hookline.registry.registry import load_registry
from kit.processes import run_python

LIFT = """
from typing import Any

import hookline as hl
import numpy
{imports}


class LiftTransform(hl.Transform):
    '''A column, lifted.'''

    name = "lift_more"

    def transform(self, frame: Any) -> Any:
        {inside}
        return frame.with_columns(hl_columns(frame))


def hl_columns(frame: Any) -> Any:
    import polars as pl

    return pl.col("sepal_length_cm") * 2


@hl.hookimpl
def register_transforms():
    return [LiftTransform]
"""
IRIS: dict[str, Any] = {"source": "iris", "trainer": "decision_tree", "evaluator": [], "monitor": []}


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Write modules of a project, the first of which is a plugin; returns its name."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    tops: set[str] = set()

    def write(**files: str) -> str:
        for name, text in files.items():
            path = tmp_path / (name.replace("__in__", "/") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            tops.add(name.partition("__in__")[0])
        plugin = next(iter(files)).replace("__in__", ".")
        monkeypatch.setenv("HOOKLINE_PLUGINS", plugin)
        return plugin

    yield write
    for name in [name for name in sys.modules if name.partition(".")[0] in tops]:
        del sys.modules[name]


def code_of(package: Path) -> Any:
    return json.loads((package / "manifest.json").read_text()).get("code")


def test_what_a_module_imports_of_the_project_travels_with_it_and_nothing_else(write: Callable[..., str]) -> None:
    plugin = write(
        lifting_one=LIFT.format(imports="import lifting_help as helping", inside="from lifting_late.inner import deep"),
        lifting_help="import json\n\nimport sklearn\n",
        lifting_late__in__inner="from . import deep\n",
        lifting_late__in__deep="",
        lifting_late__in__unused="",
    )
    run = hl.run(**IRIS, transform=["lift_more"], packager=["skops"])
    code = code_of(run.package())
    assert code["needed"] == [plugin]
    assert [*code["modules"]] == ["lifting_help", "lifting_late.deep", "lifting_late.inner", "lifting_one"]


def test_a_module_that_only_a_function_imports_travels_whether_or_not_anybody_has_read_it(
    write: Callable[..., str],
) -> None:
    later = "if frame is None:\n            import lifting_broken, lifting_far.inner.deep"
    write(
        lifting_four=LIFT.format(imports="", inside=later),
        lifting_broken="def (:\n",
        lifting_far__in__inner__in__deep="PATTERN = '\\d'\n",
    )
    run = hl.run(**IRIS, transform=["lift_more"], packager=["skops"])
    assert [*code_of(run.package())["modules"]] == ["lifting_broken", "lifting_far.inner.deep", "lifting_four"]


def test_no_code_travels_where_none_is_people_s_own() -> None:
    run = hl.run(**IRIS, packager=["skops"])
    assert code_of(run.package()) is None
    assert carry(load_registry(), run.predictor) is None  # type: ignore[arg-type]


def test_a_file_that_changed_since_it_was_imported_does_not_travel(write: Callable[..., str], tmp_path: Path) -> None:
    plugin = write(lifting_two=LIFT.format(imports="", inside="pass"))
    load_registry()
    (tmp_path / f"{plugin}.py").write_text(LIFT.format(imports="", inside="frame = frame"))
    run = hl.run(**IRIS, transform=["lift_more"], packager=["skops"])
    assert "has changed since it was imported" in code_of(run.package())["left_out"]
    assert not list((run.package() / "own_code").rglob("*.py"))
    assert hl.load(run.package()).predict(
        [{"sepal_length_cm": 5.0, "sepal_width_cm": 3.0, "petal_length_cm": 1.0, "petal_width_cm": 0.2}]
    )


def test_code_that_cannot_be_imported_from_the_package_does_not_travel_and_is_told(
    write: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "factor.txt").write_text("2")
    reading = "from pathlib import Path\nFACTOR = float(Path(__file__).with_name('factor.txt').read_text())"
    write(lifting_three=LIFT.format(imports=reading, inside="pass"))
    run = hl.run(**IRIS, transform=["lift_more"], packager=["skops"])
    manifest = json.loads((run.package() / "manifest.json").read_text())
    assert told_of(manifest).startswith(
        "none of lifting_three travels: imported from there it fails: FileNotFoundError"
    )


def test_a_class_of_a_script_does_not_travel_and_is_told(tmp_path: Path) -> None:
    script = LIFT.format(imports="", inside="pass") + (
        "run = hl.run(source='iris', trainer='decision_tree', transform=[LiftTransform()], packager=['skops'],\n"
        "    evaluator=[], monitor=[])\n"
        "print(run.package())\n"
    )
    done = run_python(script, cwd=tmp_path)
    assert code_of(Path(done.stdout.strip()))["left_out"].startswith("it was typed into a script or a notebook")
