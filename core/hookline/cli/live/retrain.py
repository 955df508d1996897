"""`hookline retrain`: a model trained again on rows whose truth came since, and released if it is better on later ones."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hookline.errors import UsageError
from hookline.live.learning.acting import look, retrain, retrain_state, retrainings, stop_retraining, watch_retraining
from hookline.live.learning.plain import plain_look, plain_retraining, plain_state
from hookline.live.learning.retrainer import Look
from hookline.live.log.times import span_of
from hookline.workspace.catalog.retrainings import Retraining

from ..options import add_trust, positive, trust_of
from ..output import add_json, parser, print_json, print_rows, say, tell

NOW = "now"
COLUMNS = ("retraining", "status", "policy", "champion", "version", "began", "opened by", "told")
TRIAL = "`hookline retrain watch {0}` tests it as labels come, and releases it once it is better"


def main(argv: Sequence[str]) -> int:
    """Retrain a model now, watch for what opens a retraining, or say how it stands."""
    options = _options()
    words, overrides = _apart(argv)
    is_act = bool(words) and (words[0] in ACTS or words[0].startswith("-"))
    given = options.parse_args(words if is_act else [NOW, *words])
    rules = _rules(given, overrides) if given.action in (NOW, "watch", "status") else {}
    return ACTS[given.action](given, rules)


def _options() -> ArgumentParser:
    text = "Train a model again on rows whose truth came since, test it on later ones, and release it if it is better."
    options = parser("retrain", text)
    options.usage = (
        "hookline retrain MODEL [OPTIONS] [KEY=VALUE ...]\n       hookline retrain watch|status|history|stop MODEL"
    )
    options.epilog = (
        "KEY=VALUE is a rule of the section `retrain` of settings.yaml, for this time: policy=incremental, guards.least=500, "
        "trial.risk=0.01, source.path=new.csv, then=local"
    )
    actions = options.add_subparsers(dest="action", required=True)
    options.set_defaults(action=NOW)
    made = {
        NOW: "retrain a model now, which is meant where no action is said",
        "watch": "look again and again whether a model is to be retrained, and carry on what is under way, until stopped",
        "status": "say what is under way, what would open a retraining now, and what keeps it from that",
        "history": "list retrainings, what opened each, and what became of it",
        "stop": "end the one that is under way; its challenger stays a version",
    }
    added = {name: actions.add_parser(name, help=help_) for name, help_ in made.items()}
    for one in added.values():
        one.add_argument("model", help="a model of the catalog")
        add_json(one)
    for name in (NOW, "watch", "status"):
        added[name].add_argument("--policy", choices=("batch", "incremental", "online"), help="how it learns")
    for name in (NOW, "stop"):
        added[name].add_argument("--why", help="the reason, for others to read")
        added[name].add_argument("--who", help="who says so (default: you on this machine)")
    for name in (NOW, "watch"):
        add_trust(added[name])
    added["watch"].add_argument("--once", action="store_true", help="look once, and end: for a timer")
    added["watch"].add_argument("--look", default="1m", help="how often it looks (default: 1m)")
    added["history"].add_argument("--limit", type=positive, default=20, help="so many, the newest (default: 20)")
    return options


def _apart(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words of a command line without its rules, and the latter."""
    is_rule = [not word.startswith("-") and "=" in word for word in argv]
    # What follows an option, such as a reason, is no rule.
    behind = [False, *(word.startswith("--") and "=" not in word and word not in FLAGS for word in argv)][: len(argv)]
    rules = [rule and not after for rule, after in zip(is_rule, behind, strict=True)]
    told = [word for word, rule in zip(argv, rules, strict=True) if not rule]
    return told, [word for word, rule in zip(argv, rules, strict=True) if rule]


FLAGS = ("--json", "--once", "--allow-pickle", "--signed-only")
"""Options that take no value."""


