"""What the checks found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jobkit.errors import ChecksFailed


@dataclass(frozen=True)
class Finding:
    """Tell one thing that is wrong with an application, and how to mend it."""

    rule: str
    severity: Literal["fault", "warning"]
    subject: str
    """What it is about: a task, a protocol, a queue, a setting."""

    message: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.subject}: {self.message} [{self.rule}]"


def fault(rule: str, subject: str, message: str) -> Finding:
    """Return a finding with which the application cannot work."""
    return Finding(rule, "fault", subject, message)


def warning(rule: str, subject: str, message: str) -> Finding:
    """Return a finding with which the application works, though perhaps not as expected."""
    return Finding(rule, "warning", subject, message)


@dataclass(frozen=True)
class Report:
    """Hold all findings of one check."""

    findings: tuple[Finding, ...]

    @property
    def faults(self) -> tuple[Finding, ...]:
        """Return what must be mended."""
        return tuple(each for each in self.findings if each.severity == "fault")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Return what may be meant."""
        return tuple(each for each in self.findings if each.severity == "warning")

    @property
    def ok(self) -> bool:
        """Tell whether there are no faults; warnings are allowed."""
        return not self.faults

    def raise_for_faults(self) -> None:
        """Raise `ChecksFailed`, which lists every fault, if there are any."""
        if self.faults:
            raise ChecksFailed("\n".join(["the application has faults:", *map(str, self.faults)]))
