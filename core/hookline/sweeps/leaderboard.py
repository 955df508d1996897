"""The outcome of a sweep as one table: only what varied, mean and interval over repeats, cost, failures with their cause."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.kinds.reports import HEADLINES
from hookline.registry.cells import cell
from hookline.workspace.home import run_id_of

from .ledger import ENDED, JobRecord, SweepRecord

if TYPE_CHECKING:
    import polars as pl


COSTS = ("seconds", "peak_memory_mib")
"""What a row has beside metrics, and less is better of."""
IN_SETS = "features."
"""Stands before what is varied within feature sets."""


@dataclass(frozen=True, repr=False)
class Leaderboard:
    """Trials, the best first; then those that were pruned, and those that failed last.

    rows: trial, what varied, `<metric>` and `<metric>_low`/`_high` (95 % interval of the mean over repeats), jobs,
    seconds (mean), peak_memory_mib (largest), status, pruned_at, error, path (of the trial's first job)
    """

    sweep: str
    metric: str | None
    varied: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]
    others: tuple[str, ...] = ()
    """Metrics that were searched for besides; then `front` says of a row that no other is better in one and as good in all."""
    ties: tuple[int, ...] = ()
    """Trials that nothing tells from the best, as far as they were compared with it."""
    verdict: str = ""
    """What the first place is worth, in a sentence; nothing where there is nobody to compare with."""

    @property
    def best(self) -> str | None:
        """The run of the first place, of its repeats or folds the first; None where no trial finished."""
        first = next((row for row in self.rows if row["status"] == "finished" and row["path"]), None)
        return None if first is None else run_id_of(Path(first["path"]))

    @property
    def register(self) -> str | None:
        """The command that makes the best a version of its model; jobs of a sweep are not deployed."""
        return None if self.best is None else f"hookline models register {self.best}"

    def plain(self) -> dict[str, Any]:
        """Return all of it as JSON values, each row with the id of its run."""
        rows = [{**row, "run": run_id_of(Path(row["path"])) if row["path"] else None} for row in self.rows]
        facts: dict[str, Any] = {"sweep": self.sweep, "metric": self.metric, "varied": self.varied, "rows": rows}
        facts |= {"others": self.others, "ties": self.ties, "verdict": self.verdict, "best": self.best}
        plain: dict[str, Any] = json.loads(json.dumps(facts | {"register": self.register}, default=str))
        return plain

    def frame(self) -> pl.DataFrame:
        """Return the rows as a polars frame."""
        import polars as pl

        return pl.DataFrame([dict(row) for row in self.rows], infer_schema_length=None, strict=False)

    def columns(self) -> list[str]:
        """Return the columns that a terminal has room for."""
        several = self.metric not in COSTS and any(row["jobs"] > 1 for row in self.rows)
        interval = [f"{self.metric}_low", f"{self.metric}_high"] if several else []
        front = [*(name for name in self.others if name not in COSTS), "front"] if self.others else []
        shown = [*self.varied, *([self.metric] if self.metric else []), *interval, *front]
        why = [name for name in ("pruned_at", "error") if any(row[name] for row in self.rows)]
        return [*dict.fromkeys(["rank", *shown, *COSTS, "status", *why])]

    def __repr__(self) -> str:
        shown = self.frame().select([name for name in self.columns() if any(name in row for row in self.rows)])
        return "\n".join(filter(None, (f"sweep {self.sweep}: {self.verdict}".rstrip(": "), str(shown))))

    def _repr_html_(self) -> str:
        return cell("leaderboard", self.plain(), self._plain_html())

    def _plain_html(self) -> str:
        return f"<h4>sweep {escape(self.sweep)}</h4><p>{escape(self.verdict)}</p>{self.frame()._repr_html_()}"


def leaderboard(
    sweep: SweepRecord, jobs: Sequence[JobRecord], metric: str | None = None, others: Sequence[str] = ()
) -> Leaderboard:
    """Rank the trials of a sweep by a metric; by default the first that it searched for, or the one that heads the report.

    others: metrics, or `seconds` and `peak_memory_mib`, by which the rows are marked that no other beats in one and equals in all
    """
    trials: dict[int, list[JobRecord]] = {}
    for job in jobs:
        trials.setdefault(job.trial, []).append(job)
    searched: list[str] = list(sweep.settings.get("metrics", ()))
    metric = metric or next(iter(searched), None) or headline_metric(jobs)
    if others and metric is not None:
        searched = list(dict.fromkeys([metric, *others]))
    flat = {trial: _told(some[0].config) for trial, some in trials.items()}
    # What is in a feature set that some trials have and others have not is told by its name alone.
    varied = [
        key
        for key in _varied(list(flat.values()))
        if not key.startswith(IN_SETS) or all(key in one for one in flat.values())
    ]
    rows = [_row(trial, some, {key: flat[trial].get(key) for key in varied}) for trial, some in trials.items()]
    if "trainer" in varied:
        _tell_choices(rows)
    if len(searched) > 1:
        _mark_front(rows, searched, jobs)
    ranked = sorted(rows, key=lambda row: _order(row, metric, jobs))
    besides = tuple(name for name in searched if name != metric) if len(searched) > 1 else ()
    return Leaderboard(
        sweep.id, metric, tuple(varied), tuple({"rank": rank, **row} for rank, row in enumerate(ranked, 1)), besides
    )


def headline_metric(jobs: Sequence[JobRecord]) -> str | None:
    """Return the metric that trials are ranked by: the first of those that head a report, else the first there is."""
    measured = [name for job in jobs for name in job.metrics]
    return next((name for name in HEADLINES if name in measured), measured[0] if measured else None)


def headline(jobs: Sequence[JobRecord]) -> float | None:
    """Return the mean of that metric over the jobs of a trial."""
    name = headline_metric(jobs)
    values = [float(job.metrics[name][0]) for job in jobs if name in job.metrics] if name else []
    return _mean(values) if values else None


def _row(trial: int, jobs: Sequence[JobRecord], varied: Mapping[str, Any]) -> dict[str, Any]:
    done = [job for job in jobs if job.status == "finished"]
    row: dict[str, Any] = {"trial": trial, **{key: _cell(value) for key, value in varied.items()}}
    for name in dict.fromkeys(name for job in done for name in job.metrics):
        values = [float(job.metrics[name][0]) for job in done if name in job.metrics]
        row[name] = _mean(values)
        row[f"{name}_low"], row[f"{name}_high"] = interval(values)
    failed = next((job for job in jobs if job.status not in ENDED), None)
    pruned = next((job for job in jobs if job.status == "pruned"), None)
    return row | {
        "jobs": len(jobs),
        **{name: cost_of(name, jobs) for name in COSTS},
        "status": failed.status if failed else "pruned" if pruned else "finished",
        "pruned_at": pruned.error if pruned else "",
        "error": f"#{failed.number}: {failed.error.splitlines()[0]}" if failed and failed.error else "",
        "path": next((job.path for job in done), ""),
    }


def cost_of(name: str, jobs: Sequence[JobRecord]) -> float:
    """Return what a trial cost by its jobs: their mean `seconds`, or the largest `peak_memory_mib`."""
    if name == "seconds":
        return round(statistics.fmean(job.seconds for job in jobs), 3)
    return round(max(job.peak_memory for job in jobs) / 1024**2, 1)


def _tell_choices(rows: Sequence[dict[str, Any]]) -> None:
    """Say of trainers that choose another one which that was, as in `auto: ridge`."""
    steady: set[str] = set()
    for row in rows:
        name = row["trainer"]
        if row["path"] and name not in steady:
            chosen = _chosen(Path(row["path"]))
            # One that chose nothing once never does, and its other runs need not be read.
            steady.update(() if chosen else (name,))
            row["trainer"] = f"{name}: {chosen}" if chosen else name


def _chosen(folder: Path) -> str | None:
    """Return what the trainer of a run chose; None where it chose nothing, or the run is gone or damaged."""
    try:
        evidence = json.loads((folder / "evidence.json").read_text("utf-8"))
        chosen = next((stage.get("chosen") for stage in evidence["plan"] if stage["kind"] == "trainer"), None)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        # The board ranks by what the ledger holds, and is whole without this word.
        return None
    return chosen if isinstance(chosen, str) else None


def interval(values: Sequence[float]) -> tuple[float | None, float | None]:
    """Return the 95 % interval of a mean by Student's t; None for both of fewer than three values, or one not finite.

    Of two values it would be 13 standard errors wide to each side, which says nothing.
    """
    if len(values) < 3 or not all(map(math.isfinite, values)):
        return None, None
    half = t95(len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    return statistics.fmean(values) - half, statistics.fmean(values) + half


def _mean(values: Sequence[float]) -> float:
    # `fmean` refuses infinities of both signs, whose mean is not a number.
    return statistics.fmean(values) if all(map(math.isfinite, values)) else sum(values) / len(values)


def t95(freedom: int) -> float:
    """Return the 0.975 quantile of Student's t."""
    from scipy.stats import t

    return float(t.ppf(0.975, freedom))


def _order(row: Mapping[str, Any], metric: str | None, jobs: Sequence[JobRecord]) -> tuple[int, float, int]:
    value = _loss(row, metric, jobs)
    missing = math.isnan(value)
    place = ENDED.index(row["status"]) if row["status"] in ENDED else len(ENDED)
    return max(place, int(missing)), 0.0 if missing else value, int(row["trial"])


def _loss(row: Mapping[str, Any], metric: str | None, jobs: Sequence[JobRecord]) -> float:
    """Return a row's metric so that less is better; not a number where it has none."""
    if metric is None or metric not in row:
        return math.nan
    greater = next((job.metrics[metric][1] for job in jobs if metric in job.metrics), metric not in COSTS)
    return -float(row[metric]) if greater else float(row[metric])


def _mark_front(rows: Sequence[dict[str, Any]], metrics: Sequence[str], jobs: Sequence[JobRecord]) -> None:
    """Say of each row whether it is on the Pareto front of the rows that finished."""
    losses = [[_loss(row, metric, jobs) for metric in metrics] for row in rows]
    done = [
        loss
        for row, loss in zip(rows, losses, strict=True)
        if row["status"] == "finished" and not any(map(math.isnan, loss))
    ]
    for row, mine in zip(rows, losses, strict=True):
        beaten = any(loss != mine and all(a <= b for a, b in zip(loss, mine, strict=True)) for loss in done)
        row["front"] = mine in done and not beaten


def _varied(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the keys that differ; a component's field counts only among jobs that chose the same component."""
    keys = dict.fromkeys(key for config in configs for key in config)
    varied = [key for key in keys if _differs(key, configs)]
    # Components take the run's seed, and would say the same again.
    return [key for key in varied if not (key.endswith(".seed") and "seed" in varied)]


def _differs(key: str, configs: Sequence[Mapping[str, Any]]) -> bool:
    owner = key.rpartition(".")[0]
    groups: dict[Any, set[str]] = {}
    for config in configs:
        groups.setdefault(config.get(owner), set()).add(repr(config.get(key)))
    return any(len(values) > 1 for values in groups.values())


def _told(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config flat: which feature sets it has, and of each only what they mean."""
    sets = config.get("features")
    if not isinstance(sets, Mapping):
        return _flat(config)
    meant = {name: {part: one.get(part) for part in ("definitions", "joins")} for name, one in sets.items()}
    return {**_flat({**config, "features": ", ".join(sets)}), **_flat(meant, IN_SETS)}


def _flat(config: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in config.items():
        name = before.rstrip(".") if key == "component" and before else f"{before}{key}"
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{before}{key}.")
        else:
            flat[name] = value
    return flat


def _cell(value: Any) -> Any:
    return value if isinstance(value, (int, float, str, bool)) or value is None else str(value)
