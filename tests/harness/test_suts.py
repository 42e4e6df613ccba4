"""Several SUTs at one station: which is measured, which meters feed it, what is kept of it, what is refused."""

import os
from pathlib import Path

import pytest

from harness.measure.embedded import open_wires
from harness.measure.lab_file import BUNDLED, LabConfig, changed_since, load, load_each, load_station
from harness.record.errors import ConfigError, SutUnreachable
from harness.sut.machine import Sut
from tests.harness.stations import BENCHES, CAMPAIGN, STATION, campaign_file, station_file


def read(folder: Path, text: str = BENCHES + CAMPAIGN.replace("schema = 1\n", ""), sut: str | None = None) -> LabConfig:
    return load(station_file(folder, text), None, sut)


def test_a_campaign_is_of_one_sut_with_its_own_meters_and_conditions(tmp_path: Path) -> None:
    a, b = read(tmp_path, sut="bench-a"), read(tmp_path, sut="bench-b")
    assert (a.file.sut.host, list(a.file.meters)) == ("a", ["wall-a"])
    assert (b.file.sut.host, list(b.file.meters)) == ("b", ["wall-b1", "wall-b2", "room"])
    assert (a.file.supply.voltage_v, b.file.supply.voltage_v) == (230.0, 120.0)
    assert [one.to_json()["campaign"]["sut"] for one in (a, b)] == ["bench-a", "bench-b"]
    assert [one.campaign_folder.name for one in (a, b)] == ["c@bench-a", "c@bench-b"]
    assert "suts" not in a.to_json()


def test_what_another_bench_is_changed_to_does_not_end_a_campaign(tmp_path: Path) -> None:
    begun = read(tmp_path, sut="bench-a").to_json()
    text = BENCHES.replace('host = "b"', 'host = "elsewhere"') + CAMPAIGN.replace("schema = 1\n", "")
    assert changed_since(read(tmp_path, text, "bench-a"), begun) is None
    begun = read(tmp_path, sut="bench-b").to_json()
    assert "lab.toml: sut.host differ" in (changed_since(read(tmp_path, text, "bench-b"), begun) or "")


def test_the_only_sut_has_no_name_of_its_own_in_folder_and_documents(tmp_path: Path) -> None:
    text = STATION + CAMPAIGN.replace("schema = 1\n", "")
    plain, named = read(tmp_path, text), read(tmp_path, text, "sut")
    declared = read(tmp_path, text.replace('name = "c"', 'name = "c"\nsut = "sut"'))
    assert plain.to_json() == named.to_json() == declared.to_json()
    assert (plain.sut_name, plain.campaign_folder.name) == ("", "c")
    with pytest.raises(ConfigError, match=r"--sut: no SUT 'bench-a' here; expected one of sut"):
        read(tmp_path, text, "bench-a")


def test_none_of_several_is_taken_for_the_one_that_is_meant(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"declares the SUTs bench-a, bench-b, and a campaign measures one: name it"):
        read(tmp_path)
    with pytest.raises(ConfigError, match=r"--sut: no SUT 'bench_a' here; did you mean bench-a\?"):
        read(tmp_path, sut="bench_a")
    assert [config.sut_name for config in load_each(tmp_path / "lab.toml")] == ["bench-a", "bench-b"]


