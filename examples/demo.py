"""The demo: one run through all eight kinds of component, then the model answers over HTTP and is watched for drift."""

from __future__ import annotations

import csv
import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

HOOKLINE = str(Path(sys.executable).with_name("hookline"))


def main() -> None:
    step("Raw data to a deployed model, with a report")
    run("run", "experiment=breast_cancer")
    step("The model answers over HTTP")
    with served("breast_cancer") as url:
        example = get(f"{url}/example")
        print(f"$ curl {url}/predict --json '{json.dumps(example)[:60]}...'")
        print(json.dumps(post(f"{url}/predict", example), indent=2))
    step("New rows are compared with what the model was trained on")
    with tempfile.TemporaryDirectory() as folder:
        rows = later_rows(Path(folder) / "later.csv")
        run("monitor", "run", "breast_cancer", str(rows))
    step("What there is now")
    run("models", "list")
    run("runs", "list")
    print("\nNext: hookline components list, hookline plan trainer=random_forest, and docs/getting-started.md.")


def step(title: str) -> None:
    print(f"\n=== {title}", flush=True)


def run(*arguments: str) -> None:
    print(f"$ hookline {shlex.join(arguments)}", flush=True)
    subprocess.run([HOOKLINE, *arguments], check=True)


@contextmanager
def served(model: str) -> Iterator[str]:
    """Start a server on a free port, and stop it afterwards."""
    print(f"$ hookline serve {model} --port 0", flush=True)
    server = subprocess.Popen([HOOKLINE, "serve", model, "--port", "0"], stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    try:
        for line in server.stderr:
            if "answers at" in line:
                yield line.split()[-1]
                break
        else:
            sys.exit("the server did not start")
    finally:
        server.terminate()
        server.wait()


def get(url: str) -> object:
    with urlopen(url) as answer:
        return json.load(answer)


def post(url: str, body: object) -> object:
    with urlopen(Request(url, json.dumps(body).encode(), {"content-type": "application/json"})) as answer:
        return json.load(answer)


def later_rows(path: Path) -> Path:
    """Write the data once more as if measured by another device: one column reads 15 % higher."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    names = [name.replace(" ", "_") for name in data.feature_names]
    shifted = names.index("mean_radius")
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for row in data.data.tolist():
            row[shifted] *= 1.15
            writer.writerow(row)
    return path


if __name__ == "__main__":
    main()
