"""A supervisor: it starts the processes of an installation, restarts and stops them."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from jobkit.cli.relay import Relay
from jobkit.cli.tie import Tie

NOT_MENDED_BY_A_RESTART = (2, 3)
"""Exit codes of wrong usage or configuration, and of an old schema."""

_TURN = 0.2
_FIRST_REST = 1.0
_LONGEST_REST = 30.0
_STEADY_AFTER = 60.0
_LAST_PATIENCE = 10.0


@dataclass(frozen=True)
class Part:
    """Describe one process to keep running."""

    name: str
    command: Sequence[str]
    """Followed by `--tied` and the descriptor that tells it when its supervisor is gone."""

    patience: float
    """Seconds that it may take to stop."""


class Child:
    """Be one running process of a part, in a session of its own.

    A Ctrl-C in the terminal is for the supervisor, which stops its children in order.
    """

    def __init__(self, part: Part, tie: Tie, relay: Relay) -> None:
        self.part = part
        self.started_at = time.monotonic()
        self._process = subprocess.Popen(
            [*part.command, "--tied", str(tie.watched)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            pass_fds=(tie.watched,),
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self._reader = relay.follow(part.name, self._process.stdout)

    @property
    def exit_code(self) -> int | None:
        """Return how it ended, or None while it runs; below zero for a signal."""
        return self._process.poll()

    def ask(self, number: int) -> None:
        """Send it a signal."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    def kill(self) -> None:
        """End it by force, with all that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def finish(self) -> int:
        """Wait for its end and its last lines."""
        code = self._process.wait()
        self._reader.join(1.0)
        if not self._reader.is_alive() and self._process.stdout is not None:
            self._process.stdout.close()
        return code


@dataclass
class Post:
    """Hold a part's place: the child that fills it now, or when the next one is due."""

    part: Part
    child: Child | None = None
    due_at: float = 0.0
    rest: float = 0.0


class Supervisor:
    """Keep *parts* running until told to stop; then stop them, the last one first.

    *tend* is called at each turn, for what has to be kept running beside them.
    """

    def __init__(self, parts: Sequence[Part], relay: Relay, tend: Callable[[], None]) -> None:
        self._posts = [Post(part) for part in parts]
        self._relay = relay
        self._tend = tend
        self._tie = Tie()
        self._asked = 0
        self._woken = threading.Event()

    def run(self) -> int:
        """Run until SIGTERM or Ctrl-C; returns 0 if all went and ended well.

        A part that ends by itself is started anew, later each time. One that ends for a reason that
        a restart does not mend stops everything, and its exit code is returned.
        """
        asked = lambda number, frame: self.stop()  # noqa: E731
        before = {number: signal.signal(number, asked) for number in _stop_signals()}
        try:
            code = self._keep_running()
        finally:
            stopped = self._end_all()
            self._tie.close()
            for number, handler in before.items():
                signal.signal(number, handler)
        return code or stopped

    def stop(self) -> None:
        """Ask it to stop; asked again, it is less patient."""
        self._asked += 1
        self._woken.set()

    def _keep_running(self) -> int:
        while not self._asked:
            self._tend()
            for post in self._posts:
                if post.child is None:
                    self._fill(post)
                elif (code := post.child.exit_code) is not None:
                    post.child.finish()
                    if code in NOT_MENDED_BY_A_RESTART:
                        self._say(f"{post.part.name} cannot run; stopping")
                        post.child = None
                        return code
                    self._rest(post, code)
            self._woken.wait(_TURN)
        return 0

    def _fill(self, post: Post) -> None:
        if time.monotonic() >= post.due_at:
            post.child = Child(post.part, self._tie, self._relay)

    def _rest(self, post: Post, code: int) -> None:
        assert post.child is not None
        steady = time.monotonic() - post.child.started_at > _STEADY_AFTER
        post.rest = _FIRST_REST if steady or not post.rest else min(_LONGEST_REST, post.rest * 2)
        post.child, post.due_at = None, time.monotonic() + post.rest
        self._say(f"{post.part.name} ended {_how(code)}; starting it again in {post.rest:g} s")

    def _end_all(self) -> int:
        """End what runs, the last part first; returns 0 if everything ended well by itself."""
        self._asked = max(1, self._asked)
        codes = [self._end(post.child) for post in reversed(self._posts) if post.child is not None]
        return 1 if any(codes) else 0

    def _end(self, child: Child) -> int:
        """Ask a child to stop, more firmly at each further Ctrl-C; returns its exit code."""
        asked = self._asked
        child.ask(signal.SIGTERM)
        deadline = time.monotonic() + child.part.patience
        firmly = False
        while child.exit_code is None:
            if self._asked > asked or time.monotonic() > deadline:
                asked = self._asked
                deadline = time.monotonic() + _LAST_PATIENCE
                if firmly:
                    self._say(f"{child.part.name} does not stop; it is killed")
                    child.kill()
                else:
                    child.ask(signal.SIGQUIT)
                firmly = True
            self._woken.clear()
            self._woken.wait(_TURN)
        code = child.finish()
        # A beat knows no grace and may be ended by the signal itself.
        return 0 if code == -signal.SIGTERM else code

    def _say(self, line: str) -> None:
        self._relay.write("up", line)


def _stop_signals() -> list[int]:
    return [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]


def _how(code: int) -> str:
    if code >= 0:
        return f"with code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"
