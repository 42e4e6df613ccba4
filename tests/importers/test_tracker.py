"""A user's emissions.csv and the campaign it belongs to: lined up, attached, chained, or refused in a sentence."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.attest.signer import read_public_key
from harness.cli import main
from harness.evidence.attachments import check_trackers
from harness.evidence.bag import unpack_bag
from harness.evidence.verification import verify
from harness.evidence.verifier import Outcome
from harness.foreign.importers.nvidia_smi.importer import import_nvidia_smi
from harness.foreign.importers.power_csv.importer import import_power_csv
from harness.foreign.importers.tracker.importer import import_tracker
from harness.foreign.importers.tracker.source import Choice
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import PhaseEvent
from harness.record.errors import ImportFileError, LabError, RunFolderError
from harness.record.verify import Check, examine
from reports.campaign.analyse import analyse
from reports.pages.blocks import Paragraph, Table
from reports.pages.trackers.section import tracker_blocks
from reports.results.trackers import Factor
from tests.analysis.tracked import Tracked, tracked_campaign
from tests.campaign_results import read
from tests.reports.make_campaign import EPOCH

CASES = Path(__file__).parents[1] / "data" / "trackers" / "cases"
OLD = CASES.parents[1] / "archives"
V1 = "timestamp,project_name,duration,emissions,energy_consumed,country_name,country_iso_code,region"
V3 = (
    "timestamp,project_name,run_id,duration,emissions,cpu_energy,gpu_energy,ram_energy,energy_consumed,codecarbon_version,"
    "gpu_count,pue"
)


def campaign(path: Path, **shape: Any) -> Path:  # noqa: ANN401
    """Three runs of a minute at 90 W, without trackers; the SUT's wall clock is the host's monotonic stamps."""
    return tracked_campaign(path, Tracked(trackers={}, **shape))


def intervals(folder: Path) -> list[tuple[str, float, float]]:
    """Folder, begin and end of the scenario runs on the wall clock (s since 1970)."""
    found = []
    for run in CampaignFolder(folder).runs():
        if run.start.kind == "scenario":
            rating = [e for e in run.events if isinstance(e, PhaseEvent) and e.name == "rating"]
            begin_s, end_s = ((e.sut_wall_ns or 0) * 1e-9 for e in rating)
            found.append((run.path.name, begin_s, end_s))
    return found


def stamp(at_s: float, zone: str = "") -> str:
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(at_s)):%Y-%m-%dT%H:%M:%S}{zone}"


def v1(at_s: float, duration: object, kwh: object, zone: str = "") -> str:
    return f"{stamp(at_s, zone)},mine,{duration},0.1,{kwh},Germany,DEU,"


def file(path: Path, *rows: str, header: str = V1, name: str = "emissions.csv") -> Path:
    target = path / name
    target.write_text("\n".join([header, *rows, ""]))
    return target


def compared(folder: Path) -> Any:  # noqa: ANN401  a record whose parts may be None
    return analyse(folder).numbers.trackers


def failed(outcome: Outcome) -> list[Check]:
    """What failed but `config` and `wire`: the scenarios and the readings of these campaigns are made up beside the
    shipped lab.toml."""
    return [check for check in outcome.failed if check.name not in ("config", "wire")]


def test_every_row_finds_its_run_by_the_wall_clock_and_the_ratio_is_that_of_the_meter(tmp_path: Path) -> None:
    folder = campaign(tmp_path)
    rows = [v1(end - 2, 50, 0.78 * 90 * 50 / 3.6e6) for _, _, end in intervals(folder)]
    done = import_tracker(file(tmp_path, *rows), folder, Choice(zone="UTC"))
    assert [name for _, name in done.pairs] == [name for name, _, _ in intervals(folder)]
    one = compared(folder).scenarios["cnn"]["codecarbon-imported"]
    assert one.ratio.value == pytest.approx(0.78, rel=1e-12)
    assert one.n.value == 3
    assert one.duration_s.value == pytest.approx(50)


def test_the_attachment_is_chained_verified_and_leaves_the_sealed_runs_alone(tmp_path: Path) -> None:
    folder = campaign(tmp_path)
    before = {run.path.name: run.manifest_sha256 for run in CampaignFolder(folder).runs()}
    name, _, end = intervals(folder)[1]
    done = import_tracker(file(tmp_path, v1(end - 2, 50, 0.001)), folder, Choice(zone="+00:00"))
    assert done.path.parent == folder / "trackers"
    assert {run.path.name: run.manifest_sha256 for run in CampaignFolder(folder).runs()} == before
    entry = CampaignFolder(folder).entries()[-1].raw
    assert (entry["note"], entry["run"], entry["line"]) == ("tracker", name, 2)
    assert [check.passed for check in check_trackers(folder, examine(folder))] == [True]
    assert not failed(verify(folder, None))


def test_a_changed_copy_a_foreign_run_or_another_figure_fails_verify(tmp_path: Path) -> None:
    folder = campaign(tmp_path)
    _, _, end = intervals(folder)[0]
    copy = import_tracker(file(tmp_path, v1(end - 2, 50, 0.001)), folder, Choice(zone="UTC")).path
    log = CampaignFolder(folder)
    entry = {
        k: v for k, v in log.entries()[-1].raw.items() if k in ("path", "sha256", "note", "line", "zone", "over_run")
    }
    account = log.entries()[-1].raw["tracker"]
    now = log.entries()[-1].utc
    log.append("attachment", now, entry | {"run": "elsewhere", "tracker": account})
    lie = account | {"reported_wh": 99.0}
    log.append("attachment", now, entry | {"run": log.entries()[-2].raw["run"], "tracker": lie})
    assert [check.passed for check in check_trackers(folder, examine(folder))] == [True, False, False]
    assert {check.name for check in failed(verify(folder, None))} == {"tracker"}
    log.append("attachment", now, entry | {"run": "x", "path": "../../emissions.csv", "tracker": account})
    assert len(check_trackers(folder, examine(folder))) == 3
    copy.chmod(0o644)
    copy.write_text("other bytes")
    assert check_trackers(folder, examine(folder)) == []
    assert not all(check.passed for check in examine(folder).checks if check.name == "attachment")
    assert analyse(folder).numbers.trackers is None


def test_a_stamp_without_a_zone_needs_one_and_another_zone_fits_no_run(tmp_path: Path) -> None:
    folder = campaign(tmp_path)
    _, _, end = intervals(folder)[0]
    source = file(tmp_path, v1(end - 2, 50, 0.001))
    with pytest.raises(ImportFileError, match=r"emissions\.csv:2: timestamp .* has no time zone.*--timezone"):
        import_tracker(source, folder, Choice())
    with pytest.raises(ImportFileError, match=r"no run fits 1970-01-01 .*\nThe runs:\n  run 2 "):
        import_tracker(source, folder, Choice(zone="Europe/Berlin"))
    with pytest.raises(ImportFileError, match="no such zone; expected a name like Europe/Berlin"):
        import_tracker(source, folder, Choice(zone="Atlantis/Capital"))
    local = file(tmp_path, v1(end - 2 + 3600, 50, 0.001), name="berlin.csv")
    assert import_tracker(local, folder, Choice(zone="Europe/Berlin")).pairs == ((2, intervals(folder)[0][0]),)
    assert compared(folder).runs[0].begin_s == pytest.approx(
        intervals(folder)[0][2] - 52 - intervals(folder)[0][1], abs=1
    )


def test_a_stamp_with_its_zone_needs_no_option(tmp_path: Path) -> None:
    folder = campaign(tmp_path)
    name, _, end = intervals(folder)[0]
    assert import_tracker(file(tmp_path, v1(end - 2 + 7200, 50, 0.001, "+02:00")), folder, Choice()).pairs == (
        (2, name),
    )


def test_an_impossible_duration_is_refused_and_counts_over_the_run_only_when_the_user_says_so(tmp_path: Path) -> None:
    folder = campaign(tmp_path)
    name, begin, end = intervals(folder)[0]
    source = file(tmp_path, v1(end - 2, -1712345678.9, 0.78 * 90 * (end - begin) / 3.6e6))
    with pytest.raises(ImportFileError, match=r":2: duration is '-1712345678\.9' s, which no run lasts.*--over-run"):
        import_tracker(source, folder, Choice(zone="UTC"))
    with pytest.raises(ImportFileError, match="--over-run needs --run"):
        import_tracker(source, folder, Choice(over_run=True))
    import_tracker(source, folder, Choice(run=name, over_run=True))
    told = compared(folder)
    assert told.runs[0].clock == "run"
    assert told.runs[0].ratio.value == pytest.approx(0.78)
    assert "the operator said that its energy is that of the whole run" in told.runs[0].problems[0]


def test_rows_of_other_days_are_left_out_and_named(tmp_path: Path) -> None:
    folder = campaign(tmp_path)
    name, _, end = intervals(folder)[2]
    source = file(tmp_path, v1(end - 90_000, 50, 0.001), v1(end - 2, 50, 0.001), v1(end - 2, 50, "nan"))
    done = import_tracker(source, folder, Choice(zone="UTC"))
    assert done.pairs == ((3, name),)
    assert [text.split(": ")[0].rsplit(":", 1)[1] for text in done.left_out] == ["2", "4"]
    assert "energy_consumed is 'nan'" in str(done)


def test_of_many_rows_that_are_left_out_ten_are_named_and_all_counted(tmp_path: Path) -> None:
    folder = campaign(tmp_path)
    _, _, end = intervals(folder)[2]
    others = [v1(end - 90_000 - 100 * nth, 50, 0.001) for nth in range(40)]
    done = import_tracker(file(tmp_path, *others, v1(end - 2, 50, 0.001)), folder, Choice(zone="UTC"))
    said = str(done)
    assert len(done.left_out) == 40
    assert said.count("  left out: ") == 10
    assert said.endswith("  40 are left out in all, 30 more")


def test_all_rows_that_fit_a_run_are_named_where_some_overlap(tmp_path: Path) -> None:
    folder = campaign(tmp_path)
    _, _, end = intervals(folder)[0]
    source = file(tmp_path, v1(end - 40, 8, 0.001), v1(end - 30, 8, 0.001), v1(end - 27, 8, 0.001))
    with pytest.raises(ImportFileError, match=r"lines 2, 3, 4 all fit run 2 .*overlap in time \(lines 3 and 4 first\)"):
        import_tracker(source, folder, Choice(zone="UTC"))


def test_of_many_rows_that_overlap_the_first_are_named(tmp_path: Path) -> None:
    folder = campaign(tmp_path)
    _, _, end = intervals(folder)[0]
    source = file(tmp_path, *(v1(end - 30, 8, 0.001 + n / 1e6) for n in range(40)))
    with pytest.raises(ImportFileError, match=r"lines 2, 3, [0-9, ]* 13 and 28 more all fit run 2 "):
        import_tracker(source, folder, Choice(zone="UTC"))


def test_several_rows_of_one_run_are_an_error_until_one_is_chosen(tmp_path: Path) -> None:
    folder = campaign(tmp_path)
    name, _, end = intervals(folder)[0]
    source = file(tmp_path, v1(end - 30, 20, 0.001), v1(end - 2, 48, 0.002))
    with pytest.raises(ImportFileError, match=r"lines 2, 3 all fit run 2 .*choose one with --line"):
        import_tracker(source, folder, Choice(zone="UTC"))
    assert import_tracker(source, folder, Choice(zone="UTC", lines=(3,))).pairs == ((3, name),)
    with pytest.raises(ImportFileError, match="has an attached figure of codecarbon already"):
        import_tracker(source, folder, Choice(zone="UTC", lines=(2,)))
    import_tracker(source, folder, Choice(zone="UTC", lines=(2,), replace=True))
    with pytest.raises(ImportFileError, match=r"or several that do not overlap \(--line 2 --line 5\)"):
        import_tracker(source, folder, Choice(zone="UTC", lines=(2, 3), replace=True))
    assert [row.reported_wh for row in compared(folder).runs] == [1.0]
    with pytest.raises(ImportFileError, match="no row begins on line 9"):
        import_tracker(source, folder, Choice(lines=(9,)))


def test_several_lines_may_be_chosen_and_the_rows_between_are_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = campaign(tmp_path)
    name, _, end = intervals(folder)[0]
    source = file(tmp_path, v1(end - 30, 10, 0.001), v1(end - 20, 9, 0.002), v1(end - 2, 10, 0.004))
    words = [str(source), "--campaign", str(folder), "--timezone", "UTC", "--line", "2", "--line", "4"]
    assert main(["import", "tracker", *words]) == 0
    out = capsys.readouterr().out
    assert [line.split() for line in out.splitlines() if " -> " in line] == [
        ["line", "2", "->", name],
        ["line", "4", "->", name],
    ]
    assert [row.reported_wh for row in compared(folder).runs] == [5.0]


def test_where_no_row_fits_the_rows_are_counted(tmp_path: Path) -> None:
    folder = campaign(tmp_path)
    rows = [v1(100_000 + nth, 10, 0.001) for nth in range(15)]
    with pytest.raises(ImportFileError, match=r"none of 15 rows can be lined up with a run") as caught:
        import_tracker(file(tmp_path, *rows), folder, Choice(zone="UTC"))
    assert "\n  and 3 more rows\nThe runs:" in str(caught.value)


def test_a_run_is_chosen_by_folder_or_ordinal_and_an_unknown_one_lists_the_runs(tmp_path: Path) -> None:
    folder = campaign(tmp_path)
    name, _, end = intervals(folder)[0]
    source = file(tmp_path, v1(end - 2, 50, 0.001))
    with pytest.raises(RunFolderError, match=r"no scenario run '77'.*\n  run 2 "):
        import_tracker(source, folder, Choice(run="77"))
    assert import_tracker(source, folder, Choice(run="2", zone="UTC")).pairs == ((2, name),)


def test_a_newer_file_has_its_parts_without_its_pue(tmp_path: Path) -> None:
    folder = campaign(tmp_path)
    _, _, end = intervals(folder)[0]
    row = f"{stamp(end - 2)},mine,r1,50.25,0.1,0.00079,0.0,,0.00158,3.2.1,,1.58"
    import_tracker(file(tmp_path, row, header=V3), folder, Choice(zone="UTC"))
    (found,) = compared(folder).runs
    assert (found.reported_wh, found.factor) == (pytest.approx(1.58), 1.58)
    assert found.energy_wh == pytest.approx(1.0)
    assert found.parts_wh == {"cpu": pytest.approx(0.5), "gpu": None, "ram": None}
    assert found.version == "3.2.1"


def test_a_run_without_a_wall_clock_of_the_sut_is_lined_up_by_the_hosts_start(tmp_path: Path) -> None:
    def bare(events: list[Any]) -> list[Any]:
        return [e for e in events if type(e).__name__ != "ClockEvent"]

    folder = campaign(tmp_path, events=bare)
    at_s = (EPOCH - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() + 88 + 4 + 55
    import_tracker(file(tmp_path, v1(at_s, 50, 0.001)), folder, Choice(zone="UTC"))
    (row,) = compared(folder).runs
    assert row.clock == "host-utc"
    assert row.begin_s == pytest.approx(5.5)


BAD = [
    ("", "the file is empty"),
    (V1 + "\n", ":2: a header and no row"),
    ("a,b\n1,2\n", ":1: no column timestamp, duration, energy_consumed"),
    (V1.replace("energy_consumed,", "") + "\n", ":1: no column energy_consumed"),
    (V1.replace(",", ";") + "\n1;2\n", "not parted by commas"),
    (V1 + ",duration\n", ":1: two columns 'duration'"),
    (V1 + "\n2026-11-21T08:00:00,mine,1\n", r":2: found 3 fields, expected 8"),
    (V1 + "\n" + v1(0, 5, 1).replace("1970-01-01T00:00:00", "yesterday") + "\n", ":2: timestamp is 'yesterday'"),
    (V1 + "\n" + v1(0, 5, 1).replace("1970-01-01T00:00:00", "0001-01-01T00:00:00") + "\n", ":2: timestamp is '0001-"),
    (V1 + "\n" + v1(0, 5, 1).replace("1970-01-01T00:00:00", "2026-11-21") + "\n", ":2: timestamp is '2026-11-21'"),
    (V1 + "\n" + v1(0, "inf", 1) + "\n", ":2: duration is 'inf'"),
    (V1 + "\n" + v1(0, "٣", 1) + "\n", ":2: duration is '٣'"),
    (V1 + "\n" + v1(0, 5, -1) + "\n", ":2: energy_consumed is '-1'"),
    (V1 + "\n" + v1(0, 5, "") + "\n", ":2: energy_consumed is ''"),
    (V1 + '\n"' + v1(0, 5, 1) + "\n", "no CSV here"),
]


@pytest.mark.parametrize(("text", "said"), BAD)
def test_a_damaged_file_is_named_with_line_column_and_remedy(text: str, said: str, tmp_path: Path) -> None:
    folder = campaign(tmp_path)
    source = tmp_path / "emissions.csv"
    source.write_text(text)
    with pytest.raises(ImportFileError, match=said):
        import_tracker(source, folder, Choice(zone="UTC"))
    assert CampaignFolder(folder).entries()[-1].TYPE == "run-end"


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    source = tmp_path / "emissions.csv"
    source.write_bytes(V1.encode() + b"\n\xff\xfe\n")
    with pytest.raises(ImportFileError, match=":2: not UTF-8"):
        import_tracker(source, campaign(tmp_path), Choice())


def test_the_verb_says_to_which_run_and_what_comes_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = campaign(tmp_path)
    name, _, end = intervals(folder)[0]
    source = file(tmp_path, v1(end - 2, 50, 0.001))
    words = ["import", "tracker", str(source), "--campaign", str(folder)]
    assert main(words) == 1
    assert "--timezone" in capsys.readouterr().err
    assert main([*words, "--timezone", "UTC"]) == 0
    said = capsys.readouterr().out
    assert f"line 2 -> {name}" in said
    assert f"wattlab report {folder}" in said


def test_no_byte_of_a_file_makes_anything_but_a_sentence(tmp_path: Path) -> None:
    folder = campaign(tmp_path)
    _, _, end = intervals(folder)[0]
    whole = (V3 + "\n" + f"{stamp(end - 2)},mine,r1,50.25,0.1,0.00079,0.0,,0.00158,3.2.1,,1.58\n").encode()
    source = tmp_path / "emissions.csv"
    for place in range(0, len(whole), 13):
        for byte in (b"", b"\x00", b'"', b"\n", b"9", b"\xff"):
            source.write_bytes(whole[:place] + byte + whole[place + 1 :])
            try:
                import_tracker(source, folder, Choice(zone="UTC", replace=True))
            except LabError as error:
                assert str(source) in str(error)  # noqa: PT017  both outcomes are right


# --- several rows of one run


FULL = (
    "timestamp,task_name,run_id,duration,cpu_power,ram_power,cpu_energy,gpu_energy,ram_energy,energy_consumed,"
    "codecarbon_version,gpu_count,tracking_mode"
)
METER_W, SHARE = 90.0, 0.78
"""What the meter of the synthetic campaign reads, and of it what the tracker says in these tests."""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs of a minute without trackers, made once."""
    return campaign(tmp_path_factory.mktemp("campaign"))


