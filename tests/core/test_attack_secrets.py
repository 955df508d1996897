"""Secrets are used, and are in nothing that is written, shown, logged or raised: canaries planted and looked for."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from traceback import format_exception
from typing import Any

import pytest

import hookline as hl
from hookline import Secret, cli
from hookline.cli.output import print_json
from hookline.errors import ConfigError, DataError, Problem
from hookline.kinds.given.references import settle
from hookline.kinds.plain import plain as to_plain
from hookline.plans.config import resolve
from hookline.plans.hydra.compose import compose
from hookline.registry.registry import Registry, load_registry
from hookline.runs.sequence import plan_run
from hookline.sweeps.definitions import refuse_hidden
from hookline.telling import secrets
from hookline.telling.secrets import logger, redacted, redacted_tree

PASSWORD, ENVIRONMENT, SECRET, TOKEN, KEYWORD = (f"c4n4ry-{word}-9f3a" for word in ("pw", "env", "sec", "tok", "kw"))
CANARIES = (PASSWORD, ENVIRONMENT, SECRET, TOKEN, KEYWORD)
SHOP = """
import dataclasses
import hookline as hl
from hookline import Dataset, Secret, Source

class ShopSource(Source):
    '''Rows of a shop, for whoever knows every password.'''

    name = "shop"
    url: str
    login: str = "nobody"
    password: Secret | None = None
    options: dict[str, str] = dataclasses.field(default_factory=dict)
    broken: str = ""

    def fingerprint(self) -> str:
        return "shop-1"

    def load(self) -> Dataset:
        import polars as pl

        seen = [self.url, self.login, self.password.reveal() if self.password else "", *self.options.values()]
        if self.broken == "hookline":
            raise hl.errors.DataError(f"the shop refuses {seen}", hint=f"try {self.url}")
        if self.broken:
            raise ConnectionError(f"cannot reach {seen}")
        rows = list(range(80))
        table = {"a": [row % 7 + 0.5 for row in rows], "b": [row % 5 for row in rows], "y": [row % 2 for row in rows]}
        return Dataset(pl.LazyFrame(table), name="shop")

@hl.hookimpl
def register_sources():
    return [ShopSource]
"""
URL = f"postgresql://me:{PASSWORD}@db.shop.example/rows?sslmode=on&api_key={TOKEN}"
GIVEN = [
    "source=shop",
    f"source.url='{URL}'",
    "source.login=${oc.env:SHOP_LOGIN}",
    "source.password=${oc.env:SHOP_PASSWORD}",
    f"source.options={{token:{KEYWORD}}}",
    "trainer=decision_tree",
    "monitor=[]",
    "target=y",
    "packager=[skops]",
]


Told = tuple[int, str, str]


@pytest.fixture(scope="module")
def patched() -> Iterator[pytest.MonkeyPatch]:
    """What sets variables for all tests of this module."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def shop(patched: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The module of a source that takes secrets."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "canary_shop.py").write_text(SHOP)
    patched.syspath_prepend(str(folder))
    patched.setattr(secrets, "_known", {})
    return "canary_shop"


@pytest.fixture
def registry(_environment: None) -> Registry:
    """Every component that is installed, the shop's source among them."""
    return load_registry()


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, shop: str) -> None:
    """Have the plugin and the environment that the configs refer to."""
    monkeypatch.setenv("HOOKLINE_PLUGINS", shop)
    monkeypatch.setenv("SHOP_LOGIN", ENVIRONMENT)
    monkeypatch.setenv("SHOP_PASSWORD", SECRET)


def found_in(*texts: str | bytes) -> list[str]:
    """Return the canaries in texts."""
    whole = b"\n".join(text.encode() if isinstance(text, str) else text for text in texts)
    return [canary for canary in CANARIES if canary.encode() in whole]


def leaks(folder: Path) -> list[tuple[str, list[str]]]:
    """Return the files below a folder that hold a canary, with which."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return [(str(path.relative_to(folder)), canaries) for path in files if (canaries := found_in(path.read_bytes()))]


@pytest.fixture
def ran(hookline: Callable[..., Told], at_home: Path) -> Path:
    """A home in which the shop's rows made a model; what was told of it is in `told.txt`."""
    if not (at_home / "told.txt").exists():
        code, out, err = hookline("run", *GIVEN, "name=shop", "--json")
        assert code == 0, err
        (at_home / "told.txt").write_text(f"{out}\n{err}")
    return at_home


