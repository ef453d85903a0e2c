"""What a file is, by its bytes and never by its name; and its bytes as text."""

from __future__ import annotations

import codecs
import io
import re
import unicodedata
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from icp.ingest.readers.grid import line_list

if TYPE_CHECKING:
    from collections.abc import Iterable

    from icp.errors import SourceError
    from icp.ingest.readers.grid import Notes

Content = Literal["text", "xlsx", "xls", "parquet", "html"]
_HEAD = 64_000
#: Text has hardly any control characters besides line ends and tabs.
_CONTROLS = frozenset(range(1, 32)) - frozenset(b"\t\n\v\f\r\x1a")
_MANY_CONTROLS = 12
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
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
_FOREIGN: tuple[tuple[bytes, str, str], ...] = (
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
#: Besides cp1252: the code pages of DOS and of old Macs.
_RIVALS = ("cp437", "cp850", "mac_roman")
_CLEARLY = 0.5
_TWICE = re.compile("[ÃÂ][\u0080-\u00bf]|â€[\u0080-\u00bf™œ\u02dc]")
_SAMPLES = 3
_CONTEXT = 200_000
_CHOOSE = "if the words look wrong, name another encoding (encoding=...)"
_BOX = frozenset(chr(code) for code in range(0x2500, 0x25A0)) | frozenset("⌐⌠⌡■")
_LETTERS = frozenset({"Ll", "Lu", "Lo"})
_WORD_SYMBOLS = frozenset("’‘·–—\u00a0\u00ad")
_NAMES = {
    "cp1252": "Windows-1252",
    "cp437": "the DOS code page 437",
    "cp850": "the DOS code page 850",
    "mac_roman": "Mac Roman",
}


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
    for magic, description, action in _FOREIGN:
        if data.startswith(magic):
            raise notes.stop("format-error", description, action=action)
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
        raise notes.stop("format-error", "is not text or a workbook", action=_EXPORT)
    return "text"


def _one_byte_per_letter(head: bytes) -> bytes:
    """UTF-16 and UTF-32 with a mark as UTF-8; all other bytes as they are."""
    for mark, name in _BOMS[1:]:
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
            action=_SAVE,
        )
    lower = {name.lower() for name in names}
    if "/xl/workbook.xml" in lower or any(name.startswith("xl/") for name in lower):
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
        raise protection(notes)
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
        raise protection(notes)
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


def _too_much(notes: Notes, message: str) -> SourceError:
    return notes.stop(
        "compression-error",
        f"workbook {message}",
        action="copy the rows you need into a new workbook, or export CSV",
    )


def protection(notes: Notes, /) -> SourceError:
    """The error that refuses a workbook with a password."""
    return notes.stop(
        "format-error",
        "is protected by a password",
        action="open it in Excel, remove the password and save it again",
    )


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """Text and the name of the encoding that gave it."""

    text: str
    encoding: str


def decode(data: bytes, notes: Notes, /, *, encoding: str | None = None) -> Decoded:
    """Turn the bytes of a text file into text; NUL characters are removed.

    Read by the byte order mark, as strict UTF-8, as UTF-16, else in an old code page:
    that can only be guessed from its letters, so every guess is a finding that shows
    words as they were decoded, with their lines.

    Raises:
        SourceError: the encoding that was asked for does not fit or does not exist.
    """
    decoded = _as_asked(data, notes, encoding) if encoding else _detect(data, notes)
    _report_twice(decoded.text, notes)
    if "\0" not in decoded.text:
        return decoded
    lines = [n for n, line in _numbered(decoded.text) if "\0" in line]
    notes.note(
        "encoding-error",
        f"NUL characters were removed from {line_list(lines)}",
        lines=lines,
        count=decoded.text.count("\0"),
    )
    return Decoded(text=decoded.text.replace("\0", ""), encoding=decoded.encoding)


