"""Rows of a stream are held against the bytes of its wire log; what cannot be compared is said, never passed over."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.codecs import changes_since
from harness.evidence.descriptors import DESCRIPTOR
from harness.evidence.forms import check_forms
from harness.evidence.verification import sign_campaign
from harness.evidence.wire import check_wires
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import STATED_LIMITS
from harness.record.errors import SigningError
from harness.record.plain_files import sha256_of
from harness.record.run_folder import JOURNAL, RunFolder
from harness.record.verify import Check, Examination, examine, verify_run
from meters.reading import COUNTER_DRIVERS, ESTIMATE_DRIVERS
from meters.registry import COUNTERS
from tests.evidence.forger import copied, edit_rows, journal_of, reforge, write_journal

Journal = list[dict[str, Any]]


def checks_of(campaign: Path) -> list[Check]:
    return check_wires(campaign, examine(campaign))


def described(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def edit(run: Path) -> None:
        journal = journal_of(run)
        change(journal[1])
        write_journal(run, journal)

    return edit


def rows(change: Callable[[int, list[str]], list[str] | None]) -> Callable[[Path], None]:
    return lambda run: edit_rows(run, change)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (rows(lambda at, row: [row[0], "60.0", *row[2:]] if at == 5 else row), "line 7: power_w is '60.0', the wire"),
        (rows(lambda at, row: None if at == 5 else row), "line 7: time_ns is"),
        (rows(lambda at, row: None if at > 50 else row), "readings of the log are no rows"),
        (rows(lambda at, row: [str(int(row[0]) + 1), *row[1:]] if at == 5 else row), "line 7: time_ns is"),
        (rows(lambda at, row: [*row[:-1], "stale"] if at == 5 else row), "line 7: flags is 'stale'"),
        (described(lambda one: one["identity"].update(model="Watts up? PRO ES")), "model of the meter is"),
        (described(lambda one: one["identity"].update(driver="wt310")), "says driver 'wt310', lab.toml 'wattsup'"),
        (lambda run: (run / "wire-wall.log").write_bytes(b"1 < zz\n") and None, "the wire log was changed or is not"),
    ],
)  # fmt: skip
def test_a_stream_that_its_wire_log_contradicts_is_found(
    unsigned: Path, tmp_path: Path, edit: Callable[[Path], None], message: str
) -> None:
    campaign = copied(unsigned, tmp_path)
    first = CampaignFolder(campaign).run_paths()[0]
    reforge(campaign, lambda run: edit(run) if run == first else None, results=False)
    failed = [check for check in checks_of(campaign) if not check.passed]
    assert len(failed) == 1
    assert message in failed[0].detail


@pytest.fixture(scope="module")
def one_run(unsigned: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first run of the campaign, to be written to: here only its own contradictions count."""
    return CampaignFolder(copied(unsigned, tmp_path_factory.mktemp("one"))).run_paths()[0]


def described_otherwise(run: Path, change: Callable[[Journal], object]) -> list[str]:
    """What `descriptor` says of the run with its journal changed, which is then put back."""
    before = (run / JOURNAL).read_bytes()
    journal = journal_of(run)
    try:
        change(journal)
        write_journal(run, journal)
        seen = Examination([], [], [], [], {run.name: RunFolder.open(run)}, {})
        return [
            check.detail for check in check_wires(run.parent, seen) if check.name == DESCRIPTOR and not check.passed
        ]
    finally:
        (run / JOURNAL).write_bytes(before)


CERTIFICATE = {"instrument": "wall", "number": "D-K-1", "date": "2026-01-01", "k": 2.0, "points": []}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"window_s": 0.1}, "window_s is 0.1, its driver wattsup says 1.0"),
        ({"averaging": "instantaneous"}, "averaging is 'instantaneous', its driver wattsup says 'window'"),
        ({"stamp": "start"}, "stamp is 'start', its driver wattsup says 'end'"),
        ({"latency_s": 0.4}, "latency_s is 0.4, its driver wattsup says 0.0"),
        ({"ranging": "fixed"}, "ranging is 'fixed', its driver wattsup says 'none'"),
        ({"tier": "reference"}, "tier is 'reference', its driver wattsup says 'indicative'"),
        ({"circuit": "another"}, "circuit is 'another', inputs/lab.toml has 'sut-ac-inlet'"),
        ({"calibration": CERTIFICATE}, "calibration is .*, but the run kept no instrument register"),
        ({"identity": {"certified_by": "PTB"}}, "identity.certified_by is 'PTB', which no driver says"),
        ({"evidence": {"identity_model": "WT310E"}}, "evidence.identity_model is 'WT310E', identity.model 'Watts up"),
        ({"evidence": {"remedy": "none"}}, "evidence.remedy is 'none', what was found calls for ''"),
        ({"columns": {"resolution": 0.001}}, r"columns.power_w.resolution is 0.001, its driver wattsup says 0.1"),
        ({"columns": {"range": [0.0, 1.0]}}, r"columns.power_w.range.1 is 1.0, its driver wattsup says 1800.0"),
        ({"columns": {"unit": "kW"}}, r"columns.power_w.unit is 'kW', its driver wattsup says 'W'"),
        ({"columns": {"accuracy": None}}, "columns.power_w.accuracy.counts is None, its driver wattsup says 3.0"),
    ],
)  # fmt: skip
def test_a_descriptor_that_says_more_than_driver_lab_and_register_is_found_with_its_line(
    one_run: Path, change: dict[str, Any], message: str
) -> None:
    def edit(journal: Journal) -> None:
        for key, value in change.items():
            place = journal[1][key][0] if key == "columns" else journal[1].get(key)
            journal[1] |= {key: value} if not isinstance(place, dict) else {}
            place.update(value) if isinstance(place, dict) else None

    (found,) = described_otherwise(one_run, edit)
    assert re.match(rf"run.jsonl:2: readings-wall.csv: .*{message}", found), found


