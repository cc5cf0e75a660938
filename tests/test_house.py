"""The rules of the house that a machine can keep: CONTRIBUTING.md gives their reasons."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src"
MODULES = sorted((SRC / "jobkit").rglob("*.py"))
WRITTEN = [ROOT / "noxfile.py", *MODULES, *sorted((ROOT / "tests").rglob("*.py"))]


def imports_of(module: Path) -> Iterator[str]:
    """Yield what *module* imports when it runs, also inside functions; relative ones dotted."""
    waiting: list[ast.AST] = [ast.parse(module.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def imports_the_root(node: ast.AST) -> bool:
    """Tell whether *node* imports a name from the package root rather than from its module."""
    if isinstance(node, ast.Import):
        return any(alias.name == "jobkit" for alias in node.names)
    # `from jobkit import _celery` names a module that is there, not something the root exports.
    return (
        isinstance(node, ast.ImportFrom)
        and node.module == "jobkit"
        and not all(is_module(alias.name) for alias in node.names)
    )


def is_module(name: str) -> bool:
    """Tell whether `jobkit.<name>` is a file or a folder of the package."""
    place = SRC / "jobkit" / name
    return place.is_dir() or place.with_suffix(".py").is_file()


def offenders(breaks: Callable[[Path], object], files: Iterable[Path] = MODULES) -> list[str]:
    """Return the files that *breaks* finds something in."""
    return [str(file.relative_to(ROOT)) for file in files if breaks(file)]


def test_there_is_source_to_keep_rules_for() -> None:
    # Every test below passes on an empty list, so a wrong path would switch them all off.
    assert len(MODULES) > 10


def test_no_module_is_longer_than_four_hundred_lines() -> None:
    def too_long(module: Path) -> bool:
        return len(module.read_text(encoding="utf-8").splitlines()) > 400

    assert not offenders(too_long), "split the verbs it offers from the work it does"


def test_a_module_is_named_after_what_it_holds() -> None:
    def says_nothing(module: Path) -> set[str]:
        names = {part.removesuffix(".py").lstrip("_") for part in module.relative_to(SRC).parts}
        return names & {"utils", "util", "common", "helpers", "helper", "base"}

    assert not offenders(says_nothing)


def test_nothing_inside_imports_from_the_package_root() -> None:
    def goes_through_the_root(module: Path) -> bool:
        return any(map(imports_the_root, ast.walk(ast.parse(module.read_text(encoding="utf-8")))))

    assert not offenders(goes_through_the_root), "import from the module that defines the name"


def test_imports_are_absolute() -> None:
    def has_relative(module: Path) -> bool:
        return any(name.startswith(".") for name in imports_of(module))

    assert not offenders(has_relative)


def test_only_the_engine_room_imports_celery_and_kombu() -> None:
    engine_room = SRC / "jobkit" / "_celery"
    outside = [module for module in MODULES if not module.is_relative_to(engine_room)]

    def knows_the_engine(module: Path) -> set[str]:
        packages = {name.partition(".")[0] for name in imports_of(module)}
        return packages & {"celery", "kombu", "billiard", "vine", "amqp"}

    assert not offenders(knows_the_engine, outside)


def test_a_public_module_says_what_it_is() -> None:
    def is_silent(module: Path) -> bool:
        parts = module.relative_to(SRC).with_suffix("").parts
        if any(part.startswith("_") and part != "__init__" for part in parts):
            return False
        docstring = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
        return not docstring.partition("\n")[0].rstrip().endswith((".", ":"))

    assert not offenders(is_silent), "begin it with one sentence that tells whether to read on"


def test_unfinished_work_names_its_issue() -> None:
    # Spelled with classes so that this file does not accuse itself.
    unfinished = re.compile(r"\b([T]ODO|[F]IXME|[X]XX|[H]ACK)\b(?!\(#\d+\))")

    def is_unfinished(file: Path) -> object:
        return unfinished.search(file.read_text(encoding="utf-8"))

    assert not offenders(is_unfinished, WRITTEN)


def test_every_rule_of_the_checks_is_documented() -> None:
    makers = {"fault", "warning", "Trap"}
    rules = {
        call.args[0].value
        for module in (SRC / "jobkit" / "checks").glob("*.py")
        for call in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in makers
        and isinstance(call.args[0], ast.Constant)
    }

    page = (ROOT / "docs" / "reference" / "checks.md").read_text(encoding="utf-8")

    assert rules == set(re.findall(r"^(?:\| )?`([a-z-]+)`", page, re.MULTILINE))


@pytest.mark.parametrize("name", ["run", "test"])
def test_a_quick_start_is_one_line_in_its_own_block(name: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    blocks = re.findall(rf"<!-- quickstart: {name} -->\n```sh\n(.*?)\n```\n", readme, re.DOTALL)

    assert len(blocks) == 1
    assert "\n" not in blocks[0]


def test_the_changelog_has_a_place_for_the_next_entry() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert "\n## [Unreleased]\n" in changelog


def test_dependencies_are_ranges() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    declared = [*project["dependencies"], *(one for extra in extras for one in extra)]

    pinned = [requirement for requirement in declared if "==" in requirement.partition(";")[0]]
    unbounded = [
        requirement
        for requirement in declared
        if not requirement.startswith("jobkit-tasks[") and ">=" not in requirement
    ]

    assert not pinned, "a pin clashes with the application that jobkit is installed in"
    assert not unbounded, "name the oldest release that is known to work"


def test_all_is_every_other_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]

    (everything,) = extras["all"]

    assert everything == f"jobkit-tasks[{','.join(sorted(set(extras) - {'all'}))}]"
