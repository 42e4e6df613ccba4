"""The command line: one sentence and exit code 1 for a user, 2 and a traceback for a bug, 3 for a broken seal."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from harness import cli
from harness.cli import init
from harness.measure.campaign_file import Analysis, Baseline, Campaign, Decision
from harness.measure.lab_file import load
from harness.measure.scenario import ScenarioSection
from harness.record.campaign_folder import CampaignFolder
from harness.record.errors import ConfigError, LabError
from harness.station.station import APPLICATION, TEMPLATE, Ambient, Lab, MeterSection, Seal, Supply, SutSection, Witness
from meters.meter import MeterUnplugged
from meters.registry import DRIVERS, KNOWN
from tests.evidence.forger import unlock
from tests.harness import checkout
from tests.reports.make_campaign import Load, Shape, make_campaign

DEMO = APPLICATION / "lab.toml"


@pytest.fixture(autouse=True)
def _keep_handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_init_writes_a_lab_of_ones_own_and_never_overwrites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "lab.toml"
    assert cli.main(["init", str(tmp_path)]) == 0
    assert file.read_bytes() == TEMPLATE.read_bytes()
    assert (tmp_path / "lab").resolve() == APPLICATION / "lab"
    file.write_text("mine")
    assert cli.main(["init", str(tmp_path)]) == 1
    assert file.read_text() == "mine"
    assert "exists already" in capsys.readouterr().err


def test_a_command_that_a_message_names_works_where_it_was_printed(tmp_path: Path) -> None:
    before = (APPLICATION / ".venv").stat().st_mtime_ns
    script = checkout.copied(tmp_path / "wattlab") / "lab"
    subprocess.run([script, "init", "my lab"], cwd=tmp_path, check=True, capture_output=True)
    folder = tmp_path / "my lab"
    refused = subprocess.run(["./lab", "plan"], cwd=folder, capture_output=True, text=True, check=False)
    (command,) = re.findall(r"driver: empty; `(.+?)` lists them", refused.stderr)
    done = subprocess.run(command, cwd=folder, shell=True, capture_output=True, text=True, check=False)
    assert (command, done.returncode) == ("./lab meter drivers", 0)
    assert "wattsup" in done.stdout
    assert (folder / "lab").resolve() == script
    assert (APPLICATION / ".venv").stat().st_mtime_ns == before


def test_what_init_writes_wants_the_meter_filled_in_and_every_line_that_is_commented_out_is_a_key(
    tmp_path: Path,
) -> None:
    file = tmp_path / "lab.toml"
    cli.main(["init", str(tmp_path)])
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert re.findall(r"(meters\.wall\.\w+): empty", str(caught.value)) == ["meters.wall.driver", "meters.wall.port"]
    assert str(caught.value).startswith(f"{file}: 2 mistakes:")
    text = file.read_text()
    shown = set(re.findall(r"^(?:# )?([a-z_0-9]+) = ", text, re.MULTILINE))
    tables = [Lab, Campaign, Baseline, SutSection, MeterSection, ScenarioSection, Supply, Ambient, Decision, Seal]
    keys = {key.name for table in (*tables, Witness, Analysis) for key in fields(table)}
    assert keys - shown == {"description", "search"}  # a search is a table
    assert shown - keys == {"schema", "psu", "gap_total_percent", "foreign_load_invalid_percent"}


def test_a_trial_of_the_written_file_is_ready_but_for_its_host(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "lab.toml"
    cli.main(["init", str(tmp_path)])
    file.write_text(
        file.read_text().replace('driver = ""', 'driver = "wattsup"').replace('port = ""', 'port = "/dev/x"')
    )
    assert cli.main(["plan", "--lab", str(file)]) == 0
    assert "6 runs into" in capsys.readouterr().out


def test_plan_says_what_the_files_beside_lab_toml_have_against_a_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "lab.toml"
    file.write_text(DEMO.read_text().replace('customer = ""', 'customer = ""\nphotos = ["no.jpg", "none.png"]'))
    assert cli.main(["plan", "--lab", str(file)]) == 1
    said = capsys.readouterr()
    assert "17 runs into" in said.out
    assert "no.jpg" in said.err
    assert "none.png" in said.err


def test_plan_lists_every_run_and_starts_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "lab.toml"
    file.write_bytes(DEMO.read_bytes())
    assert cli.main(["plan", "--lab", str(file)]) == 0
    out = capsys.readouterr().out
    assert "17 runs into" in out
    assert out.count("baseline") >= 5
    assert [path.name for path in tmp_path.iterdir()] == ["lab.toml"]


def test_plan_lists_the_cells_of_crossed_factors_and_their_levels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "lab.toml"
    demo, factors = DEMO.read_text(), '[scenarios.cnn.factors]\nbatch_size = [16, 50]\nframework = "tensorflow"\n'
    file.write_text(demo.replace("[scenarios.transfer]", f"{factors}[scenarios.transfer]", 1))
    assert cli.main(["plan", "--lab", str(file)]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["scenario", "batch_size", "framework", "runs"] in lines
    assert ["cnn.batch_size-16", "16", "tensorflow", "3"] in lines
    assert ["idle", "3"] in lines
    assert "20 runs into" in " ".join(word for line in lines for word in line)
    assert cli.main(["plan", "--lab", str(file), "--json"]) == 0
    runs = json.loads(capsys.readouterr().out)["runs"]
    assert {run["scenario"]: run.get("cell") for run in runs} == {
        "baseline": None, "idle": None, "transfer": None, "transfer-codecarbon": None,
        "cnn.batch_size-16": {"batch_size": 16, "framework": "tensorflow"},
        "cnn.batch_size-50": {"batch_size": 50, "framework": "tensorflow"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plan", "--lab", "/no/such/lab.toml"], "wattlab: /no/such/lab.toml: no such file"),
        (["verify", "/no/such/campaign"], "wattlab: /no/such/campaign: no such folder"),
        (["report", "/no/such/campaign"], "no such folder; name the folder of a campaign"),
        (["meter", "read", "wattsup", "/dev/no-such-port"], "/dev/no-such-port"),
        (["meter", "read", "wattsup", "/dev/null", "--option", "baud"], "expected NAME=VALUE"),
        (["meter", "read", "wattsup"], "name its port after it"),
        (["meter", "read", "wall2", "--lab", str(DEMO)], "no meter 'wall2' here; did you mean wall?"),
        (["meter", "read", "watsup", "/dev/null"], "no driver 'watsup'; did you mean wattsup?"),
        (
            ["meter", "read", "wattsup", "/dev/null", "--option", "baude=1"],
            "unknown option 'baude'; did you mean baud?",
        ),
    ],
)
def test_a_users_problem_is_one_sentence_and_exit_code_1(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["meter", "read", "wattsup", "/dev/null", "--count", "-1"], "found '-1', expected a whole number, 1 or more"),
        (["meter", "read", "wattsup", "/dev/null", "--count", "0"], "found '0', expected a whole number, 1 or more"),
        (["meter", "read", "wattsup", "/dev/null", "--count", "x"], "found 'x', expected a whole number, 1 or more"),
        (["meter", "check", "wattsup", "/dev/null", "--seconds", "0"], "found '0', expected seconds above 0"),
        (["meter", "check", "wattsup", "/dev/null", "--seconds", "nan"], "found 'nan', expected seconds above 0"),
        (["meter", "check", "wattsup", "/dev/null", "--edges", "2"], "found '2', expected a whole number, 5 or more"),
        (["meter", "drivers", "pzm"], "no driver 'pzm'; did you mean pzem?"),
        (["meter", "list", "--driver", "WT310E"], "no driver 'WT310E'; did you mean wt310?"),
        (["meter", "drivers", "qqqq"], "no driver 'qqqq'; expected one of apc-rpdu2, eaton-epdu, fritz"),
        (["meter", "emulate", "watsup", "--link", "x"], "no emulator 'watsup'; did you mean wattsup?"),
        (["meter", "emulate"], "the following arguments are required: NAME"),
    ],
)
def test_a_number_or_name_that_is_none_is_refused_before_a_port_is_opened(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    assert caught.value.code == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_the_emulators_help_is_there_with_examples(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    for before in ([], ["sml"]):
        with pytest.raises(SystemExit) as caught:
            cli.main(["meter", "emulate", *before, word])
        assert caught.value.code == 0
        shown = capsys.readouterr().out
        for example in ("replay --session FOLDER", "--listen 127.0.0.1:8080", "--profile watts=0:60,30:150"):
            assert example in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["wattsup"], "wattsup: expected --link PATH, such as /tmp/meter, or --listen HOST:PORT"),
        (["shelly"], "shelly: expected --listen HOST:PORT; port 0"),
        (["shelly", "--link", "/tmp/x"], "found --link /tmp/x for a meter on a network, expected --listen HOST:PORT"),
        (["wattsup", "--link", "/tmp/x", "--listen", "127.0.0.1:0"], "found --link and --listen, expected one of them"),
    ],
)
def test_an_emulator_says_which_wire_it_wants(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["meter", "emulate", *words]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "--control" not in error


@pytest.mark.parametrize("words", [["nonsense"], ["plan", "--nonsense"], ["import", "oscar", "x"]])
def test_wrong_usage_is_exit_code_1_with_the_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    assert caught.value.code == 1
    assert "usage: wattlab" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["measure", "--meter", "a@b", "--meter", "c@d", "--", "true"],
            "--meter: is given twice",
        ),
        (["study", "report", "a", "--into", "b", "--into", "c"], "--into: is given twice"),
    ],
)
def test_an_option_of_one_value_is_not_taken_twice(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main(words)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["compare", "a", "--htlm", "x", "b"], "no option '--htlm'; did you mean"),
        (["archive", "list", "a", "b"], "found 'b' where nothing more is expected"),
        (["archive", "verify"], "required: archive\n"),
    ],
)
def test_words_that_are_left_over_are_told_with_the_usage_of_their_verb(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    assert caught.value.code == 1
    said = capsys.readouterr().err
    assert message in said
    assert f"usage: wattlab {words[0]} " in said


@pytest.mark.parametrize(
    ("words", "name", "listed"),
    [
        (["archive", "verify", "x", "--public-key", "k", "one", "two"], "campaigns", ["one", "two"]),
        (["archive", "verify", "x"], "campaigns", []),
        (["compare", "one", "--into", "x", "two"], "sides", ["one", "two"]),
        (["compare", "--into", "x", "--", "one", "--two"], "sides", ["one", "--two"]),
    ],
)
def test_options_may_stand_among_the_names_of_a_list(words: list[str], name: str, listed: list[str]) -> None:
    assert getattr(cli.parser().parse_args(words), name) == listed


def test_no_words_at_all_are_answered_with_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert all(f"\n    {verb}" in said for verb in cli.VERBS)


def test_a_bug_is_a_traceback_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(init, "call", broken)
    assert cli.main(["init"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_nothing_that_a_meter_or_a_sut_said_steers_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "found status 500 \x1b]0;owned\x07\x9b2J\u202e\ud800, expected 200 OK"
    for error in (MeterUnplugged(said), LabError(said)):
        monkeypatch.setattr(init, "call", lambda _, error=error: (_ for _ in ()).throw(error))
        assert cli.main(["init"]) == 1
        printed = capsys.readouterr().err
        assert printed == "wattlab: found status 500 \ufffd]0;owned\ufffd\ufffd2J\ufffd\ufffd, expected 200 OK\n"


def test_a_terminal_that_was_closed_is_not_spoken_to(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed:
        def write(self, _: str) -> int:
            raise OSError(5, "Input/output error")

        flush = write

    def unplugged(_: object) -> int:
        raise MeterUnplugged("the port went away")

    monkeypatch.setattr(init, "call", unplugged)
    monkeypatch.setattr("sys.stderr", Closed())
    assert cli.main(["init"]) == 1


def test_a_meters_error_is_printed_like_the_labs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unplugged(_: object) -> int:
        raise MeterUnplugged("/dev/ttyUSB0: the port went away")

    monkeypatch.setattr(init, "call", unplugged)
    assert cli.main(["init"]) == 1
    assert capsys.readouterr().err == "wattlab: /dev/ttyUSB0: the port went away\n"


def test_verify_passes_a_sealed_campaign_and_exits_3_when_a_byte_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign = make_campaign(
        tmp_path, Shape(name="c", loads={"cnn": Load(52.0, 34.0)}, repetitions=2, baseline_blocks=2)
    )
    assert cli.main(["verify", str(campaign)]) == 0
    stream = CampaignFolder(campaign).run_paths()[1] / "readings-wall.csv"
    unlock(stream.parent)
    stream.write_bytes(stream.read_bytes().replace(b"2", b"1", 1))
    assert cli.main(["verify", str(campaign)]) == 3
    out = capsys.readouterr().out
    assert "FAIL" in out
    assert "is not as it was measured" in " ".join(out.split())


def test_the_drivers_are_a_table_a_list_of_options_and_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["meter", "drivers"]) == 0
    table = capsys.readouterr().out
    assert all(name in table for name in DRIVERS)
    assert cli.main(["meter", "drivers", "wattsup"]) == 0
    assert "bits per second" in capsys.readouterr().out
    assert cli.main(["meter", "drivers", "--json"]) == 0
    document = json.loads(capsys.readouterr().out, parse_constant=lambda text: pytest.fail(f"{text} is no JSON"))
    assert {entry["driver"] for entry in document["drivers"]} == set(KNOWN)
    assert all(entry["tier"] and entry["limits"] and entry["wire"] for entry in document["drivers"])


def test_listing_writes_to_no_port_and_probing_says_who_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    link, log = tmp_path / "wall", tmp_path / "wire.log"
    words = ["--link", str(link), "--profile", "watts=50", "--capture", str(log)]
    command = [sys.executable, "-m", "meters.emulators", "wattsup", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as emulator:
        try:
            assert emulator.stdout is not None
            emulator.stdout.readline()
            assert cli.main(["meter", "list", "--port", str(link), "--json"]) == 0
            (port,) = json.loads(capsys.readouterr().out)["ports"]
            assert {key: told for key, told in port.items() if told is not None} == {
                "port": str(link),
                "kind": "serial",
            }
            assert b">" not in log.read_bytes()
            probe = ["meter", "list", "--probe", "--port", str(link), "--driver", "wattsup", "--json"]
            assert cli.main(probe) == 0
            (port,) = json.loads(capsys.readouterr().out)["ports"]
            assert (port["driver"], port["origin"]) == ("wattsup", "emulated")
            assert "EMULATED" in port["answers"]
            assert b">" in log.read_bytes()
            assert cli.main(["meter", "read", "wattsup", str(link), "--count", "1"]) == 0
            assert "50.0 W" in capsys.readouterr().out
        finally:
            emulator.terminate()


HEAVY = ("cryptography", "numpy", "pandas", "paramiko", "rich", "scipy")


@pytest.mark.parametrize(
    ("words", "needed"),
    [(["--help"], set()), (["help"], set()), (["meter", "drivers"], {"rich"}), (["verify", "-h"], {"rich"})],
)
def test_a_verb_imports_what_it_works_with_and_help_imports_nothing(words: list[str], needed: set[str]) -> None:
    program = (
        "import atexit, sys; from harness.cli import main\n"
        f"atexit.register(lambda: print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr))\n"
        f"main({words})"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=APPLICATION, capture_output=True, text=True, check=False)
    assert done.stdout
    assert set(re.findall(r"\w+", done.stderr.splitlines()[-1])) <= needed, done.stderr


def test_every_verb_of_the_help_has_its_arguments_and_a_description(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in cli.VERBS:
        with pytest.raises(SystemExit) as ended:
            cli.main([verb, "--help"])
        assert ended.value.code == 0
        said = capsys.readouterr().out
        assert said.startswith(f"usage: wattlab {verb} ")
        assert len(said.splitlines()) > 6
