from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from threading import Thread
from zoneinfo import ZoneInfo

import pdfplumber
import pypdfium2
import pytest
from tests.rendering.reports import pdf_texts, rendered, report, row, words

from jobkit.rendering import Bars, Figure, Ranking, Row, Summary

SUMMARY = Summary(
    figures=(Figure("Net sales", Decimal("1234.50"), "EUR"), Figure("Sales", 7)),
    bars=(Bars("By month", "month", ((date(2025, 1, 1), Decimal(5)),), "EUR"),),
    rankings=(Ranking("Best sellers", (("Rice", Decimal("3.25")),), "EUR"),),
    notes=("Amounts are in euro.",),
)


def pages_of(content: bytes) -> list[str]:
    """Return the text of each page, by a reader that is quick with many."""
    with pypdfium2.PdfDocument(content) as document:
        return [page.get_textpage().get_text_bounded() for page in document]


def test_the_first_page_says_whose_what_and_when() -> None:
    content, _ = rendered(
        "pdf", [row()], report(summary=lambda: SUMMARY, zone=ZoneInfo("Asia/Kolkata"))
    )

    first, second = pdf_texts(content)
    for text in ("Corner Shop", "1 High Street", "Sales report", "Jan 1 – 31, 2025"):
        assert re.sub(r"\s+", " ", text) in re.sub(r"\s+", " ", first)
    assert "Generated Feb 1, 2025 2:00" in first
    assert "(Asia/Kolkata)" in first
    assert "Rice" in second


def test_the_first_page_shows_figures_that_were_known_last() -> None:
    seen: list[Row] = []

    def rows() -> Iterator[Row]:
        for _ in range(100):
            seen.append(row())
            yield seen[-1]

    content, _ = rendered(
        "pdf", rows(), report(summary=lambda: Summary(figures=(Figure("Rows", len(seen)),)))
    )

    assert "Rows\n100" in pdf_texts(content)[0]


def test_the_first_page_has_a_chart_a_ranking_and_notes() -> None:
    content, _ = rendered("pdf", [row()], report(summary=lambda: SUMMARY))

    with pdfplumber.open(io.BytesIO(content)) as document:
        text = document.pages[0].extract_text()
        bars = [rect for rect in document.pages[0].rects if rect["height"] > 50]
    for expected in ("€1,234.50", "By month", "Jan 2025", "Rice 3.25", "Amounts are in euro."):
        assert expected in text
    assert bars


def test_every_page_has_its_number_the_header_and_a_place_in_the_whole() -> None:
    content, _ = rendered("pdf", [row() for _ in range(100)], report(summary=lambda: SUMMARY))

    pages = pdf_texts(content)
    assert len(pages) == 5
    for number, text in enumerate(pages, start=1):
        assert f"Page {number} of 5" in text
        assert ("Date Product Pieces Weight Total Currency" in text) == (number > 1)


def test_every_row_is_there_once() -> None:
    content, tally = rendered("pdf", (row(f"product-{number}") for number in range(250)))

    found = re.findall(r"product-(\d+)", "\n".join(pages_of(content)))
    assert sorted(map(int, found)) == list(range(250))
    assert tally.rows == 250


def test_ten_thousand_rows_are_no_trouble() -> None:
    content, _ = rendered("pdf", (row(f"product-{number}") for number in range(10_000)))

    pages = pages_of(content)
    assert "product-9999" in pages[-1]
    assert re.search(r"Total EUR\s+10,000\s+125,000\.00", pages[-1])
    assert f"Page {len(pages)}" in pages[-1]


def test_numbers_stand_right_and_text_left() -> None:
    content, _ = rendered("pdf", [row("Rice", "5.00"), row("Milk", "1234567.00")])

    with pdfplumber.open(io.BytesIO(content)) as document:
        placed = words(document.pages[0])
    assert placed["5.00"]["x1"] == pytest.approx(placed["1,234,567.00"]["x1"], abs=0.5)
    assert placed["5.00"]["x0"] > placed["1,234,567.00"]["x0"]
    assert placed["Rice"]["x0"] == pytest.approx(placed["Milk"]["x0"], abs=0.5)


def test_rows_do_not_run_into_each_other() -> None:
    long = "Rice of the first quality " * 8
    content, _ = rendered("pdf", [row("First"), row(long), row("Third"), row("x" * 500)])

    with pdfplumber.open(io.BytesIO(content)) as document:
        lines = document.pages[0].extract_text_lines()
    table = [line for line in lines if line["top"] > 120]
    assert all(above["bottom"] <= below["top"] + 0.5 for above, below in pairwise(table))


def test_a_long_text_runs_over_its_lines_and_is_then_cut() -> None:
    content, _ = rendered("pdf", [row("Rice of the first quality " * 20), row("short")])

    with pdfplumber.open(io.BytesIO(content)) as document:
        page = document.pages[0]
        header = words(page)
        column = page.crop(
            (header["Product"]["x0"] - 2, 0, header["Pieces"]["x0"] - 2, page.height)
        )
        lines = [line["text"] for line in column.extract_text_lines() if "quality" in line["text"]]
    assert len(lines) == 3
    assert lines[-1].endswith("…")


