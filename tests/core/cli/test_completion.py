"""Tab completion: what is answered for a line, by each shell, and at which cost."""

from __future__ import annotations

import json
import py_compile
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hookline.cli import VERBS, main
from hookline.cli.completion import facts
from hookline.cli.completion.answers import answer
from hookline.cli.completion.lines import split
from hookline.cli.completion.nodes import choices_in
from hookline.workspace.catalog.catalog import Catalog
from kit.places import own_home
from kit.processes import HOOKLINE, lacks, run_command, run_hookline, run_python

ASK = ("completion", "--complete")
Ask = Callable[..., list[str]]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """The cache's content, made once: what it holds does not depend on the test's own home."""
    made = facts._make()
    assert made is not None
    return json.loads(json.dumps(made))


@pytest.fixture
def ask(cache: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Complete the last of the words; returns the words that may take its place."""
    monkeypatch.chdir(tmp_path)
    write_cache(cache)

    def told(*words: str) -> list[str]:
        return [item.text for item in answer(facts.known(), words[:-1], words[-1]).items]

    return told


def write_cache(cache: dict[str, object]) -> None:
    facts._write(facts._cache_path(), cache)


def catalog() -> Catalog:
    """A catalog with one run, one sweep, and two versions of a model of which one is the champion."""
    home = own_home()
    home.mkdir(exist_ok=True)
    made = Catalog(f"sqlite:///{home / 'catalog.db'}")
    made.runs.begin("20260101-101010-aaaaaa", "tips", str(home), {}, [])
    made.runs.end("20260101-101010-aaaaaa", "finished", {"accuracy": 0.9, "log_loss": 0.2})
    from hookline.sweeps.ledger import Ledger  # The sweeps' own door to the catalog.

    assert Ledger(made).sweeps() == []
    with made.database.writing() as connection:
        for version in (1, 2):
            row = {"name": "tips", "version": version, "run_id": "r", "path": "p", "format": "onnx", "fingerprint": "f"}
            connection.execute(made.database.tables["models"].insert().values(**row))
        connection.execute(
            made.database.tables["sweeps"].insert().values(id="20260102-111111-bbbbbb", overrides='["seed=1,2"]')
        )
        connection.execute(made.database.tables["aliases"].insert().values(model="tips", alias="champion", version=2))
    made.database.close()
    return made


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_completes_from_its_first_letters(ask: Ask, verb: str) -> None:
    assert verb in ask(verb[:3])


def test_an_empty_line_offers_the_verbs_only(ask: Ask) -> None:
    assert ask("") == list(VERBS)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (["run", "trai"], ["trainer=", "trainer."]),
        (["trai"], ["trainer=", "trainer."]),
        (["run", "transf"], ["transform=[", "transform."]),
        (["++trainer=rid"], ["++trainer=ridge"]),
        (["~depl"], ["~deployer"]),
        (["trainer=rid"], ["trainer=ridge"]),
        (["trainer=ridge", "trainer.al"], ["trainer.alpha="]),
        (["trainer=logistic_regression", "trainer.max_it"], ["trainer.max_iter="]),
        (["trainer=ridge", "trainer=random_forest", "trainer.n_est"], ["trainer.n_estimators="]),
        (["trainer=ridge", "trainer.n_est"], []),
        (["transform=[ded"], ["transform=[dedupe", "transform=[dedupe_similar"]),
        (["transform=[dedupe_s"], ["transform=[dedupe_similar]", "transform=[dedupe_similar,"]),
        (["transform=[dedupe,cli"], ["transform=[dedupe,clip]", "transform=[dedupe,clip,"]),
        (["transform=[impute,clip]", "transform."], ["transform.impute.", "transform.clip."]),
        (
            ["transform=[impute]", "transform.impute.number=me"],
            [f"transform.impute.number={n}" for n in ("mean", "median")],
        ),
        (["transform=[impute]", "transform.clip."], []),
        (["roles.t"], ["roles.target=", "roles.time="]),
        (["split.method=str"], ["split.method=stratified"]),
        (["split.fold"], ["split.folds=", "split.fold="]),
        (["on_error="], ["on_error=continue", "on_error=stop"]),
        (["task=mul"], ["task=multiclass"]),
        (["settings."], ["settings.alerts.", "settings.mlflow."]),
        (["settings.mlflow.enabled="], ["settings.mlflow.enabled=true", "settings.mlflow.enabled=false"]),
        (["experiment=brea"], ["experiment=breast_cancer"]),
        (["experiment=breast_cancer", "transform."], ["transform.dedupe.", "transform.impute.", "transform.clip."]),
        (["-m", "trainer=ridge,random"], ["trainer=ridge,random_forest"]),
        (["trainer=ridge,random"], []),
        (["-m", "trainer=ridge,random_forest", "trainer.n_est"], ["trainer.n_estimators="]),
        (["plan", "seed=1", "trainer=rid"], ["trainer=ridge"]),
        (["run", "--cfg", "j"], ["job"]),
        (["--mul"], ["--multirun"]),
        (["runs", ""], ["list", "show", "send", "repeat"]),
        (["runs", "list", "--l"], ["--limit"]),
        (["runs", "list", "--limit", ""], []),
        (["runs", "list", "--json", "--js"], []),
        (["components", "show", "trai"], ["trainer"]),
        (["components", "show", "trainer", "rid"], ["ridge"]),
        (["components", "show", "trainer", "ridge", ""], []),
        (["monitor", "run", "m", "d.csv", "--monitor", "data"], ["data_drift", "data_quality"]),
        (["monitor", "run", "m", "d.csv", "--fail-on=cri"], ["--fail-on=critical"]),
        (["retrain", "shop", "--pol"], ["--policy"]),
        (["retrain", "--pol"], ["--policy"]),
        (["retrain", "shop", "--policy", "inc"], ["incremental"]),
        (["retrain", "wat"], ["watch"]),
        (["retrain", "watch", "shop", "--on"], ["--once"]),
        (["deploy", "pl"], ["plan"]),
        (["deploy", "plan", "churn:2", "depl"], ["deployer=", "deployer."]),
        (["deploy", "plan", "churn:2", "trai"], []),
        (["deploy", "apply", "churn:2", "deployer=lo"], ["deployer=local"]),
        (["deploy", "apply", "churn:2", "deployer.promote=al"], ["deployer.promote=always"]),
        (["deploy", "export", "churn", "--to", "k"], ["kserve"]),
        (["models", "lo"], ["log"]),
        (["completion", "z"], ["zsh"]),
        (["nonsense", "x"], []),
        (["trainer.no.such.thing="], []),
        (["=", "[", ""], None),
    ],
)
def test_a_line_is_answered(ask: Ask, line: list[str], expected: list[str] | None) -> None:
    found = ask(*line)
    assert expected is None or found == expected


def test_every_component_of_every_kind_is_offered(ask: Ask) -> None:
    from hookline.kinds.kinds import KINDS
    from hookline.registry.registry import load_registry

    registry = load_registry()
    for kind in KINDS:
        offered = {text.removeprefix(f"{kind}=").strip("[],") for text in ask(f"{kind}=")}
        assert offered == set(registry.names(kind)), kind


def test_what_is_chosen_by_default_is_what_a_run_chooses(cache: dict[str, object]) -> None:
    from hookline.kinds.kinds import KINDS, MULTIPLE
    from hookline.plans.hydra.compose import compose
    from hookline.registry.registry import load_registry

    tree = compose(load_registry(), [])
    composed = {kind: list(tree.get(kind) or ()) if kind in MULTIPLE else [tree[kind]["component"]] for kind in KINDS}
    assert cache["known"]["defaults"] == composed  # type: ignore[index]


def test_runs_are_offered_by_id_newest_first(ask: Ask) -> None:
    catalog()
    assert ask("runs", "show", "") == ["last", "20260101-101010-aaaaaa"]
    assert ask("compare", "last", "2026") == ["20260101-101010-aaaaaa"]


def test_sweeps_are_offered_by_id(ask: Ask) -> None:
    catalog()
    assert ask("resume", "2") == ["20260102-111111-bbbbbb"]


def test_models_are_offered_by_name_version_and_alias(ask: Ask) -> None:
    catalog()
    assert ask("models", "show", "t") == ["tips", "tips:2", "tips:1", "tips@champion"]
    assert ask("serve", "tips@") == ["tips@champion"]


def test_where_no_action_is_said_what_the_usual_one_takes_is_offered_beside_actions(ask: Ask) -> None:
    catalog()
    assert {"watch", "status", "tips"} <= {*ask("retrain", "")}
    assert "--policy" in ask("retrain", "tips", "--")


def test_a_model_may_also_be_a_run_or_a_folder(ask: Ask, tmp_path: Path) -> None:
    catalog()
    (tmp_path / "packed").mkdir()
    (tmp_path / "packed.txt").touch()
    assert ask("predict", "2") == ["20260101-101010-aaaaaa"]
    assert ask("predict", "pack") == ["packed/"]


def test_gates_are_the_metrics_of_past_runs(ask: Ask) -> None:
    catalog()
    assert ask("gates.") == ["gates.accuracy=", "gates.log_loss="]


def test_a_damaged_catalog_offers_nothing(ask: Ask) -> None:
    path = own_home() / "catalog.db"
    path.write_bytes(b"this is no database" * 100)
    assert ask("runs", "show", "2") == []


def test_reading_the_catalog_leaves_no_file_behind(ask: Ask) -> None:
    catalog()
    home = own_home()
    before = sorted(path.name for path in home.iterdir())
    assert "catalog.db-wal" not in before
    assert ask("runs", "show", "2")
    assert sorted(path.name for path in home.iterdir()) == before


def test_a_catalog_that_someone_writes_to_is_read_as_it_is_now(ask: Ask) -> None:
    writer = catalog()
    with writer.database.reading() as held:
        held.execute(writer.database.tables["runs"].select()).fetchall()
        writer.runs.begin("20270101-101010-cccccc", "late", "p", {}, [])
        assert ask("runs", "show", "2027") == ["20270101-101010-cccccc"]
    writer.database.close()


def test_files_are_offered_for_paths_and_data(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "tips.csv").touch()
    (tmp_path / "data" / ".hidden").touch()
    assert ask("source=file", "source.path=da") == ["source.path=data/"]
    assert ask("source=file", "source.path=data/") == ["source.path=data/tips.csv"]
    assert ask("predict", "last", "data/t") == ["data/tips.csv"]
    assert ask("predict", "last", f"{tmp_path}/dat") == [f"{tmp_path}/data/"]


def test_roles_are_the_columns_of_the_file_on_the_line(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "tips.csv").write_text('bill,"the day",big\n1,2,3\n')
    line = ("source=file", "source.path=tips.csv")
    assert ask(*line, "roles.target=") == ["roles.target=bill", "roles.target=the day", "roles.target=big"]
    assert ask(*line, "roles.ignore=[bill,b") == ["roles.ignore=[bill,big]", "roles.ignore=[bill,big,"]
    assert ask("source=file", "roles.target=") == []


def test_experiments_of_the_users_own_folder_are_offered(ask: Ask, tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "experiment" / "team"
    folder.mkdir(parents=True)
    (folder / "churn.yaml").write_text("defaults:\n  - override /trainer: random_forest # strong\n")
    assert ask("--config-dir", "mine", "experiment=te") == ["experiment=team/churn"]
    assert ask("--config-dir=mine", "experiment=team/churn", "trainer.n_est") == ["trainer.n_estimators="]


def test_feature_sets_of_the_project_are_offered_wherever_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "conf" / "features").mkdir(parents=True)
    (tmp_path / "mine" / "features").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[tool.hookline]\nconfigs = "conf"\nplugins = ["sets_to_complete"]\n')
    (tmp_path / "sets_to_complete.py").write_text(
        "import hookline as hl\n\n@hl.hookimpl\ndef register_feature_sets():\n"
        "    return [hl.FeatureSet(name='visits', definitions={'a': {'component': 'ratio', 'columns': {'b': ['c', 'd']}}})]\n"
    )
    for folder, name in (("conf", "usage"), ("conf", "payments"), ("mine", "trips")):
        (tmp_path / folder / "features" / f"{name}.yaml").write_text(f"{name}:\n  owner: me\n")
    monkeypatch.chdir(tmp_path)

    def told(*words: str) -> list[str]:
        return [item.text for item in answer(facts.known(), words[:-1], words[-1]).items]

    for line in (["materialize"], ["lookup"], ["status"], ["test"], ["usage"], ["show"]):
        assert told("features", *line, "") == ["payments", "usage", "visits"]
    assert told("features", "materialize", "--config-dir", "mine", "t") == ["trips"]
    assert {"payments", "usage", "visits"} <= {*told("features", "diff", "")}
    assert told("features=[us") == ["features=[usage]", "features=[usage,"]


def test_the_choices_of_a_config_file_are_read_without_yaml() -> None:
    text = "defaults:\n  - override /transform: [dedupe, acme.clip]  # why\n  - trainer: ridge\n  - deployer: null\n"
    found = choices_in(text, ("transform", "trainer", "deployer", "source"))
    assert found == {"transform": ["dedupe", "acme.clip"], "trainer": ["ridge"], "deployer": []}


def test_a_third_partys_component_has_its_fields_under_an_underscore(
    install_plugin: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_plugin(
        "hookline-shop",
        "shop",
        "hookline_shop_completed",
        """
        from typing import Literal
        from hookline import Transform, hookimpl

        class Center(Transform):
            \"\"\"Center numbers.\"\"\"
            name = "shop.center"
            how: Literal["mean", "median"] = "mean"
            def transform(self, frame: "object") -> "object":
                return frame

        @hookimpl
        def register_transforms() -> list:
            return [Center]
        """,
    )
    monkeypatch.chdir(tmp_path)
    known = facts.known()

    def ask(*words: str) -> list[str]:
        return [item.text for item in answer(known, words[:-1], words[-1]).items]

    assert ask("transform=[shop.c") == ["transform=[shop.center]", "transform=[shop.center,"]
    assert ask("transform=[shop.center]", "transform.") == ["transform.shop_center."]
    assert ask("transform=[shop.center]", "transform.shop_center.how=med") == ["transform.shop_center.how=median"]


def test_the_cache_is_made_anew_when_a_plugin_changes(
    project_module: Callable[[str, str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = """
    from hookline import Dataset, Source, hookimpl

    class Rows(Source):
        \"\"\"Rows.\"\"\"
        name = "rows"
        {field}: int = 1
        def load(self): ...
        def fingerprint(self): return "1"
        load.__annotations__["return"] = __import__("hookline").Dataset

    @hookimpl
    def register_sources() -> list:
        return [Rows]
    """
    module = project_module("rows", code.format(field="before"))
    monkeypatch.chdir(tmp_path / "project")
    assert fresh("source=rows", "source.be") == ["source.before="]
    file = tmp_path / "project" / f"{module}.py"
    file.write_text(file.read_text().replace("before", "bewilder"))
    assert fresh("source=rows", "source.be") == ["source.bewilder="]


def test_the_cache_outlives_the_compiling_of_a_module_and_ends_with_a_new_file(tmp_path: Path) -> None:
    (tmp_path / "one.py").touch()
    stamps = {str(tmp_path): facts._stamp(str(tmp_path))}
    py_compile.compile(str(tmp_path / "one.py"))
    assert facts._is_fresh(stamps)
    (tmp_path / "experiment.yaml").touch()
    assert not facts._is_fresh(stamps)


def test_a_plugin_that_breaks_leaves_the_last_answers(
    project_module: Callable[[str, str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = project_module("odd", "from hookline import hookimpl\n@hookimpl\ndef register_sources(): return []\n")
    monkeypatch.chdir(tmp_path / "project")
    assert module in fresh("plugins", "info", "odd")
    file = tmp_path / "project" / f"{module}.py"
    file.write_text("print('noise')\nfrom hookline import hookimpl\n@hookimpl\ndef register_sorces(): return []\n")
    assert fresh("trainer=rid") == ["trainer=ridge"]


def test_a_home_that_cannot_be_written_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOOKLINE_HOME", str(tmp_path / "file" / "home"))
    assert fresh("trainer=rid") == ["trainer=ridge"]


def test_a_damaged_cache_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = facts._cache_path()
    path.parent.mkdir(parents=True)
    path.write_text('{"stamps": {}, "kno')
    assert fresh("trainer=rid") == ["trainer=ridge"]
    assert json.loads(path.read_text())["known"]


def fresh(*words: str) -> list[str]:
    """Complete the last word in a process of its own; it may say nothing but the answer."""
    done = run_hookline(*ASK, "zsh", str(len(words)), "hookline", *words, check=True)
    assert done.stderr == ""
    return [line.partition("\t")[0] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    "words", [(), ("bash",), ("bash", "x"), ("elvish", "9"), ("zsh", "-5", "a"), ("zsh", "2", "\0")]
)
def test_a_question_that_makes_no_sense_gets_no_traceback(
    cache: dict[str, object], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    write_cache(cache)
    assert main([*ASK, *words]) == 0
    assert capsys.readouterr().err == ""


def test_completing_writes_nothing_but_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.delenv("HOOKLINE_HOME")
    assert fresh("trainer=rid") == ["trainer=ridge"]
    written = sorted(path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())
    assert [name.partition("/completion-")[0] for name in written] == [".hookline/cache/.gitignore", ".hookline/cache"]


def test_completing_imports_no_heavy_library(cache: dict[str, object]) -> None:
    write_cache(cache)
    catalog()
    code = (
        "import sys\nfrom hookline.cli import main\n"
        f"main([*{ASK!r}, 'zsh', '2', 'hookline', 'trainer=ridge', 'trainer.'])\n"
        f"main([*{ASK!r}, 'bash', '3', 'hookline', 'runs', 'show', ''])\n"
        "print(*sys.modules)"
    )
    done = run_python(code)
    answered, loaded = done.stdout.splitlines()[:-1], set(done.stdout.splitlines()[-1].split())
    assert any(line.startswith("trainer.alpha=") for line in answered)
    assert "20260101-101010-aaaaaa" in answered
    assert "sqlite3" in loaded
    assert not loaded & {"hydra", "omegaconf", "pydantic", "polars", "numpy", "sqlalchemy", "argparse", "rich"}


# How a line is read.


@pytest.mark.parametrize(
    ("line", "before", "text", "start"),
    [
        ("hookline trainer=ri", ["hookline"], "trainer=ri", 8),
        ("hookline 'transform=[de", ["hookline"], "transform=[de", 0),
        ("hookline source.path='my da", ["hookline"], "source.path=my da", 12),
        (r"hookline a\ b c", ["hookline", "a b"], "c", 0),
        ("hookline models show tips:", ["hookline", "models", "show"], "tips:", 5),
        ('hookline "a b" ', ["hookline", "a b"], "", 0),
        ("hookline '' x", ["hookline", ""], "x", 0),
    ],
)
def test_a_shells_line_is_split_as_the_shell_does(line: str, before: list[str], text: str, start: int) -> None:
    words, current = split(line, "=:")
    assert (words, current.text, current.start) == (before, text, start)


# Real shells.


def bash(words: list[str], *, breaks: str = "=:", line: str | None = None) -> list[str]:
    """Source the script in a real bash, call its function as bash would, and return COMPREPLY."""
    quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
    told = "" if line is None else f"COMP_LINE={line!r}; COMP_POINT={len(line)}; "
    script = (
        f'set -u; PATH="{Path(HOOKLINE).parent}:$PATH"; source <(hookline completion bash); '
        f"COMP_WORDBREAKS='{breaks}'; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; {told}"
        "_hookline hookline; printf '%s\\n' \"${COMPREPLY[@]}\"; complete -p hookline >&2"
    )
    done = run_command(["bash", "--norc", "-c", script], check=True)
    assert "-F _hookline hookline" in done.stderr
    return done.stdout.split("\n")[:-1]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["hookline", "compl"], ["completion"]),
        (["hookline", "trainer", "=", "rid"], ["ridge"]),
        (["hookline", "trainer", "="], None),
        (["hookline", "trainer", "=", "ridge", "trainer.al"], ["trainer.alpha="]),
        (["hookline", "transform", "=", "[dedupe,cli"], ["[dedupe,clip]", "[dedupe,clip,"]),
        (["hookline", "'transform=[dedupe,cli"], ["transform=[dedupe,clip]", "transform=[dedupe,clip,"]),
        (["hookline", "models", "show", "tips", ":", ""], ["2", "1"]),
        (["hookline", "models", "show", "tips@"], ["tips@champion"]),
        (["hookline", "runs", "show", "2026"], ["20260101-101010-aaaaaa"]),
    ],
)
def test_bash_completes_words_that_it_has_split(
    cache: dict[str, object], words: list[str], expected: list[str] | None
) -> None:
    write_cache(cache)
    catalog()
    found = bash(words)
    assert found == expected if expected else {"ridge", "random_forest"} <= set(found)


def test_bash_that_does_not_split_at_equals_gets_whole_words(cache: dict[str, object]) -> None:
    write_cache(cache)
    assert bash(["hookline", "trainer=rid"], breaks=" ") == ["trainer=ridge"]


def test_bash_tells_a_new_word_from_a_value_by_the_line(cache: dict[str, object]) -> None:
    write_cache(cache)
    assert "ridge" in bash(["hookline", "trainer", "=", ""], line="hookline trainer=")
    assert "trainer=" in bash(["hookline", "trainer", "=", "ridge", "tr"], line="hookline trainer=ridge tr")


def test_bash_gets_paths_escaped(cache: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_cache(cache)
    (tmp_path / "my tips.csv").touch()
    assert bash(["hookline", "source.path", "=", "my"]) == [r"my\ tips.csv"]
    assert bash(["hookline", "'source.path=my"]) == ["source.path=my tips.csv"]


def test_bash_puts_no_space_behind_what_goes_on(cache: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    write_cache(cache)
    for word, mode in (("trainer=ri", "plain"), ("settings.ml", "nospace"), ("trainer", "plain")):
        assert main([*ASK, "bash", "1", "hookline", word]) == 0
        assert capsys.readouterr().out.splitlines()[0] == mode, word


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_has_no_syntax_error(shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if shutil.which(shell) is None:
        lacks(f"{shell} is not installed: `apt-get install {shell}` or `brew install {shell}`")
    assert main(["completion", shell]) == 0
    script = tmp_path / "script"
    script.write_text(capsys.readouterr().out)
    done = run_command([shell, "-n", str(script)])
    assert (done.returncode, done.stderr) == (0, "")


def test_an_unknown_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "tcsh"]) == 2
    assert "bash" in capsys.readouterr().err
