"""What looks after jobkit itself: the round trip that proves an installation alive."""

from jobkit.tasks.system.tasks import Ping, Pong, ping, tasks

__all__ = ["Ping", "Pong", "ping", "tasks"]
