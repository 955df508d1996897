"""Every trainer in every format that takes it, loaded by a clean process; WRITE_DOCS=1 writes the table."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline.errors import ConfigError, HooklineError, PlanError
from hookline.packages.around import AroundPackager
from hookline.registry.registry import Registry, load_registry
from kit.places import ROOT, at
from kit.processes import run_python

PAGE = ROOT / "docs/formats.md"
BETWEEN = re.compile(r"(<!-- every trainer -->\n).*?(<!-- until here -->\n)", re.DOTALL)
SMALL: Mapping[str, Any] = {"n_estimators": 10, "max_epochs": 2, "n_models": 3, "max_iter": 20, "blocks": 1}
"""Fields that keep a fit short, of trainers that have them."""
MEMBERS = [{"component": "decision_tree", "max_depth": 3}, "logistic_regression"]
NEEDED: Mapping[str, Mapping[str, Any]] = {
    "balanced": {"trainer": {"component": "random_forest", "n_estimators": 10}},
    "calibrated": {"trainer": {"component": "random_forest", "n_estimators": 10}},
    "log_target": {"trainer": {"component": "ridge"}, "offset": 100.0},
    "sklearn": {"class_name": "AdaBoostClassifier", "params": {"n_estimators": 10}},
    "stacking": {"trainers": MEMBERS, "folds": 3},
    "voting": {"trainers": MEMBERS},
}
"""Fields that trainers cannot do without."""
TOLERANT: Mapping[str, Mapping[str, Any]] = {"onnx_quantized": {"changes_at_most": 0.1}}
"""Fields of packagers, which 60 held-out rows want otherwise than thousands."""
APART = ("keras_mlp", "saved_model")
"""What has an environment of its own."""
TRANSLATED = ("torch_export", "torchscript")
"""Formats that say what `onnx` says in another way, and take long to write; they are no columns of the table."""
FEW = ("logistic_regression", "mlp")
"""Trainers whose models the short form puts into formats around another."""
ALLOWED = {"HOOKLINE_ALLOW_PICKLE": "1"}
FRESH = """
import json, sys
import polars as pl
import hookline as hl
for package in json.loads(sys.argv[1]):
    try:
        loaded, types = hl.load(package), ""
    except hl.errors.UntrustedPackage as error:
        types = str(error).splitlines()[0].rpartition("not trusted: ")[2]
        loaded = hl.load(package, trust=hl.Trust(types=frozenset(types.split(", "))))
    said = loaded.predict(pl.read_parquet(sys.argv[2]))
    chances = said.probabilities
    print(json.dumps([types, said.values.tolist(), None if chances is None else chances.tolist()]))
