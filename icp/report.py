"""The model card: one page on what a profile is, rests on, leaves out and cannot do.

After Mitchell et al. (2019), "Model cards for model reporting". Everything is read from
the profile itself; who learnt it and put it in force is added where a store knows it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from icp.markup import html_table, one_line, safe
from icp.profile import MISSING
from icp.scoring.words import title_of
from icp.words import per_mille, percent, percent_range, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from icp.profile import AttributeTable, Profile


# ---- A document as plain values, so that every format says the same


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table of texts; every row has one text per header.

    >>> Table(("a", "b"), (("1",),))
    Traceback (most recent call last):
    ...
    ValueError: a table row has 1 cell, not 2
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.headers):
                cells = plural(len(row), "cell")
                message = f"a table row has {cells}, not {len(self.headers)}"
                raise ValueError(message)


#: A paragraph, a list or a table.
Block: TypeAlias = str | Bullets | Table


@dataclass(frozen=True)
class Section:
    """A title and what stands under it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, kw_only=True)
class Document:
    """A titled text; nothing in it is markup."""

    title: str
    lead: str
    sections: tuple[Section, ...] = field(default=())


_MOST_ROWS: Final = 15
#: Notes with this word are about segments, the others about the customers.
_SEGMENTS: Final = "segment"
_CALIBRATION: Final = {
    "none": "no calibration: nothing separates, so no account is graded",
    "slope": "one slope on the margin",
    "platt": "Platt's method (a slope and a shift)",
    "beta": "beta calibration (Kull et al. 2017)",
    "isotonic": "isotonic regression",
    "venn-abers": "Venn-Abers",
}
_NOT_CLAIMED: Final = (
    "A fit is the chance of being best rather than regrettable among companies that "
    "were closed. Nothing is known of those that were not: the figures for prospects "
    "rest on prospects being like customers.",
    "Points say what goes together with an outcome, not what causes it. Changing an "
    "attribute does not change the outcome.",
    "Columns are known before the sale because a person said so; the checks find only "
    "some of the mistakes.",
    "It was measured on the same customers by cross-validation, not on a later year. "
    "Measure it again on customers closed since.",
    "It is about companies. It is no credit rating and must not decide alone about a "
    "natural person, a sole trader among them.",
    "Whether groups of companies are treated alike was not examined.",
)


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a store knows about a profile and the profile itself does not."""

    version: str
    author: str
    #: Day on which it was learnt.
    learnt: str
    in_force: bool
    #: When it was put in force, by whom and why, in words.
    history: tuple[str, ...] = ()
    #: What best and regrettable mean, in words; empty where that is not known.
    outcomes: tuple[str, ...] = ()
    #: What another threshold would have changed, in words.
    sensitivity: tuple[str, ...] = ()


def model_card(profile: Profile, /, *, origin: Origin | None = None) -> Document:
    """The card of a profile.

    The same profile and origin give the same card.
    """
    name = origin.version if origin else profile.short_id
    parts = {
        "What it is for": _purpose(),
        "Who answers for it": _origin(origin),
        "What best and regrettable mean": _outcomes(origin),
        "What it was learned from": _data(profile),
        "What it looks at": _attributes(profile),
        "What was left out": _left_out(profile),
        "Look at these": _warnings(profile),
        "How it was learned": _method(profile),
        "Segments": _segments(profile),
        "How sure it is": _sureness(profile),
        "What other choices would change": _sensitivity(profile, origin),
        "Limits, and what is not claimed": _limits(profile),
        "When to learn again": _upkeep(profile),
    }
    sections = {title: tuple(blocks) for title, blocks in parts.items()}
    return Document(
        title=f"Ideal customer profile {name}",
        lead=f"Model card. The profile's identity is {_identity(profile)}.",
        sections=tuple(Section(t, blocks) for t, blocks in sections.items() if blocks),
    )


def _identity(profile: Profile) -> str:
    former = profile.former_id
    return f"{profile.id} (in format 1: {former})" if former else profile.id


def _purpose() -> Iterator[Block]:
    yield (
        "It grades companies by how much they resemble the customers that turned out "
        "best rather than those that were regretted, and says why. It helps people in "
        "sales to choose where to look first; a person decides."
    )


def _origin(origin: Origin | None) -> Iterator[Block]:
    if origin is None:
        return
    state = "It is in force." if origin.in_force else "It is not in force."
    learnt = f"{origin.version} was learned by {origin.author} on {origin.learnt}."
    yield Bullets((f"{learnt} {state}", *origin.history))


def _outcomes(origin: Origin | None) -> Iterator[Block]:
    if origin and origin.outcomes:
        yield Bullets(origin.outcomes)


def _data(profile: Profile) -> Iterator[Block]:
    learnt = profile.provenance
    lines = [
        f"{learnt.best:,} best and {learnt.regrettable:,} regrettable customers; "
        f"{learnt.neutral:,} neutral ones help to say what is usual, "
        f"{learnt.unknown:,} whose outcome is not known were left out.",
        f"Dates from {learnt.first_date} to {learnt.last_date}."
        if learnt.first_date
        else "No date was given, so that change over time could not be looked for.",
    ]
    if learnt.capacity:
        capacity = learnt.capacity
        lines.append(f"{capacity.in_words()}.")
        lines.append(
            f"The share of best ones is known to within "
            f"{percent(capacity.share_within)}; "
            f"within 5% needs {plural(capacity.needed_for_share, 'customer')}."
        )
    lines += [note for note in learnt.notes if _SEGMENTS not in note]
    if learnt.data_hash:
        lines.append(f"SHA-256 of what it was learned from: {learnt.data_hash}.")
    yield Bullets(tuple(lines))


def _attributes(profile: Profile) -> Iterator[Block]:
    tables = sorted(profile.tables, key=lambda t: (-t.information, t.name))
    total = sum(table.information for table in tables) or 1
    if not tables:
        yield "No attribute."
        return
    yield (
        f"{plural(len(tables), 'attribute')}, known before the sale as their columns "
        "were marked. Points are thousandths of log-odds, toward best (+) or "
        "regrettable (-); they add up to the margin exactly."
    )
    headers = ("attribute", "column", "kind", "known", "weight", "points")
    yield Table(headers, tuple(_row(table, total) for table in tables[:_MOST_ROWS]))
    if len(tables) > _MOST_ROWS:
        names = ", ".join(title_of(table) for table in tables[_MOST_ROWS:])
        yield f"And with less weight: {names}."
    if profile.pairs:
        titles = {table.name: title_of(table) for table in tables}
        names = ", ".join(
            f"{titles.get(pair.first, pair.first)} with "
            f"{titles.get(pair.second, pair.second)}"
            for pair in profile.pairs
        )
        yield (
            f"{plural(len(profile.pairs), 'pair')} taken together say more than each "
            f"alone: {names}."
        )


def _row(table: AttributeTable, total: int) -> tuple[str, ...]:
    customers = sum(table.best) + sum(table.regrettable)
    unknown = table.best[MISSING] + table.regrettable[MISSING]
    return (
        title_of(table),
        table.column,
        table.kind.label,
        percent(1 - unknown / max(customers, 1)),
        percent(table.information / total),
        f"{min(table.points):+,} to {max(table.points):+,}",
    )


def _left_out(profile: Profile) -> Iterator[Block]:
    findings = [f for f in profile.provenance.findings if f.excluded]
    if findings:
        yield Table(
            ("column", "why"),
            tuple(_finding_row(f.column, f.message) for f in findings),
        )
    columns = profile.provenance.options.get("exclude")
    if columns:
        yield f"Left out by a person: {columns}."
    if not findings and not columns:
        yield "No column."


def _warnings(profile: Profile) -> Iterator[Block]:
    findings = [f for f in profile.provenance.findings if not f.excluded]
    if findings:
        yield Table(
            ("column", "what"),
            tuple(_finding_row(f.column, f.message) for f in findings),
        )
    columns = profile.provenance.options.get("accept")
    if columns:
        yield f"A person answered for using: {columns}."


def _finding_row(column: str, message: str) -> tuple[str, str]:
    return column, message.removeprefix(f"{column}: ")


def _method(profile: Profile) -> Iterator[Block]:
    yield (
        "Every attribute is cut into cells without looking at outcomes. Log-odds are a "
        "sum over attributes, and over a few pairs where there are customers enough: "
        "part shrunken regression, part boosted trees, written as tables. How much of "
        "either, and how much to shrink, is chosen by cross-validation in which "
        "identical and grouped accounts stay together. Segments are a mixture with "
        "priors. docs/methods.md has the formulas."
    )
    options = profile.provenance.options
    if options:
        settings = "; ".join(
            f"{name.replace('_', ' ')} {_plainly(value)}"
            for name, value in sorted(options.items())
            if name not in {"accept", "exclude"}
        )
        yield f"Settings: {settings}."


def _plainly(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return "chosen by size" if value is None else str(value)


def _segments(profile: Profile) -> Iterator[Block]:
    if profile.segments:
        rows = tuple(
            (s.name, s.kind, f"{s.size:,}", "; ".join(s.traits) or "none stands out")
            for s in profile.segments
        )
        yield Table(("segment", "of", "customers", "what sets it apart"), rows)
    notes = tuple(n for n in profile.provenance.notes if _SEGMENTS in n)
    if notes:
        yield Bullets(notes)


def _sureness(profile: Profile) -> Iterator[Block]:
    evidence, calibration = profile.provenance.evidence, profile.calibration
    step = calibration.shown_step
    a, b, c = map(per_mille, calibration.grade_cuts)
    abstention = profile.abstention
    interval = percent_range(evidence.auc_low, evidence.auc_high)
    yield Bullets(
        (
            f"Evidence: {evidence.level}. Shown one best and one regrettable customer "
            f"it had not seen, it tells which is which in {percent(evidence.auc)} of "
            f"cases (90% interval {interval}).",
            f"Log loss {evidence.log_loss:.3f}, against {evidence.base_log_loss:.3f} "
            f"for the base rate alone; Brier score {evidence.brier:.3f}.",
            f"Measured by {evidence.method}.",
            f"Calibration: {_CALIBRATION[calibration.method]}; 90% intervals from "
            "refits on resampled customers. "
            + (
                f"Probabilities are shown to {per_mille(step)}."
                if step
                else "No probability is shown, grades only."
            ),
            f"Grade A from {a}, B from {b}, C from {c}, else D; a range such as B-D "
            "where the interval allows no single letter.",
            f"No score where less than {per_mille(abstention.known)} of what counts is "
            "known, or for accounts more unusual than "
            f"{per_mille(1000 - abstention.novelty)} of customers.",
        )
    )


def _sensitivity(profile: Profile, origin: Origin | None) -> Iterator[Block]:
    if origin and origin.sensitivity:
        yield Bullets(origin.sensitivity)
    prior = profile.provenance.options.get("prior")
    yield (
        "Intervals hold what another sample of customers would change. Not varied: "
        "the columns offered"
        + (f", the segments' prior of {prior:g} customers" if prior else "")
        + " and the cuts between cells."
    )


def _limits(profile: Profile) -> Iterator[Block]:
    lines = list(_NOT_CLAIMED)
    if profile.provenance.evidence.level == "none":
        lines.insert(0, "Nothing separates best from regrettable customers here.")
    if profile.provenance.neutral:
        lines.append("Neutral customers have no fit of their own; they lie between.")
    yield Bullets(tuple(lines))


def _upkeep(profile: Profile) -> Iterator[Block]:
    drifting = [f for f in profile.provenance.findings if f.code.startswith("drift")]
    now = (
        f"{plural(len(drifting), 'column')} changed over time already; see above."
        if drifting
        else "No column was seen to change over time."
        if profile.provenance.first_date
        else "Give a date column, so that change over time is looked for."
    )
    yield Bullets(
        (
            now,
            "Learn again when 20 more customers have an outcome, after twelve months, "
            "or when prospects lie outside what customers were; compare with icp "
            "profile diff before putting the new one in force.",
        )
    )


# ---- Documents as Markdown and as HTML; every text is shown as it is, never run

#: What means something in Markdown inside a line.
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]<>#|~$]|&(?=#?\w+;))")
#: What means something only where a line starts.
_LEADING: Final = re.compile(r"^(\s*)([-+=](?=-*(?:\s|$))|\d+[.)](?=\s|$))")
_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; background: #fff;
  max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; }
h2 { font-size: 1.1rem; margin: 1.6rem 0 0.3rem; }
p, ul { margin: 0.3rem 0; }
.lead { color: #57606a; }
table { border-collapse: collapse; width: 100%; margin: 0.4rem 0; font-size: 0.9rem; }
th, td { text-align: left; vertical-align: top; padding: 0.2rem 0.6rem 0.2rem 0;
  border-bottom: 1px solid #d0d7de; overflow-wrap: break-word; }
@media print { body { margin: 0; font-size: 11px; } h2 { break-after: avoid; } }
"""


