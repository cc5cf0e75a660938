"""Declaring tasks."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pytest

from jobkit.context import JobContext
from jobkit.errors import ConfigurationError, DuplicateTask
from jobkit.payload import Payload, Result
from jobkit.queues import Priority, Queue
from jobkit.retry import Retry
from jobkit.schedules import Every
from jobkit.task import OPTIONS, Task, TaskSet

if TYPE_CHECKING:
    from decimal import Decimal

T = TypeVar("T")


class Order(Payload):
    tenant_id: str
    order_id: str


class Drawn(Result):
    pages: int


class Files(Protocol):
    def write(self, name: str) -> None: ...


class Repository(Protocol[T]):
    def get(self) -> T: ...


@pytest.fixture
def tasks() -> TaskSet:
    return TaskSet("purchasing")


def declared(tasks: TaskSet, fn: Callable[..., Any], **policy: Any) -> Task[Any, Any]:
    return tasks.task(**policy)(fn)


def draw(payload: Order, *, job: JobContext, files: Files) -> Drawn:
    """Draw an order.

    As a PDF.
    """
    files.write(payload.order_id)
    return Drawn(pages=1)


def test_a_declaration_is_read_from_the_function(tasks: TaskSet) -> None:
    task = declared(tasks, draw)

    assert task.name == "purchasing.draw"
    assert task.payload_type is Order
    assert task.result_type is Drawn
    assert task.wants_job == "job"
    assert [(wish.keyword, wish.protocol, wish.optional) for wish in task.wishes] == [
        ("files", Files, False)
    ]
    assert task.doc == "Draw an order.\n\nAs a PDF."


def test_a_task_stays_a_plain_callable(tasks: TaskSet) -> None:
    class Memory:
        def write(self, name: str) -> None:
            written.append(name)

    written: list[str] = []
    task = declared(tasks, draw)

    result = task(Order(tenant_id="b1", order_id="o1"), job=None, files=Memory())

    assert result == Drawn(pages=1)
    assert written == ["o1"]


def test_collaborators_may_be_optional(tasks: TaskSet) -> None:
    def fn(
        payload: Order, *, a: Files | None, b: Files = ..., c: Repository[int] | None = None
    ) -> None:  # type: ignore[assignment]
        """Do nothing."""

    wishes = declared(tasks, fn).wishes

    assert [(wish.protocol, wish.optional) for wish in wishes] == [
        (Files, True),
        (Files, True),
        (Repository[int], True),
    ]


def test_a_generic_protocol_of_none_is_not_optional(tasks: TaskSet) -> None:
    def fn(payload: Order, *, a: Repository[None]) -> None:
        """Do nothing."""

    (wish,) = declared(tasks, fn).wishes

    assert wish.protocol == Repository[None]
    assert not wish.optional


def test_the_job_may_have_any_name_and_be_optional(tasks: TaskSet) -> None:
    def fn(payload: Order, this: JobContext | None = None) -> None:
        """Do nothing."""

    task = declared(tasks, fn)

    assert task.wants_job == "this"
    assert task.wishes == ()


def test_results_are_validated_by_the_return_annotation(tasks: TaskSet) -> None:
    def untyped(payload: Order):  # type: ignore[no-untyped-def]
        """Do nothing."""

    def nothing(payload: Order) -> None:
        """Do nothing."""

    assert declared(tasks, draw).results.validate_python({"pages": 2}) == Drawn(pages=2)
    assert declared(tasks, untyped).result_type is Any
    assert declared(tasks, nothing).results.validate_python(None) is None


def test_policy_has_defaults_and_the_sets_queue(tasks: TaskSet) -> None:
    task = declared(tasks, draw)

    assert task.queue == Queue("purchasing")
    assert task.priority is Priority.NORMAL
    assert task.retry == Retry()
    assert task.durable
    assert (task.time_limit, task.schedule, task.unique_by, task.aliases) == (None, None, (), ())


def test_policy_is_what_the_decorator_says(tasks: TaskSet) -> None:
    every = Every(60)

    task = declared(
        tasks,
        draw,
        name="draw_order",
        queue="slow",
        priority=0,
        retry=Retry(max_attempts=2),
        time_limit=120,
        soft_time_limit=100,
        unique_by=["tenant_id"],
        durable=False,
        schedule=every,
        schedule_payload={"tenant_id": "b1"},
        aliases=["orders.draw"],
    )

    assert task.name == "purchasing.draw_order"
    assert (str(task.queue), task.priority) == ("slow", Priority.CRITICAL)
    assert (task.retry.max_attempts, task.time_limit, task.soft_time_limit) == (2, 120, 100)
    assert (task.unique_by, task.aliases) == (("tenant_id",), ("orders.draw",))
    assert (task.schedule, task.schedule_payload) == (every, {"tenant_id": "b1"})
    assert not task.durable


def test_a_set_lists_its_tasks_in_order() -> None:
    tasks = TaskSet("purchasing", queue=Queue("slow"))

    names = [declared(tasks, draw, name=name).name for name in ("b", "a")]

    assert [task.name for task in tasks] == names
    assert len(tasks) == 2
    assert {task.queue.name for task in tasks} == {"slow"}


def test_a_declared_task_is_frozen(tasks: TaskSet) -> None:
    task = declared(tasks, draw)

    with pytest.raises(dataclasses.FrozenInstanceError):
        task.name = "other"  # type: ignore[misc]


def test_other_policy_makes_another_task(tasks: TaskSet) -> None:
    task = declared(tasks, draw)

    slow = task.with_policy(queue="slow", time_limit=5, unique_by=["order_id"])

    assert (slow.queue, slow.time_limit, slow.unique_by) == (Queue("slow"), 5, ("order_id",))
    assert (slow.name, slow.fn) == (task.name, task.fn)
    assert task.queue == Queue("purchasing")


def test_what_is_no_policy_cannot_be_configured(tasks: TaskSet) -> None:
    with pytest.raises(ConfigurationError, match="no policy called fn, name; choose from aliases"):
        declared(tasks, draw).with_policy(name="x", fn=print)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"queue": "no name!"}, "no name for a queue"),
        ({"priority": 9}, "9 is no priority; choose from Priority.CRITICAL"),
        ({"unique_by": "tenant_id"}, r"unique_by takes several names: write \('tenant_id',\)"),
        ({"aliases": "orders.draw"}, "aliases takes several names"),
    ],
)
def test_policy_that_cannot_be_is_refused(
    tasks: TaskSet, policy: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        declared(tasks, draw, **policy)
    with pytest.raises(ConfigurationError, match=message):
        declared(tasks, draw).with_policy(**policy)


@pytest.mark.parametrize("name", ["Purchasing", "a.b", "", "1a", "a-b"])
def test_a_set_has_a_lower_snake_case_name(name: str) -> None:
    with pytest.raises(ConfigurationError, match="no name for a task set"):
        TaskSet(name)


@pytest.mark.parametrize("name", ["Draw", "draw order", "1st", "draw.", "ü"])
def test_a_task_has_a_lower_snake_case_name(tasks: TaskSet, name: str) -> None:
    with pytest.raises(ConfigurationError, match="no name for a task"):
        declared(tasks, draw, name=name)


def test_a_set_has_each_name_once(tasks: TaskSet) -> None:
    declared(tasks, draw)

    with pytest.raises(DuplicateTask, match="declared twice in the task set purchasing"):
        declared(tasks, draw)


# --- Functions that cannot be tasks --------------------------------------------------------------


class Delayed(Payload):
    delay: int


def without_payload() -> None: ...
def keyword_payload(*, payload: Order) -> None: ...
def many_payloads(*payload: Order) -> None: ...
def unannotated_payload(payload) -> None: ...  # type: ignore[no-untyped-def]
def wrong_payload(payload: dict[str, str]) -> None: ...
def union_payload(payload: Order | Delayed) -> None: ...
def option_as_field(payload: Delayed) -> None: ...
def unannotated(payload: Order, *, files) -> None: ...  # type: ignore[no-untyped-def]
def any_places(payload: Order, *files: Files) -> None: ...
def any_names(payload: Order, **files: Files) -> None: ...
def by_place(payload: Order, files: Files, /) -> None: ...
def two_protocols(payload: Order, *, files: Files | Repository[int]) -> None: ...
def two_jobs(payload: Order, *, a: JobContext, b: JobContext) -> None: ...
def only_for_checkers(payload: Order) -> Decimal: ...  # type: ignore[empty-body]
async def asynchronous(payload: Order) -> None: ...
def yielding(payload: Order) -> Iterator[int]:
    yield 1


async def asynchronous_yielding(payload: Order) -> Any:
    yield 1


@pytest.mark.parametrize(
    ("fn", "message"),
    [
        (without_payload, "takes no payload; give it a first argument"),
        (keyword_payload, "takes no payload; give it a first argument"),
        (many_payloads, "takes no payload; give it a first argument"),
        (unannotated_payload, "annotate the first argument 'payload' with a subclass"),
        (wrong_payload, "annotate the first argument 'payload' with a subclass"),
        (union_payload, "annotate the first argument 'payload' with a subclass"),
        (option_as_field, "the payload field delay is also an option of enqueue"),
        (unannotated, "annotate 'files' with JobContext or an adapter's protocol"),
        (any_places, "name its collaborators instead of"),
        (any_names, "name its collaborators instead of"),
        (by_place, "collaborators are given by name; put 'files' after a"),
        (two_protocols, "annotate 'files' with one protocol, or one and None"),
        (two_jobs, "asks for its job twice: a and b"),
        (only_for_checkers, "'Decimal' is not defined. Annotations are read when"),
        (asynchronous, "is asynchronous"),
        (asynchronous_yielding, "is asynchronous"),
        (yielding, "yields, so that it would never run"),
    ],
)
def test_a_function_that_cannot_be_a_task_is_refused(
    tasks: TaskSet, fn: Callable[..., Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message) as refused:
        declared(tasks, fn)

    assert str(refused.value).startswith(f"purchasing.{fn.__name__}")
    assert len(tasks) == 0


@pytest.mark.parametrize("option", sorted(OPTIONS))
def test_no_payload_field_has_the_name_of_an_option(tasks: TaskSet, option: str) -> None:
    kind = type("Clashing", (Payload,), {"__annotations__": {option: int}, "__module__": __name__})

    def fn(payload: Any) -> None: ...

    fn.__annotations__["payload"] = kind
    with pytest.raises(ConfigurationError, match=f"the payload field {option} is also an option"):
        declared(tasks, fn)
