"""`hookline plan`: what a run would do, and why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hookline.plans.config import resolve
from hookline.plans.explain import explain
from hookline.plans.hydra.compose import compose
from hookline.plans.hydra.shorthand import read_in
from hookline.plans.plan import Plan, Stage
from hookline.registry.ports import ports, type_text
from hookline.registry.registry import load_registry
from hookline.runs.sequence import plan_run
from hookline.workspace.workspace import Workspace, open_workspace

from ..output import parser, print_json, print_rows, say


def main(argv: Sequence[str]) -> int:
    """Show the stages of a plan: types, what is cached, and why the rest must run."""
    options = parser("plan", "Show the stages of a run, what is cached, and why the rest must run.", json_too=True)
    options.add_argument("overrides", nargs="*", help="Hydra overrides, as for `hookline run`")
    options.add_argument("--config-dir", type=Path, help="a folder with configs of yours")
    given = options.parse_args(argv)
    registry = load_registry()
    plan = plan_run(registry, resolve(registry, compose(registry, read_in(given.overrides), given.config_dir)))
    rows = describe(plan, open_workspace())
    if given.json:
        print_json(rows)
        return 0
    print_rows(rows, ("stage", "component", "takes", "makes", "status", "why"), empty="no stages")
    count = sum(row["status"] == "run" for row in rows)
    say(f"{count} of {len(rows)} stages must run")
    return 0


def describe(plan: Plan, workspace: Workspace) -> list[dict[str, Any]]:
    """Return one row a stage of a plan."""
    held = {s.key for s in plan.stages if s.persisted and workspace.store.has(s.fingerprint)}
    rows = []
    for stage in plan.stages:
        status = plan.needed(held)[stage.key]
        before = workspace.catalog.runs.last_stage(stage.key, plan.config.name) if status == "run" else None
        rows.append(
            {
                "stage": stage.key,
                "component": stage.name,
                "takes": _takes(plan, stage),
                "makes": type_text(stage.makes),
                "status": status,
                "why": explain(stage, before.parts if before else None) if status == "run" else "",
                "fingerprint": stage.fingerprint,
                "inputs": list(stage.inputs),
            }
        )
    return rows


def _takes(plan: Plan, stage: Stage) -> list[str]:
    """Return the types of a component's ports, or of what a stage of the core reads."""
    if stage.component is not None:
        return list(map(type_text, ports(type(stage.component)).takes.values()))
    return [type_text(plan[key].makes) for key in stage.inputs]
