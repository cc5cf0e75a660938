"""Rules on queues and the workers that serve them."""

from __future__ import annotations

from collections.abc import Iterator

from jobkit.checks.declared import Declared, Rule
from jobkit.checks.report import Finding, fault, warning

_EVERY = "*"


def queues_are_served(declared: Declared) -> Iterator[Finding]:
    """Find queues that no worker profile serves."""
    profiles = declared.settings.worker_profiles
    served = {queue for queues in profiles.values() for queue in queues}
    if _EVERY in served:
        return
    for queue in sorted(_used(declared) - served):
        tasks = ", ".join(sorted({t.name for t in declared.tasks if t.queue.name == queue}))
        yield fault(
            "queue-unserved",
            queue,
            f"no worker profile serves it, so its jobs wait for ever ({tasks or 'by request'}); "
            "add it to JOBKIT_WORKER_PROFILES",
        )


def profiles_serve_known_queues(declared: Declared) -> Iterator[Finding]:
    """Find profiles that serve nothing, or what nothing uses."""
    known = _used(declared) | {_EVERY, declared.settings.foreign_queue}
    for profile, queues in declared.settings.worker_profiles.items():
        if not queues:
            yield fault("profile-empty", profile, "this worker profile serves no queue")
        for queue in queues:
            if queue not in known:
                yield warning(
                    "profile-queue-unknown",
                    queue,
                    f"the worker profile {profile} serves it, but no task uses it; is it misspelt?",
                )


def _used(declared: Declared) -> set[str]:
    return {task.queue.name for task in declared.tasks} | set(declared.queues)


RULES: tuple[Rule, ...] = (queues_are_served, profiles_serve_known_queues)
