"""Each verb's options, arguments and actions, as its own parser has them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import ArgumentParser


def verb_specs() -> dict[str, Any]:
    """Return each verb's options, arguments and actions, as its own parser has them."""
    from .. import VERBS

    return {verb: {"help": text, **(RUN if verb == "run" else _verb(verb))} for verb, text in VERBS.items()}


def _verb(verb: str) -> dict[str, Any]:
    from .. import module_of
    from ..output import Parser

    def seen(made: Parser, *_: Any) -> Any:
        raise _Seen(made)

    ordinary = Parser.parse_known_args
    # A verb makes its parser and asks it at once; asked this way, it shows itself instead of parsing.
    setattr(Parser, "parse_known_args", seen)  # noqa: B010  type checkers refuse the plain assignment
    try:
        module_of(verb).main(["--help"])
    except _Seen as found:
        return _spec(found.parser)
    except (Exception, SystemExit):  # noqa: BLE001  a verb that cannot be asked has no options here
        return _NOTHING
    finally:
        setattr(Parser, "parse_known_args", ordinary)  # noqa: B010
    return _NOTHING


class _Seen(Exception):
    """Carries a verb's parser out of its `main`."""

    def __init__(self, parser: ArgumentParser) -> None:
        super().__init__()
        self.parser = parser


def _spec(parser: ArgumentParser) -> dict[str, Any]:
    import argparse

    spec: dict[str, Any] = {"options": {}, "places": [], "actions": {}}
    for action in parser._actions:  # noqa: SLF001  argparse tells of its arguments in no other way
        if action.help == argparse.SUPPRESS:
            continue
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}  # noqa: SLF001
            spec["actions"] = {
                name: {"help": helps.get(name, ""), **_spec(inner)} for name, inner in action.choices.items()
            }
            if (usual := parser.get_default(action.dest)) in spec["actions"]:
                # Meant where no action is said, so its options may stand without it.
                spec["usual"] = usual
                spec["options"] |= spec["actions"][usual]["options"]
        elif action.option_strings:
            option = _argument(action) | {"takes": action.nargs != 0, "repeats": action.nargs != 0}
            spec["options"] |= dict.fromkeys(action.option_strings, option)
        else:
            spec["places"].append(_argument(action) | {"many": action.nargs in ("*", "+")})
    return spec


def _argument(action: Any) -> dict[str, Any]:
    choices = [str(choice) for choice in action.choices or ()]
    return {"name": action.dest, "help": action.help or "", "choices": choices, "path": action.type is Path}


def _flag(name: str, text: str, *choices: str, takes: bool = False) -> dict[str, Any]:
    return {
        "name": name,
        "help": text,
        "choices": choices,
        "path": name == "config_dir",
        "takes": takes or bool(choices),
    }


_NOTHING: dict[str, Any] = {"options": {}, "places": [], "actions": {}}
RUN: dict[str, Any] = {
    "options": {
        "--help": _flag("help", "show help"),
        "--json": _flag("json", "print the evidence of the run"),
        "--profile": _flag("profile", "show where time and memory went"),
        "-m": _flag("multirun", "a sweep"),
        "--multirun": _flag("multirun", "a sweep"),
        "--cfg": _flag("cfg", "print the composed config", "job", "hydra", "all"),
        "--info": _flag(
            "info", "what Hydra did", "all", "config", "defaults", "defaults-tree", "plugins", "searchpath"
        ),
        "--resolve": _flag("resolve", "resolve references in the printed config"),
        "--package": _flag("package", "the part of the config to print", takes=True),
        "-cd": _flag("config_dir", "a folder with configs of yours", takes=True),
        "--config-dir": _flag("config_dir", "a folder with configs of yours", takes=True),
    },
    "places": [{"name": "overrides", "help": "Hydra overrides", "choices": [], "path": False, "many": True}],
    "actions": {},
}
"""What `hookline run` takes: Hydra parses its command line, and has no parser that could be asked."""
