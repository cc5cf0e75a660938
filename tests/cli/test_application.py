"""`--app`: finding the application."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobkit.cli.application import find_application
from jobkit.errors import ConfigurationError

HEAD = "from jobkit import Jobkit\n"
Write = Callable[[str], str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write a module into the current folder, under a name that no test has had before."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    name = f"app_{abs(hash(str(tmp_path)))}"

    def write(text: str) -> str:
        (tmp_path / f"{name}.py").write_text(HEAD + text)
        return name

    yield write
    sys.modules.pop(name, None)


def test_an_object_is_found_in_the_current_folder(write: Write) -> None:
    name = write("shop = Jobkit(name='shop')\nother = Jobkit(name='other')\n")

    assert find_application(f"{name}:other").name == "other"


def test_an_object_may_be_inside_of_another(write: Write) -> None:
    name = write("class Host:\n    jobs = Jobkit(name='inside')\n")

    assert find_application(f"{name}:Host.jobs").name == "inside"


@pytest.mark.parametrize("usual", ["jobs", "app"])
def test_usual_names_need_not_be_told(write: Write, usual: str) -> None:
    name = write(f"{usual} = Jobkit(name='usual')\nother = Jobkit(name='other')\n")

    assert find_application(name).name == "usual"


def test_the_only_application_of_a_module_need_not_be_named(write: Write) -> None:
    name = write("something = Jobkit(name='only')\napp = object()\n")

    assert find_application(name).name == "only"


@pytest.mark.parametrize(
    ("text", "path", "told"),
    [
        (
            "a = Jobkit()\nb = Jobkit()\n",
            "",
            "no application called jobs or app; it has {}:a, {}:b",
        ),
        ("", "", "no application called jobs or app"),
        ("a = Jobkit()\n", ":b", "{} has no 'b'; it has {}:a"),
        ("jobs = 1\n", ":jobs", "{}:jobs is a int, not a Jobkit object"),
        ("celery = Jobkit().celery\n", ":celery", "is a Celery application"),
        ("import jobkit.nothing_of_the_kind\n", "", "No module named 'jobkit.nothing_of_the_kind'"),
        ("1 / 0\n", "", "ZeroDivisionError: division by zero ({}.py, line 2)"),
        ("def broken(:\n", "", "SyntaxError"),
    ],
)
def test_what_is_wrong_is_told(write: Write, text: str, path: str, told: str) -> None:
    name = write(text)

    with pytest.raises(ConfigurationError) as caught:
        find_application(name + path)

    assert told.replace("{}", name) in caught.value.message
    assert "\n" not in caught.value.message


def test_a_module_that_is_not_there_is_told(write: Write) -> None:
    write("")

    with pytest.raises(ConfigurationError, match="there is no module 'no_such_module' here"):
        find_application("no_such_module:jobs")


@pytest.mark.parametrize("spec", [None, ""])
def test_who_names_none_is_told_how(spec: str | None) -> None:
    with pytest.raises(ConfigurationError, match="--app module:object, or set JOBKIT_APP"):
        find_application(spec)
