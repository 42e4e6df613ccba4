"""lab.toml: every mistake is named by file and TOML path; nothing unknown is accepted."""

import errno
import re
import urllib.error
from pathlib import Path

import pytest

from harness.measure.lab_file import LabConfig, load
from harness.record.campaign_folder import CampaignFolder
from harness.record.errors import ConfigError, RunFolderError, why
from harness.station.station import APPLICATION
from tests.harness.stations import STATION, TABLES, station_file

MINIMAL = STATION + TABLES


def read(tmp_path: Path, text: str) -> LabConfig:
    file = tmp_path / "lab.toml"
    file.write_text(text)
    return load(file)


def test_the_lab_file_that_is_shipped_loads() -> None:
    config = load(APPLICATION / "lab.toml")
    assert [scenario.name for scenario in config.scenarios] == ["idle", "cnn", "transfer", "transfer-codecarbon"]
    assert config.baseline.kind == "baseline"


def test_guldner_is_the_published_campaign(tmp_path: Path) -> None:
    config = load(station_file(tmp_path), APPLICATION / "workloads/campaigns/guldner.toml")
    assert [scenario.name for scenario in config.scenarios] == ["idle", "cnn", "transfer"]
    assert {scenario.repetitions for scenario in config.scenarios} == {30}
    by_name = {scenario.name: scenario.parameters for scenario in config.scenarios}
    assert by_name["idle"]["idle_s"] == 600
    for net, target in (("cnn", 0.80), ("transfer", 0.85)):
        parameters = by_name[net]
        assert (parameters["image_size"], parameters["target"], parameters["max_epochs"]) == (224, target, 100)