@pytest.fixture
def folder(tmp_path: Path, empty: Path) -> Path:
    return Path(shutil.copytree(empty, tmp_path / "campaign"))


def said_wh(duration_s: float) -> float:
    return SHARE * METER_W * duration_s / 3600


def full(at_s: float, duration_s: float, wh: float, run_id: str = "r", mode: str = "machine", task: str = "") -> str:
    """A row in which 20 W of memory count as long as the rest: by these columns its energy is of `wh` / 70.2 W."""
    seconds = wh * 3600 / (SHARE * METER_W)
    cpu_w = SHARE * METER_W - 20.0
    parts = f"{cpu_w},20.0,{cpu_w * seconds / 3.6e6},0.0,{20.0 * seconds / 3.6e6}"
    return f"{stamp(at_s)},{task},{run_id},{duration_s},{parts},{wh / 1000},3.3.2,0,{mode}"


def totals(path: Path, *rows: str, name: str = "emissions.csv") -> Path:
    """A file of totals: no task_name."""
    bare = [line.split(",", 2) for line in (FULL, *rows)]
    return file(path, *(f"{one[0]},{one[2]}" for one in bare[1:]), header=f"timestamp,{bare[0][2]}", name=name)


def test_an_object_used_again_in_every_run_has_the_energy_of_each_pass_alone(tmp_path: Path, folder: Path) -> None:
    rows = [full(end - 2, 50, said_wh(50) * (n + 1)) for n, (_, _, end) in enumerate(intervals(folder))]
    done = import_tracker(totals(tmp_path, *rows), folder, Choice(zone="UTC"))
    assert [name for _, name in done.pairs] == [name for name, _, _ in intervals(folder)]
    found = compared(folder)
    assert [row.ratio.value for row in found.runs] == pytest.approx([SHARE] * 3)  # not .78, 1.56, 2.34
    assert found.runs[2].parts_wh["ram"] == pytest.approx(20.0 * 50 / 3600)
    assert "the object was used again: line 4 holds 2.925 Wh" in found.runs[2].problems[0]
    assert not failed(verify(folder, None))


