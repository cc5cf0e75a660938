"""Private fields: marked in a payload, encrypted in the store, redacted where people read."""

from jobkit.privacy.cipher import Cipher, local_key
from jobkit.privacy.faults import describe_validation_error
from jobkit.privacy.marks import (
    Personal,
    PrivateMark,
    Secret,
    has_private,
    holds_private,
    is_private,
    readable_names,
)
from jobkit.privacy.redactor import Redactor
from jobkit.privacy.sealing import (
    accepted_name,
    redacted,
    seal,
    seal_unvalidated,
    unseal,
    unseal_text,
)
from jobkit.privacy.values import REDACTED, masked_repr_args, private_values

__all__ = [
    "REDACTED",
    "Cipher",
    "Personal",
    "PrivateMark",
    "Redactor",
    "Secret",
    "accepted_name",
    "describe_validation_error",
    "has_private",
    "holds_private",
    "is_private",
    "local_key",
    "masked_repr_args",
    "private_values",
    "readable_names",
    "redacted",
    "seal",
    "seal_unvalidated",
    "unseal",
    "unseal_text",
]
