"""How long imports, `--help`, loading plugins, completion and a server's first answer take; and what 30 installed plugins add."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from measure import HOOKLINE, best, run, show

PLUGIN = """
from hookline import Features, SklearnModel, Trainer, hookimpl

class T(Trainer):
    "A trainer."
    name = "extra{number}.t"

    def fit(self, train: Features, valid: Features | None) -> SklearnModel:
        raise NotImplementedError

@hookimpl
def register_trainers():
    return [T]
"""
FIRST = """
import re, subprocess, sys, urllib.request
command = [sys.argv[1], "serve", sys.argv[2], "--port", "0", "--no-log"]
with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
    url = next(found[1] for line in process.stderr if (found := re.search("answers at (.+)", line)))
    row = urllib.request.urlopen(url + "/example").read()
    urllib.request.urlopen(urllib.request.Request(url + "/predict", row)).read()
    process.kill()
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for number in range(30):
            (Path(folder) / f"extra{number}.py").write_text(PLUGIN.replace("{number}", str(number)))
            info = Path(folder) / f"hookline_extra{number}-1.0.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: hookline-extra{number}\nVersion: 1.0\n")
            (info / "entry_points.txt").write_text(f"[hookline]\nextra{number} = extra{number}\n")
        env = {"HOOKLINE_HOME": f"{folder}/home"}
        load = "from hookline.registry.registry import load_registry; load_registry()"
        commands = {
            "python -c pass": ([sys.executable, "-c", "pass"], env),
            "import hookline": ([sys.executable, "-c", "import hookline"], env),
            "hookline --help": ([HOOKLINE, "--help"], env),
            "load plugins": ([sys.executable, "-c", load], env),
            "load plugins, 30 more": ([sys.executable, "-c", load], env | {"PYTHONPATH": folder}),
            "complete a trainer's name": (
                [HOOKLINE, "completion", "--complete", "bash", "1", "hookline", "trainer="],
                env,
            ),
        }
        run([HOOKLINE, "run", "source=iris", "trainer=logistic_regression", "packager=[onnx]", "name=first"], env)
        package = next(Path(folder).glob("home/models/first/*"))
        commands["serve an ONNX package, first answer"] = ([sys.executable, "-c", FIRST, HOOKLINE, str(package)], env)
        shown = []
        for name, (command, environment) in commands.items():
            run(command, environment)
            shown.append([name, best([run(command, environment) for _ in range(10)]).seconds])
    show(shown, ["what", "seconds"])


if __name__ == "__main__":
    main()