def test_a_pass_that_is_chosen_by_its_line_is_without_the_passes_before_it(tmp_path: Path, folder: Path) -> None:
    rows = [full(end - 2, 50, said_wh(50) * (n + 1)) for n, (_, _, end) in enumerate(intervals(folder))]
    import_tracker(totals(tmp_path, *rows), folder, Choice(zone="UTC", lines=(4,)))
    assert [row.reported_wh for row in compared(folder).runs] == [pytest.approx(said_wh(50))]


@pytest.mark.parametrize("ids", ["rrr", "abc"], ids=["passes of one object", "an object each"])
def test_rows_of_one_run_that_do_not_overlap_are_added_over_their_stretches(
    ids: str, tmp_path: Path, folder: Path
) -> None:
    _, begin, _ = intervals(folder)[0]
    again = ids == "rrr"
    wh = [said_wh(10) * (n + 1 if again else 1) for n in range(3)]
    rows = [full(begin + 15 + 18 * n, 10, wh[n], run_id) for n, run_id in enumerate(ids)]
    done = import_tracker(totals(tmp_path, *rows), folder, Choice(zone="UTC"))
    assert [line for line, _ in done.pairs] == [2, 3, 4]
    (row,) = compared(folder).runs
    assert (row.reported_wh, row.duration_s) == (pytest.approx(3 * said_wh(10)), pytest.approx(30))
    assert row.spans == 3
    assert row.meter_wh.value == pytest.approx(METER_W * 30 / 3600)
    assert row.ratio.value == pytest.approx(SHARE)
    parts = compared(folder).scenarios["cnn"]["codecarbon-imported"].intervals
    assert {(one.name, one.index) for one in parts} == {("stretch", n) for n in (0, 1, 2, None)}
    assert [one.ratio.value for one in parts] == pytest.approx([SHARE] * 4)
    assert not failed(verify(folder, None))


