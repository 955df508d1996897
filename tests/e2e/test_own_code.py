"""Packages made with two bodies of a project's own classes, each loaded with its own: here, elsewhere, and not at all."""

from __future__ import annotations

import json
import os
import shutil
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import hookline as hl
from hookline.errors import StoreError, UntrustedPackage
from hookline.kinds.deployments import LIVE, Deployment, Route
from hookline.packages.certificate.golden import rescore
from hookline.runs.names import find
from hookline.workspace.workspace import open_workspace
from kit.own_code import KEY, NOW, ROWS, THEN, Project, project_at
from kit.packages import reseal
from kit.processes import run_hookline
from kit.serving import serving

CUT = "goods_shop.models.Cut"
TRUST = hl.Trust(pickle=True, types=frozenset({CUT}))
MODELS = ("of_skops", "of_pickle", "of_onnx")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return project_at(tmp_path_factory.mktemp("project"), "goods_shop")


@pytest.fixture(scope="module")
def home(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two versions of each model, the first made with another body of the project's classes than the second."""
    place = tmp_path_factory.mktemp("home")
    for factor in (THEN, NOW):
        project.make(
            factor,
            place,
            of_skops={"trainer": "cut", "packager": ["skops"]},
            of_pickle={"trainer": "cut", "packager": ["pickle"]},
            of_onnx={"trainer": "decision_tree", "packager": ["onnx"]},
        )
    return place


@pytest.fixture
def here(project: Project, home: Path, _own_home: None) -> Iterator[None]:
    """The project as it is now, and the home."""
    project.says(NOW)
    with project.here(home):
        yield


@pytest.fixture
def elsewhere(home: Path, _own_home: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The home where the project is not, with the key of whoever made it."""
    monkeypatch.setenv("HOOKLINE_HOME", str(home))
    monkeypatch.setenv("HOOKLINE_STORE_KEY", KEY)


@pytest.fixture
def package(home: Path, tmp_path: Path, elsewhere: None) -> Callable[[str], Path]:
    """Copy the package of a version to where it may be spoiled, or was carried."""

    def copied(model: str) -> Path:
        return Path(shutil.copytree(find(model).folder, tmp_path / model.replace(":", "-")))

    return copied


def require_as_made(model: Any) -> None:
    """Fail unless a package answers as its golden rows say, of which there are some."""
    found = rescore(model.path, model.predictor, 0.0)
    assert found is not None
    assert found.rows > 10
    assert not found.moved


def code_of(model: str) -> dict[str, Any]:
    """Return what the manifest of a version says of the code that travels in it."""
    found: dict[str, Any] = json.loads((find(model).folder / "manifest.json").read_text())["code"]
    return found


def sureness(model: Any) -> float:
    """Return how sure a model is of its classes, which the body of its classes decides."""
    return round(float(model.predict([{"x": 5.5}]).probabilities.max()), 3)


@pytest.mark.parametrize("model", MODELS)
def test_two_bodies_answer_side_by_side_each_by_its_own(model: str, here: None) -> None:
    then, now = (hl.load(f"{model}:{version}", trust=TRUST) for version in (1, 2))
    for one in (then, now, then):
        require_as_made(one)
    if model != "of_onnx":
        assert (sureness(then), sureness(now)) == (0.7, 0.8)


@pytest.mark.parametrize("model", MODELS)
def test_both_answer_where_the_project_is_not(model: str, elsewhere: None) -> None:
    for version in (2, 1):
        require_as_made(hl.load(f"{model}:{version}", trust=TRUST))


def test_the_classes_that_are_here_are_used_where_they_are_the_same(here: None) -> None:
    import goods_shop.models as here_now  # type: ignore[import-not-found]

    loaded: list[Any] = [hl.load(f"of_pickle:{version}", trust=TRUST) for version in (1, 2)]
    then, now = (one.predictor.model.estimator for one in loaded)
    assert type(now) is here_now.Cut
    assert type(then) is not here_now.Cut
    assert type(then).__qualname__ == "Cut"


def test_two_loads_at_once_are_those_of_one_after_the_other(elsewhere: None) -> None:
    asked = [f"{model}:{version}" for model in ("of_skops", "of_pickle") for version in (1, 2)] * 3
    with ThreadPoolExecutor(8) as pool:
        for model in pool.map(lambda name: hl.load(name, trust=TRUST), asked):
            require_as_made(model)


def test_a_package_that_was_moved_and_lies_where_nobody_may_write_answers_and_stays_as_it_was(
    package: Callable[[str], Path],
) -> None:
    moved = package("of_pickle:1")
    before = sorted(moved.rglob("*"))
    require_as_made(hl.load(moved, trust=TRUST))
    assert sorted(moved.rglob("*")) == before
    assert [path.relative_to(moved).as_posix() for path in before if path.suffix == ".py"] == [
        "own_code/goods_shop/__init__.py",
        "own_code/goods_shop/models.py",
        "own_code/goods_shop/parts.py",
        "own_code/goods_shop/rates.py",
    ]


def test_the_manifest_says_which_code_travels(home: Path, elsewhere: None) -> None:
    code = [code_of(f"of_skops:{version}") for version in (1, 2)]
    assert code[0]["folder"] == "own_code"
    assert code[0]["needed"] == ["goods_shop.models", "goods_shop.parts"]
    assert code[0]["modules"]["goods_shop"] == "goods_shop/__init__.py"
    assert code[0]["modules"] == code[1]["modules"]
    assert code[0]["digest"] != code[1]["digest"]
    assert "code" not in json.loads((find("of_onnx:1").folder / "manifest.json").read_text())


def test_an_error_in_the_code_shows_its_line_in_the_package(elsewhere: None) -> None:
    model: Any = hl.load("of_pickle:1", trust=TRUST)
    with pytest.raises(TypeError) as caught:
        model.predictor.model.estimator.predict_proba(None)
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert last.filename.endswith("own_code/goods_shop/models.py")
    assert "X[:, 0] - self.cut_" in str(last.line)


def test_a_module_that_was_tampered_with_is_refused_before_it_runs(
    package: Callable[[str], Path], tmp_path: Path
) -> None:
    spoiled = package("of_skops:1")
    ran = tmp_path / "ran"
    rates = spoiled / "own_code" / "goods_shop" / "rates.py"
    rates.write_text(f"open({str(ran)!r}, 'w')\nFACTOR = 2.0\n")
    with pytest.raises(StoreError, match=r"is damaged: own_code/goods_shop/rates\.py is not what the manifest says"):
        hl.load(spoiled, trust=TRUST)
    # Also where the list of files was made anew, and the list of modules was not.
    reseal(spoiled)
    with pytest.raises(StoreError, match="is damaged"):
        hl.load(spoiled, trust=TRUST)
    assert not ran.exists()


@pytest.mark.parametrize("file", ["../../out.py", "goods_shop/rates.txt", "goods-shop.py"])
def test_a_list_that_names_no_module_is_refused(file: str, package: Callable[[str], Path]) -> None:
    spoiled = package("of_skops:1")
    listed = spoiled / "own_code" / "index.json"
    told = json.loads(listed.read_text())
    told["modules"]["goods_shop.rates"] = file
    listed.write_text(json.dumps(told))
    manifest = json.loads((spoiled / "manifest.json").read_text())
    reseal(spoiled, {"code": manifest["code"] | {"modules": told["modules"]}})
    with pytest.raises(StoreError):
        hl.load(spoiled, trust=TRUST)


@pytest.mark.parametrize("model", ["of_skops:1", "of_pickle:1"])
def test_a_strangers_code_runs_only_where_it_is_trusted(
    model: str, package: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKLINE_STORE_KEY", "another")
    carried = package(model)
    with pytest.raises(UntrustedPackage) as caught:
        hl.load(carried, trust=hl.Trust(types=frozenset({CUT})))
    assert "--allow-pickle" in str(caught.value.hint)
    assert "goes by code of goods_shop.models and goods_shop.parts, which is not here" in caught.value.message
    require_as_made(hl.load(carried, trust=TRUST))


def test_a_strangers_other_body_of_what_is_here_does_not_run(
    here: None, project: Project, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKLINE_STORE_KEY", "another")
    types = hl.Trust(types=frozenset({CUT}))
    with pytest.raises(UntrustedPackage, match="golden rows are answered otherwise here") as caught:
        hl.load("of_skops:1", trust=types)
    assert "--allow-pickle" in str(caught.value.hint)
    # What is here is not run by a package's word: it is here.
    require_as_made(hl.load("of_skops:2", trust=types))


def test_without_golden_rows_a_strangers_other_body_is_refused_too(
    here: None, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried = Path(shutil.copytree(find("of_skops:1").folder, tmp_path / "carried"))
    (carried / "golden.json").unlink()
    reseal(carried)
    with pytest.raises(UntrustedPackage, match="no golden rows show that the code here answers alike"):
        hl.load(carried, trust=hl.Trust(types=frozenset({CUT})))


def test_code_that_cannot_be_imported_here_says_why(package: Callable[[str], Path]) -> None:
    spoiled = package("of_pickle:1")
    models = spoiled / "own_code" / "goods_shop" / "models.py"
    models.write_text("import nowhere_at_all\n")
    from hookline.packages.owncode.carried import Carried

    files = {
        path.relative_to(spoiled / "own_code").as_posix(): path.read_bytes()
        for path in (spoiled / "own_code").rglob("*.py")
    }
    carried = Carried(files, ("goods_shop.models", "goods_shop.parts"))
    (spoiled / "own_code" / "index.json").write_text(json.dumps(carried.plain))
    reseal(spoiled, {"code": {"folder": "own_code", **carried.plain}})
    with pytest.raises(
        StoreError, match="cannot be imported here: ModuleNotFoundError: No module named 'nowhere_at_all'"
    ):
        hl.load(spoiled, trust=TRUST)


def test_a_version_learns_on_with_the_code_that_it_was_made_with(
    here: None, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = tmp_path / "more.csv"
    rows.write_text(ROWS)
    monkeypatch.setenv("HOOKLINE_HOME", str(shutil.copytree(home, tmp_path / "copied")))
    made = hl.update("of_pickle:1", str(rows), trust=TRUST)
    learned: Any = hl.load(f"of_pickle:{made.version}", trust=TRUST)
    assert sureness(learned) == 0.7
    assert code_of("of_pickle:1")["digest"] == code_of(f"of_pickle:{made.version}")["digest"]


def test_a_version_is_packaged_and_learns_on_where_the_project_is_not(
    elsewhere: None, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = tmp_path / "more.csv"
    rows.write_text(ROWS)
    monkeypatch.setenv("HOOKLINE_HOME", str(shutil.copytree(home, tmp_path / "copied")))
    made = hl.package("of_pickle:1", "skops", output=tmp_path / "made", rows=str(rows), trust=TRUST)
    again: Any = hl.load(made.path, trust=TRUST)
    require_as_made(again)
    assert sureness(again) == 0.7
    assert b"_hookline_own_" not in (made.path / "model.skops").read_bytes()
    learned = hl.update("of_pickle:1", str(rows), trust=TRUST)
    assert sureness(hl.load(f"of_pickle:{learned.version}", trust=TRUST)) == 0.7


def test_a_difference_tells_the_modules_that_changed(here: None) -> None:
    found = hl.diff_versions("of_skops:1", "of_skops:2", trust=TRUST)
    assert found.modules == {"goods_shop.rates": "changed"}
    assert found.behavior is not None


@pytest.mark.parametrize(
    ("model", "options", "is_here"),
    [
        ("of_skops", ("--trust-type", CUT), True),
        ("of_pickle", ("--allow-pickle", "--workers", "2"), False),
    ],
)
def test_a_server_answers_with_both_side_by_side(
    model: str, options: tuple[str, ...], *, is_here: bool, project: Project, home: Path, elsewhere: None
) -> None:
    routes = (Route(2, 0.5, arm=LIVE), Route(1, 0.5, arm="canary"))
    open_workspace(home).catalog.deployments.record(Deployment(model, 2, routes, "local"), "side by side")
    golden = {v: json.loads((find(f"{model}:{v}").folder / "golden.json").read_text()) for v in (1, 2)}
    there = project.environment(home) if is_here else {"HOOKLINE_HOME": str(home), "HOOKLINE_STORE_KEY": KEY}
    found: dict[int, set[str]] = {}
    with serving(model, None, None, *options, **there) as server:
        for _ in range(24):
            told = server.post({"rows": [one["row"] for one in golden[1]]}).json()
            answers = [(one["prediction"], one["probabilities"]) for one in told["predictions"]]
            found.setdefault(int(told["version"]), set()).add(json.dumps(answers))
    said = {v: {json.dumps([(one["prediction"], one["probabilities"]) for one in golden[v]])} for v in (1, 2)}
    assert found == said
    assert said[1] != said[2]


def test_a_stranger_who_asks_for_an_answer_gets_one_clear_error(project: Project, home: Path) -> None:
    told = {"HOOKLINE_HOME": str(home), "HOOKLINE_STORE_KEY": "another"}
    done = run_hookline(
        "predict", "of_skops:1", project.folder / "rows.csv", "--trust-type", CUT, env=os.environ | told, cwd=home
    )
    assert done.returncode == 1
    assert done.stderr.count("error:") == 1
    assert "brings its own, which is run only where it is trusted" in done.stderr
    assert "hint: if you trust where it comes from: --allow-pickle" in done.stderr
    assert "Traceback" not in done.stderr