def test_limits_that_the_lab_did_not_state_are_found(one_run: Path) -> None:
    def stated(journal: Journal) -> None:
        journal[0]["config"]["meters"]["wall"]["limits_percent"] = 0.1
        journal[1]["columns"][0]["accuracy"] |= {"reading_percent": 0.1, "counts": 0.0, "source": STATED_LIMITS}

    (found,) = described_otherwise(one_run, stated)
    assert "columns.power_w.accuracy.reading_percent is 0.1, its driver wattsup says 1.5" in found


def test_a_codec_of_a_newer_wattlab_is_not_decoded_and_that_is_said(unsigned: Path, tmp_path: Path) -> None:
    campaign = copied(unsigned, tmp_path)
    reforge(campaign, described(lambda one: one.update(codec=99)), results=False)
    for check in checks_of(campaign):
        assert not check.passed
        assert "says codec 99 of 'wattsup', which no wattlab up to its version, '0.2.0', has" in check.detail

    def newer(run: Path) -> None:
        journal = run / "run.jsonl"
        journal.write_text(journal.read_text().replace('"version":"0.2.0"', '"version":"9.0.0"', 1))

    reforge(campaign, newer, results=False)
    for check in checks_of(campaign):
        assert not check.passed
        assert "was not decoded: codec 99 of 'wattsup' is not one of wattlab 0.2.0" in check.detail
        assert "recorded by wattlab 9.0.0, this is 0.2.0: update wattlab" in check.detail


def measured_by(version: str, driver: str) -> Callable[[Path], None]:
    """Every run claims a version of wattlab, and its meter another driver; all else fits."""

    def edit(run: Path) -> None:
        journal = journal_of(run)
        journal[0]["software"]["version"] = version
        journal[0]["config"]["meters"]["wall"]["driver"] = journal[1]["identity"]["driver"] = driver
        lab = run / "inputs" / "lab.toml"
        lab.write_text(lab.read_text().replace('"wattsup"', f'"{driver}"'))
        journal[0]["inputs"]["lab.toml"] = sha256_of(lab)
        write_journal(run, journal)

    return edit


@pytest.mark.parametrize("driver", ["acme", "wattsup"])
def test_what_a_newer_wattlab_recorded_is_refused_with_both_versions(
    unsigned: Path, tmp_path: Path, driver: str
) -> None:
    campaign = copied(unsigned, tmp_path)
    reforge(campaign, measured_by("0.2.1", driver), results=False)
    failed = [check for check in check_forms(campaign.name, examine(campaign)) if check.name == "version"]
    assert {check.subject for check in failed} == {run.name for run in CampaignFolder(campaign).run_paths()}
    newer = "recorded by wattlab 0.2.1, this is 0.2.0: update wattlab, and verify it with that version or a later one"
    assert {check.detail for check in failed} == {newer}
    undecoded = [check for check in checks_of(campaign) if "was not decoded" in check.detail]
    assert [check.passed for check in undecoded] == ([False] * len(failed) if driver == "acme" else [])
    with pytest.raises(SigningError, match=r"recorded by wattlab 0\.2\.1, this is 0\.2\.0"):
        sign_campaign(campaign, tmp_path / "no-key", None)


def test_a_log_that_a_newer_wattlab_began_is_refused(unsigned: Path, tmp_path: Path) -> None:
    campaign = copied(unsigned, tmp_path)

    def newer(entries: Journal) -> Journal:
        entries[0]["software"] = {"version": "0.3.0"}
        return entries

    reforge(campaign, rewrite=newer, results=False)
    (failed,) = [check for check in check_forms(campaign.name, examine(campaign)) if check.name == "version"]
    assert "recorded by wattlab 0.3.0, this is 0.2.0: update wattlab" in failed.detail


