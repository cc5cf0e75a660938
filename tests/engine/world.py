"""A small world for one test: a store, a broker, workers in processes of their own, a ledger."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import engine_app

from jobkit import Jobkit
from jobkit.embedded import find_server
from jobkit.testing.processes import WorkerProcess

HERE = Path(__file__).parent


def until(condition: Callable[[], Any], timeout: float = 20.0, what: str = "it") -> Any:
    """Return the first true answer of *condition*, looked at every 50 ms."""
    ends = time.monotonic() + timeout
    while time.monotonic() < ends:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {timeout:g} s in vain for {what}")


class Program:
    """Be another program of the world, in a session of its own."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        path = os.pathsep.join(sys.path)
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=HERE, env={**os.environ, "PYTHONPATH": path, **env},
                stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        self.pid = self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def freeze(self) -> None:
        """Stop it where it stands, until it is thawed."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        if self.running:
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(10)


class Broker:
    """Be a server of the test's own, which nobody restarts but the test."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._socket = folder / "b.sock"
        self.url = f"redis+socket://{self._socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            find_server().path, "--port", "0", "--unixsocket", str(self._socket),
            "--dir", str(self._folder), "--save", "",
        ]  # fmt: skip
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until(self._socket.exists, what="the broker")

    def flush(self) -> None:
        import redis

        redis.Redis(unix_socket_path=str(self._socket)).flushall()

    def length(self, queue: str) -> int:
        import redis

        return int(redis.Redis(unix_socket_path=str(self._socket)).llen(queue))  # type: ignore[arg-type]

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None
            self._socket.unlink(missing_ok=True)


class World:
    """Hold what belongs to one test."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.ledger = folder / "ledger.txt"
        self.ledger.touch()
        self.settings: dict[str, Any] = {
            "data_dir": folder / "data", "lease_seconds": 5.0, "heartbeat_seconds": 1.0,
            "grace_seconds": 1.0, "keeper_seconds": 0.5, **settings,
        }  # fmt: skip
        engine_app.LEDGER = self.ledger
        self.jobs: Jobkit = engine_app.make_jobs(**self.settings)
        self._workers: list[WorkerProcess | Program] = []
        self.brokers: list[Broker] = []

    def environment(self, **settings: Any) -> dict[str, str]:
        """Return the variables by which another process joins this world."""
        told = {**self.settings, **settings}
        variables = {f"JOBKIT_{name.upper()}": str(value) for name, value in told.items()}
        return {**variables, "ENGINE_LEDGER": str(self.ledger)}

    def worker(
        self,
        *,
        pool: Literal["prefork", "threads", "solo"] = "prefork",
        concurrency: int = 2,
        env: Mapping[str, str] | None = None,
        wait: bool = True,
        app: str = "engine_app:jobs",
        **settings: Any,
    ) -> WorkerProcess:
        worker = WorkerProcess(
            app,
            data_dir=self.folder / "data",
            pool=pool,
            concurrency=concurrency,
            env={**self.environment(**settings), **(env or {})},
            cwd=HERE,
        )
        self._workers.append(worker)
        worker.start(wait=wait)
        return worker

    def program(self, *command: str, ready: str, env: Mapping[str, str] | None = None) -> Program:
        """Run `python -m` with *command* until the test ends; wait for *ready* in its log."""
        log = self.folder / f"program{len(self._workers)}.log"
        program = Program(command, {**self.environment(), **(env or {})}, log)
        self._workers.append(program)
        until(lambda: ready in log.read_text() or not program.running, 30, ready)
        assert program.running, log.read_text()
        return program

    def beat(self, *, env: Mapping[str, str] | None = None) -> Program:
        return self.program("jobkit", "beat", "--app", "engine_app:jobs", ready="beat", env=env)

    def broker(self) -> Broker:
        broker = Broker(self.folder / f"broker{len(self.brokers)}")
        self.brokers.append(broker)
        broker.start()
        return broker

    def lines(self, first: str) -> list[list[str]]:
        """Return the ledger's lines that begin with a word, split into words."""
        lines = [line.split(" ") for line in self.ledger.read_text().splitlines()]
        return [line for line in lines if line[0] == first]

    def started(self) -> Counter[str]:
        """Return how often each job was started."""
        return Counter(line[1] for line in self.lines("start"))

    def close(self) -> None:
        self.jobs.close()
        for worker in self._workers:
            worker.kill()
        for broker in self.brokers:
            broker.stop()