def _report_twice(text: str, notes: Notes) -> None:
    """UTF-8 that was taken for Windows-1252 and saved as UTF-8 again: `CafÃ©`."""
    if text.isascii() or not _TWICE.search(text):
        return
    lines = [n for n, line in _numbered(text) if _TWICE.search(line)]
    notes.ask(
        "encoding-error",
        f"letters on {line_list(lines)} look garbled, like “Ã©” for “é”; kept as is",
        lines=lines,
        action="export it again as UTF-8 if the source shows them correctly",
    )


def _as_asked(data: bytes, notes: Notes, encoding: str) -> Decoded:
    try:
        text = data.decode(encoding)
    except LookupError:
        raise notes.stop(
            "encoding-error",
            f"unknown encoding {encoding!r}",
            action="use utf-8, cp1252, cp437, utf-16 or another name Python knows",
        ) from None
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise notes.stop(
            "encoding-error",
            f"is not {encoding}: byte {data[error.start]:#04x} does not exist there",
            line=line,
            action="leave the encoding out to have it detected",
        ) from None
    return Decoded(text=text.removeprefix("\ufeff"), encoding=encoding)


def _detect(data: bytes, notes: Notes) -> Decoded:
    marked = next((name for bom, name in _BOMS if data.startswith(bom)), None)
    name = marked or _wide(data) or "utf-8"
    try:
        text = data.decode(name)
    except UnicodeDecodeError:
        return _damaged(data, name, notes) if name != "utf-8" else _legacy(data, notes)
    if name not in {"utf-8", "utf-8-sig"}:
        notes.note("encoding", f"read as {name.upper()}", action="")
    return Decoded(text=text.removeprefix("\ufeff"), encoding=name)


def _wide(data: bytes) -> str | None:
    """UTF-16 without a mark: every second byte of plain text is NUL."""
    head = data[:4000]
    if len(head) < 4 or head.count(0) < len(head) * 0.3:
        return None
    return "utf-16-le" if head[1::2].count(0) > head[0::2].count(0) else "utf-16-be"


def _damaged(data: bytes, name: str, notes: Notes) -> Decoded:
    """A marked file with bytes that do not belong: the bad ones by themselves."""
    if name == "utf-8-sig":
        return _mixed(data.removeprefix(codecs.BOM_UTF8), notes)
    text = data.decode(name, errors="replace")
    lines = [n for n, line in _numbered(text) if "\ufffd" in line]
    notes.ask(
        "encoding-error",
        f"bytes on {line_list(lines)} are not {name.upper()} and were replaced",
        lines=lines,
        action="the file may be cut off or damaged; export it again",
    )
    return Decoded(text=text.removeprefix("\ufeff"), encoding=name)


def _legacy(data: bytes, notes: Notes) -> Decoded:
    """Not UTF-8: UTF-8 with foreign lines, a DOS or Mac code page, or Windows-1252."""
    if re.search(rb"[\xc3-\xf4][\x80-\xbf]", data) and _multibyte(data):
        return _mixed(data, notes)
    name = _code_page(data)
    text = data.decode(name, errors=_REPLACE)
    _report(text, name, notes, ask=name != "cp1252" or _foreign(text))
    return Decoded(text=text, encoding=name)


def _multibyte(data: bytes) -> bool:
    """Whether at least one valid UTF-8 character longer than a byte is in there."""
    text = data.decode("utf-8", errors="ignore")
    return not text.isascii()


def _mixed(data: bytes, notes: Notes) -> Decoded:
    """Two encodings in one file: what is valid UTF-8 stays, other bytes are cp1252."""
    lines, accented = _invalid_lines(data)
    few = len(lines) <= accented - len(lines)
    add = notes.note if few else notes.ask
    add(
        "encoding-error",
        f"two encodings in one file: {'mostly' if few else 'partly'} UTF-8, but "
        f"{line_list(lines)} also had Windows-1252 characters, which were read as such",
        lines=lines,
        action="look at these lines; every value was kept" if few else _CHOOSE,
    )
    return Decoded(text=data.decode("utf-8", errors=_FALLBACK), encoding="utf-8+cp1252")


