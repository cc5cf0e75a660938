"""Every error jobkit raises, in one tree.

::

    JobkitError
    ├── ConfigurationError            the application is put together wrongly
    │   ├── UnknownTask               no task has this name
    │   ├── DuplicateTask             two tasks claim one name
    │   ├── AdapterMissing            nothing is bound to a protocol
    │   ├── ApplicationFrozen         changed after it began to run
    │   ├── MissingExtra              an optional package is not installed
    │   ├── SchemaOutdated            the job store needs `jobkit db upgrade`
    │   ├── EmbeddedServerError       the server that comes along did not start
    │   └── ChecksFailed              `jobs.check()` found faults
    ├── EnqueueError                  this job cannot be stored
    │   ├── InvalidPayload            the payload does not fit its task
    │   ├── PayloadTooLarge           the payload is over the size limit
    │   ├── DuplicateJob              the same work is queued already, and its task rejects it
    │   └── WrongDatabase             the host's connection is not to the job store
    ├── StoreUnavailable              the job store does not answer
    ├── BrokerUnavailable             a task that is not durable could not be sent
    ├── JobNotFound                   no job has this id
    ├── NotCommitted                  the transaction that the job belongs to is still open
    ├── UnknownSchedule               no schedule has this name
    ├── IllegalTransition             the job is not in a state that allows this
    ├── ClaimLost                     this run no longer holds its job
    ├── UnsupportedByJobkit           a feature of Celery that jobkit replaces by another
    ├── ResultError                   what `handle.result()` raises
    │   ├── ResultTimeout             the job had not ended in time
    │   ├── JobDead                   the job is a dead letter
    │   └── JobCancelled              the job was cancelled
    └── TaskControl                   raised inside a task to say how it ended
        ├── TransientError            worth another attempt
        │   ├── RetryAfter            worth another attempt after so many seconds
        │   ├── DidNotHappen          an effect certainly did not happen
        │   └── TimeLimitReached      the soft time limit has passed
        ├── Snooze                    put off, at no cost of an attempt
        ├── PermanentError            not worth another attempt
        │   ├── ResultInvalid         the answer of a task, step or effect cannot be stored
        │   ├── DuplicateStep         two steps of one attempt have the same name
        │   ├── InvalidRecord         an adapter gave a record that cannot be right
        │   ├── UnknownTenant         the host knows no tenant of this id
        │   └── FileMissing           the file storage has no file of this name
        └── Cancelled                 somebody cancelled this job

    BaseException
    └── Interrupted                   the worker stops and takes this run off its hands

The docstring of an error is its message when none is given. A configuration error is not a job
error: it is raised to the developer, before anything runs.
"""

from __future__ import annotations

import inspect


def words_of(error: BaseException) -> str:
    """Return what *error* says of itself; one that fails to say it must not take more with it."""
    try:
        return str(error)
    except Exception:
        return f"<{type(error).__name__} without words>"