def _rules(given: Any, overrides: Sequence[str]) -> dict[str, Any]:
    """Return the rules that a command line says, as the file would hold them."""
    rules: dict[str, Any] = {} if given.policy is None else {"policy": given.policy}
    for word in overrides:
        path, _, value = word.partition("=")
        *folders, name = path.removeprefix("retrain.").split(".")
        place = rules
        for folder in folders:
            place = place.setdefault(folder, {})
            if not isinstance(place, dict):
                raise UsageError(f"'{word}': {folder} is said already", hint="say it once")
        place[name] = _value(value)
    return rules


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return [part.strip() for part in text[1:-1].split(",") if part.strip()] if text.startswith("[") else text


def _now(given: Any, rules: Mapping[str, Any]) -> int:
    one = retrain(given.model, why=given.why, who=given.who, rules=rules, trust=trust_of(given))
    if given.json:
        print_json(plain_retraining(one))
    else:
        _show(one)
    return 0 if one.is_under_way or one.status == "promoted" else 3 if one.status == "refused" else 1


def _show(one: Retraining) -> None:
    tell(f"retraining {one.number} ({one.policy}), opened by {one.opened['said']}: {one.status}", flush=True)
    tell(one.told, flush=True)
    for name, said in (("kept", "on rows kept aside"), ("trial", "on later labels")):
        if found := one.figures.get(name):
            figures = f"{found['challenger']:.4g} of v{one.version}, {found['champion']:.4g} of v{one.champion}"
            tell(f"  {said}: {found['loss']} {figures}, {found['rows']:,} rows", flush=True)
    for warning in one.opened.get("warnings") or ():
        say(f"warning: {warning}")
    if one.status == "trial":
        say(TRIAL.format(one.model))


def _watch(given: Any, rules: Mapping[str, Any]) -> int:
    show = (lambda found: print_json(plain_look(found))) if given.json else _Telling()
    if not given.once:
        say(f"watching whether '{given.model}' is to be retrained; stop with Ctrl-C")
        watch_retraining(
            given.model, every=span_of(given.look, "--look"), rules=rules, trust=trust_of(given), tell=show
        )
    found = look(given.model, rules=rules, trust=trust_of(given))
    show(found)
    if not given.json and found.retraining is None and not found.held:
        say(f"nothing to do: no retraining of '{given.model}' is under way, and nothing opens one")
    return 0


class _Telling:
    """Prints what looks came to, each thing once."""

    def __init__(self) -> None:
        self._told: tuple[Any, ...] = ()

    def __call__(self, found: Look) -> None:
        one = found.retraining
        told = (one and (one.number, one.status, one.told), found.held, found.warnings)
        if told == self._told:
            return
        self._told = told
        if one is not None:
            _show(one)
        for why in found.held:
            tell(f"not retrained: {why}", flush=True)


def _status(given: Any, rules: Mapping[str, Any]) -> int:
    state = retrain_state(given.model, rules=rules)
    if given.json:
        print_json(plain_state(state))
        return 0
    tell(f"policy {state.rules.policy}; {state.fresh:,} rows on record have their truth and are new to the champion")
    if state.under_way is not None:
        _show(state.under_way)
    elif state.opens is not None:
        tell(f"to be opened by {state.opens}")
    for why in state.held if state.under_way is None else ():
        tell(f"not retrained: {why}")
    if state.host is None:
        say(f"nobody watches for it; `hookline retrain watch {given.model}` does")
    return 0


def _history(given: Any, rules: Mapping[str, Any]) -> int:
    found = [plain_retraining(one) for one in retrainings(given.model, limit=given.limit)]
    if given.json:
        print_json(found)
        return 0
    rows = [{**one, "retraining": one["number"], "opened by": one["opened"]["said"]} for one in found]
    print_rows(rows, COLUMNS, empty=f"'{given.model}' was never retrained")
    return 0


def _stop(given: Any, rules: Mapping[str, Any]) -> int:
    one = stop_retraining(given.model, given.why, who=given.who)
    if given.json:
        print_json(plain_retraining(one))
    else:
        _show(one)
    return 0


ACTS: Mapping[str, Callable[[Any, Mapping[str, Any]], int]] = {
    NOW: _now,
    "watch": _watch,
    "status": _status,
    "history": _history,
    "stop": _stop,
}