def as_markdown(document: Document, /) -> str:
    r"""The document as Markdown; no text in it is taken for markup.

    >>> from icp.report import Document, Section
    >>> section = Section("Who", ("Retail | *all* of them",))
    >>> print(as_markdown(Document(title="Card", lead="v1", sections=(section,))))
    # Card
    <BLANKLINE>
    v1
    <BLANKLINE>
    ## Who
    <BLANKLINE>
    Retail \| \*all\* of them
    <BLANKLINE>
    """
    parts = [f"# {_marked(document.title)}", _marked(document.lead)]
    for section in document.sections:
        parts.append(f"## {_marked(section.title)}")
        parts += ["\n".join(_markdown(block)) for block in section.blocks]
    return "\n\n".join(parts) + "\n"


def _markdown(block: Block) -> Iterator[str]:
    if isinstance(block, Table):
        yield _piped(block.headers)
        yield _piped(("---",) * len(block.headers), marked=False)
        yield from (_piped(row) for row in block.rows)
    elif isinstance(block, Bullets):
        yield from (f"- {_marked(line)}" for line in block.lines)
    else:
        yield _marked(block)


def _piped(cells: Iterable[str], *, marked: bool = True) -> str:
    return f"| {' | '.join(_marked(cell) if marked else cell for cell in cells)} |"