def test_a_minimal_file_gets_its_defaults_and_the_resolved_form_shows_them(tmp_path: Path) -> None:
    resolved = read(tmp_path, MINIMAL).to_json()
    assert resolved["sut"]["reconnect_s"] == 60.0
    assert resolved["thresholds"]["gap_single_s"] == 10.0
    assert resolved["campaign"]["supplementary_s"] == 1.5


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seed = 1", "seed = 1\nsed = 2", r"campaign\.sed: unknown key; did you mean seed\?"),
        ("seed = 1", "seed = '1'", r"campaign\.seed: found '1', expected a whole number"),
        ("seed = 1", "seed = true", r"campaign\.seed: found True"),
        ("host = ", "hots = ", r"sut\.hots: unknown key; did you mean host\?"),
        ("[baseline]", "[baselin]", r"baselin: unknown key; did you mean baseline\?"),
        (
            'circuit = "sut-ac-inlet"',
            'circuit = "sut-ac-inlet"\nrefresh_s = 2',
            r"meters\.wall\.refresh_s: unknown key; expected one of .*; what is an option of the driver stands in `opt",
        ),
        ('order = "shuffled"', 'order = "shufled"', r"campaign\.order: found 'shufled', .*; did you mean shuffled\?"),
        ("blocks = 2", "blocks = 0", r"baseline\.blocks: found 0, expected at least 1"),
        (
            'folder = "workloads/idle"',
            'folder = "workloads/idle"\nparameters = { day = 2026-11-21 }',
            r"scenarios\.idle\.parameters\.day: found .*, expected dates and times as text, in quotes",
        ),
        ("duration_s = 3", "duration_s = nan", r"baseline\.duration_s: found nan, expected a finite number"),
        ("duration_s = 3", "duration_s = inf", r"baseline\.duration_s: found inf"),
        (
            'order = "shuffled"',
            'order = "random"',
            r"campaign\.order: found 'random', expected 'shuffled' \| 'as-listed'",
        ),
        ('name = "c"', 'name = "../c"', r"campaign\.name: '\.\./c' becomes a folder's name"),
        ("[meters.wall]", "[meters.'a/b']", r"meters\.a/b: 'a/b' becomes a folder's name"),
        ("[sut]", "[sut]\nuser = 3", r"sut\.user: found 3, expected text in quotes"),
        ("repetitions = 1", "repetitions = 1\nparameters = {nope = 1}", r"parameters\.nope: unknown parameter"),
        ("repetitions = 1", "repetitions = 1\nparameters = {idle_s = 'x'}", r"parameters\.idle_s: found 'x'"),
        ("repetitions = 1", "repetitions = 1\ncommand = ['x']", r"scenarios\.idle: needs either `folder`"),
        ("repetitions = 1", "repetitions = 1\nfiles = ['x']", r"scenarios\.idle\.files: only beside `command`"),
        ("workloads/idle", "workloads/nothing", r"scenarios\.idle\.folder: no scenario\.toml in"),
        ("workloads/idle", "workloads/baseline", r"is of kind 'baseline'; a baseline is set in the table \[baseline\]"),
        (
            "[sut]",
            "[sut]\ncircuits = ['sut-ac-inlet', 'gpu']",
            r"sut\.circuits: no meter is on 'gpu', they are on sut-ac-inlet",
        ),
        ("[sut]", "[sut]\ncircuits = []", r"sut\.circuits: no meter is on ''"),
        ("schema = 1", "schema = 2", "schema 2 is newer than this wattlab knows"),
        ("schema = 1", "", "schema: found None, expected the integer 1"),
        ("[lab]", "[decision]\nquantity = 'power'\n[lab]", r"decision\.quantity: found 'power'"),
        ("[lab]", "[decision]\nguard_band = -1.0\n[lab]", r"decision\.guard_band: found -1\.0, expected at least 0"),
        ("[lab]", "[decision]\nscenario = 'cnn'\nlimit_wh = 1.0\n[lab]", r"decision\.scenario: no scenario 'cnn'"),
        ("[lab]", "[decision]\nscenario = 'idle'\n[lab]", r"decision\.limit_wh: found 0\.0, expected a limit above 0"),
        ("[lab]", "[analysis]\ntest = 'anova'\n[lab]", r"analysis\.test: found 'anova', expected 'welch' \| 'rank'"),
        ("[lab]", "[ambient]\nperiod_s = 0\n[lab]", r"ambient\.period_s: found 0, expected at least 0\.1"),
        ("[lab]", "[thresholds]\nsupply_thd_percent = -1\n[lab]", r"thresholds\.supply_thd_percent: found -1"),
        ("[lab]", "[supply]\nvoltage = 230\n[lab]", r"supply\.voltage: unknown key; did you mean voltage_v\?"),
        ("[lab]", "[lab", "not TOML: "),
        (
            "[baseline]",
            "[scenarios.baseline]\nrepetitions=1\nfolder='x'\n[baseline]",
            r"scenarios\.baseline: the baseline",
        ),
        (
            '[meters.wall]\ndriver = "wattsup"\nport = "/dev/ttyUSB0"\ncircuit = "sut-ac-inlet"',
            "[meters]",
            "at least one",
        ),
    ],
)
def test_a_mistake_is_named_with_its_toml_path(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in MINIMAL
    with pytest.raises(ConfigError, match=message) as caught:
        read(tmp_path, MINIMAL.replace(old, new, 1))
    assert str(caught.value).startswith(str(tmp_path / "lab.toml")) or "scenario.toml" in str(caught.value)


MANY = """\
[lab]
nmae = "x"
[campaign]
name = "../c"
order = "shufled"
pause_s = 5
gate = { limit_s = 60.0, mean = 3 }
[baseline]
bloks = 2
duration_s = "x"
trackers = ["eit"]
[sut]
host = "h"
port = 70000
circuits = ["gpu", "gpu"]
[meters.wall]
driver = "watsup"
port = ""
circuit = "sut-ac-inlet"
instrument = "k"
[meters.second]
driver = "pzem"
port = "/dev/ttyUSB0"
circuit = "sut-ac-inlet"
[meters.third]
driver = "sdm120"
port = "/dev/ttyUSB0"
circuit = "sut-ac-inlet"
[meters.plug]
driver = "shelly"
circiut = "other"
port = "http://plug"
options = { foo = 1, chanel = 2 }
[scenarios.idle]
folder = "workloads/idel"
repetitions = "three"
[scenarios.cnn]
folder = "workloads/cnn"
repetitions = 1
parameters = { image_sise = 3, target = "x" }
trackers = ["codecarbn"]
[scenarios.own]
command = ["", "x\\u0000"]
files = ["y.py", "x.py"]
artifacts = ["../../x", "right", "a/b"]
repetitions = 2
[decision]
scenario = "cn"
"""
FOUND = """\
schema: found None, expected the integer 1 on the first line
baseline.trackers: a baseline cannot be tracked
lab.nmae: unknown key; did you mean name?
sut.port: found 70000, expected at most 65535
meters.plug.circiut: unknown key; did you mean circuit?
campaign.order: found 'shufled', expected 'shuffled' | 'as-listed'; did you mean shuffled?
campaign.gate.mean: unknown key; did you mean mean_s?
baseline.bloks: unknown key; did you mean blocks?
baseline.duration_s: found 'x', expected a number
scenarios.idle.repetitions: found 'three', expected a whole number
campaign.name: '../c' becomes a folder's name
decision.scenario: no scenario 'cn' here; did you mean cnn?
decision.limit_wh: found 0.0, expected a limit above 0
campaign.pause_s: the gate replaces the pause
sut.circuits: 'gpu' stands there twice; once is enough
meters.third.port: meters.second holds /dev/ttyUSB0 already
meters.wall.instrument: needs the instrument register
meters.wall.driver: no driver 'watsup'; did you mean wattsup?
meters.wall.port: empty; `wattlab meter list --probe` says which meter answers at which port
meters.plug.options: shelly: unknown option 'foo'; expected one of
meters.plug.options: shelly: unknown option 'chanel'; did you mean channel?
scenarios.idle.folder: no scenario.toml in
scenarios.cnn.parameters.image_sise: unknown parameter of
scenarios.cnn.parameters.target: found 'x', expected float like 0.8
scenarios.cnn.trackers: no tracker 'codecarbn'; did you mean codecarbon?
scenarios.own.command: found an empty word for the program
scenarios.own.command: found a NUL in a word
scenarios.own.artifacts[0]: found '../../x', expected the name of a file in WATTLAB_ARTIFACTS
scenarios.own.artifacts[2]: found 'a/b', expected the name of a file
scenarios.own: files[0]:
scenarios.own: files[1]:
""".splitlines()


def test_all_mistakes_stand_in_one_list_and_none_of_them_makes_another(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, MANY)
    first, *lines = str(caught.value).split("\n  - ")
    assert first == f"{tmp_path / 'lab.toml'}: {len(FOUND)} mistakes:"
    assert [line[: len(said)] for line, said in zip(lines, FOUND, strict=True)] == FOUND


def test_an_empty_file_is_told_every_key_that_it_needs(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="4 mistakes") as caught:
        read(tmp_path, "")
    needed = re.findall(r"- ([\w.]+): missing", str(caught.value))
    assert needed == ["sut.host", "scenarios", "meters"]


def test_the_folder_of_a_scenario_that_is_not_there_is_named_once(tmp_path: Path) -> None:
    folder = tmp_path / "nothing"
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, MINIMAL.replace("workloads/idle", str(folder)))
    assert str(caught.value).count(str(folder)) == 1


