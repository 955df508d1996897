"""Artifacts as files: plain data as JSON, matrices as memory-mappable arrays, frames as Arrow IPC."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.kinds.artifacts import Feature, Features, Target
from hookline.kinds.fitted import Model
from hookline.kinds.plain import from_json, to_json
from hookline.kinds.reports import Report

if TYPE_CHECKING:
    import numpy as np


STATE = "state.json"


def write(value: Any, folder: Path) -> None:
    """Write an artifact into an empty folder."""
    writer, _ = _how(type(value))
    writer(value, folder)


def read(cls: Any, folder: Path) -> Any:
    """Read an artifact of a class back from its folder."""
    _, reader = _how(cls)
    return reader(cls, folder)


def _how(cls: Any) -> tuple[Callable[[Any, Path], None], Callable[[Any, Path], Any]]:
    for known, how in FORMATS:
        if isinstance(cls, type) and issubclass(cls, known):
            return how
    return _write_state, _read_state


def _write_state(value: Any, folder: Path) -> None:
    (folder / STATE).write_text(json.dumps(to_json(value)), "utf-8")


def _read_state(cls: Any, folder: Path) -> Any:
    return from_json(cls, json.loads((folder / STATE).read_text("utf-8")))


def _write_report(report: Report, folder: Path) -> None:
    _write_state(report, folder)
    for name, content in report.files.items():
        path = folder / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _read_report(cls: type[Report], folder: Path) -> Report:
    from dataclasses import replace

    report: Report = _read_state(cls, folder)
    files = folder / "files"
    found = {p.relative_to(files).as_posix(): p.read_bytes() for p in sorted(files.rglob("*")) if p.is_file()}
    return replace(report, files=found)


def _write_pair(pair: tuple[Features, Features | None], folder: Path) -> None:
    for name, features in zip(("train", "valid"), pair, strict=True):
        if features is not None:
            (folder / name).mkdir()
            _write_features(features, folder / name)


def _read_pair(cls: Any, folder: Path) -> tuple[Features, Features | None]:
    valid = folder / "valid"
    return _read_features(Features, folder / "train"), _read_features(Features, valid) if valid.is_dir() else None


def _write_features(features: Features, folder: Path) -> None:
    import numpy as np

    if hasattr(features.X, "indptr"):
        for part in ("data", "indices", "indptr"):
            np.save(folder / f"X.{part}.npy", getattr(features.X, part))
    else:
        np.save(folder / "X.npy", np.ascontiguousarray(features.X))
    for name in ("y", "row_ids", "sample_weight"):
        array = getattr(features, name)
        if array is not None:
            np.save(folder / f"{name}.npy", _no_objects(array), allow_pickle=False)
    facts = {
        "shape": list(features.shape),
        "features": [to_json(feature) for feature in features.features],
        "target": None if features.target is None else to_json(features.target),
    }
    (folder / STATE).write_text(json.dumps(facts), "utf-8")


def _read_features(cls: type[Features], folder: Path) -> Features:
    facts = json.loads((folder / STATE).read_text("utf-8"))
    arrays = {name: _array(folder / f"{name}.npy") for name in ("y", "row_ids", "sample_weight")}
    return cls(
        _matrix(folder, tuple(facts["shape"])),
        tuple(from_json(Feature, feature) for feature in facts["features"]),
        target=None if facts["target"] is None else from_json(Target, facts["target"]),
        **arrays,
    )


def _matrix(folder: Path, shape: tuple[int, ...]) -> Any:
    dense = _array(folder / "X.npy")
    if dense is not None:
        return dense
    from scipy.sparse import csr_matrix

    return csr_matrix(
        tuple(_array(folder / f"X.{part}.npy") for part in ("data", "indices", "indptr")), shape=shape, copy=False
    )


def _array(path: Path) -> np.ndarray | None:
    import numpy as np

    if not path.is_file():
        return None
    # An empty file cannot be memory-mapped.
    array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False).view(np.ndarray)
    return array


def _no_objects(array: np.ndarray) -> np.ndarray:
    import numpy as np

    return array.astype(np.str_) if array.dtype == object else array


def _write_model(model: Model, folder: Path) -> None:
    model.save(folder)


def _read_model(cls: type[Model], folder: Path) -> Model:
    return cls.load(folder)


FORMATS: tuple[tuple[type, tuple[Callable[[Any, Path], None], Callable[[Any, Path], Any]]], ...] = (
    (Report, (_write_report, _read_report)),
    (Features, (_write_features, _read_features)),
    (Model, (_write_model, _read_model)),
    (tuple, (_write_pair, _read_pair)),
)
"""Artifact class -> how it is written and read; all else is plain data."""