def test_the_campaign_may_say_of_which_sut_it_is(tmp_path: Path) -> None:
    text = BENCHES + CAMPAIGN.replace("schema = 1\n", "").replace('name = "c"', 'name = "c"\nsut = "bench-b"')
    assert read(tmp_path, text).sut_name == read(tmp_path, text, "bench-b").sut_name == "bench-b"
    with pytest.raises(ConfigError, match=r"--sut bench-a: the campaign is one of bench-b \(campaign\.sut\)"):
        read(tmp_path, text, "bench-a")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[suts.bench-a]", "[sut]\nhost = 'x'\npython = 'p'\n[suts.bench-a]", r"sut: stands beside \[suts\.NAME\]"),
        ("[suts.bench-a]", "[suts.'a b']", r"suts\.a b: 'a b' becomes a folder's name"),
        ('host = "b"', "", r"suts\.bench-b\.host: missing"),
        ('host = "b"', 'host = "b"\nprot = 3', r"suts\.bench-b\.prot: unknown key; did you mean port\?"),
        ('host = "b"', 'host = "me@b"', r'suts\.bench-b\.host: found .*; write user = "me" and host = "b"'),
        ('host = "b"', 'host = "b:22"', r"suts\.bench-b\.host: found 'b:22', .* a port stands in suts\.bench-b\.port"),
        (
            'host = "b"',
            'host = "[::1]:22"\nport = 23',
            r"suts\.bench-b\.port: found 23, and suts\.bench-b\.host says",
        ),
        ('host = "b"', 'host = "[::1]:99999"', r"suts\.bench-b\.host: found port 99999, expected one from 1"),
        ('host = "b"', 'host = "b"\nport = 0', r"suts\.bench-b\.port: found 0, expected at least 1"),
        ('host = "b"', 'host = "b"\nkey_file = "~nobody-here/k"', r"suts\.bench-b\.key_file: .* no such user"),
        ('"b-1"\n', '"b-1"\npassword_file = "~nobody-here/p"\n', r"meters\.wall-b1\.password_file: .* no such user"),
        ("voltage_v = 120.0", "voltage = 120.0", r"suts\.bench-b\.supply\.voltage: unknown key"),
        ('["b-1", "b-2"]', '["b-1", "b-3"]', r"meters\.wall-b2\.sut: missing; .* have no circuit 'b-2'"),
        ('["b-1", "b-2"]', '["b-1", "b-2", "b-3"]', r"suts\.bench-b\.circuits: no meter is on 'b-3', they are on b-1"),
        ('circuits = ["b-1", "b-2"]\n', "", r"meters\.wall-a\.sut: missing; the SUTs bench-a, bench-b are all on its"),
        ('sut = "bench-b"', 'sut = "bench-c"', r"meters\.room\.sut: no SUT 'bench-c' here; did you mean bench-"),
        ('sut = "bench-b"', "", r"meters\.room\.sut: missing; .* have no circuit 'lights': say which of them"),
        ('"sut-ac-inlet"', '"sut-ac-inlet"\nsut = "bench-b"', r'suts\.bench-a: no meter feeds it; .* sut = "bench-a"'),
        ("ttyUSB2", "ttyUSB1", r"meters\.wall-b2\.port: meters\.wall-b1 holds /dev/ttyUSB1 already"),
        ('name = "c"', 'name = "c"\nsut = "bench-x"', r"campaign\.sut: no SUT 'bench-x' here; did you mean bench-"),
    ],
)
def test_mistakes_of_several_suts_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = BENCHES + CAMPAIGN.replace("schema = 1\n", "")
    assert old in text
    with pytest.raises(ConfigError, match=message) as caught:
        read(tmp_path, text.replace(old, new, 1), "bench-a")
    assert "sut.host" not in str(caught.value).replace("suts.", "")


def test_a_meter_of_one_sut_is_not_said_to_feed_another(tmp_path: Path) -> None:
    text = STATION.replace('circuit = "sut-ac-inlet"', 'circuit = "x"\nsut = "bench-a"')
    with pytest.raises(ConfigError, match=r"meters\.wall\.sut: no SUT 'bench-a' here; expected one of sut"):
        load_station(station_file(tmp_path, text))


def test_two_suts_may_have_one_meter_in_turns(tmp_path: Path) -> None:
    text = BENCHES.replace("/dev/ttyUSB1", "/dev/ttyUSB0") + CAMPAIGN.replace("schema = 1\n", "")
    assert read(tmp_path, text, "bench-a").file.meters["wall-a"].port == "/dev/ttyUSB0"


