import pytest

from icp.config import SourceConfig, add_source
from icp.workflow import create_workspace

LEADS = "Lead ID,Company,Industry,Converted\nL1,Alpha,Retail,Yes\nL2,Beta,Mining,No\n"
ACCOUNTS = "Account ID,Company,Industry\nA1,Alpha,Retail\nA2,Beta,Mining\n"


def guess(tmp_path, text, file, **source):
    """What the rows of a file are taken for, beside one declared source."""
    (tmp_path / file).write_text(text)
    with create_workspace(tmp_path / "space") as space:
        config = space.path / "icp.toml"
        other = SourceConfig(path="x.csv", **source)
        config.write_text(add_source(config.read_text(), other))
        space._session.reload()
        return space.sources.preview(tmp_path / file).object


@pytest.mark.parametrize(
    ("other", "found"),
    [
        ("accounts", "prospects"),
        ("deals", "prospects"),
        ("prospects", "accounts"),
        ("other", "accounts"),
    ],
)
def test_leads_are_prospects_once_there_are_customers(tmp_path, other, found):
    assert guess(tmp_path, LEADS, "leads.csv", name="there", object=other) == found


def test_what_was_declared_for_the_name_stands(tmp_path):
    assert guess(tmp_path, ACCOUNTS, "x.csv", name="x", object="tickets") == "tickets"
