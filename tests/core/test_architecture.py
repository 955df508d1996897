"""The page on the architecture says what the code is, and the code keeps to the shape that it tells of."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from hookline.cli import VERBS
from hookline.kinds import hooks
from hookline.kinds.kinds import KIND_TABLE
from hookline.plans.closure import closure
from hookline.registry.registry import load_registry
from hookline.runs.sequence import SEQUENCE
from kit.processes import run_python

ROOT = Path(__file__).parents[2]
CORE = ROOT / "core" / "hookline"
DOCS = ROOT / "docs"
PAGE = (DOCS / "architecture.md").read_text("utf-8")
OUTSIDE = ("core/", "plugins/", "conf/", "docs/", "tests/")
"""What paths begin with that are not relative to the core."""

MOST_LINES = 300
LONG: Mapping[str, str] = {}
"""Modules of the core that may be longer -> why."""

MOST_MODULES = 12
WIDE: Mapping[str, str] = {}
"""Folders that may hold more modules -> why."""


def section(title: str) -> str:
    """Return the text below a heading of the page, up to the next one."""
    found = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    assert found, f"docs/architecture.md has no section '{title}'"
    return found


def table(text: str, head: str) -> list[list[str]]:
    """Return the cells of the table whose head begins so, row by row."""
    lines = text.partition(f"\n| {head} ")[2].splitlines()
    rows: list[list[str]] = []
    for line in lines[2:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    assert rows, f"there is no table that begins with '{head}'"
    return rows


def quoted(text: str) -> list[str]:
    """Return what stands in backticks."""
    return re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def paths(text: str) -> list[str]:
    """Return the modules, folders and files that a text names."""
    return [word for word in quoted(text) if re.fullmatch(r"[\w.-]+(/[\w.-]*)+|\w+\.py", word)]


def located(path: str) -> Path:
    return (ROOT if path.startswith(OUTSIDE) else CORE) / path


def sentence(module: Path) -> str:
    """Return the first line of a module's docstring; of a folder, that of its `__init__`."""
    file = module / "__init__.py" if module.is_dir() else module
    return (ast.get_docstring(ast.parse(file.read_text("utf-8"))) or "").partition("\n")[0]


def rooms() -> set[str]:
    """Return the folders and the root modules of the core."""
    folders = {f"{path.parent.name}/" for path in CORE.glob("*/__init__.py")}
    return folders | {path.name for path in CORE.glob("*.py") if path.name != "__init__.py"}