def test_whoever_works_with_meters_needs_no_campaign_and_has_those_of_every_sut(tmp_path: Path) -> None:
    station = load_station(station_file(tmp_path, BENCHES + "[campaign]\nname = 3\n"))
    assert list(station.file.meters) == ["wall-a", "wall-b1", "wall-b2", "room"]
    assert station.runs_folder == tmp_path / "runs"
    with pytest.raises(ConfigError, match=r"meters\.wall-a\.driver: no driver 'watsup'"):
        load_station(station_file(tmp_path, BENCHES.replace('"wattsup"', '"watsup"', 1)))


def test_several_campaigns_are_files_beside_one_station(tmp_path: Path) -> None:
    station = station_file(tmp_path)
    core = load(station, campaign_file(tmp_path, CAMPAIGN, "campaigns/core.toml"))
    other = load(station, campaign_file(tmp_path, CAMPAIGN.replace('"c"', '"d"'), "campaigns/other.toml"))
    assert (core.campaign_folder, other.campaign_folder) == (tmp_path / "runs" / "c", tmp_path / "runs" / "d")
    assert core.inputs == {"lab.toml": STATION.encode(), "campaign.toml": CAMPAIGN.encode()}


def test_a_path_is_relative_to_the_file_in_which_it_stands(tmp_path: Path) -> None:
    own = CAMPAIGN.replace('folder = "workloads/idle"', 'command = ["x", "own.sh"]\nfiles = ["own.sh"]')
    file = campaign_file(tmp_path, own.replace('name = "c"', 'name = "c"\nruns_folder = "mine"'), "campaigns/core.toml")
    (tmp_path / "campaigns" / "own.sh").touch()
    config = load(station_file(tmp_path), file)
    assert config.scenarios[0].files == (tmp_path / "campaigns" / "own.sh",)
    assert config.campaign_folder == tmp_path / "campaigns" / "mine" / "c"


def test_a_station_is_told_which_campaigns_lie_beside_it(tmp_path: Path) -> None:
    station, file = station_file(tmp_path), campaign_file(tmp_path, name="campaigns/core.toml")
    with pytest.raises(ConfigError, match=rf"it has no campaign .* --campaign FILE: {file}$"):
        load(station)


def test_what_stands_in_both_files_or_in_the_wrong_one_is_told_with_the_other_mistakes(tmp_path: Path) -> None:
    text = "order = 'shufled'\nsed = 3\nrunz = 1\n[thresholds]\ngap_total_percent = 2.0\n"
    station = station_file(
        tmp_path, STATION + "[campaign]\nname = 'c'\nseed = 'x'\n[thresholds]\ngap_total_percent = 1.0\n"
    )
    wrong = CAMPAIGN.replace('order = "shuffled"\n', text.split("[", 1)[0]) + "[thresholds]\ngap_total_percent = 2.0\n"
    wrong = wrong.replace("seed = 1\n", "") + '[meters.x]\nport = ""\n[lab]\ncustomer = "C"\nplace = "P"\n[seels]\n'
    file = campaign_file(tmp_path, wrong)
    with pytest.raises(ConfigError) as caught:
        load(station, file)
    first, *lines = str(caught.value).split("\n  - ")
    assert first == f"{station}: {len(lines)} mistakes:"
    begins = [
        line.split(": ")[0:2] if line.startswith(str(tmp_path)) else ["lab.toml", line.split(": ")[0]] for line in lines
    ]
    assert sorted((Path(where).name, place) for where, place in begins) == [
        ("core.toml", "campaign.order"),
        ("core.toml", "campaign.runz"),
        ("core.toml", "campaign.sed"),
        ("core.toml", "lab.place"),
        ("core.toml", "meters"),
        ("core.toml", "seels"),
        ("lab.toml", "campaign.name"),
        ("lab.toml", "campaign.seed"),
        ("lab.toml", "thresholds.gap_total_percent"),
    ]
    assert f"campaign.name: stands in {file} too" in str(caught.value)


