"""Preflight and check loads against an emulated meter: identity, certificate, check load, each both ways."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from harness import cli
from harness.cli.check import show
from harness.measure.agenda import horizon_s
from harness.measure.embedded import emulator, open_wires
from harness.measure.lab_file import LabConfig, load
from harness.measure.preflight import check_lab
from harness.measure.reason import Reason
from harness.record.documents import Json
from harness.station.loopback_sshd import LoopbackSshd
from harness.station.station import SutSection
from harness.sut.agent import survey
from meters.meter import Meter
from meters.registry import open_meter
from tests.harness.test_config import MINIMAL
from tests.harness.test_instruments import LAB, REGISTER, tried
from tests.sut.conftest import config_of

DAY = timedelta(days=1)
NAMED = LAB.replace('circuit = "', 'instrument = "plug"\ncircuit = "')
CERTIFICATE = """\
[[instruments.plug.certificates]]
number = "P-1"
laboratory = "Cal lab"
date = {0}
expires = {1}
k = 2
points = [{{ load_w = 50.0, error_w = 0.0, U_w = 0.1 }}]

[check_loads"""


def certified(expires_in_days: int) -> str:
    today = datetime.now(UTC).date()  # now, for tests go on past midnight
    dates = (today - 400 * DAY).isoformat(), (today + expires_in_days * DAY).isoformat()
    return REGISTER.replace("[check_loads", CERTIFICATE.format(*dates))


@contextmanager
def wall(folder: Path, watts: float) -> Iterator[str]:
    """An emulated meter of the kind that says no serial number."""
    words = ["wattsup", "--link", str(folder / f"wall-{watts:g}"), "--profile", f"watts={watts:g}"]
    with emulator(words) as running:
        yield running.port


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with wall(tmp_path_factory.mktemp("wall"), 60.0) as link:
        yield link


def lab(folder: Path, port: str, text: str, register: str = REGISTER) -> LabConfig:
    (folder / "instruments.toml").write_text(register)
    (folder / "lab.toml").write_text(text.replace("/dev/ttyUSB0", port))
    return load(folder / "lab.toml")


def of_meter(configured: LabConfig, port: str, monkeypatch: pytest.MonkeyPatch) -> list[Reason]:
    """What preflight says of the meter; the SUT of this lab cannot be reached."""
    monkeypatch.setattr(survey, "SURVEY_S", 0.0)
    nobody = SutSection(
        host="127.0.0.1", port=1, user="x", key_file="/no/key", known_hosts="/no/hosts", python="python3"
    )
    opener = partial(_open, port)
    reasons = check_lab(configured, nobody, {"wall": opener})
    assert [reason.severity for reason in reasons if reason.subject == "SUT"] == ["refuse"]
    assert any(reason.subject == "host swap" for reason in reasons)
    return [reason for reason in reasons if reason.subject == "meter wall"][1:]


def _open(port: str, wire_log: object) -> Meter:
    return open_meter("wattsup", port, capture=None, options={})


def strict(text: str) -> str:
    return text.replace('instruments = "', 'expired_instrument = "refuse"\ninstruments = "')


@pytest.mark.parametrize(
    ("expires_in_days", "label", "refuse", "said"),
    [
        (100, "ok", "ok", "certificate P-1 of Cal lab"),
        (0, "ok", "ok", "until"),
        (-1, "warn", "refuse", "expired on"),
        (None, "warn", "refuse", "instruments.plug has no certificate"),
    ],
)
def test_a_certificate_that_expired_or_is_missing_is_labelled_or_refused_as_lab_toml_says(
    tmp_path: Path, port: str, monkeypatch: pytest.MonkeyPatch, expires_in_days: int | None, label: str, refuse: str,
    said: str,
) -> None:  # fmt: skip
    register = REGISTER if expires_in_days is None else certified(expires_in_days)
    for text, severity in ((NAMED, label), (strict(NAMED), refuse)):
        (reason,) = of_meter(lab(tmp_path, port, text, register), port, monkeypatch)
        assert reason.severity == severity
        assert said in reason.text


def test_a_power_that_no_running_computer_takes_is_a_remark_before_the_sut_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with wall(tmp_path, 0.1) as port:
        texts = [one.text for one in of_meter(lab(tmp_path, port, NAMED, certified(100)), port, monkeypatch)]
        assert any("less than a running computer takes" in text for text in texts)


def test_a_certificate_that_expires_before_the_campaign_ends_is_a_remark(
    tmp_path: Path, port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = strict(NAMED).replace("duration_s = 3", "duration_s = 100000").replace("blocks = 2", "blocks = 5")
    configured = lab(tmp_path, port, long, certified(2))
    assert horizon_s(configured) == 6 * (100000 + 2.5)
    (reason,) = of_meter(configured, port, monkeypatch)
    assert reason.severity == "warn"
    assert "before the campaign ends" in reason.text


def test_a_meter_that_is_not_in_the_register_is_labelled_or_refused_and_another_model_always_refused(
    tmp_path: Path, port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (labelled,) = of_meter(lab(tmp_path, port, LAB), port, monkeypatch)
    assert labelled.severity == "warn"
    assert "name it in meters.NAME.instrument" in labelled.text
    (refused,) = of_meter(lab(tmp_path, port, strict(LAB)), port, monkeypatch)
    assert refused.severity == "refuse"
    other = lab(tmp_path, port, NAMED, certified(100).replace("Watts up? PRO", "Watts up? .Net"))
    (wrong,) = of_meter(other, port, monkeypatch)
    assert wrong.severity == "refuse"
    assert "but the meter says 'Watts up? PRO'" in wrong.text


def test_without_a_register_nothing_is_said_of_an_emulated_meters_certificate(
    tmp_path: Path, port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert of_meter(lab(tmp_path, port, MINIMAL), port, monkeypatch) == []


@pytest.mark.parametrize(
    ("age_days", "passed", "severity", "said"),
    [
        (1, True, "ok", "60.00 W of 60.00 W"),
        (31, True, "refuse", "older than 30 days"),
        (1, False, "refuse", "it failed"),
        (None, True, "refuse", "no check load yet"),
    ],
)
def test_a_check_load_younger_than_lab_toml_asks_for_is_in_order(
    tmp_path: Path,
    port: str,
    monkeypatch: pytest.MonkeyPatch,
    age_days: int | None,
    passed: bool,
    severity: str,
    said: str,
) -> None:
    text = strict(NAMED).replace('instruments = "', 'check_load_days = 30\ninstruments = "')
    configured = lab(tmp_path, port, text, certified(100))
    if age_days is not None:
        register = load(configured.path).station.register_path
        assert register is not None
        utc = (datetime.now(UTC) - age_days * DAY).isoformat().replace("+00:00", "Z")
        record = tried([60.0] * 3, instrument="plug", origin="emulated", passed=passed, utc=utc)
        line = {name: getattr(record, name) for name in type(record).__slots__}
        (tmp_path / "check-loads.jsonl").write_text(json.dumps(line) + "\n")
    certificate, check_load = of_meter(configured, port, monkeypatch)
    assert certificate.severity == "ok"
    assert check_load.severity == severity
    assert said in check_load.text


def test_a_damaged_history_is_a_refusal_that_names_the_line(
    tmp_path: Path, port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured = lab(tmp_path, port, NAMED, certified(100))
    (tmp_path / "check-loads.jsonl").write_text("{}\n")
    monkeypatch.setattr(survey, "SURVEY_S", 0.0)
    nobody = SutSection(
        host="127.0.0.1", port=1, user="x", key_file="/no/key", known_hosts="/no/hosts", python="python3"
    )
    (reason,) = [reason for reason in check_lab(configured, nobody, {}) if reason.subject == "register"]
    assert reason.severity == "refuse"
    assert "check-loads.jsonl:1" in reason.text


def test_what_a_sut_says_does_not_steer_the_operators_terminal(
    tmp_path: Path, port: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(survey, "SURVEY_S", 0.0)
    who = tmp_path / "bin" / "who"
    who.parent.mkdir()
    who.write_text("#!/bin/sh\nprintf '\\033]0;owned\\007[red]ada[/red] tty1\\n'\n")
    who.chmod(0o755)
    with LoopbackSshd(tmp_path / "sshd", settings=[f"SetEnv PATH={who.parent}:/usr/bin:/bin"]) as sshd:
        reasons = check_lab(lab(tmp_path, port, MINIMAL), config_of(sshd, tmp_path), {})
    show(reasons)
    told = capsys.readouterr().out
    assert "[red]ada[/red]" in told
    assert not {"\x1b", "\x07"} & set(told)


# --- wattlab check --check-load ---


def history(folder: Path) -> list[Json]:
    return [json.loads(line) for line in (folder / "check-loads.jsonl").read_text().splitlines()]


def try_load(folder: Path, *words: str) -> int:
    return cli.main(["check", "--lab", str(folder / "lab.toml"), "--check-load", *words])


def test_a_check_load_passes_and_twice_its_power_fails_with_the_ratio_named(
    tmp_path: Path, port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lab(tmp_path, port, NAMED)
    assert try_load(tmp_path, "lamp", "--connected", "--seconds", "3.5") == 0
    assert "PASS" in capsys.readouterr().out
    with wall(tmp_path, 120.0) as doubled:
        lab(tmp_path, doubled, NAMED)
        assert try_load(tmp_path, "lamp", "--connected", "--seconds", "3.5") == 1
    out = capsys.readouterr().out
    assert "FAIL: the readings fit 2 times the load: a transformer ratio" in out
    first, second = history(tmp_path)
    assert (first["passed"], first["instrument"], first["origin"], first["fits"]) == (True, "plug", "emulated", None)
    assert (second["passed"], second["fits"], second["ratio"]) == (False, "2", pytest.approx(2.0, abs=0.01))
    assert first["readings"] >= 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["kettle", "--connected"], "no check load 'kettle', it has lamp"),
        (["lamp"], "then give --connected: there is no terminal to ask at"),
        (["lamp", "--meter", "gpu"], "no meter 'gpu', it has wall"),
        (["lamp", "--connected", "--seconds", "0"], "--seconds is 0"),
        (["lamp", "--connected", "--seconds", "1.1"], "and 3 are needed; give --seconds 4"),
    ],
)
def test_what_hinders_a_check_load_is_one_sentence_and_nothing_is_written(
    tmp_path: Path, port: str, words: list[str], said: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    lab(tmp_path, port, NAMED)
    with Path("/dev/null").open() as nobody:
        monkeypatch.setattr(sys, "stdin", nobody)
        assert try_load(tmp_path, *words) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "check-loads.jsonl").exists()
    lab(tmp_path, port, MINIMAL)
    assert try_load(tmp_path, *words) == 1
    assert "names no register" in capsys.readouterr().err


def test_a_register_that_cannot_be_read_is_one_reason_however_many_meters_need_it(
    tmp_path: Path, port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured = lab(tmp_path, port, NAMED, "[instruments.plug]\nmakr = 'x'\n")
    problem = f"{tmp_path / 'instruments.toml'}: "
    monkeypatch.setattr(survey, "SURVEY_S", 0.0)
    nobody = SutSection(
        host="127.0.0.1", port=1, user="x", key_file="/no/key", known_hosts="/no/hosts", python="python3"
    )
    with open_wires(configured) as wires:
        reasons = check_lab(configured, nobody, wires.openers)
    assert [reason.subject for reason in reasons if problem in reason.text] == ["register"]