def test_text_never_leaves_its_column() -> None:
    content, _ = rendered("pdf", [row("W" * 300, total=f"-{10**40}.99")])

    with pdfplumber.open(io.BytesIO(content)) as document:
        page = document.pages[0]
        header = words(page)
        below = [char for char in page.chars if char["top"] > header["Product"]["bottom"]]
        wide = [char for char in below if char["text"] == "W"]
        amount, _ = [word for word in page.extract_words() if word["text"].startswith("-10,0")]
    assert max(char["x1"] for char in wide) < header["Pieces"]["x0"]
    assert amount["x0"] > header["Weight"]["x1"]
    assert amount["text"] == f"-{10**40:,}.99"


def test_each_currency_has_a_total_of_its_own() -> None:
    content, _ = rendered(
        "pdf", [row(total="0.10"), row(total="0.20"), row(total="1000", currency="JPY")]
    )

    (text,) = pdf_texts(content)
    assert "Total EUR 2 0.30 EUR" in text
    assert "Total JPY 1 1,000 JPY" in text


@pytest.mark.parametrize("missing", range(8))
def test_totals_that_do_not_fit_go_on_the_next_page_under_a_header(missing: int) -> None:
    currencies = ("EUR", "USD", "GHS", "JPY")
    rows = [row(currency=currency) for currency in currencies for _ in range(8)]

    content, _ = rendered("pdf", rows[missing:])

    pages = pdf_texts(content)
    text = "\n".join(pages)
    assert [text.count(f"Total {currency}") for currency in currencies] == [1, 1, 1, 1]
    assert all("Date Product" in page for page in pages)


def test_numbers_and_dates_are_written_as_the_locale_has_them() -> None:
    declared = report(locale="de", zone=ZoneInfo("Europe/Berlin"))

    content, _ = rendered("pdf", [row(total="1234567.50")], declared)

    (text,) = pdf_texts(content)
    assert "31.01.2025 13:00 Rice 1 0,5 1.234.567,50 EUR" in text
    assert "1.–31. Jan. 2025" in text


def test_names_in_latin_greek_and_cyrillic_are_drawn_with_an_embedded_font() -> None:
    content, _ = rendered("pdf", [row("Ελαιόλαδο"), row("Чай чёрный"), row("Nguyễn Łódź ß ₵ ₹")])

    (text,) = pdf_texts(content)
    for name in ("Ελαιόλαδο", "Чай чёрный", "Nguyễn Łódź ß ₵ ₹"):
        assert name in text
    assert b"FontFile2" in content
    assert "empty box" not in text


def test_a_page_with_a_letter_that_the_font_lacks_says_so() -> None:
    rows = [row("日本茶"), *[row() for _ in range(40)]]

    content, _ = rendered("pdf", rows)

    first, second = pdf_texts(content)
    assert "An empty box stands for a letter that this document's font lacks" in first
    assert "empty box" not in second


def test_dates_and_currencies_that_the_font_cannot_write_fall_back_to_iso() -> None:
    summary = Summary(figures=(Figure("Net", Decimal(5), "AED"),), bars=SUMMARY.bars)

    content, _ = rendered("pdf", [row()], report(locale="ar", summary=lambda: summary))

    first, second = pdf_texts(content)
    assert "2025-01-01 – 2025-01-31" in first
    assert "AED 5.00" in first
    assert "2025-01\n" in first
    assert "empty box" not in first + second


def test_what_cannot_be_seen_is_not_drawn() -> None:
    content, _ = rendered("pdf", [row("a\0b\u200bc\u202ed\ud800e\nf\tg")])

    (text,) = pdf_texts(content)
    assert "abcde f g" in text


def test_a_report_without_rows_says_so_on_its_one_page() -> None:
    content, _ = rendered("pdf", [], report(summary=lambda: Summary(), empty="Nothing sold."))

    (text,) = pdf_texts(content)
    assert "Nothing sold." in text
    assert "Page 1 of 1" in text


def test_amounts_below_zero_are_drawn_in_the_table_and_in_the_chart() -> None:
    bars = Bars(
        "By day",
        "day",
        ((date(2025, 1, 1), Decimal(-50)), (date(2025, 1, 2), Decimal(100))),
        "EUR",
    )

    content, _ = rendered("pdf", [row(total="-50")], report(summary=lambda: Summary(bars=(bars,))))

    first, second = pdf_texts(content)
    assert "-50" in first
    assert "-50.00 EUR" in second


def test_the_document_says_what_it_is_and_has_bookmarks() -> None:
    content, _ = rendered("pdf", [row()], report(summary=lambda: SUMMARY))

    with pypdfium2.PdfDocument(content) as document:
        about = document.get_metadata_dict()
        marks = [mark.get_title() for mark in document.get_toc()]
    assert (about["Title"], about["Author"]) == ("Sales report", "Corner Shop")
    assert marks == ["Summary", "Sales"]


def test_several_can_be_written_at_once() -> None:
    results: dict[str, str] = {}

    def write(name: str) -> None:
        content, _ = rendered("pdf", (row(f"{name} {number}") for number in range(60)))
        results[name] = "\n".join(pdf_texts(content))

    threads = [Thread(target=write, args=(name,)) for name in ("Ελιά", "Чай", "Rice")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {name: text.count(name) for name, text in results.items()} == {
        "Ελιά": 60,
        "Чай": 60,
        "Rice": 60,
    }


def test_midnight_in_the_reports_zone_decides_the_day() -> None:
    late = datetime(2025, 1, 31, 23, 30, tzinfo=UTC)

    content, _ = rendered("pdf", [row(at=late)], report(locale="de", zone=ZoneInfo("Asia/Kolkata")))

    assert "01.02.2025 05:00" in pdf_texts(content)[0]
