import polars as pl
import pytest
from polars.testing import assert_frame_equal

from icp.errors import CancelledError, ConfigError, NotFoundError, SourceError
from icp.ingest.readers import ReadOptions
from icp.schema import Kind, Role
from icp.workflow import create_workspace


@pytest.fixture
def empty(tmp_path):
    with create_workspace(tmp_path / "new") as workspace:
        yield workspace


def written(folder, name, text):
    file = folder / name
    file.write_text(text)
    return file


def test_a_preview_shows_head_mapping_and_findings_and_keeps_nothing(empty, exports):
    seen = empty.sources.preview(exports / "prospects.csv")
    assert (seen.object, seen.rows, seen.head.height) == ("prospects", 4, 4)
    assert seen.head.columns[:2] == ["Account ID", "Account Name"]
    assert seen.mapping.rule("Account ID").role is Role.IDENTIFIER
    assert seen.mapping.source == "prospects"
    assert seen.findings[0].column == "Industry"
    assert seen.report.ledger.balanced
    assert seen.sheets == ()
    assert empty.events().height == 0
    assert not (empty.path / "mappings").exists()


@pytest.mark.parametrize(
    ("name", "object_"),
    [
        ("customers.csv", "accounts"),
        ("prospects.csv", "prospects"),
        ("lead-list.csv", "prospects"),
    ],
)
def test_what_rows_are_is_guessed(empty, exports, tmp_path, name, object_):
    text = (exports / "prospects.csv").read_text()
    seen = empty.sources.preview(written(tmp_path, name, text))
    assert seen.object == object_


def test_a_source_is_copied_written_down_and_mapped(empty, exports):
    source = empty.sources.add(exports / "customers.csv", name="crm", confirm=True)
    assert (source.name, source.path) == ("crm", "sources/crm.csv")
    assert empty.config.sources == (source,)
    assert empty.sources.mapping("crm").columns[0].confirmed
    copied = (empty.path / source.path).read_bytes()
    assert copied == (exports / "customers.csv").read_bytes()
    assert (empty.path / "mappings" / "crm.json").is_file()


def test_a_file_inside_the_workspace_stays_where_it_is(empty, exports):
    text = (exports / "customers.csv").read_text()
    file = written(empty.path, "mine.csv", text)
    assert empty.sources.add(file).path == "mine.csv"
    assert not (empty.path / "sources").exists()


def test_the_same_name_replaces_a_source_and_keeps_its_mapping(empty, exports):
    file = exports / "customers.csv"
    empty.sources.add(file, name="crm", confirm=True)
    agreed = empty.sources.mapping("crm").replace(
        "Employees", kind=Kind.TEXT, role="ignored"
    )
    empty.sources.save_mapping(agreed)
    empty.sources.add(file, name="crm", confirm=True)
    assert len(empty.config.sources) == 1
    assert empty.sources.mapping("crm").rule("Employees").kind is Kind.TEXT


def test_a_second_list_of_customers_is_refused_before_anything_is_kept(
    empty, exports, tmp_path
):
    empty.sources.add(exports / "customers.csv")
    other = written(tmp_path, "more.csv", (exports / "customers.csv").read_text())
    with pytest.raises(ConfigError, match="--name customers to replace it"):
        empty.sources.add(other)
    assert [source.name for source in empty.config.sources] == ["customers"]


def test_prospects_inherit_what_their_customers_columns_mean(empty, tmp_path, exports):
    empty.sources.add(exports / "customers.csv", confirm=True)
    mapping = empty.sources.mapping("customers").replace("Employees", name="heads")
    empty.sources.save_mapping(mapping)
    seen = empty.sources.preview(exports / "prospects.csv")
    assert seen.mapping.rule("Employees").name == "heads"
    assert not seen.mapping.rule("Employees").confirmed


def test_an_unreadable_file_says_so(empty, tmp_path):
    with pytest.raises(SourceError, match="does not exist"):
        empty.sources.preview(tmp_path / "nothing.csv")


def test_importing_nothing_says_what_to_do(empty):
    with pytest.raises(ConfigError, match="nothing to import; run icp import FILE"):
        empty.imports.run()
    with pytest.raises(NotFoundError, match="nothing imported yet"):
        empty.accounts.table()
    assert empty.imports.last() is None


def test_sources_without_accounts_say_what_to_do(empty, exports):
    empty.sources.add(exports / "customers.csv", object="other")
    with pytest.raises(ConfigError, match="--as accounts"):
        empty.imports.run()


def test_an_import_gives_typed_accounts(imported):
    frame = imported.accounts.table().head(2).collect()
    expected = pl.DataFrame(
        {
            "account_id": ["C0", "C1"],
            "account_name": ["Firm 0", "Firm 1"],
            "industry": ["Retail", "Software"],
            "employees": [10.0, 11.0],
            "domain": ["firm0.example", "firm1.example"],
            "customer_status": ["Bad", "Good"],
        }
    )
    assert_frame_equal(frame, expected)
    assert imported.accounts.schema().names == tuple(expected.columns)
    assert imported.accounts.table("prospects").collect()["industry"].to_list() == [
        "Retail",
        "Mining",
        None,
        "Mining",
    ]


def test_a_summary_accounts_for_every_line(imported):
    summary = imported.imports.last()
    assert (summary.customers, summary.prospects, summary.quarantined) == (90, 4, 0)
    assert [source.report.ledger.balanced for source in summary.sources] == [True] * 2
    assert (summary.count("stop"), summary.count("note")) == (0, 1)
    assert summary == imported.imports.last()