def test_the_page_says_by_what_and_of_how_many_stretches_a_figure_is(tmp_path: Path, folder: Path) -> None:
    (_, begin, _), (_, other, _), (third, _, _) = intervals(folder)
    rows = [
        full(at + 15 + 18 * n, 10, said_wh(10), f"o{at}{n}")
        for at, count in ((begin, 3), (other, 1))
        for n in range(count)
    ]
    import_tracker(totals(tmp_path, *rows), folder, Choice(zone="UTC"))
    import_tracker(totals(tmp_path, full(begin, 1, 1.0), name="c.csv"), folder, Choice(run=third, over_run=True))
    (table,) = (
        block for block in tracker_blocks(replace(read({}), trackers=compared(folder)), "")
        if isinstance(block, Table) and block.name == "tracker-runs"
    )  # fmt: skip
    assert [row.cells[-1] for row in table.rows] == [
        "lined up by wall clock, 3 stretches added",
        "lined up by wall clock",
        "over the run's own interval, as the operator said; its file's duration is not that of its energy",
    ]


def test_several_stretches_are_more_uncertain_than_one_of_their_length(tmp_path: Path, folder: Path) -> None:
    (first, begin, _), (second, other, _), _ = intervals(folder)
    rows = [full(begin + 15 + 18 * n, 10, said_wh(10), f"o{n}") for n in range(3)]
    rows.append(full(other + 45, 30, said_wh(30), "whole"))
    import_tracker(totals(tmp_path, *rows), folder, Choice(zone="UTC"))
    u = {row.folder: row.meter_wh.estimate.u for row in compared(folder).runs}
    assert u[first] > 1.5 * u[second]  # six edges whose stamps are whole seconds, not two


