"""What `wattlab measure` makes of one line: names, files, a lab.toml that is read as it was meant."""

import argparse
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from harness import cli
from harness.cli import meter_choice, ports
from harness.measure.lab_file import load
from harness.measure.material import needs_of
from harness.measure.quick import (
    Quick,
    folder_for,
    lab_toml,
    name_of,
    named_files,
    of_command,
    of_words,
    sut_by_ssh,
    toml_of,
)
from harness.record.errors import ConfigError
from harness.sut.prepare import Needs

SHELLY = [("shelly", "http://192.168.1.20")]


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["python3", "train.py", "--lr", "0.1"], "train"),
        (["./run me.sh"], "run-me"),
        (["sleep", "3"], "sleep"),
        (["python3", "-c", "print('a lot of words')"], "python3"),
        (["sh", "-c", "a | b"], "sh"),
        (["baseline"], "baseline-run"),
        (["/opt/\u4e2d/\u4e2d"], "run"),
    ],
)
def test_a_scenario_is_called_after_what_is_run(command: list[str], name: str) -> None:
    assert name_of(command) == name


@pytest.mark.parametrize("command", [[], ["a b | c"], ["a", "|", "b"], ["a", "&&", "b"], ["a", ">", "file"]])
def test_what_only_a_shell_understands_is_refused_with_what_to_give(command: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"-- sh -c|behind --"):
        of_command(command)


def test_a_variable_before_the_program_is_given_to_env() -> None:
    with pytest.raises(ConfigError, match=r"-- env SEED=1 \./run"):
        of_command(["SEED=1", "./run"])