def test_the_same_bytes_again_change_nothing(imported):
    before = imported.events().height
    again = imported.imports.run()
    assert (again.changed, again.number) == (False, 1)
    assert imported.events().height == before


def test_other_bytes_are_another_import(imported, clock):
    clock.pass_time(days=30)
    file = imported.path / "sources" / "prospects.csv"
    file.write_text(file.read_text() + "P5,Delta,Retail,9,delta.example\n")
    summary = imported.imports.run()
    assert (summary.changed, summary.number, summary.prospects) == (True, 2, 5)
    assert (summary.created_at, summary.author) == (clock.now, "ann")


def test_a_changed_export_is_reported_and_not_absorbed(imported):
    file = imported.path / "sources" / "prospects.csv"
    header, *rows = file.read_text().replace("Website", "URL of site").splitlines()
    lines = [f"{header},Region", *(f"{row},North" for row in rows)]
    file.write_text("\n".join(lines))
    summary = imported.imports.run()
    columns = {finding.column for finding in summary.findings}
    assert {"Region", "URL of site"} <= columns
    assert summary.prospects == 4
    names = imported.accounts.schema("prospects").names
    assert names == ("account_id", "account_name", "industry", "employees", "domain")
    assert imported.accounts.table("prospects").collect()["domain"].null_count() == 4


def test_rows_kept_out_can_be_listed(imported):
    file = imported.path / "sources" / "prospects.csv"
    file.write_text(file.read_text() + ",,Retail,9,\n")
    summary = imported.imports.run()
    assert summary.quarantined == 1
    rows = imported.imports.quarantine()
    assert rows.columns == ["source", "line", "last_line", "raw", "reason"]
    assert rows.row(0)[:3] == ("prospects", 6, 6)
    assert "Retail" in rows["raw"].item()
    assert imported.imports.quarantine("prospects").height == 1
    assert imported.imports.quarantine("customers").height == 0


def test_no_rows_kept_out_are_an_empty_frame(imported):
    assert imported.imports.quarantine().shape == (0, 5)


def test_rows_without_account_are_counted_and_listed(imported, tmp_path):
    deals = "Deal ID,Account ID,Amount\nD1,C1,100\nD2,C1,50\nD3,X9,70\n"
    imported.sources.add(
        written(tmp_path, "deals.csv", deals), object="deals", confirm=True
    )
    config = imported.path / "icp.toml"
    amount = imported.sources.mapping("deals").rule("Amount").name
    plan = (
        '[assembly.customers]\nbase = "customers"\n'
        '[[assembly.customers.joins]]\nsource = "deals"\non = "id"\n'
        f'aggregates = [{{ name = "paid", take = "sum", of = "{amount}" }}]\n'
    )
    config.write_text(config.read_text() + plan)
    from icp.workflow import open_workspace

    with open_workspace(imported.path, actor="ann") as workspace:
        summary = workspace.imports.run()
        paid = workspace.accounts.table().select("account_id", "paid").head(2).collect()
        assert paid.rows() == [("C0", 0.0), ("C1", 150.0)]
        assert summary.unmatched["customers: deals"] == 1
        assert "customers: deals" in workspace.imports.unmatched()["source"].to_list()


def test_no_unmatched_rows_are_an_empty_frame(imported):
    assert imported.imports.unmatched().is_empty()


def test_progress_runs_from_nothing_to_all(imported):
    seen = []
    imported.imports.run(progress=lambda done, text: seen.append((done, text)))
    shares = [done for done, _ in seen]
    assert shares == sorted(shares)
    assert (seen[0], seen[-1]) == ((0.0, "reading customers"), (1.0, "nothing changed"))


@pytest.mark.parametrize("calls", [1, 2, 3, 4])
def test_a_cancelled_import_keeps_nothing(exports, empty, calls):
    empty.sources.add(exports / "customers.csv")
    empty.sources.add(exports / "prospects.csv", object="prospects")
    left = [calls]

    def cancel(_done, _text):
        left[0] -= 1
        if not left[0]:
            raise CancelledError("stopped")

    with pytest.raises(CancelledError):
        empty.imports.run(progress=cancel)
    assert empty.imports.last() is None


def test_mappings_of_no_source_are_not_found(imported):
    with pytest.raises(ConfigError, match="no source 'erp'"):
        imported.sources.mapping("erp")


def test_a_mapping_that_was_never_saved_is_not_found(imported):
    (imported.path / "mappings" / "prospects.json").unlink()
    with pytest.raises(NotFoundError, match="no mapping saved for source 'prospects'"):
        imported.sources.mapping("prospects")
    imported.imports.run()
    assert imported.sources.mapping("prospects").source == "prospects"


def test_a_broken_mapping_file_is_named(imported):
    (imported.path / "mappings" / "prospects.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"prospects\.json: not a column mapping"):
        imported.imports.run()


def test_read_options_are_written_down(empty, tmp_path):
    text = "Account ID|Account Name|Sector\nC1|Firm|Retail\nC2|Other|Mining\n"
    source = empty.sources.add(
        written(tmp_path, "odd.csv", text), options=ReadOptions(delimiter="|")
    )
    assert source.delimiter == "|"
    assert empty.imports.run().customers == 2