@pytest.mark.parametrize(
    "expectation",
    ["{ min = 'low' }", "{ least = 1.0 }", "{}", "{ same = false }", "{ product = [] }", "{ product = [1] }"],
)
def test_an_expectation_of_no_known_form_is_refused_with_its_place(tmp_path: Path, expectation: str) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "scenario.toml").write_text(
        'schema = 1\nname = "own"\ntitle = "Own"\nkind = "scenario"\ncommand = ["true"]\n'
        f"[verification]\naccuracy = {expectation}\n"
    )
    with pytest.raises(ConfigError, match=r"scenario\.toml: verification\.accuracy"):
        read(tmp_path, MINIMAL.replace('"workloads/idle"', '"own"'))


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="write one with `wattlab init`"):
        load(tmp_path / "lab.toml")


def test_bytes_that_are_no_text_are_a_config_error(tmp_path: Path) -> None:
    (tmp_path / "lab.toml").write_bytes(b"schema = 1\n\xff")
    with pytest.raises(ConfigError, match="not UTF-8 at byte 11"):
        load(tmp_path / "lab.toml")


def test_any_command_is_a_scenario_and_its_files_must_exist(tmp_path: Path) -> None:
    own = MINIMAL + '[scenarios.mine]\ncommand = ["{python}", "x.py"]\nfiles = ["x.py"]\nrepetitions = 2\n'
    with pytest.raises(ConfigError, match=r"scenarios.mine: files\[0\]: .*x.py is no file"):
        read(tmp_path, own)
    (tmp_path / "x.py").write_text("print(1)")
    mine = read(tmp_path, own).scenarios[1]
    assert (mine.command, mine.repetitions, mine.kind) == (("{python}", "x.py"), 2, "scenario")