def test_a_program_with_a_blank_in_its_name_is_no_line_for_a_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my program").write_text("")
    of_command(["my program"])


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["python3", "trian.py"], "trian.py: there is no such file in {here}; did you mean train.py?"),
        (["python3", "-u", "trian.py"], "did you mean train.py?"),
        (["nice", "-n", "5", "python3", "trian.py"], "did you mean train.py?"),
        (["torchrun", "trian.py"], "did you mean train.py?"),
        (["./trian.py"], "did you mean train.py?"),
        (["bash", "sub/none"], "none: there is no such file in {here}/sub; the command is started in the folder"),
        (["python3", "/nowhere/x.py"], "no such file in /nowhere"),
    ],
)
def test_a_script_that_is_not_there_is_refused_before_anything_is_measured(
    command: list[str], said: str, tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text("")
    (tmp_path / "sub").mkdir()
    with pytest.raises(ConfigError) as refused:
        of_words(command, tmp_path, is_local=True)
    assert said.format(here=tmp_path) in str(refused.value)


@pytest.mark.parametrize(
    "command",
    [
        ["python3", "train.py", "--model", "org/model", "out/result.csv"],
        ["python3", "-c", "import x.py"],
        ["python3", "-m", "package", "org/model"],
        ["sh", "-c", "python3 trian.py"],
        ["env", "A=b/c", "python3", "train.py", "-o", "new.py"],
        ["sleep", "3"],
        ["/bin/true"],
    ],
)
def test_what_only_the_program_can_tell_is_no_missing_file(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("")
    of_words(command, tmp_path, is_local=True)


def test_on_another_machine_a_whole_path_is_not_looked_for_here(tmp_path: Path) -> None:
    of_words(["python3", "/nowhere/x.py"], tmp_path, is_local=False)
    with pytest.raises(ConfigError, match="no such file"):
        of_words(["python3", "x.py"], tmp_path, is_local=False)


@pytest.mark.parametrize("option", ["--runs", "--blocks"])
def test_a_pilot_of_one_is_refused_by_the_name_of_its_option_and_nothing_is_written(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    meter = ["--meter", "shelly@http://127.0.0.1:9"]
    assert cli.main(["measure", *meter, "--half-width", "5", option, "1", "--", "true"]) == 1
    assert f"{option} 1: with --half-width it is the size of the pilot" in " ".join(capsys.readouterr().err.split())
    assert list(tmp_path.iterdir()) == []


def test_files_that_the_words_name_are_kept_and_nothing_else(tmp_path: Path) -> None:
    for name in ("train.py", "data.csv", "python3"):
        (tmp_path / name).write_text("")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "data.csv").write_text("")
    with (tmp_path / "large.bin").open("wb") as file:
        file.truncate((16 << 20) + 1)
    command = ["python3", "train.py", "data.csv", "sub/data.csv", "sub", "large.bin", "-x", "/usr/bin/env", ""]
    assert named_files(command, tmp_path) == {"train.py": tmp_path / "train.py", "data.csv": tmp_path / "data.csv"}


def test_the_lab_toml_is_read_as_it_was_meant(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("")
    quick = Quick(
        command=["python3", "train.py"], meters=SHELLY, options={"interval_s": 0.5}, limits_percent=2.0, runs=3,
        blocks=2, foreign_load_percent=50.0,
    )  # fmt: skip
    file = tmp_path / "lab.toml"
    file.write_text(lab_toml(quick, tmp_path, "2026-11-29"))
    config = load(file)
    assert config.file.campaign.design == "quick: a few runs and baseline blocks in one session, by wattlab measure"
    assert (config.scenarios[0].repetitions, config.file.baseline.blocks) == (3, 2)
    assert (config.scenarios[0].directory, config.scenarios[0].files) == (str(tmp_path), (tmp_path / "train.py",))
    assert config.file.meters["wall"].options == {"interval_s": 0.5}
    assert config.file.thresholds.foreign_load_invalid_percent == 50.0
    assert config.file.sut.is_local


def test_two_stages_are_declared_with_their_rule(tmp_path: Path) -> None:
    file = tmp_path / "lab.toml"
    quick = Quick(command=["true"], meters=SHELLY, runs=10, blocks=10, half_width_percent=5.0)
    file.write_text(lab_toml(quick, tmp_path, "2026-11-29"))
    campaign = load(file).file.campaign
    assert campaign.design.startswith("two-stage: a pilot, then as many runs")
    assert not re.search(r"\d", campaign.design), "a number in it becomes false when the file is changed"
    assert campaign.two_stage.half_width_percent == 5.0


def test_a_machine_reached_by_ssh_has_its_files_beside_the_command(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "train.py").write_text("")
    sut = sut_by_ssh("me@[fd00::1]:2222", "", "")
    quick = Quick(command=["python3", "sub/train.py"], meters=SHELLY, sut=sut)
    table = tomllib.loads(lab_toml(quick, tmp_path, "2026-11-29"))
    assert table["sut"] == {"host": "fd00::1", "user": "me", "key_file": "", "port": 2222}
    assert table["scenarios"]["train"]["command"] == ["python3", "train.py"]


def test_a_machine_may_be_a_host_of_sshs_configuration() -> None:
    assert sut_by_ssh("gpu-box", None, "") == {"host": "gpu-box"}
    assert sut_by_ssh("gpu-box:2222", "k", "") == {"host": "gpu-box", "key_file": "k", "port": 2222}
    assert sut_by_ssh("[fe80::1%eth0]", None, "") == {"host": "fe80::1%eth0"}
    with pytest.raises(ConfigError, match=r"an IPv6 address stands in brackets"):
        sut_by_ssh("me@fe80::1", None, "")
    with pytest.raises(ConfigError, match="leave --sut out to measure this machine"):
        sut_by_ssh("local", None, "")


def test_a_command_of_ones_own_says_which_packages_it_needs(tmp_path: Path) -> None:
    file = tmp_path / "lab.toml"
    lab = lab_toml(Quick(command=["train"], meters=SHELLY), tmp_path, "2026-11-29")
    file.write_text(lab)
    assert needs_of(load(file)) == Needs((), ())
    file.write_text(lab.replace('command = ["train"]', 'command = ["train"]\npackages = ["numpy", "tensorflow"]'))
    needs = needs_of(load(file))
    assert needs == Needs(("numpy", "tensorflow"), (), {"numpy": ("train",), "tensorflow": ("train",)})
    assert list(needs.plan())[1:] == ["numpy: needed by train", "tensorflow: needed by train"]


def test_counters_of_software_are_summed_as_circuits(tmp_path: Path) -> None:
    file = tmp_path / "lab.toml"
    quick = Quick(command=["true"], meters=[("rapl", "/sys/class/powercap"), ("nvml", "all")])
    file.write_text(lab_toml(quick, tmp_path, "2026-11-29"))
    lab = load(file).file
    assert lab.sut.circuits == ["rapl", "nvml"] == [section.circuit for section in lab.meters.values()]


@pytest.mark.parametrize("text", ["me@", "@host", "-oProxyCommand=x", "me@host:x", "me host"])
def test_what_is_no_login_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="expected USER@HOST"):
        sut_by_ssh(text, None, "")


def test_a_folder_is_never_used_twice(tmp_path: Path) -> None:
    folder_for(["sleep"], tmp_path).mkdir(parents=True)
    assert folder_for(["sleep"], tmp_path) == tmp_path / "measured" / "sleep-2"


VALUES = st.recursive(
    st.text(st.characters(exclude_categories=["Cs"])) | st.integers(-(2**63), 2**63 - 1) | st.booleans(),
    lambda parts: (
        st.lists(parts, max_size=3) | st.dictionaries(st.from_regex(r"[a-z]+", fullmatch=True), parts, max_size=3)
    ),
    max_leaves=5,
)


@given(VALUES)
def test_every_value_is_read_back(value: object) -> None:
    assert tomllib.loads(f"key = {toml_of(value)}") == {"key": value}


# --- which meter ---


def chosen(meter: str | None, *, probe: bool = False) -> list[tuple[str, str]]:
    console = Console(width=400)
    arguments = argparse.Namespace(meter=meter, probe=probe, user=None, password_file=None, privacy_password_file=None)
    return meter_choice.meters_of(arguments, console)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("shely@http://1", "did you mean shelly"),
        ("shelly", "name its port behind it: shelly@http://HOST or"),
        ("wattsup", "wattsup@/dev/serial/by-id/NAME or"),
        ("hs110@192.168.1.20", r"did you mean kasa\?"),
        ("kasa@192.168.1.20", "write socket://192.168.1.20:9999"),
        ("nonsense", "or the port of a meter"),
    ],
)
def test_what_is_no_meter_is_told_with_what_one_is(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        chosen(text)


def test_a_named_meter_is_taken_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert chosen("shelly@http://192.168.1.20") == [("shelly", "http://192.168.1.20")]
    assert chosen("rapl") == [("rapl", "/sys/class/powercap")]
    assert capsys.readouterr().out == ""


def test_ports_are_listed_and_nothing_is_written_to_them_unasked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Sequence[dict[str, str]]] = []
    there = [{"port": "/dev/ttyUSB9", "kind": "serial", "what": "FT232R"}]
    monkeypatch.setattr(meter_choice, "plugged_in", lambda: [dict(port) for port in there])
    monkeypatch.setattr(meter_choice, "probe", lambda found, _drivers, _access, named: asked.append(found))
    assert chosen(None) == []
    said = capsys.readouterr().out
    assert "/dev/ttyUSB9" in said
    assert "Nothing was written to any port" in said
    assert "estimates from counters" in said
    assert asked == []


