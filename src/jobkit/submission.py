"""From a task, a payload and options to a row for the store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from jobkit.clock import Clock
from jobkit.errors import ConfigurationError, EnqueueError, InvalidPayload, PayloadTooLarge
from jobkit.job import new_job_id
from jobkit.payload import Payload
from jobkit.privacy import (
    Cipher,
    accepted_name,
    describe_validation_error,
    has_private,
    readable_names,
    seal,
    unseal,
)
from jobkit.queues import Priority, Queue
from jobkit.settings import Settings
from jobkit.store.enqueueing import NewJob
from jobkit.store.sameness import states_as_bits
from jobkit.task import OPTIONS, P, Task
from jobkit.tasklist import TaskList
from jobkit.unique import BY_KEY, Unique, key_of_fields, key_of_key

_LONGEST_TENANT = 200
"""As many characters have room in the store's column."""


@dataclass(frozen=True)
class Submission:
    """Validate what callers give, alike for models and for keywords."""

    tasks: TaskList
    settings: Settings
    clock: Clock
    cipher: Cipher | None

    def build(
        self,
        task: Any,
        payload: Any,
        options: Mapping[str, Any],
        scheduled_for: datetime | None = None,
    ) -> NewJob:
        """Return the row for a job; *scheduled_for* is the run time that a schedule means.

        *options* holds the options of `enqueue` and, where *payload* is None, the payload's
        fields. Raises `UnknownTask`, `InvalidPayload`, `PayloadTooLarge` or `EnqueueError`.
        """
        found = self.tasks.find(task)
        fields = {name: value for name, value in options.items() if name not in OPTIONS}
        if payload is not None and fields:
            raise InvalidPayload(
                f"{found.name} was given a payload and the fields {', '.join(sorted(fields))}; "
                "give one or the other"
            )
        model = self.payload(found, fields if payload is None else payload)
        given = {name: value for name, value in options.items() if name in OPTIONS}
        return self.row(found, model, given, scheduled_for)

    def payload(self, task: Task[P, Any], given: Any) -> P:
        """Return *given*, a model or a mapping, as the payload of *task*."""
        expected = task.payload_type
        if isinstance(given, expected):
            return given
        if isinstance(given, Payload):
            raise InvalidPayload(
                f"{task.name} takes {task.payload_type.__name__}, not {type(given).__name__}"
            )
        if not isinstance(given, Mapping):
            raise InvalidPayload(
                f"{task.name} takes {task.payload_type.__name__} or its fields as a mapping, "
                f"not {type(given).__name__}"
            )
        try:
            return expected.model_validate(dict(given))
        except ValidationError as error:
            told = describe_validation_error(error, task.payload_type, given)
            raise InvalidPayload(f"the payload does not fit {task.name}: {told}") from None

    def row(
        self,
        task: Task[Any, Any],
        payload: Payload,
        options: Mapping[str, Any],
        scheduled_for: datetime | None = None,
    ) -> NewJob:
        """Return the row for a validated payload."""
        text = seal(payload, self.cipher)
        limit = self.settings.payload_max_bytes
        if (size := len(text.encode())) > limit:
            raise PayloadTooLarge(
                f"the payload of {task.name} is {size:,} bytes of JSON, over the limit of "
                f"{limit:,}; store the data in a file and pass its reference, or raise "
                "JOBKIT_PAYLOAD_MAX_BYTES"
            )
        return NewJob(
            id=new_job_id(self.clock.time()),
            task=task.name,
            queue=_queue(options.get("queue"), task),
            tenant_id=_tenant(payload),
            priority=_priority(options.get("priority"), task),
            payload=text,
            max_attempts=_attempts(options.get("max_attempts"), task),
            scheduled_at=self._due(options),
            scheduled_for=scheduled_for,
            **self._unique(task, payload, text, options.get("idempotency_key"), scheduled_for),
        )

    def _unique(
        self,
        task: Task[Any, Any],
        payload: Payload,
        text: str,
        key: Any,
        scheduled_for: datetime | None,
    ) -> dict[str, Any]:
        """Return the columns that make a job unique; an idempotency key goes before the policy."""
        policy = task.unique if key is None else BY_KEY
        if policy is None:
            return {}
        if not task.durable:
            raise EnqueueError(f"{task.name} is not durable: nothing is stored to be unique by")
        if key is not None:
            if not isinstance(key, str) or not key:
                raise EnqueueError(f"idempotency_key takes a text that is not empty, not {key!r}")
            keyed = has_private(task.payload_type)
            found = key_of_key(task.name, tenant_of(payload), key, self.cipher, keyed)
        else:
            bucket = policy.bucket(scheduled_for or self.clock.now())
            values = self._values(task, policy, payload, text)
            keyed = not set(policy.by) <= readable_names(task.payload_type)
            found = key_of_fields(task.name, values, bucket, self.cipher, keyed)
        return {
            "unique_key": found,
            "unique_states": states_as_bits(policy.counted),
            "on_conflict": policy.on_conflict,
        }

    def _values(
        self, task: Task[Any, Any], policy: Unique, payload: Payload, text: str
    ) -> dict[str, Any]:
        """Return the fields that a policy names as equal jobs write them."""
        fields = task.payload_type.model_fields
        data = unseal(text, self.cipher) if policy.by else {}
        values: dict[str, Any] = {}
        for name in policy.by:
            if name not in fields or fields[name].exclude:
                raise ConfigurationError(
                    f"{task.name} cannot be unique by {name!r}, which is no stored field of "
                    f"{task.payload_type.__name__}"
                )
            stored = data.get(accepted_name(fields[name], name))
            values[name] = _comparable(getattr(payload, name), stored)
        return values

    def _due(self, options: Mapping[str, Any]) -> datetime:
        moment, delay = options.get("scheduled_at"), options.get("delay")
        if moment is not None and delay is not None:
            raise EnqueueError("give scheduled_at or delay, not both")
        if delay is not None:
            try:
                wait = delay if isinstance(delay, timedelta) else timedelta(seconds=delay)
                return self.clock.now() + wait
            except (TypeError, ValueError, OverflowError):
                raise EnqueueError(
                    f"delay takes seconds or a timedelta within the calendar, not {delay!r}"
                ) from None
        if moment is None:
            return self.clock.now()
        if not isinstance(moment, datetime) or moment.tzinfo is None:
            raise EnqueueError(
                "scheduled_at takes a datetime with a time zone, such as "
                "datetime(2027, 1, 31, 9, tzinfo=ZoneInfo('Africa/Accra'))"
            )
        return moment


