from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.testing.shop import Order, pack, tasks

from jobkit.app import Jobkit
from jobkit.settings import Settings
from jobkit.testing import Drained, TimeTravel, assert_enqueued, enqueued

ORDER = Order(tenant_id="b1", number=1)
HOW_TO = Path(__file__).parents[2] / "docs/how-to/testing.md"
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
IMPORTS = """
import sys
import jobkit.testing.plugin
heavy = {"celery", "kombu", "sqlalchemy", "alembic", "pydantic", "structlog"} & set(sys.modules)
sys.exit(f"the plugin imports {sorted(heavy)}" if heavy else 0)
"""


def test_loading_the_plugin_imports_nothing_heavy() -> None:
    # Every pytest run of every project that has jobkit installed pays for it.
    ran = subprocess.run([sys.executable, "-c", IMPORTS], env=ENVIRONMENT, check=False)

    assert ran.returncode == 0


def test_the_host_of_the_how_to_is_tested_by_nothing_but_the_fixtures(tmp_path: Path) -> None:
    for name, code in re.findall(
        r'```python title="(.*?)"\n(.*?)```', HOW_TO.read_text(), re.DOTALL
    ):
        (tmp_path / name).write_text(code)

    ran = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly",
            "-W", "error", *_plugin(), str(tmp_path),
        ],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip

    assert "5 passed" in ran.stdout, ran.stdout + ran.stderr


def _plugin() -> list[str]:
    """Name the plugin where jobkit is run from a checkout, and its entry point is not there."""
    from importlib.metadata import entry_points

    found = entry_points(group="pytest11", name="jobkit")
    return [] if found else ["-p", "jobkit.testing.plugin"]


def test_applications_of_one_test_have_stores_of_their_own(
    jobkit_jobs: Callable[..., Jobkit],
) -> None:
    one, other = jobkit_jobs([tasks]), jobkit_jobs([tasks], max_crashes=2)

    one.enqueue(pack, ORDER)

    assert enqueued(other) == []
    assert other.settings.max_crashes == 2


def test_an_application_travels_with_the_clock(
    jobkit_jobs: Callable[..., Jobkit],
    jobkit_clock: TimeTravel,
    jobkit_drain: Callable[..., Drained],
) -> None:
    jobs = jobkit_jobs([tasks])
    jobs.enqueue(pack, ORDER, delay=3600)

    jobkit_clock.travel(3600)

    assert jobkit_drain(jobs).completed == 1


def test_an_application_of_the_host_is_isolated_until_the_test_ends(
    tmp_path: Path, jobkit_isolated: Callable[..., Jobkit], jobkit_clock: TimeTravel
) -> None:
    own = Jobkit(Settings(data_dir=tmp_path / "own"), tasks=[tasks])

    assert jobkit_isolated(own) is own

    own.enqueue(pack, ORDER)
    assert_enqueued(own, pack)
    assert own.clock is jobkit_clock.clock
    assert not (tmp_path / "own").exists()