def test_two_trackers_at_a_time_are_an_error_and_flushes_are_in_the_last_row(tmp_path: Path, folder: Path) -> None:
    name, begin, _ = intervals(folder)[0]
    rows = [full(begin + 20, 10, said_wh(10), "a"), full(begin + 25, 10, said_wh(10), "b")]
    with pytest.raises(ImportFileError, match=r"lines 2, 3 all fit run 2 .* overlap .*choose one with --line"):
        import_tracker(totals(tmp_path, *rows), folder, Choice(zone="UTC"))
    flushes = [full(begin + 10 + 10 * n, 10.0 * n, said_wh(10 * n)) for n in (1, 2, 3)]
    done = import_tracker(totals(tmp_path, *flushes), folder, Choice(zone="UTC"))
    assert done.pairs == ((4, name),)
    assert [text.split(": ")[1] for text in done.left_out] == ["a flush; line 4 holds it, begun at the same time"] * 2
    assert compared(folder).runs[0].reported_wh == pytest.approx(said_wh(30))


def test_tasks_of_a_run_are_added_and_stand_as_its_parts(tmp_path: Path, folder: Path) -> None:
    _, begin, _ = intervals(folder)[0]
    again = "_0f9c1a52-7c1e-4c53-9d9c-1b2f3a4d5e6f"
    rows = [
        full(begin + 15, 10, 1.5 * said_wh(10), task="train").replace(",20.0,", ",30.0,"),
        full(begin + 33, 10, 1.5 * said_wh(10), task="test").replace(",20.0,", ",30.0,"),
        full(begin + 51, 10, 1.5 * said_wh(10), task="train" + again).replace(",20.0,", ",30.0,"),
    ]
    tasks = file(tmp_path, *rows, header=FULL, name="emissions_base_r.csv")
    unknown = import_tracker(tasks, folder, Choice(zone="UTC"))
    assert len(unknown.pairs) == 3
    (row,) = compared(folder).runs
    assert (row.factor, "no column of its file says" in row.problems[0]) == (1.0, True)
    import_tracker(tasks, folder, Choice(zone="UTC", pue=1.5, replace=True))
    (row,) = compared(folder).runs
    assert (row.factor, row.energy_wh, row.problems) == (1.5, pytest.approx(3 * said_wh(10)), ())
    assert not failed(verify(folder, None))
    parts = compared(folder).scenarios["cnn"]["codecarbon-imported"].intervals
    assert {(one.name, one.index) for one in parts} == {("train", 0), ("train", 1), ("train", None), ("test", 0)}
    assert [one.ratio.value for one in parts] == pytest.approx([SHARE] * 4)