"""


@dataclasses.dataclass(frozen=True)
class Cell:
    """What became of a trainer in a format: a package, or the reason why there is none."""

    trainer: str
    packager: str
    folder: Path | None = None
    expected: Any = None
    refused: str = ""
    trusted: str = ""
    """Types that whoever opens it must trust beside those that are."""

    @property
    def note(self) -> str:
        """What the table says below it."""
        names = ", ".join(f"`{name}`" for name in self.trusted.split(", "))
        return f"whoever opens it says `--trust-type` for {names}" if self.trusted else self.refused

    @property
    def certificate(self) -> dict[str, Any]:
        assert self.folder is not None
        found: dict[str, Any] = json.loads((self.folder / "certificate.json").read_text())
        return found


def table() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    a, b = np.round(rng.normal(size=(2, 200)), 3)
    sort = rng.choice(["basic", "plus", "pro"], 200)
    amount = np.round(3 * a - b + (sort == "pro") + rng.normal(0, 0.3, 200), 3)
    columns = {"a": a, "b": b, "sort": sort, "amount": amount, "above": np.where(amount > 0.3, "yes", "no")}
    return pl.DataFrame(columns).with_columns(a=pl.when(pl.int_range(200) % 17 > 0).then("a"))


def test_every_trainer_in_every_format_that_takes_it_answers_alike_in_a_clean_process(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    registry, folder = load_registry(), tmp_path_factory.mktemp("formats")
    names = [name for name in formats(registry) if name not in TRANSLATED]
    cells = opened(every(registry, names, folder), folder)
    documented = BETWEEN.search(text := PAGE.read_text("utf-8"))
    assert documented is not None
    written = documented[1] + said(cells, names) + documented[2]
    if os.environ.get("WRITE_DOCS"):
        PAGE.write_text(text.replace(documented[0], written), "utf-8")
    else:
        assert documented[0] == written, "WRITE_DOCS=1 writes the table anew"


@pytest.mark.long
def test_every_trainer_that_says_itself_in_onnx_does_so_to_torch(tmp_path_factory: pytest.TempPathFactory) -> None:
    registry, folder = load_registry(), tmp_path_factory.mktemp("translated")
    cells = opened(every(registry, ["onnx", *TRANSLATED], folder), folder)
    held = {(cell.trainer, cell.packager) for cell in cells if cell.folder}
    wanting = {
        trainer for trainer, name in held if name == "onnx" and not {(trainer, one) for one in TRANSLATED} <= held
    }
    assert wanting == {"svm"}


def formats(registry: Registry) -> list[str]:
    """Return the packagers that hold a pipeline themselves."""
    names = [name for name in registry.names("packager") if name not in APART]
    return [name for name in names if not issubclass(packager_of(registry, name), AroundPackager)]


def every(registry: Registry, names: list[str], folder: Path) -> list[Cell]:
    """Return the cells of every trainer in some formats."""
    plain = [{"component": name, **TOLERANT.get(name, {})} for name in names]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOKLINE_HOME", str(folder / "home"))
        trainers = [name for name in registry.names("trainer") if name not in APART]
        return [cell for trainer in trainers for cell in made(registry, trainer, plain)]


@pytest.mark.parametrize("trainers", [FEW, pytest.param(None, marks=pytest.mark.long)], ids=["few", "all"])
def test_formats_around_another_take_what_that_one_does(trainers: tuple[str, ...] | None, tmp_path: Path) -> None:
    registry = load_registry()
    around = [cls for cls in registry.classes("packager") if issubclass(cls, AroundPackager)]
    cells = []
    for trainer in trainers or [name for name in registry.names("trainer") if name not in APART]:
        inner = "onnx" if made(registry, trainer, [{"component": "onnx"}])[0].folder else "pickle"
        chosen = [{"component": cls.name, "holds": {"component": inner}} for cls in around]
        cells += made(registry, trainer, chosen)
    assert [cell for cell in cells if cell.folder]
    # Of a pickle there is nothing that answers alone, which some platforms want.
    refused = {cell.refused for cell in cells if not cell.folder}
    assert all("needs hookline to answer" in why for why in refused), refused
    opened(cells, tmp_path)


def packager_of(registry: Registry, name: str) -> type[Any]:
    return next(cls for cls in registry.classes("packager") if cls.name == name)


def made(registry: Registry, trainer: str, packagers: list[dict[str, Any]]) -> list[Cell]:
    """Return a cell for each packager: of one run where no packager refuses, else of a run for each."""
    cls = next(cls for cls in registry.classes("trainer") if cls.name == trainer)
    known = {field.name for field in dataclasses.fields(cls)}
    fields = {name: value for name, value in SMALL.items() if name in known} | NEEDED.get(trainer, {})
    config = {
        "source": table().drop("above" if "binary" not in cls.tasks else "amount"),
        "target": "amount" if "binary" not in cls.tasks else "above",
        "transform": ["impute"],
        "trainer": {"component": trainer, **fields},
        "name": trainer,
        "evaluator": [],
        "monitor": [],
        "deployer": None,
    }
    names = [one["component"] for one in packagers]
    try:
        run = hl.run(packager=packagers, **config)
    except HooklineError as error:
        if len(packagers) > 1:
            return [cell for one in packagers for cell in made(registry, trainer, [one])]
        return [Cell(trainer, names[0], refused=reason(error))]
    return [Cell(trainer, name, run.package(name), run.predictor.predict(asked())) for name in names]


def reason(error: HooklineError) -> str:
    """Say why a packager refused, without which trainer it was asked for."""
    if isinstance(error, ConfigError):
        return error.problems[0].message
    told = str(error).splitlines()[0].removeprefix("error: ")
    if isinstance(error, PlanError):
        return re.sub(r"packager '(\w+)' takes (.*), but trainer '\w+' makes (\w+)", r"`\1` takes \2, not \3", told)
    return told


def asked() -> pl.DataFrame:
    return table().drop("amount", "above").head(40)


def opened(cells: list[Cell], folder: Path) -> list[Cell]:
    """See that a clean process answers by each package, within its certificate; returns the cells with the types trusted."""
    there = [cell for cell in cells if cell.folder]
    asked().write_parquet(folder / "asked.parquet")
    packages = json.dumps([str(cell.folder) for cell in there])
    done = run_python(
        FRESH, packages, str(folder / "asked.parquet"), env=at(folder / "elsewhere") | ALLOWED, timeout=240
    )
    told = {}
    for cell, line in zip(there, done.stdout.splitlines(), strict=True):
        types, values, chances = json.loads(line)
        require_same(cell, values, chances)
        told[cell.folder] = types
    return [dataclasses.replace(cell, trusted=told.get(cell.folder, "")) for cell in cells]


def require_same(cell: Cell, values: list[Any], chances: list[Any] | None) -> None:
    certificate, what = cell.certificate, f"{cell.trainer} in {cell.packager}"
    assert certificate["ok"], what
    tolerance = max(certificate["tolerance"], 1e-6)
    if chances is None:
        spread = float(np.std(cell.expected.values))
        np.testing.assert_allclose(values, cell.expected.values, rtol=tolerance, atol=tolerance * spread, err_msg=what)
        return
    np.testing.assert_allclose(chances, cell.expected.probabilities, atol=tolerance, err_msg=what)
    changed = sum(one != other for one, other in zip(values, cell.expected.values.tolist(), strict=True))
    assert changed <= (certificate["changes_at_most"] or 0) * len(values), what


def said(cells: list[Cell], packagers: list[str]) -> str:
    """Return the table: a row a trainer, a column a packager, and below it why some do not go together."""
    found = {(cell.trainer, cell.packager): cell for cell in cells}
    notes = [*dict.fromkeys(filter(None, (cell.note for cell in cells)))]
    lines = [row("trainer", *(f"`{name}`" for name in packagers)), row(*["---"] * (len(packagers) + 1))]
    for trainer in dict.fromkeys(cell.trainer for cell in cells):
        lines.append(row(f"`{trainer}`", *(word(found[trainer, name], notes) for name in packagers)))
    return "\n".join([*lines, "", *(f"{place}. {note}" for place, note in enumerate(notes, 1))]) + "\n"


def word(cell: Cell, notes: list[str]) -> str:
    return ("yes" if cell.folder else "no") + (f" ({notes.index(cell.note) + 1})" if cell.note else "")


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