@pytest.mark.parametrize("driver", sorted(ESTIMATE_DRIVERS))
def test_counters_of_software_are_no_instrument_for_any_verb(one_run: Path, driver: str) -> None:
    def edit(journal: Journal) -> None:
        journal[1]["identity"]["driver"] = driver
        journal[1] |= {"origin": "instrument", "evidence": {"device_major": 188, "sysfs_serial": "A1"}}

    before = (one_run / JOURNAL).read_bytes()
    journal = journal_of(one_run)
    try:
        edit(journal)
        write_journal(one_run, journal)
        (origin,) = [check for check in verify_run(one_run) if check.name == "origin"]
    finally:
        (one_run / JOURNAL).write_bytes(before)
    assert not origin.passed
    assert f"its driver '{driver}' computes what it gives, which is estimated" in origin.detail


def test_record_and_registry_know_the_same_counters() -> None:
    assert set(COUNTERS) == COUNTER_DRIVERS


def test_an_import_is_not_stamped_by_this_hosts_clock(unsigned: Path, tmp_path: Path) -> None:
    campaign = copied(unsigned, tmp_path)

    def imported(run: Path) -> None:
        journal = run / "run.jsonl"
        source = '"source":{"format":"oscar","files":{},"note":""}'
        journal.write_text(journal.read_text().replace('"source":null', source, 1))

    reforge(campaign, imported, results=False)
    assert {check.passed for check in checks_of(campaign)} == {False}


def test_as_measured_every_stream_is_what_its_wire_log_says(unsigned: Path) -> None:
    checks = checks_of(unsigned)
    assert [check.name for check in checks] == ["wire", "descriptor"] * len(CampaignFolder(unsigned).run_paths())
    assert all(check.passed for check in checks)
    assert all("are what its wire log says" in check.detail for check in checks[::2])


def late_rows(first: int, last: int) -> Callable[[Path], None]:
    """The host stood still: the meter's lines of these rows waited in the port, and came in one piece with the last."""

    def edit(run: Path) -> None:
        stamps = [line.split(",")[0] for line in (run / "readings-wall.csv").read_text().splitlines()[1:]]
        edit_rows(run, lambda at, row: [stamps[last], *row[1:]] if first <= at <= last else row)
        log = run / "wire-wall.log"
        lines = [line.split(" ") for line in log.read_text().splitlines()]
        waited = [words[2] for words in lines if words[0] in stamps[first : last + 1]]
        kept = [" ".join(words) for words in lines if words[0] not in stamps[first : last + 1]]
        place = next(at for at, line in enumerate(kept) if int(line.split(" ")[0]) > int(stamps[last]))
        kept.insert(place, f"{stamps[last]} < {''.join(waited)}")
        log.write_text("\n".join([*kept, ""]))

    return edit


@pytest.mark.parametrize("seconds", [2, 8, 20])
def test_a_host_that_stood_still_while_the_meter_spoke_changed_no_byte(
    unsigned: Path, tmp_path: Path, seconds: int
) -> None:
    campaign = copied(unsigned, tmp_path)
    first, second, *_ = CampaignFolder(campaign).run_paths()

    def edit(run: Path) -> None:
        if run == first:
            late_rows(5, 5 + seconds)(run)
            late_rows(8 + seconds, 8 + 2 * seconds)(run) if seconds < 10 else None
        elif run == second:
            late_rows(5, 5 + seconds)(run)
            edit_rows(run, lambda at, row: [row[0], "60.0", *row[2:]] if at == 7 else row)

    reforge(campaign, edit, results=False)
    failed = [check for check in checks_of(campaign) if not check.passed]
    assert [(check.subject, "line 9: power_w is '60.0', the wire" in check.detail) for check in failed] == [
        (second.name, True)
    ]


@pytest.mark.parametrize(
    ("driver", "column", "sealed", "decoded", "predicted"),
    [
        ("sdm120", "flags", "stale", "", True),
        ("sdm120", "flags", "stale|overrange", "", False),
        ("sdm120", "power_w", "99.0", "90.0", False),
        ("wattsup", "flags", "stale", "", False),
        ("ptdaemon", "power_w", "-103.2", "", True),
        ("ptdaemon", "power_w", "103.2", "", False),
        ("sml", "power_w", "", "52.0", True),
        ("sml", "power_w", "0.0", "-52.0", True),
        ("sml", "power_w", "0.0", "52.0", False),
    ],
)
def test_a_change_of_the_codec_explains_its_own_cells_and_no_others(
    driver: str, column: str, sealed: str, decoded: str, predicted: bool
) -> None:
    assert any(change.allows(column, sealed, decoded) for change in changes_since(1, driver)) is predicted
    assert changes_since(2, driver) == []