def test_no_file_of_a_home_holds_a_secret_and_references_stay(ran: Path) -> None:
    assert leaks(ran) == []
    assert found_in((ran / "told.txt").read_text()) == []
    config = json.loads(next(ran.glob("runs/*/config.json")).read_text())["source"]
    assert config["login"] == "${oc.env:SHOP_LOGIN}"
    assert config["password"] == "${oc.env:SHOP_PASSWORD}"
    assert config["url"] == "postgresql://me:***@db.shop.example/rows?sslmode=on&api_key=***"
    assert config["options"] == {"token": "***"}


@pytest.mark.parametrize(
    "argv",
    [
        ("plan", *GIVEN),
        ("runs", "show", "last"),
        ("runs", "show", "last", "--json"),
        ("models", "show", "shop", "--json"),
        ("data", "versions", "--json"),
        ("--cfg", "job", "--resolve", *GIVEN),
    ],
    ids=lambda argv: " ".join(argv)[:20],
)
def test_no_command_tells_a_secret(hookline: Callable[..., Told], ran: Path, argv: tuple[str, ...]) -> None:
    code, out, err = hookline(*argv)
    assert code == 0, err
    assert found_in(out, err) == []


@pytest.mark.parametrize("broken", ["hookline", "library"])
def test_no_error_tells_a_secret_whoever_raises_it(
    hookline: Callable[..., Told], at_home: Path, capsys: pytest.CaptureFixture[str], broken: str
) -> None:
    argv = ("run", *GIVEN, "name=broken", f"source.broken={broken}")
    if broken == "hookline":
        code, out, err = hookline(*argv)
        assert code == 1
        assert "the shop refuses" in err
        assert found_in(out, err) == []
    else:
        with pytest.raises(ConnectionError) as caught:
            hookline(*argv)
        cli._traceback(caught.type, caught.value, caught.tb)
        told = capsys.readouterr().err
        assert "ConnectionError: cannot reach" in told
        assert found_in(told) == []
    assert leaks(at_home) == []


def test_a_run_by_keywords_keeps_its_secrets_too(at_home: Path) -> None:
    source = {
        "component": "shop",
        "url": URL,
        "login": "${oc.env:SHOP_LOGIN}",
        "password": KEYWORD,
        "broken": "hookline",
    }
    with pytest.raises(DataError, match="the shop refuses") as caught:
        hl.run(source=source, target="y", trainer="decision_tree")
    assert found_in(str(caught.value), repr(caught.value), "".join(format_exception(caught.value))) == []
    held = pickle.loads(pickle.dumps(caught.value))
    assert found_in(str(held)) == []
    assert leaks(at_home) == []


@pytest.mark.parametrize("given", [f"source.url={URL}", f"source.options={{password:{PASSWORD}}}"])
def test_a_sweep_refuses_what_it_would_have_to_write_down(
    hookline: Callable[..., Told], at_home: Path, given: str
) -> None:
    more = () if "options" not in given else ("source.url=db",)
    code, _, err = hookline("-m", "source=shop", given, *more, "target=y", "trainer=decision_tree", "seed=1,2")
    assert code == 2
    assert "holds a secret, which a sweep would have to write down" in err
    assert "give it as ${oc.env:NAME}" in err
    assert found_in(err) == []
    assert leaks(at_home) == []


def test_a_sweep_of_an_experiment_that_holds_a_secret_writes_nothing(
    hookline: Callable[..., Told], at_home: Path, tmp_path: Path
) -> None:
    (tmp_path / "experiment").mkdir()
    text = f"# @package _global_\ndefaults: [override /source: shop]\nsource: {{url: 'db://me:{PASSWORD}@h'}}\n"
    (tmp_path / "experiment" / "mine.yaml").write_text(text)
    code, _, err = hookline("-m", "--config-dir", str(tmp_path), "experiment=mine", "target=y", "seed=1,2")
    assert code == 2
    assert "source.url: holds a secret, which a sweep would have to write down" in err
    assert leaks(at_home) == []


def test_what_is_shown_as_json_stays_json(capsys: pytest.CaptureFixture[str]) -> None:
    told = {"a": 'say "password=abc" and "x://me:pw@h" \\', "b": "token='q'"}
    print_json(told)
    assert json.loads(capsys.readouterr().out) == redacted_tree(told)


