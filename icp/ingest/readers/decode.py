"""Bytes to text: byte order mark, strict UTF-8, UTF-16, else the old code pages.

An old code page can only be guessed from its letters, so every guess is a finding that
shows words as they were decoded, with their lines.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from icp.ingest.readers.notes import line_list

if TYPE_CHECKING:
    from collections.abc import Iterable

    from icp.ingest.readers.notes import Notes

__all__ = ["Decoded", "decode"]

_BOMS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Besides cp1252: the code pages of DOS and of old Macs.
_RIVALS = ("cp437", "cp850", "mac_roman")
_CLEARLY = 0.5
_TWICE = re.compile("[ÃÂ][\u0080-\u00bf]|â€[\u0080-\u00bf™œ\u02dc]")
_SAMPLES = 3
_CONTEXT = 200_000
_CHOOSE = "if the words look wrong, name another encoding (encoding=...)"


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """Text and the name of the encoding that gave it."""

    text: str
    encoding: str


def decode(data: bytes, notes: Notes, /, *, encoding: str | None = None) -> Decoded:
    """Turn the bytes of a text file into text; NUL characters are removed.

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
        f"letters on {line_list(lines)} look garbled, as “Ã©” for “é”; kept as they "
        "are",
        lines=lines,
        action="export it again as UTF-8, if the source has them right",
    )


def _as_asked(data: bytes, notes: Notes, encoding: str) -> Decoded:
    try:
        text = data.decode(encoding)
    except LookupError:
        raise notes.stop(
            "encoding-error",
            f"there is no encoding called {encoding!r}",
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
    kept = data.decode("utf-8", errors="ignore")
    return not kept.isascii()


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
    """Mean score, -1 to 1: letters belong in words, signs do not."""
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
    return -0.5 if between_letters and middle not in _WORD_SIGNS else 0.3


_BOX = frozenset(chr(code) for code in range(0x2500, 0x25A0)) | frozenset("⌐⌠⌡■")
_LETTERS = frozenset({"Ll", "Lu", "Lo"})
_WORD_SIGNS = frozenset("’‘·–—\u00a0\u00ad")


def _foreign(text: str) -> bool:
    """Long runs of accented letters, or signs at the start of words: misread."""
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


_NAMES = {
    "cp1252": "Windows-1252",
    "cp437": "the DOS code page 437",
    "cp850": "the DOS code page 850",
    "mac_roman": "Mac Roman",
}


def _distinct(numbered: list[tuple[int, str]]) -> list[tuple[int, str]]:
    seen: dict[str, tuple[int, str]] = {}
    for n, line in numbered:
        seen.setdefault(_word(line), (n, line))
        if len(seen) == _SAMPLES:
            break
    return list(seen.values())


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
