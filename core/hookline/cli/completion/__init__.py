"""`hookline completion`: prints the script that a shell sources, and answers what the script asks."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.version import __version__

from .answers import Known, answer, choices_in

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from hookline.registry.registry import Registry

ASK = "--complete"
FORMAT = 1
"""Version of the cache's content."""
OPEN_ENDS = ("=", ".", ",", "[", "/")
"""A word that ends so goes on: the shell puts no space behind it."""

BASH = r"""# Tab completion of hookline for bash: eval "$(hookline completion bash)"
_hookline() {
    local program=${1:-hookline} mode= line=
    program=${program/#\~/$HOME}
    COMPREPLY=()
    {
        IFS= read -r mode
        while IFS= read -r line; do COMPREPLY+=("$line"); done
    } < <(COMP_LINE=${COMP_LINE-} COMP_POINT=${COMP_POINT-} COMP_WORDBREAKS=${COMP_WORDBREAKS-} \
        "$program" completion --complete bash "$COMP_CWORD" "${COMP_WORDS[@]}" 2>/dev/null)
    if [[ $mode == nospace ]]; then compopt -o nospace 2>/dev/null; fi
    return 0
}
complete -o nosort -F _hookline hookline 2>/dev/null || complete -F _hookline hookline
"""

ZSH = r"""#compdef hookline
# Tab completion of hookline for zsh: eval "$(hookline completion zsh)", after compinit
_hookline() {
    local line word
    local -a open open_shown closed closed_shown
    for line in "${(@f)$("${(Q)words[1]}" completion --complete zsh $((CURRENT - 1)) \
        "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}"; do
        word=${line%%$'\t'*}
        [[ -z $word ]] && continue
        if [[ $word == *[=.,\[/] ]]; then
            open+=("$word") open_shown+=("${line/$'\t'/  -- }")
        else
            closed+=("$word") closed_shown+=("${line/$'\t'/  -- }")
        fi
    done
    (( $#closed )) && compadd -U -V hookline -l -d closed_shown -a closed
    (( $#open )) && compadd -U -V hookline -l -S '' -d open_shown -a open
    (( $#closed + $#open ))
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _hookline "$@"; else compdef _hookline hookline; fi
"""

FISH = r"""# Tab completion of hookline for fish: hookline completion fish | source
function __hookline
    set -l words (commandline -opc)
    $words[1] completion --complete fish (count $words) $words (commandline -ct) 2>/dev/null
end
complete -c hookline -f -a '(__hookline)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def main(argv: Sequence[str]) -> int:
    """Print a shell's script; with `--complete SHELL CWORD WORDS...`, print what may stand at the cursor."""
    if argv and argv[0] == ASK:
        try:
            _complete(*argv[1:])
        except Exception:  # noqa: BLE001  a person who presses TAB wants no traceback, whatever is broken
            return 0
        return 0
    given = _parser().parse_args(argv)
    sys.stdout.write(SCRIPTS[given.shell])
    return 0


def _parser() -> ArgumentParser:
    from ..output import parser

    options = parser("completion", "Print the script for tab completion, to be sourced by a shell.")
    options.add_argument("shell", choices=tuple(SCRIPTS), help='such as: eval "$(hookline completion bash)"')
    return options


def _complete(shell: str, cword: str, *words: str) -> None:
    """Print the words that may stand at the cursor, one a line; bash also gets a first line, `plain` or `nospace`."""
    if shell == "bash":
        line, breaks = _bash_line(int(cword), words), os.environ.get("COMP_WORDBREAKS", "=:")
        before, current = split(line, breaks)
        found = answer(known(), before[1:], current.text)
        texts = [current.kept(item.text, escape=found.mode == "files") for item in found.items]
        spaced = "nospace" if len(texts) == 1 and texts[0].endswith(OPEN_ENDS) else "plain"
        told = [spaced, *texts]
    else:
        last = words[int(cword)] if int(cword) < len(words) else ""
        current = split(last, "")[1] if shell == "fish" else Current(last)
        found = answer(known(), words[1 : int(cword)], current.text)
        told = [f"{item.text}\t{item.help}" if item.help else item.text for item in found.items]
        # Fish would put a space behind a bracket.
        told = [text.replace("=[\t", "=\t") for text in told] if shell == "fish" else told
    sys.stdout.write("".join(f"{' '.join(text.splitlines())}\n" for text in told))


class Current:
    """The word at the cursor: its text, and from where on the shell replaces it."""

    def __init__(self, text: str, start: int = 0, quote: str = "") -> None:
        self.text = text
        self.start = start
        self.quote = quote

    def kept(self, text: str, *, escape: bool) -> str:
        """Return the part of a whole word that the shell is to put in, escaped where it is a path outside of quotes."""
        rest = text[self.start :]
        special = " \t\"'\\$&;<>|()*?[]{}!`#"
        return "".join(f"\\{c}" if c in special else c for c in rest) if escape and not self.quote else rest


def split(line: str, breaks: str) -> tuple[list[str], Current]:
    """Split a command line up to the cursor as a shell does, quotes taken away; `breaks` divide the last word only."""
    words: list[str] = []
    text, start, quote, inside = "", 0, "", False
    letters = iter(line)
    for letter in letters:
        if quote:
            if letter == quote:
                quote = ""
            elif letter == "\\" and quote == '"':
                text += next(letters, "")
            else:
                text += letter
        elif letter in "\"'":
            quote, start, inside = letter, len(text), True
        elif letter == "\\":
            text, inside = text + next(letters, ""), True
        elif letter.isspace():
            if inside:
                words.append(text)
            text, start, inside = "", 0, False
        else:
            text, inside = text + letter, True
            start = len(text) if letter in breaks else start
    return words, Current(text, start, quote)