@pytest.mark.parametrize("secret", ['q"uo"te-1', "back\\slash-2", "sch\u00f6n-zwei-3"])
def test_a_secret_that_json_spells_otherwise_is_hidden_in_json_too(
    capsys: pytest.CaptureFixture[str], secret: str
) -> None:
    Secret(secret)
    print_json({"error": f"got {secret}", "by": {secret: 1}, "at": Path(f"/x/{secret}")})
    assert json.loads(capsys.readouterr().out) == {"error": "got ***", "by": {"***": 1}, "at": "/x/***"}


def test_a_quoted_value_in_json_ends_with_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": "token='q", "b": "kept", "c": "it's"})
    assert json.loads(capsys.readouterr().out) == {"a": "token='q", "b": "kept", "c": "it's"}


def test_a_sweeps_workers_resolve_what_the_ledger_keeps_as_a_reference(registry: Registry) -> None:
    given = ["source=shop", "source.url=${oc.env:SHOP_LOGIN}", "source.password=${oc.env:SHOP_PASSWORD}", "target=y"]
    kept = resolve(registry, compose(registry, given)).plain()
    assert found_in(json.dumps(kept)) == []
    again: Any = resolve(registry, json.loads(json.dumps(kept))).one("source")
    assert (again.component.url, again.component.password.reveal()) == (ENVIRONMENT, SECRET)
    refuse_hidden(kept)


def fingerprint(registry: Registry, **source: Any) -> str:
    """Return the fingerprint of the source's stage."""
    given = {"component": "shop", "url": "db", **source}
    config = resolve(
        registry,
        {"source": given, "trainer": "decision_tree", "featurizer": {"tabular": "tabular"}, "roles": {"target": "y"}},
    )
    (stage,) = (stage for stage in plan_run(registry, config).stages if stage.key == "source")
    assert found_in(json.dumps(stage.parts, default=str)) == []
    return stage.fingerprint


