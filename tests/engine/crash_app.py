"""A task with two effects and three steps that is killed where a test says.

The outside is a file of lines without any rule against a second one.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from jobkit import DidNotHappen, JobContext, Jobkit, Payload, Retry, Settings, TaskSet, ask

tasks = TaskSet("crash")
OUTSIDE = Path(os.environ.get("CRASH_OUTSIDE", "outside.txt"))


class Where(Payload):
    """Say at which boundaries the process is killed, each once."""

    points: tuple[str, ...] = ()


def write(*words: object) -> None:
    """Append a line, whole or not at all."""
    with OUTSIDE.open("a") as outside:
        outside.write(" ".join(map(str, words)) + "\n")


def lines() -> list[list[str]]:
    return [line.split(" ") for line in OUTSIDE.read_text().splitlines()]


@tasks.task(retry=Retry(max_attempts=1))
def bill(payload: Where, *, job: JobContext) -> str:
    """Price an order, charge it, number it, mail it, and sum up."""

    def here(point: str) -> None:
        """Die at this boundary, if the test wants it and it has not happened yet."""
        write("at", job.id, point)
        if point in payload.points and ["killed", job.id, point] not in lines():
            write("killed", job.id, point)
            os.kill(os.getpid(), signal.SIGKILL)

    def step(name: str) -> str:
        def work() -> str:
            here(f"step {name}: begun".replace(" ", "_"))
            write("step", job.id, name)
            here(f"step {name}: worked".replace(" ", "_"))
            return f"{name} of {job.id}"

        return job.step(name, work)

    def effect(name: str) -> str:
        def act(key: str) -> str:
            here(f"effect {name}: intended".replace(" ", "_"))
            write("effect", job.id, name, key)
            here(f"effect {name}: happened".replace(" ", "_"))
            return key

        def find(key: str) -> str | DidNotHappen:
            here(f"effect {name}: asked".replace(" ", "_"))
            known = ["effect", job.id, name, key] in lines()
            return key if known else DidNotHappen()

        return job.once(name, act, policy=ask(find))

    here("begun")
    price = step("price")
    here("priced")
    charge = effect("charge")
    here("charged")
    number = step("number")
    here("numbered")
    mail = effect("mail")
    here("mailed")
    total = step("total")
    here("summed_up")
    return "|".join([price, charge, number, mail, total])


def make_jobs(**settings: object) -> Jobkit:
    """Return the application, as the worker processes and the tests see it."""
    return Jobkit(Settings(**settings), tasks=[tasks])  # type: ignore[arg-type]


jobs = make_jobs()