def _marked(text: str) -> str:
    marked = _MARKUP.sub(r"\\\1", one_line(text))
    return _LEADING.sub(lambda m: f"{m[1]}{_harmless(m[2])}", marked)


def _harmless(mark: str) -> str:
    """The mark of a list, so that it stands for itself."""
    return f"{mark[:-1]}\\{mark[-1]}"


def as_html(document: Document, /) -> str:
    """The document as one HTML page that fetches and runs nothing.

    >>> from icp.report import Document
    >>> "<b>" in as_html(Document(title="<b>", lead=""))
    False
    """
    body = [
        f"<h1>{safe(document.title)}</h1>",
        f'<p class="lead">{safe(document.lead)}</p>',
    ]
    for section in document.sections:
        body.append(f"<h2>{safe(section.title)}</h2>")
        body += ["".join(_html(block)) for block in section.blocks]
    return "\n".join([_head(document.title), *body, "</body>", "</html>", ""])


def _head(title: str) -> str:
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{safe(title)}</title>",
            f"<style>{_STYLE}</style>\n</head>\n<body>",
        ]
    )


def _html(block: Block) -> Iterator[str]:
    if isinstance(block, Table):
        yield html_table(block.headers, block.rows)
    elif isinstance(block, Bullets):
        items = "".join(f"<li>{safe(line)}</li>" for line in block.lines)
        yield f"<ul>{items}</ul>"
    else:
        yield f"<p>{safe(block)}</p>"