def test_the_factor_of_a_task_file_is_read_beside_it_attached_and_verified(tmp_path: Path, folder: Path) -> None:
    _, begin, _ = intervals(folder)[0]
    tasks = file(
        tmp_path, full(begin + 33, 10, 1.5 * said_wh(10), task="a").replace(",20.0,", ",30.0,"), header=FULL,
        name="emissions_base_r.csv",
    )  # fmt: skip
    beside = totals(tmp_path, full(begin + 40, 5, 1.5 * said_wh(10)) + ",1.5").read_text()
    (tmp_path / "emissions.csv").write_text(beside.replace("tracking_mode", "tracking_mode,pue", 1))
    import_tracker(tasks, folder, Choice(zone="UTC"))
    (row,) = compared(folder).runs
    assert (row.factor, row.ratio.value) == (1.5, pytest.approx(SHARE))
    assert compared(folder).scenarios["cnn"]["codecarbon-imported"].factors == (
        Factor(1.5, "the power usage effectiveness in the emissions.csv of its run_id, 1.5"),
    )
    assert [check.passed for check in check_trackers(folder, examine(folder))] == [True]
    (attached,) = (folder / "trackers").glob("*-emissions.csv")
    attached.chmod(0o644)
    attached.write_text(attached.read_text().replace(",1.5\n", ",1.4\n"))
    assert [check.passed for check in check_trackers(folder, examine(folder))] == [False]
    with pytest.raises(ImportFileError, match=r"pue is 1\.5 in its own column, --pue says 1\.2"):
        import_tracker(tmp_path / "emissions.csv", folder, Choice(zone="UTC", pue=1.2))