@pytest.mark.parametrize(
    ("added", "complaint"),
    [
        ("pause_s = 5\ngate = { limit_s = 60.0 }", "the gate replaces the pause"),
        ("settle = { limit_s = 10.0, mean_s = 30.0 }", "two means of settle.mean_s need at least 60 s"),
        ("two_stage = { half_width_percent = 5.0 }", 'a design that begins with "two-stage"'),
        ('design = "two-stage"', "that needs such a design"),
        ('design = "two-stage"\ntwo_stage = { half_width_percent = 5.0, share_percent = 100.0 }', "below 100"),
        ('design = "two-stage"\ntwo_stage = { half_width_percent = 5.0 }', "scenarios.idle.repetitions"),
        ("gate = { limit = 60.0 }", "campaign.gate.limit: unknown key"),
    ],
)
def test_a_campaign_that_contradicts_itself_is_refused(tmp_path: Path, added: str, complaint: str) -> None:
    file = tmp_path / "lab.toml"
    file.write_text(MINIMAL.replace("[campaign]\n", f"[campaign]\n{added}\n"))
    with pytest.raises(ConfigError, match=re.escape(complaint)):
        load(file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "schema = 1\n[meters.wall]\nport = /dev/ttyS0\n",
            r":3: .*Invalid value at column 8 in meters\.wall\.port: found port = /dev/ttyS0; a text stands in quotes",
        ),
        ('[lab]\nname = "a lab\n', r":2: .* in lab\.name: .*; the quote is not closed on its line"),
        ("[lab]\nname = 'a'\nname = 'b'\n", r":3: .* in lab\.name: .*; the key stands there twice"),
        ("[lab]\n[sut]\n[lab]\n", r":3: .*; the table stands there twice"),
        ("[lab]\nthe name of it\n", r":2: .*: found the name of it; a line is KEY = VALUE"),
        ('[lab]\nname = "C:\\qab"\n', r":2: .* in lab\.name: .*write two backslashes for one"),
        (
            "[lab]\nphotos = [1,\n",
            r"not TOML: Invalid value at the end of the file; a bracket or a quote is",
        ),
        ("[meters.wall]\noptions = {a = 1,\nb = 2}\n", r":2: .*a table in \{ \} goes over more than one line"),
    ],
)
def test_what_is_no_toml_is_named_with_its_line_its_key_and_advice(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "lab.toml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        load(tmp_path / "lab.toml")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "/x/y"), "Not a directory: a part of the path is a file"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device: the disk is full"),
        (urllib.error.URLError(PermissionError(errno.EACCES, "Permission denied")), "Permission denied: you have no"),
        (OSError(errno.EPIPE, "Broken pipe"), "Broken pipe"),
        (ValueError("embedded null byte"), "embedded null byte"),
        (OSError(), "OSError"),
    ],
    ids=repr,
)
def test_why_the_system_refused_is_said_without_its_number_and_with_advice(error: Exception, said: str) -> None:
    assert why(error).startswith(said)
    assert "[Errno" not in why(error)