def _bash_line(cword: int, words: Sequence[str]) -> str:
    """Return the command line up to the cursor; put together from bash's words where it tells no line."""
    if line := os.environ.get("COMP_LINE"):
        point = int(os.environ.get("COMP_POINT") or len(line.encode()))
        return line.encode()[:point].decode(errors="ignore")
    made, glued = "", True
    for word in words[: cword + 1]:
        # Bash makes words of their own of `=` and `:`.
        alone = bool(word) and set(word) <= set("=:@")
        made += word if glued or alone else f" {word}"
        glued = alone
    return made


def known() -> Known:
    """Return what completion knows: from the cache where nothing that it was made of has changed, else made anew."""
    path = _cache_path()
    held = _read(path)
    if held is None or not _is_fresh(held["stamps"]):
        made = _make()
        if made is not None:
            held = made
            _write(path, held)
    # Whatever an older state of the plugins could do is more use than nothing.
    facts = held["known"] if held else {}
    return Known(home=_home(), **facts)


def _home() -> Path:
    # As in `config`, whose import would cost more than the answer.
    return Path(os.environ.get("HOOKLINE_HOME") or ".hookline").absolute()


def _root() -> Path | None:
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "pyproject.toml").is_file()), None)


def _cache_path() -> Path:
    import hashlib

    named = [os.environ.get(name, "") for name in ("HOOKLINE_PLUGINS", "HOOKLINE_DISABLE", "PYTHONPATH")]
    key = json.dumps([FORMAT, __version__, sys.prefix, str(_root() or Path.cwd()), *named])
    return _home() / "cache" / f"completion-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"


def _read(path: Path) -> Any:
    try:
        held = json.loads(path.read_text("utf-8"))
        return held if {"stamps", "known"} <= set(held) else None
    except (OSError, ValueError, TypeError):
        return None


def _write(path: Path, held: Mapping[str, Any]) -> None:
    from hookline.workspace.files import write_whole

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / ".gitignore").write_text("*\n", "utf-8")
        write_whole(path, json.dumps(held, separators=(",", ":")))
    except OSError:
        # A home that cannot be written: each answer is computed anew.
        return


def _is_fresh(stamps: Mapping[str, Any]) -> bool:
    return all(_stamp(path) == before for path, before in stamps.items())


def _stamp(path: str) -> list[int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  some hundred files, each time that TAB is pressed
    except OSError:
        return None
    return [found.st_mtime_ns, found.st_size]


def _make() -> dict[str, Any] | None:
    """Load every plugin and return the cache's content; None where plugins clash or break."""
    from hookline.errors import HooklineError
    from hookline.registry.registry import load_registry

    with _quiet():
        try:
            registry = load_registry()
        except HooklineError:
            return None
        stamps = {path: _stamp(path) for path in _watched(registry)}
        return {"stamps": stamps, "known": _facts(registry)}


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what plugins print and log when they are imported out of the answer, and compiled code off the disk."""
    import logging
    from contextlib import redirect_stderr, redirect_stdout
    from io import StringIO

    compiled, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    logging.disable()
    try:
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            yield
    finally:
        sys.dont_write_bytecode = compiled
        logging.disable(logging.NOTSET)


def _facts(registry: Registry) -> dict[str, Any]:
    """Return the fields of `Known` as plain JSON values."""
    from hookline.kinds.kinds import KINDS, MULTIPLE
    from hookline.plans.json_schema import config_files, schema_of

    files = config_files(registry)
    return {
        "verbs": _verbs(),
        "schema": schema_of(registry),
        "multiple": MULTIPLE,
        "kinds": KINDS,
        "defaults": choices_in(files[""]["config"], KINDS),
        "groups": {
            group: {name: choices_in(text, KINDS) for name, text in found.items()}
            for group, found in files.items()
            if group
        },
        "plugins": [plugin.name for plugin in registry.plugins.plugins],
    }


def _watched(registry: Registry) -> Iterator[str]:
    """Yield the files and folders whose change may change an answer: code, config files, installed distributions."""
    from hookline.plans.hydra.compose import CONFIG_PACKAGE

    yield from (folder for folder in sys.path if folder)
    project = _root() or Path.cwd()
    yield str(project / "pyproject.toml")
    if any(plugin.skipped for plugin in registry.plugins.plugins):
        # A module that was missing may be made there.
        yield str(project)
    packages = [package for found in registry.plugins.manager.hook.register_configs() for package in found]
    modules = ["hookline", CONFIG_PACKAGE, *packages]
    modules += [plugin.module for plugin in registry.plugins.plugins]
    for module in dict.fromkeys(modules):
        yield from _files_of(module)


def _files_of(module: str) -> Iterator[str]:
    from importlib.util import find_spec

    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return
    if spec is None:
        return
    if spec.origin:
        yield spec.origin
    for place in spec.submodule_search_locations or ():
        for folder, below, names in os.walk(place):
            below[:] = [name for name in below if name != "__pycache__"]
            yield folder
            yield from (str(Path(folder) / name) for name in names if name.endswith((".py", ".yaml")))


def _verbs() -> dict[str, Any]:
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