def test_a_mode_that_does_not_count_the_machine_is_told_in_the_results_and_on_the_page(
    tmp_path: Path, folder: Path
) -> None:
    _, begin, _ = intervals(folder)[0]
    import_tracker(totals(tmp_path, full(begin + 40, 30, said_wh(30), mode="process")), folder, Choice(zone="UTC"))
    (row,) = compared(folder).runs
    assert row.problems[0] == (
        "tracking_mode is process: it counts its process and the children it sees once a second, not the machine"
    )
    page = tracker_blocks(replace(read({}), trackers=compared(folder)), "")
    texts = " ".join(block.text for block in page if isinstance(block, Paragraph))
    assert "children it sees once a second, not the machine" in texts
    older = full(begin + 40, 30, said_wh(30), mode="process").replace("3.3.2", "2.8.4")
    import_tracker(totals(tmp_path, older), folder, Choice(zone="UTC", replace=True))
    assert "its memory figure is of its process and children" in compared(folder).runs[0].problems[0]


# --- an entry that an older wattlab made


def test_what_an_older_wattlab_attached_verifies_for_ever_and_is_said_to_be_read_otherwise_today(
    tmp_path: Path, folder: Path
) -> None:
    rows = [full(end - 2, 50, said_wh(50) * (n + 1)) for n, (_, _, end) in enumerate(intervals(folder))]
    import_tracker(totals(tmp_path, *rows), folder, Choice(zone="UTC", lines=(3,)))
    log = CampaignFolder(folder)
    entry = {k: v for k, v in log.entries()[-1].raw.items() if k not in ("reader", "lines", "pue", "tracker")}
    account = log.entries()[-1].raw["tracker"]
    parts = {name: wh and 2 * wh for name, wh in account["parts_wh"].items()}
    older = account | {"reported_wh": 2 * said_wh(50), "parts_wh": parts, "problems": []}
    plain = {k: entry[k] for k in ("path", "sha256", "note", "run", "line", "zone", "over_run")}
    log.append("attachment", entry["utc"], plain | {"tracker": older})
    now, then = check_trackers(folder, examine(folder))
    assert (now.passed, then.passed) == (True, True)
    assert "attached by an older wattlab as 1.95 Wh, today it is 0.975 Wh" in then.detail
    assert not failed(verify(folder, None))
    log.append("attachment", entry["utc"], plain | {"tracker": older | {"reported_wh": 1.9}})
    assert [check.passed for check in check_trackers(folder, examine(folder))] == [True, True, False]


def test_a_campaign_that_the_first_edition_signed_with_such_an_entry_verifies(tmp_path: Path) -> None:
    folder = unpack_bag(OLD / "attached.zip", tmp_path)
    assert [check.passed for check in check_trackers(folder, examine(folder))] == [True, True]
    outcome = verify(folder, read_public_key(OLD / "synthetic.pub"))
    assert {check.name for check in outcome.failed} <= {"wire"}  # made up: it has no wire logs


