"""A user's emissions.csv and the campaign it belongs to: lined up, attached, chained, or refused in a sentence."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.documents import PhaseEvent
from harness.errors import ImportFileError, LabError, RunFolderError
from harness.evidence.attachments import check_trackers
from harness.evidence.verification import verify
from harness.importers.tracker import Choice, import_tracker
from harness.run_folder import CampaignFolder, examine
from reports.analysis.results import analyse
from tests.analysis.tracked import Tracked, tracked_campaign
from tests.reports.make_campaign import EPOCH

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


def compared(folder: Path) -> dict[str, Any]:
    told = analyse(folder).trackers
    assert told is not None
    return told


def test_every_row_finds_its_run_by_the_wall_clock_and_the_ratio_is_that_of_the_meter(tmp_path: Path) -> None:
    folder = campaign(tmp_path)
    rows = [v1(end - 2, 50, 0.78 * 90 * 50 / 3.6e6) for _, _, end in intervals(folder)]
    done = import_tracker(file(tmp_path, *rows), folder, Choice(zone="UTC"))
    assert [name for _, name in done.pairs] == [name for name, _, _ in intervals(folder)]
    one = compared(folder)["scenarios"]["cnn"]["codecarbon-imported"]
    assert one["ratio"]["value"] == pytest.approx(0.78, rel=1e-12)
    assert one["n"]["value"] == 3
    assert one["duration_s"]["value"] == pytest.approx(50)


def test_the_attachment_is_chained_verified_and_leaves_the_sealed_runs_alone(tmp_path: Path) -> None:
    folder = campaign(tmp_path)
    before = {run.path.name: run.manifest_sha256 for run in CampaignFolder(folder).runs()}
    name, _, end = intervals(folder)[1]
    done = import_tracker(file(tmp_path, v1(end - 2, 50, 0.001)), folder, Choice(zone="+00:00"))
    assert done.path.parent == folder / "trackers"
    assert {run.path.name: run.manifest_sha256 for run in CampaignFolder(folder).runs()} == before
    entry = CampaignFolder(folder).entries()[-1]
    assert (entry["note"], entry["run"], entry["line"]) == ("tracker", name, 2)
    assert [check.passed for check in check_trackers(folder, examine(folder))] == [True]
    assert not verify(folder, None).failed


def test_a_changed_copy_a_foreign_run_or_another_figure_fails_verify(tmp_path: Path) -> None:
    folder = campaign(tmp_path)
    _, _, end = intervals(folder)[0]
    copy = import_tracker(file(tmp_path, v1(end - 2, 50, 0.001)), folder, Choice(zone="UTC")).path
    log = CampaignFolder(folder)
    entry = {k: v for k, v in log.entries()[-1].items() if k in ("path", "sha256", "note", "line", "zone", "over_run")}
    account = log.entries()[-1]["tracker"]
    now = log.entries()[-1]["utc"]
    log.append("attachment", now, entry | {"run": "elsewhere", "tracker": account})
    lie = account | {"reported_wh": 99.0}
    log.append("attachment", now, entry | {"run": log.entries()[-2]["run"], "tracker": lie})
    assert [check.passed for check in check_trackers(folder, examine(folder))] == [True, False, False]
    assert {check.name for check in verify(folder, None).failed} == {"tracker"}
    log.append("attachment", now, entry | {"run": "x", "path": "../../emissions.csv", "tracker": account})
    assert len(check_trackers(folder, examine(folder))) == 3
    copy.chmod(0o644)
    copy.write_text("other bytes")
    assert check_trackers(folder, examine(folder)) == []
    assert not all(check.passed for check in examine(folder).checks if check.name == "attachment")
    assert analyse(folder).trackers is None


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
    assert compared(folder)["runs"][0]["begin_s"] == pytest.approx(
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
    assert told["runs"][0]["clock"] == "run"
    assert told["runs"][0]["ratio"]["value"] == pytest.approx(0.78)
    assert "the operator said that its energy is that of the whole run" in told["runs"][0]["problems"][0]


def test_rows_of_other_days_are_left_out_and_named(tmp_path: Path) -> None:
    folder = campaign(tmp_path)
    name, _, end = intervals(folder)[2]
    source = file(tmp_path, v1(end - 90_000, 50, 0.001), v1(end - 2, 50, 0.001), v1(end - 2, 50, "nan"))
    done = import_tracker(source, folder, Choice(zone="UTC"))
    assert done.pairs == ((3, name),)
    assert [text.split(": ")[0].rsplit(":", 1)[1] for text in done.left_out] == ["2", "4"]
    assert "energy_consumed is 'nan'" in str(done)


def test_several_rows_of_one_run_are_an_error_until_one_is_chosen(tmp_path: Path) -> None:
    folder = campaign(tmp_path)
    name, _, end = intervals(folder)[0]
    source = file(tmp_path, v1(end - 30, 20, 0.001), v1(end - 2, 48, 0.002))
    with pytest.raises(ImportFileError, match=r"lines 2, 3 all fit run 2 .*choose one with --line"):
        import_tracker(source, folder, Choice(zone="UTC"))
    assert import_tracker(source, folder, Choice(zone="UTC", line=3)).pairs == ((3, name),)
    with pytest.raises(ImportFileError, match="has an attached figure of codecarbon already"):
        import_tracker(source, folder, Choice(zone="UTC", line=2))
    import_tracker(source, folder, Choice(zone="UTC", line=2, replace=True))
    assert [row["reported_wh"] for row in compared(folder)["runs"]] == [1.0]
    with pytest.raises(ImportFileError, match="no row begins on line 9"):
        import_tracker(source, folder, Choice(line=9))


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
    (found,) = compared(folder)["runs"]
    assert (found["reported_wh"], found["factor"]) == (pytest.approx(1.58), 1.58)
    assert found["energy_wh"] == pytest.approx(1.0)
    assert found["parts_wh"] == {"cpu": pytest.approx(0.5), "gpu": None, "ram": None}
    assert found["version"] == "3.2.1"


def test_a_run_without_a_wall_clock_of_the_sut_is_lined_up_by_the_hosts_start(tmp_path: Path) -> None:
    def bare(events: list[Any]) -> list[Any]:
        return [e for e in events if type(e).__name__ != "ClockEvent"]

    folder = campaign(tmp_path, events=bare)
    at_s = (EPOCH - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() + 88 + 4 + 55
    import_tracker(file(tmp_path, v1(at_s, 50, 0.001)), folder, Choice(zone="UTC"))
    (row,) = compared(folder)["runs"]
    assert row["clock"] == "host-utc"
    assert row["begin_s"] == pytest.approx(5.5)


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
    assert CampaignFolder(folder).entries()[-1]["type"] == "run-end"


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
