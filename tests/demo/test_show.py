"""What `jobkit demo` does, in this process and with a week of sales."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from rich.console import Console

from jobkit import Jobkit, JobState
from jobkit.demo import show as show_module
from jobkit.demo.acts import Act, enqueue
from jobkit.demo.sample import FIRST_DAY
from jobkit.demo.shop import open_shop
from jobkit.demo.show import show
from jobkit.demo.telling import tell
from jobkit.demo.watching import watch
from jobkit.testing import drain, isolated

WEEK = FIRST_DAY + timedelta(days=6)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Jobkit]:
    with isolated(open_shop(tmp_path), folder=tmp_path) as jobs:
        yield jobs


def screen(*, terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), width=200, force_terminal=terminal, markup=False)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture
def played(shop: Jobkit) -> list[Act]:
    """Enqueue everything and run it to its end."""
    acts = enqueue(shop, until=WEEK)
    drain(shop, with_retries=True)
    return acts


def test_everything_ends_as_it_should(played: list[Act]) -> None:
    jobs = [act.handle.job() for act in played]

    assert [(job.state, job.attempt) for job in jobs] == [
        (JobState.COMPLETED, 3),
        (JobState.DEAD, 3),
        *[(JobState.COMPLETED, 1)] * 3,
    ]


def test_it_tells_where_the_files_are(played: list[Act], tmp_path: Path) -> None:
    console = screen()

    assert tell(played, tmp_path, console)

    paths = [line.strip() for line in shown(console).splitlines() if line.startswith("      /")]
    assert [Path(path).suffix for path in paths] == [".csv", ".xlsx", ".pdf"]
    assert all(Path(path).is_file() for path in paths)


def test_it_tells_what_to_do_about_the_dead_letter(played: list[Act], tmp_path: Path) -> None:
    console = screen()

    tell(played, tmp_path, console)

    (dead,) = [act.handle.id for act in played if act.state is JobState.DEAD]
    assert "the line of Keta Salt is busy" in shown(console)
    assert f"JOBKIT_DATA_DIR={tmp_path}" in shown(console)
    assert f"dead retry {dead} --app jobkit.demo.shop:jobs" in shown(console)


@pytest.mark.parametrize(
    "unlike", [{"state": JobState.DEAD}, {"attempts": 2}], ids=["another end", "other attempts"]
)
def test_what_did_not_come_out_as_expected_is_a_failure(
    played: list[Act], tmp_path: Path, unlike: dict[str, object]
) -> None:
    console = screen()

    assert not tell([replace(played[0], **unlike), *played[1:]], tmp_path, console)

    assert "call, busy twice is completed after 3 attempts" in shown(console)


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_text("half")])
def test_a_file_that_is_not_there_or_not_whole_is_a_failure(
    played: list[Act], tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    (pdf,) = tmp_path.rglob("*.pdf")
    spoil(pdf)

    assert not tell(played, tmp_path, screen())


@pytest.mark.parametrize("terminal", [True, False], ids=["bars", "lines"])
def test_it_watches_until_all_have_ended(played: list[Act], terminal: bool) -> None:
    console = screen(terminal=terminal)

    assert watch(played, lambda: True, console)

    for act in played:
        assert act.title in shown(console)
    assert "completed at attempt 3" in shown(console)


def test_it_does_not_watch_what_nobody_runs(shop: Jobkit) -> None:
    acts = enqueue(shop, until=WEEK)

    assert not watch(acts, lambda: False, screen())


class Stillborn:
    """Stand in for processes that do not come up."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "demo.log"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None

    def await_worker(self, jobs: Jobkit) -> bool:
        return False

    def last_lines(self) -> str:
        return "there is no server binary"


def test_processes_that_do_not_come_up_are_a_failure_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(show_module, "Installation", Stillborn)
    console = screen()

    code = show(tmp_path / "new", console, stay=False)

    assert code == 1
    assert "there is no server binary" in shown(console)