@pytest.mark.parametrize(
    "forged",
    [
        {"lines": ["x"]}, {"lines": [99]}, {"lines": []}, {"lines": [2, 2]}, {"pue": "1"}, {"pue": 1.5},
        {"totals": ["x"]}, {"totals": "../../etc"}, {"reader": 1}, {"zone": 5}, {"zone": "+02:00"},
        {"over_run": True}, {"line": None},
    ],
    ids=str,
)  # fmt: skip
def test_an_entry_that_says_something_else_than_its_file_fails_and_never_breaks(
    forged: dict[str, Any], tmp_path: Path, folder: Path
) -> None:
    _, begin, _ = intervals(folder)[0]
    rows = [full(begin + 15 + 18 * n, 10, said_wh(10) * (n + 1)) for n in range(2)]
    import_tracker(totals(tmp_path, *rows), folder, Choice(zone="UTC"))
    log = CampaignFolder(folder)
    of_the_log = ("seq", "prev", "utc", "type", "line_sha256")
    entry = {k: v for k, v in log.entries()[-1].raw.items() if k not in of_the_log}
    if "line" in forged:
        entry = {k: v for k, v in entry.items() if k not in ("reader", "lines")}
    log.append("attachment", log.entries()[-1].utc, entry | forged)
    assert [check.passed for check in check_trackers(folder, examine(folder))] == [True, False]


# --- the public reports (tests/data/trackers/cases)


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One board at 200 W from 09:00 to 09:20."""
    path = tmp_path_factory.mktemp("meter") / "campaign"
    import_nvidia_smi([CASES / "cc_meter.csv"], path)
    return path


@pytest.fixture
def meter(tmp_path: Path, steady: Path) -> Path:
    return Path(shutil.copytree(steady, tmp_path / "meter"))


def test_the_energy_of_all_tasks_is_not_that_of_the_last_and_only_the_operator_takes_it_for_the_run(
    meter: Path,
) -> None:
    source = CASES / "cc_last_task.csv"
    with pytest.raises(ImportFileError, match=r"54 Wh in 120 s are 1620 W, its own columns say 90 W.*--over-run"):
        import_tracker(source, meter, Choice(zone="UTC"))
    assert CampaignFolder(meter).entries()[-1].TYPE != "attachment"
    import_tracker(source, meter, Choice(run="1", over_run=True))
    (row,) = compared(meter).runs
    assert (row.reported_wh, row.meter_wh.value) == (54.0, pytest.approx(200 * 20 / 60, rel=0.01))


def test_a_sound_row_beside_a_short_one_is_attached_and_the_short_one_is_named(meter: Path) -> None:
    source = CASES / "cc_short_row.csv"
    done = import_tracker(source, meter, Choice(zone="UTC"))
    assert [line for line, _ in done.pairs] == [2]
    assert "cc_short_row.csv:3: found 9 fields, expected 11" in done.left_out[0]
    assert "CodeCarbon 3.2.9 leaves empty columns out of the rows that it appends" in done.left_out[0]
    chosen = import_tracker(source, meter, Choice(zone="UTC", lines=(2,), replace=True))
    assert (chosen.pairs, chosen.left_out) == (done.pairs, ())
    with pytest.raises(ImportFileError, match=r"cc_short_row\.csv:3: found 9 fields"):
        import_tracker(source, meter, Choice(zone="UTC", lines=(3,)))


def test_a_file_of_another_encoding_is_attached(meter: Path) -> None:
    assert [line for line, _ in import_tracker(CASES / "cc_cp1252.csv", meter, Choice(zone="UTC")).pairs] == [2]
    (row,) = compared(meter).runs
    assert (row.reported_wh, row.ratio.value) == (54.0, pytest.approx(54 / 60))


def test_an_import_whose_stamps_are_utc_takes_a_tracker_by_the_zone_of_its_machine(tmp_path: Path) -> None:
    begin_s = datetime(2022, 4, 1, 21, 25, tzinfo=UTC).timestamp()
    rows = "".join(f"{stamp(begin_s + second)},100.0\n" for second in range(1, 61))
    (tmp_path / "wall.csv").write_text("timestamp,watt\n" + rows)
    mapping = tmp_path / "power-csv.toml"
    mapping.write_text(
        'schema = 1\n[time]\ncolumn = "timestamp"\nformat = "iso"\nzone = "UTC"\n[[power]]\ncolumn = "watt"\n'
        'unit = "W"\nreads = "mean"\nwindow_s = 1.0\nmeter = "wall"\n'
    )
    import_power_csv([tmp_path / "wall.csv"], tmp_path / "c", mapping)
    emissions = tmp_path / "emissions.csv"
    emissions.write_text(f"{V1}\n{stamp(begin_s + 7200 + 55)},p,50.0,1.0,0.001,Germany,DEU,\n")  # two hours ahead
    with pytest.raises(ImportFileError, match="has no time zone"):
        import_tracker(emissions, tmp_path / "c", Choice())
    assert len(import_tracker(emissions, tmp_path / "c", Choice(zone="+02:00")).pairs) == 1
    assert all(check.passed for check in check_trackers(tmp_path / "c", examine(tmp_path / "c")))
