"""What a file is, by its bytes and never by its name; what is refused, and why."""

from __future__ import annotations

import codecs
import io
import re
import zipfile
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from icp.ingest.readers.notes import Notes

__all__ = ["Content", "check_zip", "content_of"]

Content = Literal["text", "xlsx", "xls", "parquet", "html"]

_HEAD = 64_000
#: Text has hardly any control characters besides line ends and tabs.
_CONTROLS = frozenset(range(1, 32)) - frozenset(b"\t\n\v\f\r\x1a")
_MANY_CONTROLS = 12
_WIDE = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAX_ENTRIES = 2_000
_MAX_ENTRY = 200_000_000
_MAX_TOTAL = 400_000_000
_MAX_RATIO = 200
_MIN_SUSPECT = 1_000_000

_EXPORT = "export it again as CSV (UTF-8) or as an Excel workbook (.xlsx)"
_SAVE = "open it in Excel and save it as .xlsx"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

#: First bytes, what the file is, what to do.
_REFUSED: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", "is a PDF document", _EXPORT),
    (b"\x1f\x8b", "is a gzip archive", "unpack it and give the file inside"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7-Zip archive", "unpack it and give the file inside"),
    (b"Rar!", "is a RAR archive", "unpack it and give the file inside"),
    (b"\x89PNG", "is a picture", _EXPORT),
    (b"\xff\xd8\xff", "is a picture", _EXPORT),
    (b"GIF8", "is a picture", _EXPORT),
    (b"SQLite format 3\0", "is a database file", "give its URL and a query instead"),
    (b"{\\rtf", "is a text document (RTF)", _EXPORT),
    (b"ARROW1", "is an Arrow file", "save it as Parquet"),
    (b"MIME-Version:", "is a web archive (MHTML)", _SAVE),
    (b"ID;PWXL", "is a SYLK file", _SAVE),
    (b"ID;PCALC", "is a SYLK file", _SAVE),
    (b"TABLE\r\n0,1", "is a DIF file", _SAVE),
)

_HTML = re.compile(rb"<\s*(!doctype\s+html|html|table|meta|head)\b", re.IGNORECASE)
_COMMENT = re.compile(rb"\s*<!--.*?-->", re.DOTALL)
_XML = re.compile(rb"^\s*<\?xml", re.IGNORECASE)
_JSON = re.compile(rb'^\s*(\[\s*(\{|\[|"|\d|\])|\{\s*("|\}))')


def content_of(data: bytes, notes: Notes, /) -> Content:
    """Say what the bytes are.

    Raises:
        SourceError: empty, or a kind of file that holds no table for us.
    """
    if not data.strip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe"):
        raise notes.stop(
            "source-error",
            f"is empty ({len(data):,} bytes)",
            action="export it again and check that the export holds rows",
        )
    for magic, what, action in _REFUSED:
        if data.startswith(magic):
            raise notes.stop("format-error", what, action=action)
    if data.startswith(b"PAR1"):
        return "parquet"
    if data.startswith(b"PK"):
        return _zip_content(data, notes)
    if data.startswith(_OLE):
        return _ole_content(data, notes)
    return _text_content(data, notes)


def _text_content(data: bytes, notes: Notes) -> Content:
    head = _one_byte_per_letter(data[:_HEAD])
    start = _COMMENT.sub(b"", head.lstrip(b"\xef\xbb\xbf \t\r\n"), count=1).lstrip()
    tagged = start.startswith(b"<") and re.search(rb"<\s*table\b", head, re.IGNORECASE)
    if _HTML.match(start) or tagged:
        return "html"
    if _XML.match(start):
        raise notes.stop("format-error", "is an XML file, not a table", action=_EXPORT)
    if _is_json(start):
        raise notes.stop("format-error", "is a JSON file, not a table", action=_EXPORT)
    if len(set(head).intersection(_CONTROLS)) >= _MANY_CONTROLS:
        raise notes.stop("format-error", "is no text and no workbook", action=_EXPORT)
    return "text"


def _one_byte_per_letter(head: bytes) -> bytes:
    """UTF-16 and UTF-32 with a mark as UTF-8; all other bytes as they are."""
    for mark, name in _WIDE:
        if head.startswith(mark):
            return head.decode(name, errors="ignore").encode(errors="ignore")
    return head


def _is_json(start: bytes) -> bool:
    """A brace or bracket first, and a quoted key or value right behind it."""
    first_line = start.split(b"\n", 1)[0]
    return bool(_JSON.match(start)) and not re.match(
        rb"^\[[^\]]*\]\s*[;|\t]", first_line
    )


def _zip_content(data: bytes, notes: Notes) -> Content:
    try:
        names = set(zipfile.ZipFile(io.BytesIO(data)).namelist())
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError):
        raise notes.stop(
            "format-error",
            "starts like an Excel workbook but is damaged or cut off",
            action="download or save it again",
        ) from None
    if "xl/workbook.bin" in names:
        raise notes.stop(
            "format-error",
            "is an Excel binary workbook (.xlsb)",
            action="open it in Excel and save it as .xlsx",
        )
    if any(name.lower().lstrip("/") == "xl/workbook.xml" for name in names) or any(
        name.lower().startswith("xl/") for name in names
    ):
        return "xlsx"
    raise notes.stop("format-error", _zip_kind(names), action=_EXPORT)


def _zip_kind(names: set[str]) -> str:
    if "word/document.xml" in names:
        return "is a Word document"
    if "content.xml" in names:
        return "is an OpenDocument file"
    return "is a zip archive"


def _ole_content(data: bytes, notes: Notes) -> Content:
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise notes.stop(
            "format-error",
            "is protected by a password",
            action="open it in Excel, remove the password and save it again",
        )
    if any(name.encode("utf-16-le") in data for name in ("Workbook", "Book")):
        return "xls"
    raise notes.stop("format-error", "is an old Office document", action=_EXPORT)


def check_zip(data: bytes, notes: Notes, /) -> None:
    """Refuse a workbook whose directory claims to unpack to too much.

    Raises:
        SourceError: names the part and the limit.
    """
    entries = zipfile.ZipFile(io.BytesIO(data)).infolist()
    if len(entries) > _MAX_ENTRIES:
        raise _too_much(notes, f"has {len(entries):,} parts (limit {_MAX_ENTRIES:,})")
    for entry in entries:
        _check_entry(entry, notes)
    total = sum(entry.file_size for entry in entries)
    if total > _MAX_TOTAL:
        raise _too_much(notes, f"unpacks to {total:,} bytes (limit {_MAX_TOTAL:,})")


def _check_entry(entry: zipfile.ZipInfo, notes: Notes) -> None:
    if entry.flag_bits & 1:
        raise notes.stop(
            "format-error",
            "is protected by a password",
            action="remove the password and save it again",
        )
    if entry.file_size > _MAX_ENTRY:
        raise _too_much(
            notes,
            f"part {entry.filename!r} unpacks to {entry.file_size:,} bytes "
            f"(limit {_MAX_ENTRY:,})",
        )
    ratio = entry.file_size / max(1, entry.compress_size)
    if entry.file_size > _MIN_SUSPECT and ratio > _MAX_RATIO:
        raise _too_much(
            notes,
            f"part {entry.filename!r} unpacks to {ratio:,.0f} times its size "
            f"(limit {_MAX_RATIO})",
        )


def _too_much(notes: Notes, message: str) -> Exception:
    return notes.stop(
        "compression-error",
        f"workbook {message}",
        action="copy the rows you need into a new workbook, or export CSV",
    )
