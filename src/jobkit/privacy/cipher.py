"""Encrypting private values, and the key that a default installation makes for itself."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from jobkit.errors import ConfigurationError

_FERNET_KEY = re.compile(r"[A-Za-z0-9_-]{43}=")
_SALT = b"jobkit"
_INFO = b"jobkit private fields, version 1"
_PRINTS = b"jobkit fingerprints, version 1"


class Cipher:
    """Encrypt and decrypt texts with Fernet (AES-128-CBC and HMAC-SHA256).

    The first of *keys* encrypts, all of them decrypt, so that a new key goes in front and the old
    one stays until no stored job needs it. A key is 32 bytes in URL-safe base64, as
    `Fernet.generate_key()` makes it. Any other text is turned into one by HKDF-SHA256 (RFC 5869)
    with a fixed salt: as strong as the text is long and random, so no password for people.
    Raises `ConfigurationError` for no keys, or empty ones.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        from cryptography.fernet import Fernet, MultiFernet

        if isinstance(keys, str):
            raise TypeError("Cipher takes a sequence of keys, not one text")
        if not keys or not all(key.strip() for key in keys):
            raise ConfigurationError("JOBKIT_SECRET_KEYS needs at least one key, and none empty")
        made = [_fernet_key(key.strip()) for key in keys]
        self._fernet = MultiFernet([Fernet(key) for key in made])
        # Not the key itself: what is made of it here is stored where many may read it.
        self._printing = hmac.digest(base64.urlsafe_b64decode(made[-1]), _PRINTS, "sha256")

    def encrypt(self, text: str) -> str:
        """Return *text* as a token that differs each time."""
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def decrypt(self, token: str) -> str:
        """Return the text of *token*. Raises `ConfigurationError` where no key fits."""
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet.decrypt(token.encode()).decode()
        except InvalidToken:
            pass
        raise ConfigurationError(
            "no key in JOBKIT_SECRET_KEYS opens a private value of this job: add the key it was "
            "stored with after the current one"
        )

    def fingerprint(self, text: str) -> str:
        """Return 64 letters that are the same for equal texts, and tell nothing without the key.

        The *last* of the keys makes them (HMAC-SHA256), so that a new one in front, and machines
        that have it later than others, change nothing.
        """
        return hmac.new(self._printing, text.encode(), hashlib.sha256).hexdigest()


def _fernet_key(text: str) -> bytes:
    if _FERNET_KEY.fullmatch(text):
        return text.encode("ascii")
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    derived = HKDF(algorithm=SHA256(), length=32, salt=_SALT, info=_INFO).derive(text.encode())
    return base64.urlsafe_b64encode(derived)


def local_key(data_dir: Path) -> str:
    """Return the key kept in `secret.key` of *data_dir*, made on first use.

    Only its owner can read it. Processes that race for it all get the one that stays. Raises
    `ConfigurationError` where the file cannot be made or holds no key.
    """
    path = data_dir / "secret.key"
    try:
        if not path.exists():
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            _place(path, base64.urlsafe_b64encode(secrets.token_bytes(32)))
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(
            f"the key in {path} cannot be kept there ({error}); set JOBKIT_SECRET_KEYS instead"
        ) from error
    if not _FERNET_KEY.fullmatch(key):
        raise ConfigurationError(
            f"{path} holds no key; restore it from a backup, or remove it if no stored job has "
            "private fields"
        )
    return key


def _place(path: Path, content: bytes) -> None:
    """Put *content* at *path*, whole and on the disk, unless somebody else was faster."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # Both refuse a name that is taken; a plain POSIX rename would replace the key of a
        # process that has already encrypted with it.
        publish = os.rename if os.name == "nt" else os.link
        publish(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
    if os.name != "nt":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
