"""The `torchserve` packager: a `.mar` that TorchServe serves, around a package that answers alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge

from hookline import AnswersAlone, Pipeline, Predictor, Trust
from hookline.errors import ExportError, StoreError
from hookline.packages.around import AroundPackager
from hookline.packages.state import StoredPackage

FOLDER, INNER, HANDLER = "torchserve", "model", "hookline_handler.py"
NAME = "model"
ARCHIVE = f"{NAME}.mar"
OWN = ("MAR-INF/MANIFEST.json",)
"""What the archive's own tool adds."""
CONFIG = f"""\
# To be started in this folder: torchserve --start --foreground --ncs --disable-token-auth --ts-config config.properties
inference_address=http://127.0.0.1:8080
management_address=http://127.0.0.1:8081
metrics_address=http://127.0.0.1:8082
model_store=.
load_models={NAME}={ARCHIVE}
install_py_dep_per_model=false
"""
PIECE = 1024 * 1024


class TorchservePackager(AroundPackager):
    """A model that TorchServe serves: `torchserve/model.mar`, with handler, config and requirements, and config.properties.

    It holds a package of a format that answers alone, as `torchscript`, `torch_export` and `onnx` do: raw rows go in as JSON, a
    decision for each comes out, and no hookline is needed there. The archive is made by torch-model-archiver. TorchServe
    itself has been archived by its makers: it gets no security patches, so let none but your own programs reach it.
    """

    name = "torchserve"
    extra = "torchserve"
    workers: Annotated[int, Ge(1)] = 1
    """Processes that answer."""
    batch_size: Annotated[int, Ge(1)] = 1
    """Requests that are answered at once, at most."""
    max_batch_delay: Annotated[int, Ge(0)] = 10
    """Milliseconds that a request waits for others."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return what makes an archive."""
        return ("model_archiver",)

    @classmethod
    def answers_with(cls) -> tuple[str, ...]:
        """Return nothing of its own: the format inside answers."""
        return ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.holds, AnswersAlone):
            raise ValueError(
                f"packager '{self.holds.name}' needs hookline to answer; packager 'torchserve' holds one as torchscript or onnx"
            )

    def inner(self, path: Path) -> Path:
        """Return the folder of what the archive holds."""
        return path / FOLDER / INNER

    def surround(self, pipeline: Pipeline[Any], path: Path) -> None:
        """Write handler, requirements and config, and have the archive made of them and of the model."""
        assert isinstance(self.holds, AnswersAlone)
        folder, inner = path / FOLDER, path / FOLDER / INNER
        module, needs = self.holds.write_alone(pipeline, folder, inner)
        shutil.copyfile(Path(__file__).with_name("handler.py"), folder / HANDLER)
        (inner / "handler.json").write_text(json.dumps({"module": module}), "utf-8")
        lines = [f"{one}=={version(one).partition('+')[0]}" for one in needs]
        (folder / "requirements.txt").write_text("\n".join([*lines, ""]), "utf-8")
        settings = {"minWorkers": self.workers, "maxWorkers": self.workers, "batchSize": self.batch_size}
        # JSON is YAML as well.
        config = json.dumps({**settings, "maxBatchDelay": self.max_batch_delay}, indent=1)
        (folder / "model-config.yaml").write_text(config, "utf-8")
        (folder / "config.properties").write_text(CONFIG, "utf-8")
        _archive(folder, [folder / f"{module}.py", *_files(inner)])

    def load(self, stored: Any, trust: Trust) -> Predictor:
        """Read the model inside; raises StoreError where the archive holds another than lies beside it."""
        assert isinstance(stored, StoredPackage)
        _require_alike(stored.path / FOLDER)
        return super().load(stored, trust)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file())


def _archive(folder: Path, files: list[Path]) -> None:
    """Have torch-model-archiver make the archive; raises ExportError with what it says.

    It runs apart, with a folder for temporary files of its own: there it removes whatever has the model's name.
    """
    words = ["--model-name", NAME, "--version", "1.0", "--handler", HANDLER, "--export-path", "."]
    words += ["--extra-files", ",".join(str(path.relative_to(folder)) for path in files)]
    words += ["--requirements-file", "requirements.txt", "--config-file", "model-config.yaml"]
    with tempfile.TemporaryDirectory() as own:
        done = subprocess.run(  # noqa: S603  the tool itself, by a list of arguments
            [sys.executable, "-m", "model_archiver.model_packaging", *words],
            cwd=folder,
            env={**os.environ, "TMPDIR": own},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode or not (folder / ARCHIVE).is_file():
        told = done.stderr.strip().splitlines() or ["nothing"]
        raise ExportError(f"torch-model-archiver made no archive: {told[-1]}")
    _require_alike(folder)


def _require_alike(folder: Path) -> None:
    """Raise StoreError where an archive does not hold the files beside it, byte by byte, and nothing else."""
    path = folder / ARCHIVE
    files = {one.name: one for one in (*_files(folder), *_files(folder / INNER))}
    wanted = {name: one for name, one in files.items() if name not in (ARCHIVE, "config.properties")}
    try:
        with zipfile.ZipFile(path) as archive:
            parts = [part for part in archive.infolist() if part.filename not in OWN and not part.is_dir()]
            if sorted(part.filename for part in parts) != sorted(wanted):
                raise StoreError(f"{path} holds other files than lie beside it")
            for part in parts:
                if not _is_same(archive, part, wanted[part.filename]):
                    raise StoreError(f"{path} holds another {part.filename} than lies beside it")
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, OSError) as error:
        # RuntimeError: of what is encrypted, or packed in a way that nobody here knows.
        raise StoreError(f"{path} is damaged: {error}") from error


def _is_same(archive: zipfile.ZipFile, part: zipfile.ZipInfo, path: Path) -> bool:
    """Compare no more than the file beside it holds, whatever the archive says of sizes."""
    with archive.open(part) as one, path.open("rb") as other:
        while block := other.read(PIECE):
            if one.read(len(block)) != block:
                return False
        return not one.read(1)