def test_a_fingerprint_goes_by_the_reference_of_a_secret_and_not_by_its_value(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fingerprint(registry, password="${oc.env:SHOP_PASSWORD}")
    monkeypatch.setenv("SHOP_PASSWORD", TOKEN)
    assert fingerprint(registry, password="${oc.env:SHOP_PASSWORD}") == before
    assert fingerprint(registry, password="${oc.env:SHOP_LOGIN}") != before
    assert fingerprint(registry, password=PASSWORD) == fingerprint(registry, password=KEYWORD) != before


def test_a_value_of_the_environment_that_is_no_secret_changes_what_depends_on_it(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fingerprint(registry, login="${oc.env:SHOP_LOGIN}")
    assert fingerprint(registry, login="${oc.env:SHOP_LOGIN}") == before
    monkeypatch.setenv("SHOP_LOGIN", KEYWORD)
    changed = fingerprint(registry, login="${oc.env:SHOP_LOGIN}")
    assert changed != before
    monkeypatch.setenv("HOOKLINE_STORE_KEY", "another team")
    assert fingerprint(registry, login="${oc.env:SHOP_LOGIN}") != changed, "without the key nobody can guess the value"


def test_what_is_hidden_as_it_was_given_still_tells_one_config_from_another(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fingerprint(registry, options={"token": PASSWORD})
    assert fingerprint(registry, options={"token": PASSWORD}) == before
    assert fingerprint(registry, options={"token": KEYWORD}) != before
    assert fingerprint(registry, url=f"db://me:{PASSWORD}@h") != fingerprint(registry, url=f"db://me:{KEYWORD}@h")
    monkeypatch.setenv("HOOKLINE_STORE_KEY", "another team")
    assert fingerprint(registry, options={"token": PASSWORD}) != before


def test_a_variable_that_is_not_set_is_named_with_its_place(registry: Registry) -> None:
    with pytest.raises(ConfigError, match=r"source\.login: Environment variable 'NOPE' not found"):
        fingerprint(registry, login="${oc.env:NOPE}")
    assert fingerprint(registry, login="${oc.env:NOPE,somebody}")


@dataclass(frozen=True)
class _Held:
    secret: Secret


def test_a_secret_is_used_and_never_shown() -> None:
    secret = Secret(SECRET)
    assert secret.reveal() == SECRET
    assert found_in(str(secret), repr(secret), f"{secret!s:>9}", json.dumps(to_plain(_Held(secret)))) == []
    assert pickle.loads(pickle.dumps(secret)) == secret != Secret(TOKEN)
    assert found_in(str(ConfigError("bad", [Problem("x", f"got {SECRET}")]))) == []


def test_a_secret_that_refers_to_a_missing_variable_says_what_to_do() -> None:
    with pytest.raises(ConfigError, match="environment variable 'NOPE' is not set\nhint: export NOPE="):
        Secret("${oc.env:NOPE}").reveal()


@pytest.mark.parametrize("value", ["1", "true", "3.25", "1e-3", "short"])
def test_a_value_that_is_in_every_text_is_not_looked_for(value: str) -> None:
    Secret(value)
    assert redacted(f"row {value} of 1") == f"row {value} of 1"


@pytest.mark.parametrize("value", ["production", "postgres"])
def test_a_common_word_is_kept_as_a_reference_and_not_looked_for(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("WORD", value)
    whole, kept = settle({"url": f"{value}://me:{value}@host", "team": "${oc.env:WORD}"}, "source")
    assert (whole["team"], kept) == (value, {("team",): "${oc.env:WORD}"})
    assert redacted(f"the {value} of it") == f"the {value} of it"
    assert redacted(whole["url"]) == f"{value}://me:***@host"


HIDES = {
    "postgresql://me:pw@host/db": "postgresql://me:***@host/db",
    "https://me:p@w@host/": "https://me:***@host/",
    "see http://ghp_abc@github.com/x for": "see http://***@github.com/x for",
    "ssh://git@host/x": "ssh://git@host/x",
    "s3://b/k?X-Amz-Signature=abc&x=1": "s3://b/k?X-Amz-Signature=***&x=1",
    "https://h/x?key=abc&page=2": "https://h/x?key=***&page=2",
    "host=h user=me password=hunter2 dbname=x": "host=h user=me password=*** dbname=x",
    "DB_PASSWORD='a b' x": "DB_PASSWORD=*** x",
    "AccountKey=abc==;x": "AccountKey=***;x",
    "trainer.sort_key=id monkey=3 key=4": "trainer.sort_key=id monkey=3 key=4",
    "postgresql://me:${oc.env:PW}@host/db": "postgresql://me:${oc.env:PW}@host/db",
    "password=${oc.env:PW}": "password=${oc.env:PW}",
    "http://h:80/a@b 3@x": "http://h:80/a@b 3@x",
}


@pytest.mark.parametrize("text", HIDES)
def test_what_looks_like_a_secret_is_hidden_and_nothing_else(text: str) -> None:
    assert redacted(text) == HIDES[text]
    assert redacted(HIDES[text]) == HIDES[text]


@pytest.mark.parametrize("part", ["_", "a_", "token=", "token='", "x://", "${oc.env:", "pass-", "key=%3D"])
def test_a_long_text_is_looked_through_in_time_by_its_length(part: str) -> None:
    text = part * (100_000 // len(part)) + "="
    begun = perf_counter()
    redacted(text)
    assert perf_counter() - begun < 1


def test_what_is_called_a_secret_behind_an_escape_is_hidden() -> None:
    assert redacted("?odbc_connect=SERVER%3Dh%3BPWD%3Dabc") == "?odbc_connect=SERVER%3Dh%3BPWD%3D***"
    assert redacted(repr("no\npassword=abc")) == "'no\\npassword=***'"


def test_texts_below_a_telling_key_are_hidden() -> None:
    tree = {
        "password": "a",
        "api-key": "b",
        "tokens": 3,
        "x": [{"client_secret": "c1", "password": "new name"}],
        "token": "${oc.env:T}",
        "keys": "d",
    }
    shown = {
        "password": "***",
        "api-key": "***",
        "tokens": 3,
        "x": [{"client_secret": "***", "password": "new name"}],
        "token": "${oc.env:T}",
        "keys": "d",
    }
    assert redacted_tree(tree) == shown


def test_a_log_of_ours_holds_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    Secret(TOKEN)
    logger("hookline.test").warning("%s from %s", TOKEN, "s3://me:pw@bucket")
    assert caplog.messages == ["*** from s3://me:***@bucket"]


def test_an_error_in_a_log_of_ours_holds_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    Secret(TOKEN)
    try:
        raise ValueError(f"no {TOKEN} at x://me:pw@h")
    except ValueError:
        logger("hookline.test").exception("failed")
    assert "ValueError: no *** at x://me:***@h" in caplog.text
    assert found_in(caplog.text) == []


def test_every_log_of_ours_is_one_that_holds_no_secrets() -> None:
    root = Path(__file__).parents[2]
    files = [path for room in ("core", "plugins") for path in (root / room).rglob("*.py")]
    plain = re.compile(r"getLogger\((?:__name__|['\"]hookline)")
    assert len(files) > 100
    assert [path.name for path in files if plain.search(path.read_text(encoding="utf-8"))] == []


def composed(registry: Registry, *given: str) -> Any:
    """Return the shop's fields as a config is kept."""
    return compose(registry, ["source=shop", "source.url=db", "target=y", *given])


SPELLED = [
    """source.broken='${oc.env:"SHOP_LOGIN"}'""",
    """source.broken="${oc.env:'SHOP_LOGIN'}\"""",
    "source.broken='${ oc.env:SHOP_LOGIN }'",
    "source.broken='${oc.env:SHOP_NOPE,${oc.env:SHOP_LOGIN}}'",
    "source.broken='${oc.decode:${oc.env:SHOP_LOGIN}}'",
    "source.broken='${oc.select:source.login}'",
    "source.broken='${.login}'",
    "source.broken='Bearer ${source.login}'",
    "source.broken='Bearer ${.login}'",
    "source.options='${oc.create:{a:${oc.env:SHOP_LOGIN}}}'",
]


@pytest.mark.parametrize("given", SPELLED)
def test_a_reference_to_the_environment_stays_one_however_it_is_spelled(registry: Registry, given: str) -> None:
    tree = composed(registry, "source.login=${oc.env:SHOP_LOGIN}", given)
    assert found_in(json.dumps(tree)) == []
    assert "${oc.env:SHOP_LOGIN}" in json.dumps(tree["source"])
    config = resolve(registry, tree)
    assert ENVIRONMENT in repr(vars(config.components["source"][0].component))
    assert found_in(json.dumps(config.plain())) == []


def test_names_that_come_of_the_environment_are_no_secrets(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TCOL", "is_late2")
    monkeypatch.setenv("MN", "churn_v2")
    tree = composed(registry, "target=${oc.env:TCOL}", "name=${oc.env:MN}", "source.broken='model ${name}'")
    config = resolve(registry, tree).plain()
    assert (config["name"], config["roles"]["target"], config["source"]["broken"]) == (
        "churn_v2",
        "is_late2",
        "model churn_v2",
    )
    assert redacted("champion -> churn_v2 v1 of is_late2") == "champion -> churn_v2 v1 of is_late2"
    parts = {key: tree[key] for key in ("source", "trainer", "featurizer")}
    options = {"name": "${oc.env:MN}", "roles": {"target": "${oc.env:TCOL}"}}
    assert resolve(registry, {**parts, **options}).plain()["name"] == "churn_v2"
    assert redacted("churn_v2") == "churn_v2"


def test_a_known_secret_is_found_as_a_word_of_its_own() -> None:
    Secret("abcdef1")
    assert redacted("abcdef1234 xabcdef1") == "abcdef1234 xabcdef1"
    told = "abcdef1, 'abcdef1' my_abcdef1 \\nabcdef1 %20abcdef1"
    assert redacted(told) == "***, '***' my_*** \\n*** %20***"


def test_the_longest_of_known_secrets_is_taken_first_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_known", {})
    secrets.remember("inner-7", "${oc.env:inner-8}")
    secrets.remember("inner-8")
    secrets.remember("inner-7-outer")
    assert redacted("inner-7 inner-7-outer inner-8") == "${oc.env:inner-8} *** ***"


@pytest.mark.parametrize(
    "text",
    ["d/token=abcde1/x.csv", "s3://bucket/my_token=abcde1/x.csv", "SELECT * FROM a JOIN b ON a.token = b.token"],
)
def test_a_folder_or_a_column_called_like_a_secret_is_none(text: str) -> None:
    assert redacted(text) == text
    secrets.learn({"path": text})
    assert redacted("abcde1 b.token") == "abcde1 b.token"
    assert secrets.hidden_in({"path": text}) == []


def test_the_user_of_a_database_is_no_secret() -> None:
    secrets.learn({"url": "mysql://train_v2@db/rows", "at": "https://ghp_a1b2c3@github.com/x"})
    assert redacted("table train_v2 has 3 rows; ghp_a1b2c3") == "table train_v2 has 3 rows; ***"


def test_a_sweep_refuses_a_password_that_is_a_word(hookline: Callable[..., Told], at_home: Path) -> None:
    given = ("source=shop", "source.url=db", "source.password=hunterpassword")
    code, _, err = hookline("-m", *given, "target=y", "trainer=decision_tree", "seed=1,2")
    assert code == 2
    assert "source.password: holds a secret, which a sweep would have to write down" in err
    assert leaks(at_home) == []
    assert not [path for path in at_home.rglob("multirun.yaml") if "hunterpassword" in path.read_text()]
