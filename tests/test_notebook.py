"""What a notebook shows of a profile, a score, an explanation and a verdict."""

from html.parser import HTMLParser

import pytest
from generators.qualify_cases import MONEY, TODAY, score_of
from generators.strategies import profile_of, table_of

from icp.markup import html_table, notebook
from icp.profile import PairTable, Segment
from icp.qualify import Signal, decide
from icp.scoring import explain, score_one

ATTACK = "<script>alert('x')</script><img src=//evil.example onerror=alert(1)>"
INDUSTRY = table_of(
    "industry",
    "category",
    (0, 0, 1500, -300),
    cells=("Retail", ATTACK),
    best=(0, 0, 41, 19),
    regrettable=(0, 0, 3, 42),
    title=f"Industry {ATTACK}",
    information=300,
)
STAFF = table_of(
    ATTACK,
    "number",
    (0, 0, -200, 100),
    edges=(50.0,),
    cells=("up to 50", "51 or more"),
    column=ATTACK,
)
IDLE = table_of("idle", "flag", (0, 0, 0, 0), best=(1, 0, 2, 3))
SEGMENT = Segment(
    name=ATTACK,
    kind="best",
    size=1_200,
    surprises=((0,) * 4, (0,) * 4, (0,) * 4),
)
PROFILE = profile_of(
    (INDUSTRY, STAFF, IDLE),
    base=-40,
    pairs=[PairTable(first="industry", second=ATTACK, points=(0,) * 15 + (7,))],
    segments=[SEGMENT],
)
ROW = {"industry": ATTACK, ATTACK: 900, "idle": True}
SCORE = score_one(ROW, PROFILE)
RULE = Signal(
    reason="no_budget", holds=True, source="answer", evidence=ATTACK, on=TODAY
)


class Reader(HTMLParser):
    """Keeps every tag with its attributes, and the texts of each table's rows."""

    def __init__(self):
        super().__init__()
        self.tags, self.rows, self.texts = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, *attrs))
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_data(self, data):
        self.texts.append(data)
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def shown(value):
    reader = Reader()
    reader.feed(value._repr_html_())
    reader.close()
    return reader


VALUES = pytest.mark.parametrize(
    "value",
    [
        PROFILE,
        SCORE,
        explain(ROW, PROFILE),
        decide(score_of(80.0), economics=MONEY, signals=[RULE], today=TODAY),
    ],
    ids=["profile", "score", "explanation", "verdict"],
)


@VALUES
def test_texts_are_shown_and_never_run(value):
    plain = {("div",), ("strong",), ("p",), ("table",), ("thead",), ("tbody",)}
    plain |= {("tr",), ("td",), ("th", ("scope", "col"))}
    reader = shown(value)
    assert set(reader.tags) <= plain
    assert ATTACK in "".join(reader.texts)


def test_a_profile_shows_its_evidence_attributes_and_segments():
    reader = shown(PROFILE)
    assert f"Ideal customer profile {PROFILE.short_id}" in reader.texts
    assert "60 best and 45 regrettable customers; evidence: strong" in reader.texts
    assert [row[1:] for row in reader.rows] == [
        ["weight", "points"],
        ["60%", "-300 to +1,500"],
        ["20%", "-200 to +100"],
        ["20%", "+0 to +0"],
        ["of", "customers"],
        ["best", "1,200"],
    ]


def test_a_large_profile_stays_a_small_table():
    tables = [table_of(f"a{place}", "flag", (0, 0, 1, 2)) for place in range(40)]
    reader = shown(profile_of(tables))
    assert "Attributes: 40, the most telling first" in reader.texts
    assert len(reader.rows) == 1 + 15 + 1


@pytest.mark.parametrize(
    ("value", "column"), [(SCORE, 1), (explain(ROW, PROFILE), 2)], ids=["score", "why"]
)
def test_points_shown_add_up_to_the_margin(value, column):
    reader = shown(value)
    headers, *points, margin = reader.rows
    numbers = [int(row[column].replace(",", "")) for row in points]
    assert headers[column] == "points"
    assert (points[0][0], numbers) == ("base", [-40, -300, 100, 7])
    assert (margin[0], int(margin[column])) == ("margin", sum(numbers))
    assert f"Fit {SCORE.fit:.1f} of 100, grade {SCORE.grade}" in reader.texts


def test_no_fit_says_why():
    assert "No fit: only 10% is known" in shown(score_of(None)).texts


def test_a_verdict_shows_its_reasons_and_the_next_question():
    verdict = decide(score_of(80.0), economics=MONEY, signals=[RULE], today=TODAY)
    reader = shown(verdict)
    assert f"Verdict: {verdict.title}" in reader.texts
    assert f"Next question: {verdict.asked}" in reader.texts
    assert [row[0] for row in reader.rows] == [
        "reason",
        *(ground.title for ground in verdict.grounds),
    ]


def test_a_notebook_needs_nothing_from_elsewhere():
    page = notebook("T & Co", ["a\nb"], html_table(("x",), [("<y>",)]))
    assert page == (
        "<div><strong>T &amp; Co</strong><p>a b</p><table><thead><tr>"
        '<th scope="col">x</th></tr></thead><tbody><tr><td>&lt;y&gt;</td></tr>'
        "</tbody></table></div>"
    )