def _invalid_lines(data: bytes) -> tuple[list[int], int]:
    """Numbers of the lines that are not UTF-8, and how many are not ASCII."""
    lines = re.split(rb"\r\n|\n|\r", data)
    accented = [n for n, line in enumerate(lines, 1) if not line.isascii()]
    return [n for n in accented if not _is_utf8(lines[n - 1])], len(accented)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _code_page(data: bytes) -> str:
    """Windows-1252, unless another code page gives clearly better words."""
    passages = re.findall(rb"[^\r\n]?[\x80-\xff]+[^\r\n]?", data[: 50 * _CONTEXT])
    passages = passages[:_CONTEXT]
    scores = {name: _plausible(passages, name) for name in ("cp1252", *_RIVALS)}
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] - scores["cp1252"] > _CLEARLY else "cp1252"


def _plausible(passages: list[bytes], name: str) -> float:
    """Mean score, -1 to 1: letters belong in words, symbols do not."""
    scores = [_score(passage.decode(name, errors="replace")) for passage in passages]
    return sum(scores) / max(1, len(scores))


def _score(passage: str) -> float:
    """One non-ASCII run with the character before and after it."""
    before = passage[0] if passage[0].isascii() else " "
    after = passage[-1] if passage[-1].isascii() else " "
    middle = passage[passage[0].isascii() : len(passage) - passage[-1].isascii()]
    if "\ufffd" in middle or any(ch in _BOX or "\x80" <= ch < "\xa0" for ch in middle):
        return -1.0
    in_word = before.isalpha() or after.isalpha()
    # A modifier letter (ˆ, ˜) is a lone accent, not a letter of a word.
    if all(unicodedata.category(ch) in _LETTERS for ch in middle):
        shouting = before.islower() and middle[0].isupper()
        return -1.0 if shouting else 1.0 if in_word else 0.5
    between_letters = before.isalpha() and after.isalpha()
    return -0.5 if between_letters and middle not in _WORD_SYMBOLS else 0.3


def _foreign(text: str) -> bool:
    """Long runs of accented letters, or symbols at the start of words: misread."""
    return bool(re.search(r"[À-ÿ]{4}|[¹³¼¾¶¯][a-zà-ÿ]|£[à-ÿ]", text))


def _report(text: str, name: str, notes: Notes, *, ask: bool) -> None:
    numbered = [(n, line) for n, line in _numbered(text) if not line.isascii()]
    words = [f"{_word(line)} (line {n})" for n, line in _distinct(numbered)]
    lines = [n for n, _ in numbered]
    add = notes.ask if ask else notes.note
    add(
        "encoding",
        f"is not UTF-8 and was read as {_NAMES[name]}: {', '.join(words)}",
        lines=lines,
        action=_CHOOSE,
    )


def _distinct(numbered: list[tuple[int, str]]) -> list[tuple[int, str]]:
    words: dict[str, tuple[int, str]] = {}
    for n, line in numbered:
        words.setdefault(_word(line), (n, line))
        if len(words) == _SAMPLES:
            break
    return list(words.values())


def _word(line: str) -> str:
    match = re.search(r"\w*[^\x00-\x7f]+\w*", line)
    return f"“{match.group()}”" if match else ""


def _numbered(text: str) -> Iterable[tuple[int, str]]:
    return enumerate(re.split(r"\r\n|\n|\r", text), 1)


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    raw = error.object[error.start : error.end]
    return "".join(_CP1252[byte] for byte in raw), error.end


def _as_latin1(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


# Five bytes do not exist in Windows-1252; browsers read them as Latin-1, so do we.
_REPLACE = "icp-latin1"
_FALLBACK = "icp-cp1252"
codecs.register_error(_REPLACE, _as_latin1)
codecs.register_error(_FALLBACK, _as_cp1252)
_CP1252 = [bytes([byte]).decode("cp1252", errors=_REPLACE) for byte in range(256)]