class JobkitError(Exception):
    """Something went wrong in jobkit."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or inspect.cleandoc(type(self).__doc__ or ""))

    @property
    def message(self) -> str:
        """Return the text of this error."""
        return str(self.args[0]) if self.args else ""


class ConfigurationError(JobkitError):
    """The application is put together wrongly; run `jobkit check` to see every fault at once."""


class UnknownTask(ConfigurationError):
    """No task has this name; pass its TaskSet to Jobkit(tasks=[...])."""


class DuplicateTask(ConfigurationError):
    """Two tasks claim the same name; rename one of them."""


class AdapterMissing(ConfigurationError):
    """Nothing is bound to this protocol; call jobs.adapters.bind(Protocol).to(your_object)."""


class ApplicationFrozen(ConfigurationError):
    """The application runs and cannot change; bind and configure before the first enqueue."""


class MissingExtra(ConfigurationError):
    """An optional package is not installed."""

    def __init__(self, extra: str, package: str) -> None:
        super().__init__(
            f"{package} is not installed: run pip install 'jobkit-tasks[{extra}]' to get it"
        )


class SchemaOutdated(ConfigurationError):
    """The job store has an older schema than this release; run `jobkit db upgrade`."""


class EmbeddedServerError(ConfigurationError):
    """The embedded server did not start."""


class ChecksFailed(ConfigurationError):
    """The application has faults; run `jobkit check` to see them all."""


class EnqueueError(JobkitError):
    """This job cannot be stored."""


class InvalidPayload(EnqueueError):
    """The payload does not fit its task."""


class PayloadTooLarge(EnqueueError):
    """The payload is over the size limit; store the data in a file and pass its reference."""


class DuplicateJob(EnqueueError):
    """The same work is queued already; `job_id` names the job."""

    def __init__(self, message: str | None = None, *, job_id: str = "") -> None:
        super().__init__(message)
        self.job_id = job_id


class WrongDatabase(EnqueueError):
    """The connection is not to the database of the job store; enqueue without it."""


class StoreUnavailable(JobkitError):
    """The job store does not answer.

    Nothing was written, unless the message says that this is not known: then the connection broke
    in the middle of a commit.
    """


class BrokerUnavailable(JobkitError):
    """The broker does not answer, and a task that is not durable is kept nowhere else."""


class JobNotFound(JobkitError):
    """No job has this id; it may have been pruned by the retention policy."""


class NotCommitted(JobkitError):
    """The job belongs to a transaction that is still open; commit it first."""


class UnknownSchedule(JobkitError):
    """No schedule has this name; `jobkit schedules list` has them all."""


class IllegalTransition(JobkitError):
    """The job is not in a state that allows this."""


class ClaimLost(JobkitError):
    """This run no longer holds its job: it was rescued, and its outcome is not recorded."""


class UnsupportedByJobkit(JobkitError):
    """Celery's canvas does not work on durable jobs; use batches and `after=[...]` instead."""


class ResultError(JobkitError):
    """The job gave no result."""


class ResultTimeout(ResultError):
    """The job had not ended in time; it goes on, and its handle can be asked again."""


class JobDead(ResultError):
    """The job used up its attempts and is a dead letter; `jobkit jobs show` tells why."""


class JobCancelled(ResultError):
    """The job was cancelled."""


class TaskControl(JobkitError):
    """Says how an attempt ended; raised inside a task."""


class TransientError(TaskControl):
    """The attempt failed for a reason that may pass; it is worth another."""


class RetryAfter(TransientError):
    """The attempt failed and is worth another after the seconds that the other side asked for."""

    def __init__(self, seconds: float, message: str | None = None) -> None:
        if not seconds >= 0:
            raise ValueError("RetryAfter takes seconds of 0 or more")
        super().__init__(message or f"asked to try again after {seconds:g} s")
        self.seconds = float(seconds)


class TimeLimitReached(TransientError):
    """The task's time limit has passed."""


class DidNotHappen(TransientError):
    """The effect certainly did not happen; it may be done again without a doubt."""


class Snooze(TaskControl):
    """The job is put off for some seconds, at no cost of an attempt."""

    def __init__(self, seconds: float, message: str | None = None) -> None:
        if not seconds >= 0:
            raise ValueError("Snooze takes seconds of 0 or more")
        super().__init__(message or f"put off for {seconds:g} s")
        self.seconds = float(seconds)


class PermanentError(TaskControl):
    """The attempt failed for a reason that will not pass; another would fail alike."""


class ResultInvalid(PermanentError):
    """The answer of a task, a step or an effect cannot be stored."""


class DuplicateStep(PermanentError):
    """Two steps of one attempt have the same name; the second would get the first one's result."""


class InvalidRecord(PermanentError):
    """An adapter gave a record that cannot be right; correct the adapter or the host's data."""


class UnknownTenant(PermanentError):
    """The host knows no tenant of this id."""


class FileMissing(PermanentError):
    """The file storage has no file of this name."""


class Cancelled(TaskControl):
    """Somebody cancelled this job."""


class Interrupted(BaseException):
    """The worker is stopping; this run is released, at no cost of an attempt.

    Not an `Exception`: no `except Exception` in a task may keep it.
    """
