"""What jobkit expects of a `FileStorage` adapter."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobkit.adapters.files import FileStorage
from jobkit.errors import FileMissing, PermanentError

NAME = "reports/acme/sales.csv"


class Broken(Exception):
    """Something went wrong while a file was being written."""


class FileStorageContract:
    """Subclass this and implement `adapter`."""

    def adapter(self) -> FileStorage:
        """Return an adapter over an empty storage."""
        raise NotImplementedError

    def test_what_is_written_can_be_read(self) -> None:
        files = self.adapter()

        with files.write(NAME) as file:
            file.write(b"one ")
            file.write(b"two")

        assert _content(files, NAME) == b"one two"

    def test_a_file_appears_only_when_it_is_whole(self) -> None:
        files = self.adapter()

        with files.write(NAME) as file:
            file.write(b"half")
            with pytest.raises(FileMissing):
                files.open(NAME)

        assert _content(files, NAME) == b"half"

    def test_nothing_appears_when_the_writing_fails(self) -> None:
        files = self.adapter()

        with pytest.raises(Broken):
            _write_half(files, NAME, Broken())

        with pytest.raises(FileMissing):
            files.open(NAME)

    def test_nothing_appears_when_the_process_is_told_to_end(self) -> None:
        files = self.adapter()

        with pytest.raises(SystemExit):
            _write_half(files, NAME, SystemExit())

        with pytest.raises(FileMissing):
            files.open(NAME)

    def test_another_writing_replaces_the_whole_file(self) -> None:
        files = self.adapter()
        _write(files, NAME, b"a long first version")

        _write(files, NAME, b"short")

        assert _content(files, NAME) == b"short"

    def test_a_file_stays_as_it_was_when_its_replacement_fails(self) -> None:
        files = self.adapter()
        _write(files, NAME, b"first")

        with pytest.raises(Broken):
            _write_half(files, NAME, Broken())

        assert _content(files, NAME) == b"first"

    def test_two_writers_of_one_name_leave_one_whole_file(self) -> None:
        files = self.adapter()

        with files.write(NAME) as slow:
            slow.write(b"slow ")
            _write(files, NAME, b"quick and longer")
            slow.write(b"writer")

        assert _content(files, NAME) == b"slow writer"

    def test_an_empty_file_is_a_file(self) -> None:
        files = self.adapter()

        _write(files, NAME, b"")

        assert _content(files, NAME) == b""

    def test_a_deleted_file_is_gone_and_may_be_deleted_again(self) -> None:
        files = self.adapter()
        _write(files, NAME, b"content")

        files.delete(NAME)
        files.delete(NAME)

        with pytest.raises(FileMissing):
            files.open(NAME)

    def test_names_may_have_folders_spaces_and_any_letters(self) -> None:
        files = self.adapter()
        name = "a b/Ελλάδα/отчёт 1 #2 100%.pdf"

        _write(files, name, b"content")

        assert _content(files, name) == b"content"

    @pytest.mark.parametrize(
        "name",
        ["", "/etc/passwd", "../secret", "a/../../secret", "a//b", "a\\b", "C:/a", "a\0b", ".part"],
    )
    def test_a_name_that_leads_elsewhere_is_refused(self, name: str) -> None:
        files = self.adapter()

        with pytest.raises(PermanentError), files.write(name):
            pass
        with pytest.raises(PermanentError):
            files.open(name)
        with pytest.raises(PermanentError):
            files.delete(name)

    def test_the_address_is_an_absolute_url_also_before_the_file_is_there(self) -> None:
        files = self.adapter()

        address = files.url("reports/a b.csv", timedelta(hours=1))

        assert "://" in address
        assert " " not in address
        assert files.url("reports/a b.csv")


def _write(files: FileStorage, name: str, content: bytes) -> None:
    with files.write(name) as file:
        file.write(content)


def _content(files: FileStorage, name: str) -> bytes:
    with files.open(name) as file:
        return file.read()


def _write_half(files: FileStorage, name: str, error: BaseException) -> None:
    with files.write(name) as file:
        file.write(b"half")
        raise error