def floors() -> list[set[str]]:
    """Return the layers that import-linter holds the core to, the highest first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [set(layer.split(" | ")) for layer in layers]


def items(text: str) -> Iterator[str]:
    """Yield each paragraph, list item and table row in one line."""
    for block in re.split(r"\n\n|\n(?=\d+\. |- |\|)", text):
        yield " ".join(block.split())


def text_of(path: Path) -> str:
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return "\n".join(file.read_text("utf-8") for file in files)


def test_every_path_that_the_page_names_is_there() -> None:
    named = paths(PAGE)
    assert len(named) > 100
    assert [path for path in named if not located(path).exists()] == []
    assert [path for path in named if path.endswith("/") != located(path).is_dir()] == []


def test_every_test_that_the_page_on_reliability_names_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`", (DOCS / "reliability.md").read_text("utf-8"))
    assert len(named) > 5
    assert [path for path in named if not (ROOT / path).is_file()] == []


def test_every_name_that_the_page_gives_stands_in_a_module_that_is_named_with_it() -> None:
    lost: list[str] = []
    looked = 0
    for title in re.findall(r"^## (.+)$", PAGE, re.MULTILINE):
        every = list(items(section(title)))
        prose = [path for item in every if not re.match(r"\d+\. |- |\|", item) for path in paths(item)]
        for item in every:
            near = [*paths(item), *prose]
            words = [word for word in quoted(item) if re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", word)]
            # Names of files are paths, and a verb or a table's heading is none.
            words = [word for word in words if word not in paths(item)] if near else []
            text = "\n".join(text_of(located(path)) for path in near if not path.endswith(".md"))
            looked += len(words)
            lost += [
                f"{word} ({item[:60]})" for word in words if not set(word.split(".")) <= set(re.findall(r"\w+", text))
            ]
    assert looked > 60
    assert lost == []


def test_the_rooms_of_the_page_are_those_of_the_core_and_of_the_contract() -> None:
    told = [quoted(row[0])[0] for row in table(section("The rooms"), "room")]
    assert len(told) == len(set(told))
    assert set(told) == rooms()
    names = [name.removesuffix("/").removesuffix(".py") for name in told]
    assert set(names) == set().union(*floors())
    floor = {name: place for place, layer in enumerate(floors()) for name in layer}
    assert [floor[name] for name in names] == sorted(floor.values()), "the table goes from the top of the house down"


@pytest.mark.parametrize("head", ["room", "folder"])
def test_each_room_has_the_sentence_of_its_own_docstring(head: str) -> None:
    for name, told in table(section("The rooms"), head):
        assert told == sentence(CORE / quoted(name)[0]), name


def test_no_arrow_of_the_picture_points_upward() -> None:
    floor = {name: place for place, layer in enumerate(floors()) for name in layer}
    picture = re.findall(r"```mermaid\n(.*?)```", PAGE, re.DOTALL)
    assert len(picture) == 1
    arrows = [
        (above, below)
        for left, right in re.findall(r"^\s*(.+?) --> (.+?)\s*$", picture[0], re.MULTILINE)
        for above in left.split(" & ")
        for below in right.split(" & ")
    ]
    assert {name for arrow in arrows for name in arrow} == set(floor)
    assert [arrow for arrow in arrows if floor[arrow[0]] >= floor[arrow[1]]] == []


def test_the_page_tells_of_each_kind_what_it_is() -> None:
    rows = table(section("To add something"), "a component of kind")
    told = [(kind, *quoted(method), *quoted(hook)) for kind, method, hook, _, _ in rows]
    assert told == [
        (name, f"{kind.cls.__name__}.{kind.method}", f"register_{name}s") for name, kind in KIND_TABLE.items()
    ]
    assert all(hasattr(hooks, hook) for _, _, hook in told)


def test_the_page_says_rightly_which_stages_a_module_decides_for() -> None:
    files = {
        kind.label: closure([str(located(kind.module.partition(".")[2].replace(".", "/") + ".py"))])
        for kind in SEQUENCE
    }
    for change, stages in table(section("What runs again"), "a change in"):
        module = located(quoted(change)[0])
        decided = [label for label, read in files.items() if str(module) in read]
        told = {"every stage": [kind.label for kind in SEQUENCE], "no stage": []}.get(stages, quoted(stages))
        assert decided == told, change


def test_links_of_the_page_lead_somewhere() -> None:
    links = re.findall(r"\]\(([\w./-]*)(?:#([\w-]+))?\)", PAGE)
    assert links
    for file, anchor in links:
        assert leads_somewhere(DOCS / (file or "architecture.md"), anchor), (file, anchor)


def leads_somewhere(page: Path, anchor: str) -> bool:
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return not anchor or anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_no_folder_holds_more_modules_than_a_glance_takes_in() -> None:
    tops = [CORE, *(path.parent for path in (ROOT / "plugins").glob("*/__init__.py"))]
    held = {
        folder.relative_to(ROOT).as_posix(): sum(file.name != "__init__.py" for file in folder.glob("*.py"))
        for top in tops
        for folder in {file.parent for file in top.rglob("*.py")}
    }
    assert len(held) > 30
    wide = {folder for folder, modules in held.items() if modules > MOST_MODULES}
    assert wide - set(WIDE) == set(), f"more than {MOST_MODULES} modules: make folders of them"
    assert set(WIDE) - wide == set(), "no exception any more: take it out"


def test_no_module_of_the_core_is_longer_than_one_reads_at_once() -> None:
    lines = {
        file.relative_to(CORE).as_posix(): len(file.read_text("utf-8").splitlines()) for file in CORE.rglob("*.py")
    }
    assert len(lines) > 150
    long = {module for module, count in lines.items() if count > MOST_LINES}
    assert long - set(LONG) == set(), f"more than {MOST_LINES} lines: divide it"
    assert set(LONG) - long == set(), "no exception any more: take it out"


def test_the_page_on_the_command_line_has_every_verb_in_the_order_of_help() -> None:
    rows = table((DOCS / "command-line.md").read_text("utf-8"), "verb")
    assert [quoted(verb)[0] for verb, _ in rows] == list(VERBS)
    for verb, _ in rows:
        file, anchor = re.findall(r"\]\(([\w./-]*)(?:#([\w-]+))?\)", verb)[0]
        assert leads_somewhere(DOCS / (file or "command-line.md"), anchor), verb


def test_the_readme_has_every_verb_and_no_other() -> None:
    rows = table((ROOT / "README.md").read_text("utf-8"), "to")
    told = [verb for _, verbs in rows for verb in quoted(verbs)]
    assert sorted(told) == sorted(VERBS)


def test_the_readme_has_every_component_and_no_other() -> None:
    registry = load_registry()
    rows = table((ROOT / "README.md").read_text("utf-8"), "kind")
    assert {kind for kind, _, _ in rows} == set(KIND_TABLE)
    for kind, _, names in rows:
        assert sorted(quoted(names)) == [name for name in registry.names(kind) if "." not in name], kind


def test_what_the_page_on_development_says_of_closures_is_what_python_says() -> None:
    page = (DOCS / "development.md").read_text("utf-8")
    code, told = re.findall(r'python -c "\n(from pathlib.*?)"\n(.*?)\n\.\.\.', page, flags=re.DOTALL)[0]
    assert run_python(code).stdout.startswith(told)


def test_the_readme_leads_to_every_page() -> None:
    linked = set(re.findall(r"\]\(docs/([\w-]+\.md)\)", (ROOT / "README.md").read_text("utf-8")))
    assert {page.name for page in DOCS.glob("*.md")} - linked == set()
