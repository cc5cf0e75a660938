from __future__ import annotations

import hashlib
import io

import pytest

from jobkit.adapters.files import Measured, check_name
from jobkit.errors import PermanentError


def test_what_passes_through_is_measured() -> None:
    target = io.BytesIO()
    file = Measured(target)

    file.write(b"one ")
    file.write(memoryview(b"two"))

    assert target.getvalue() == b"one two"
    assert file.size == 7
    assert file.sha256 == hashlib.sha256(b"one two").hexdigest()


def test_a_measured_file_does_not_seek_so_that_its_checksum_holds() -> None:
    file = Measured(io.BytesIO())

    assert not file.seekable()
    with pytest.raises(OSError, match="seek"):
        file.seek(0)


def test_a_part_of_a_name_may_have_255_bytes_and_no_more() -> None:
    assert check_name("ж" * 127) == "ж" * 127
    with pytest.raises(PermanentError):
        check_name("ж" * 128)


@pytest.mark.parametrize("name", ["a/", "a .", "a\u202eb", "a\ud800b", "a:b", "a*b", "a\nb"])
def test_a_name_that_some_system_cannot_keep_is_refused(name: str) -> None:
    with pytest.raises(PermanentError, match="no name for a stored file"):
        check_name(name)
