"""Rules on private fields and the keys that encrypt them."""

from __future__ import annotations

from collections.abc import Iterator

from jobkit.checks.declared import Declared, Rule
from jobkit.checks.report import Finding, fault, warning
from jobkit.privacy import has_private, holds_private

_SHORTEST_KEY = 20
"""Of random letters and digits, as many hold about 119 bits."""


def private_fields_are_stored(declared: Declared) -> Iterator[Finding]:
    """Find private fields that would travel through the broker in the clear."""
    for task in declared.tasks:
        if not task.durable and has_private(task.payload_type):
            yield fault(
                "private-field-in-undurable-task",
                task.name,
                f"{task.payload_type.__name__} has private fields, and durable=False sends them "
                "through the broker unencrypted; make the task durable",
            )


def private_fields_have_a_key(declared: Declared) -> Iterator[Finding]:
    """Find private fields that nothing can encrypt."""
    settings = declared.settings
    if settings.secret_keys or settings.store_url is None:
        return  # without a store_url a key is made beside the default store
    private = [
        task.name
        for task in declared.tasks
        if has_private(task.payload_type) or holds_private(task.result_type)
    ]
    if private:
        yield fault(
            "secret-key-missing",
            "JOBKIT_SECRET_KEYS",
            f"private fields of {', '.join(sorted(private))} cannot be encrypted without a key; "
            "set it to the same key on every machine",
        )


def keys_are_strong(declared: Declared) -> Iterator[Finding]:
    """Find keys that are empty, and warn of those that could be guessed."""
    for number, key in enumerate(declared.settings.secret_keys, start=1):
        text = key.get_secret_value().strip()
        if not text:
            yield fault("secret-key-empty", "JOBKIT_SECRET_KEYS", f"key {number} is empty")
        elif len(text) < _SHORTEST_KEY:
            yield warning(
                "secret-key-short",
                "JOBKIT_SECRET_KEYS",
                f"key {number} has under {_SHORTEST_KEY} characters and might be guessed; "
                "make one with cryptography's Fernet.generate_key()",
            )


RULES: tuple[Rule, ...] = (
    private_fields_are_stored,
    private_fields_have_a_key,
    keys_are_strong,
)