@pytest.mark.parametrize(
    ("port", "example"),
    [("http://127.0.0.1:8080", "shelly@http://127.0.0.1:8080"), ("/dev/ttyS0", "@/dev/ttyS0")],
)
def test_a_port_that_is_named_is_asked_by_what_can_be_added(
    port: str, example: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    assert chosen(port) == []
    said = capsys.readouterr().out
    assert "Add --probe" in said
    found = re.search(r"such as --meter (\S+)\.", said)
    assert found is not None
    assert found[1].endswith(example)
    assert chosen(found[1]) == [tuple(found[1].split("@", 1))], "what it advises is a meter"


def test_a_port_that_says_nothing_of_itself_is_called_by_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    port = SimpleNamespace(device="/dev/ttyS0", vid=None, description="n/a", manufacturer=None, serial_number=None)
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: [port])
    assert ports.plugged_in()[0] == {"port": "/dev/ttyS0", "kind": "serial", "what": "serial port"}


def test_the_one_that_answers_is_taken_and_of_several_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answering = 1

    def probe(found: Sequence[dict[str, str]], _drivers: object, _access: object, *, named: bool) -> None:
        assert not named
        for port in found[:answering]:
            port |= {"driver": "wattsup", "answers": "wattsup: Watts up? PRO"}

    there = [{"port": f"/dev/ttyUSB{n}", "kind": "serial"} for n in (8, 9)]
    monkeypatch.setattr(meter_choice, "plugged_in", lambda: [dict(port) for port in there])
    monkeypatch.setattr(meter_choice, "probe", probe)
    assert chosen(None, probe=True) == [("wattsup", "/dev/ttyUSB8")]
    answering = 2
    assert chosen(None, probe=True) == []
    assert "2 meters answer; say which one: --meter wattsup@/dev/ttyUSB8" in capsys.readouterr().out
    answering = 0
    assert chosen(None, probe=True) == []
    assert "No meter answers" in capsys.readouterr().out


def test_where_nothing_is_plugged_in_the_network_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(meter_choice, "plugged_in", list)
    assert chosen(None) == []
    assert "named by its address: --meter http://ADDRESS" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["measure", "--meter", "rapl", "--sut", "me@10.0.0.1", "--", "true"], "counters are those of this machine"),
        (["measure", "--meter", "rapl", "--key-file", "k", "--", "true"], "--key-file: only with --sut"),
        (["meter", "record", "rapl", "/sys/class/powercap", "--into", "session", "--seconds", "1"], "are no meter"),
    ],
)
def test_counters_are_of_this_machine_and_no_meter(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(words) == 1
    assert said in " ".join(capsys.readouterr().err.split())
    assert list(tmp_path.iterdir()) == []
