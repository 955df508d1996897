"""The `bentoml` packager: a folder that BentoML builds a Bento from, and serves, around a package that answers alone."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from string import Template
from typing import Any

from hookline import AnswersAlone, Pipeline
from hookline.packages.around import AroundPackager

FOLDER, INNER = "bento", "model"
LEAST = "1.4.39"
"""The BentoML that the service is written for: the first with what it uses, and known to work."""
SERVICE = Template('''\
"""Answers raw rows: POST /predict with {"rows": [{...}, ...]}."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bentoml
import pandas as pd

from $module import Answers


@bentoml.service(name=$name)
class Model:
    """The model as it was evaluated, decisions included."""

    def __init__(self) -> None:
        self.answers = Answers(Path(__file__).parent / "$inner")

    @bentoml.api
    def predict(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return an answer a row: `prediction`, and `probability_<class>` for each class."""
        answers: list[dict[str, Any]] = self.answers.predict(pd.DataFrame(rows)).to_dict(orient="records")
        return answers
''')


class BentomlPackager(AroundPackager):
    """A model that BentoML builds and serves: `bento/`, with service.py, bentofile.yaml and requirements.

    It holds a package of a format that answers alone, as `onnx` does: raw rows go in, and no hookline is needed there.
    `bentoml serve` and `bentoml build` are run in `bento/`; writing it needs no BentoML.
    """

    name = "bentoml"
    extra = "onnx"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.holds, AnswersAlone):
            raise ValueError(
                f"packager '{self.holds.name}' needs hookline to answer; packager 'bentoml' holds one as onnx"
            )

    def inner(self, path: Path) -> Path:
        """Return the folder that the service reads."""
        return path / FOLDER / INNER

    def surround(self, pipeline: Pipeline[Any], path: Path) -> None:
        """Write the service, and what a Bento of it is to hold."""
        assert isinstance(self.holds, AnswersAlone)
        folder = path / FOLDER
        module, needs = self.holds.write_alone(pipeline, folder, folder / INNER)
        name = "model"
        service = SERVICE.substitute(module=module, name=json.dumps(name), inner=INNER)
        (folder / "service.py").write_text(service, "utf-8")
        lines = [f"bentoml>={LEAST}", *(f"{one}=={_released(one)}" for one in needs)]
        (folder / "requirements.txt").write_text("\n".join([*lines, ""]), "utf-8")
        facts = {
            "service": "service:Model",
            "include": ["service.py", f"{module}.py", f"{INNER}/*"],
            "python": {"requirements_txt": "requirements.txt"},
        }
        # JSON is YAML as well.
        (folder / "bentofile.yaml").write_text(json.dumps(facts, indent=1), "utf-8")


def _released(name: str) -> str:
    """Return a distribution's version without what says how this one was built, as in 2.13.0+cpu: an index may lack it."""
    return version(name).partition("+")[0]
