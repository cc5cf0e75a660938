"""The tie between a process and those it starts."""

from __future__ import annotations

import subprocess
import sys

from jobkit.cli.tie import Tie, stop_with

TIED = """
import sys, time
from jobkit.cli.tie import stop_with
stop_with(int(sys.argv[1]))
print("tied", flush=True)
time.sleep(60)
"""


def test_a_process_stops_when_its_starter_lets_go() -> None:
    tie = Tie()
    with subprocess.Popen(
        [sys.executable, "-c", TIED, str(tie.watched)],
        pass_fds=(tie.watched,),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "tied\n"
            assert process.poll() is None

            tie.close()

            assert process.wait(10) == -15
        finally:
            process.kill()


def test_whoever_was_started_by_hand_is_not_tied() -> None:
    stop_with(None)