def test_a_campaign_whose_folder_is_below_a_file_says_what_is_wrong_with_the_path(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(RunFolderError, match=r"cannot create the campaign \(Not a directory: a part of the path"):
        CampaignFolder.create(tmp_path / "runs" / "c")


def test_mistakes_below_a_misspelt_key_and_of_a_port_stand_in_the_first_list(tmp_path: Path) -> None:
    file = tmp_path / "lab.toml"
    file.write_text(
        'schema = 1\n[campaing]\nname = "c"\nstabilization_s = "5"\n[sut]\nhost = "local"\n[meters.wall]\n'
        'driver = "shelly"\nport = "192.168.1.20"\n[scenario.x]\ncommand = ["true"]\nrepetitions = 1\nfiles = "x"\n'
    )
    with pytest.raises(ConfigError) as refused:
        load(file)
    lines = str(refused.value)
    assert "campaing.stabilization_s: found '5', expected a number" in lines
    assert "scenario.x.files: found 'x', expected" in lines
    assert (
        "meters.wall.port: found '192.168.1.20', expected http://HOST or https://HOST; write http://192.168.1.20"
        in lines
    )
    assert "campaing: unknown key; did you mean campaign?" in lines


@pytest.mark.parametrize(
    ("driver", "port", "said"),
    [
        ("wattsup", "ftp://x", "expected /dev/serial/by-id/NAME, socket://HOST:PORT"),
        ("shelly", "/dev/ttyUSB0", "expected http://HOST or https://HOST"),
        ("kasa", "192.168.1.20", "; write socket://192.168.1.20:9999"),
        ("nut", "rack@127.0.0.1", "; write socket://127.0.0.1:3493, and rack as the option ups"),
        ("mqtt", "mqtt://me:not-known@broker", "found a login in it, which every log would show; write mqtt://broker"),
    ],
)
def test_a_port_of_another_kind_than_the_drivers_is_a_mistake_of_the_file(
    tmp_path: Path, driver: str, port: str, said: str
) -> None:
    file = tmp_path / "lab.toml"
    file.write_text(
        re.sub(
            r"(?m)^driver = .*$\n", f'driver = "{driver}"\n', re.sub(r"(?m)^port = .*$", f'port = "{port}"', MINIMAL)
        )
    )
    with pytest.raises(ConfigError, match=re.escape(said)):
        load(file)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("community", "unknown key; the community is the meter's password: write it into a file, and name that as"),
        ("password", "unknown key; a run keeps lab.toml: write the password into a file, and name that as password_f"),
        ("token", "unknown key; the token is the meter's password"),
    ],
)
def test_a_password_in_the_file_is_told_where_it_belongs_and_never_repeated(
    tmp_path: Path, key: str, said: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        read(tmp_path, MINIMAL.replace('driver = "wattsup"', f'driver = "wattsup"\n{key} = "not-known"', 1))
    assert f"meters.wall.{key}: {said}" in str(refused.value)
    assert "not-known" not in str(refused.value)


WARM_UP = '[warm_up]\nfolder = "workloads/constant-load"\nparameters = { load_s = 2.0 }\npause_s = 3.0\n'


def test_a_warm_up_is_a_scenario_of_its_own_that_the_campaign_does_not_plan(tmp_path: Path) -> None:
    config = read(tmp_path, f"{MINIMAL}\n{WARM_UP}")
    assert config.warm_up is not None
    assert (config.warm_up.name, config.warm_up.parameters["load_s"]) == ("warm-up", 2.0)
    assert config.started == (*config.scenarios, config.warm_up)
    assert config.to_json()["warm_up"]["pause_s"] == 3.0
    without = read(tmp_path, MINIMAL)
    assert (without.warm_up, without.started) == (None, without.scenarios)
    assert "warm_up" not in without.to_json()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('folder = "workloads/constant-load"\n', "", r"warm_up\.folder: missing"),
        ("constant-load", "no-such", r"warm_up\.folder: no scenario\.toml in "),
        ("load_s", "laod_s", r"warm_up\.parameters\.laod_s: unknown parameter of .*; did you mean load_s\?"),
        ("pause_s = 3.0", "pause_s = -1.0", r"warm_up\.pause_s: found -1\.0, expected at least 0"),
        ("constant-load", "baseline", r"warm_up: .* is of kind 'baseline'"),
        ("[warm_up]", "[scenarios.warm-up]", r"scenarios\.warm-up: the warm-up is set in the table \[warm_up\]"),
    ],
)
def test_a_mistake_in_the_warm_up_is_named_with_its_toml_path(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read(tmp_path, f"{MINIMAL}\n{WARM_UP.replace(old, new)}")
