"""Shared memory between a worker's main process and its children: a slot for each child."""

from __future__ import annotations

import json
import mmap
import os
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass

from jobkit.execution.slot import Cause

_HEADER_AT = 4  # after two flags: stopping, events
_HEADER = struct.Struct("<II")  # generation, length of the queues' JSON
_QUEUES_AT = 64
_SLOTS_AT = 16384
# pid, active, cause, times, job, token, task, and the token of the run that the cause is meant for
_SLOT = struct.Struct("<qBBxxxxxxddd36s32s200s32s")
_MEANT_AT = _SLOT.size - 32
_SIZE = 384
_NEVER = 0.0


@dataclass(frozen=True)
class Seen:
    """Show a slot as it was read. Times are readings of `time.monotonic()`."""

    index: int
    pid: int
    active: bool
    cause: Cause
    since: float
    soft: float | None
    hard: float | None
    job: str
    token: str
    task: str


class Slots:
    """Hold the board of a worker: made before its children are forked, mapped by all of them.

    One writer a field: a child writes its run, the main process writes why it should stop.
    """

    def __init__(self, children: int) -> None:
        self.count = children
        self._map = mmap.mmap(-1, _SLOTS_AT + children * _SIZE)
        self._queues: tuple[int, list[str]] = (-1, [])

    def set_queues(self, queues: Sequence[str]) -> None:
        """Tell the children which queues they may claim from; none makes the worker quiet."""
        text = json.dumps(list(queues)).encode()
        if _QUEUES_AT + len(text) > _SLOTS_AT:
            raise ValueError("the names of these queues do not fit; serve fewer in one worker")
        generation, _ = _HEADER.unpack_from(self._map, _HEADER_AT)
        self._map[_QUEUES_AT : _QUEUES_AT + len(text)] = text
        _HEADER.pack_into(self._map, _HEADER_AT, generation + 1, len(text))

    def queues(self) -> list[str]:
        """Return the queues that may be claimed from now."""
        generation, length = _HEADER.unpack_from(self._map, _HEADER_AT)
        if self._queues[0] != generation:
            try:
                names = json.loads(self._map[_QUEUES_AT : _QUEUES_AT + length] or b"[]")
            except ValueError:
                return self._queues[1]  # read while it was written: the next look has it whole
            self._queues = (generation, names)
        return self._queues[1]

    @property
    def stopping(self) -> bool:
        """Tell whether the worker is shutting down."""
        return bool(self._map[0])

    def stop(self) -> None:
        """Ask every child to leave after its present job."""
        self._map[0] = 1

    @property
    def events(self) -> bool:
        """Tell whether somebody listens to this worker's task events."""
        return bool(self._map[1])

    @events.setter
    def events(self, wanted: bool) -> None:
        self._map[1] = int(wanted)

    def look(self) -> list[Seen]:
        """Return the slots that have an owner."""
        return [seen for index in range(self.count) if (seen := self._read(index)).pid]

    def request(self, seen: Seen, cause: Cause) -> bool:
        """Ask the run in a slot to stop; False if that run is over.

        Another may begin at any moment here: it is not meant, and sees that by the token.
        """
        at = self._at(seen.index)
        meant = at + _MEANT_AT
        self._map[meant : meant + 32] = seen.token.encode().ljust(32, b"\0")
        self._map[at + 9] = int(cause)
        return self._read(seen.index).token == seen.token

    def clear(self, seen: Seen) -> None:
        """Free the slot of a child that is gone."""
        at = self._at(seen.index)
        self._map[at : at + _SIZE] = bytes(_SIZE)

    def take(self, index: int, patience: float = 10.0) -> SharedSlot:
        """Return the slot *index* for this process, once its last owner has been dealt with."""
        ends = time.monotonic() + patience
        while (owner := self._read(index).pid) not in (0, os.getpid()):
            if time.monotonic() > ends:
                raise TimeoutError(f"slot {index} still belongs to process {owner}")
            time.sleep(0.01)
        _SLOT.pack_into(self._map, self._at(index), os.getpid(), 0, 0, 0, 0, 0, b"", b"", b"", b"")
        return SharedSlot(self, index)

    def _at(self, index: int) -> int:
        return _SLOTS_AT + index * _SIZE

    def _read(self, index: int) -> Seen:
        pid, active, cause, since, soft, hard, *texts = _SLOT.unpack_from(
            self._map, self._at(index)
        )
        job, token, task, meant = (text.rstrip(b"\0").decode(errors="replace") for text in texts)
        return Seen(
            index, pid, bool(active), Cause(cause) if meant == token else Cause.NONE, since,
            soft or None, hard or None, job, token, task,
        )  # fmt: skip


class SharedSlot:
    """Be one child's place on the board."""

    def __init__(self, slots: Slots, index: int) -> None:
        self._slots = slots
        self._index = index
        self._at = slots._at(index)

    def begin(
        self, job: str, token: str, task: str, soft: float | None, hard: float | None
    ) -> None:
        """Announce a run. The flag comes last: what it publishes is complete."""
        board = self._slots._map
        _SLOT.pack_into(
            board, self._at, os.getpid(), 0, 0, time.monotonic(),
            soft or _NEVER, hard or _NEVER, job.encode(), token.encode(), task.encode(),
            b"",
        )  # fmt: skip
        board[self._at + 8] = 1

    def end(self) -> None:
        """Announce that the run is over."""
        self._slots._map[self._at + 8] = 0

    def cause(self) -> Cause:
        """Return why the present run is asked to stop."""
        return self._slots._read(self._index).cause

    def stopping(self) -> bool:
        """Tell whether the worker is shutting down."""
        return self._slots.stopping