def tenant_of(payload: Payload) -> str | None:
    """Return the tenant that a payload names in its field `tenant_id`, or None."""
    tenant = getattr(payload, "tenant_id", None)
    return None if tenant is None else str(tenant)


def _tenant(payload: Payload) -> str | None:
    tenant = tenant_of(payload)
    if tenant is not None and (len(tenant) > _LONGEST_TENANT or "\x00" in tenant):
        raise InvalidPayload(
            f"{type(payload).__name__}.tenant_id takes up to {_LONGEST_TENANT} characters, "
            "none of them NUL"
        )
    return tenant


def _comparable(value: Any, stored: Any) -> Any:
    """Return the stored form of a field such that equal values have equal ones."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat()
    if isinstance(value, set | frozenset) and isinstance(stored, list):
        # Each process has an order of its own.
        return sorted(stored, key=lambda item: json.dumps(item, sort_keys=True))
    return stored


def _queue(given: Any, task: Task[Any, Any]) -> str:
    if given is None:
        return task.queue.name
    try:
        return Queue(str(given)).name
    except ConfigurationError as error:
        raise EnqueueError(error.message) from None


def _priority(given: Any, task: Task[Any, Any]) -> Priority:
    try:
        return Priority(task.priority if given is None else given)
    except ValueError:
        known = ", ".join(f"Priority.{one.name}" for one in Priority)
        raise EnqueueError(f"priority takes one of {known}, not {given!r}") from None


def _attempts(given: Any, task: Task[Any, Any]) -> int:
    attempts = task.retry.max_attempts if given is None else given
    if not isinstance(attempts, int) or attempts < 1:
        raise EnqueueError(
            f"max_attempts counts the first try: a whole number of 1 or more, not {given!r}"
        )
    return attempts