def test_the_customer_may_be_the_campaigns(tmp_path: Path) -> None:
    config = load(station_file(tmp_path), campaign_file(tmp_path, CAMPAIGN + '[lab]\ncustomer = "C"\n'))
    assert (config.file.lab.name, config.file.lab.customer) == ("L", "C")


@pytest.mark.parametrize("named", ["qualify.toml", "workloads/campaigns/qualify.toml"])
def test_a_campaign_file_of_wattlab_is_found_from_everywhere_and_ones_own_goes_before_it(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lab = station_file(tmp_path)
    config = load(lab, Path(named))
    assert config.campaign_path == BUNDLED / "qualify.toml"
    assert config.campaign_folder == tmp_path / "runs" / "qualify"
    own = tmp_path / named
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_bytes((BUNDLED / "qualify.toml").read_bytes())
    assert load(lab, Path(named)).campaign_path == own
    with pytest.raises(ConfigError, match=r"no such file; .* guldner\.toml, .*qualify\.toml"):
        load(lab, Path("qualifi.toml"))


def test_a_key_that_a_campaign_lacks_is_missing_in_its_file(tmp_path: Path) -> None:
    file = campaign_file(tmp_path, CAMPAIGN.partition("[scenarios.idle]")[0])
    with pytest.raises(ConfigError, match=rf"^{file}: scenarios: missing"):
        load(station_file(tmp_path), file)


def test_lab_toml_is_not_named_as_its_own_campaign_file(tmp_path: Path) -> None:
    station = station_file(tmp_path, STATION + CAMPAIGN.replace("schema = 1\n", ""))
    with pytest.raises(ConfigError, match=r"that is lab\.toml itself; leave it out"):
        load(station, station)
    with pytest.raises(ConfigError, match=r"core\.toml: schema: found None"):
        load(station_file(tmp_path), campaign_file(tmp_path, CAMPAIGN.replace("schema = 1\n", "")))


def test_what_is_wrong_with_the_way_to_a_sut_names_its_own_table(tmp_path: Path) -> None:
    text = BENCHES.replace('host = "b"', f'host = "b"\nkey_file = "{tmp_path}/no-key"')
    config = read(tmp_path, text + CAMPAIGN.replace("schema = 1\n", ""), "bench-b")
    with (
        open_wires(config) as wires,
        pytest.raises(SutUnreachable, match=r"suts\.bench-b\.key_file .*/no-key does not exist"),
        Sut.connect(wires.sut),
    ):
        pass


def test_what_changed_is_named_with_the_file_in_which_it_stands(tmp_path: Path) -> None:
    lab, file = station_file(tmp_path), campaign_file(tmp_path)
    begun = load(lab, file).to_json()
    file.write_text(CAMPAIGN + '\n[analysis]\ntest = "rank"\n')
    assert (changed_since(load(lab, file), begun) or "").startswith(f"{file.resolve()}: analysis.test differ from")
    lab.write_text(STATION.replace('host = "', 'host = "other-'))
    changed = changed_since(load(lab, file), begun) or ""
    assert f"{file.resolve()}: analysis.test" in changed
    assert f"{lab.resolve()}: sut.host" in changed


def test_what_is_no_file_of_settings_is_refused_at_once(tmp_path: Path) -> None:
    lab, pipe = station_file(tmp_path), tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero")):
        for arguments in ((path, None), (lab, path)):
            with pytest.raises(ConfigError, match=rf"{path}: cannot read \(it is a pipe or a device"):
                load(*arguments)
    large = tmp_path / "large.toml"
    large.touch()
    os.truncate(large, 1 << 30)
    with pytest.raises(ConfigError, match=r"cannot read \(it has more than 16 MiB\)"):
        load(large)
