"""Code that a stranger put among a package's evidence, which no version that is made of it takes for its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import hookline as hl
from hookline.packages.owncode.carried import Carried, write_carried
from kit.own_code import ROWS
from kit.packages import reseal


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A package that holds its model, of no code but that of libraries, and rows like those it was trained on."""
    place = tmp_path_factory.mktemp("made")
    rows = place / "rows.csv"
    rows.write_text(ROWS)
    run = hl.run(
        source=str(rows),
        target="kind",
        name="plain",
        trainer="decision_tree",
        packager=["skops"],
        evaluator=[],
        monitor=[],
    )
    return Path(shutil.copytree(run.package(), place / "package")), rows


def test_code_among_a_strangers_evidence_is_no_code_of_what_is_made_of_it(
    made: tuple[Path, Path], tmp_path: Path
) -> None:
    package, rows = Path(shutil.copytree(made[0], tmp_path / "package")), made[1]
    ran, manifest = tmp_path / "ran", json.loads((made[0] / "manifest.json").read_text())
    for place in ("evidence", "evaluators/told", "monitors/told"):
        (package / place).mkdir(parents=True, exist_ok=True)
        text = f"open({str(ran)!r}, 'w').close()\n"
        write_carried(package / place, Carried({"smuggled_in.py": text.encode()}, ("smuggled_in",)))
        added = (package / place / "own_code").iterdir()
        manifest["files"] |= {path.relative_to(package).as_posix(): {} for path in added}
    (package / "manifest.json").write_text(json.dumps(manifest))
    reseal(package)
    theirs: Any = hl.load(package)
    assert not theirs.signed
    again = hl.package(package, "onnx", output=tmp_path / "again", rows=str(rows))
    # What is signed with one's own key may run: nothing of a stranger's may come under it.
    ours: Any = hl.load(again.path)
    assert ours.signed
    assert (again.path / "evidence" / "own_code" / "smuggled_in.py").is_file()
    assert not ran.exists()
