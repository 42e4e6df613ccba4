"""`wattlab check` finds what a run would raise before its first rating: a walk over every place that raises, and for
each of these a lab that meets it. First the run's own step raises, then check refuses."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeAlias

import pytest

from harness.attest.signer import OF_SEAL, sign
from harness.measure.ambient import read_temperature_c
from harness.measure.campaign import Campaign
from harness.measure.campaign_lock import in_use, locked
from harness.measure.lab_file import LabConfig, load
from harness.measure.material import read_staged
from harness.measure.preflight import check_lab
from harness.record.campaign_folder import CampaignFolder
from harness.record.errors import LabError
from harness.station.access import access_of
from harness.station.loopback_sshd import LoopbackSshd
from harness.station.register import load_register
from harness.station.station import APPLICATION, SutSection
from harness.sut.agent import survey
from harness.sut.machine import Sut
from meters.meter import Meter, MeterError
from meters.registry import open_meter
from tests.harness.test_config import MINIMAL
from tests.sut.conftest import Recorded, config_of, start

NOBODY = SutSection(
    host="127.0.0.1", port=1, user="x", key_file="/no/key", known_hosts="/no/hosts", python="python3", ssh_config=""
)
OWN = """\
[scenarios.own]
command = ["{python}", "own.py"]
files = ["own.py"]
repetitions = 1
"""
PLAIN = MINIMAL.replace('folder = "workloads/idle"', 'folder = "workloads/constant-load"')
REGISTERED = PLAIN.replace("[sut]", 'instruments = "instruments.toml"\n[sut]')
LOADED = PLAIN + "[thresholds]\nforeign_load_invalid_percent = 1000.0  # other tests run beside\n"

MODULES = {
    "access": "station", **dict.fromkeys(("campaign", "campaign_lock", "photos", "material", "run"), "measure"),
    "attempt": "measure", "part": "measure/rating", "without_agent": "measure/rating",
    "ambient": "measure", "register": "station", "instruments": "station", "check_loads": "station",
    **dict.fromkeys(("answers", "channel", "files", "link", "local_link", "login"), "sut"),
    **dict.fromkeys(("identities", "interpreters", "route"), "sut"),
    **dict.fromkeys(("machine", "prepare", "session"), "sut"),
}  # fmt: skip
"""Where what can go wrong before a rating is raised: module and room."""
FOUND_BY = {
    "access._password": ["a password file that is not there"],
    "access.read_password": ["a password file that is not there"],
    "access._checked": ["a password file with nothing in it"],
    "instruments._check_network": ["a fingerprint that is none"],
    "register._check_reached": ["a meter that is not where it was declared"],
    "register._authority": ["an authority that is not there"],
    "campaign.Campaign._require_same_config": ["another configuration", "an imported campaign"],
    "campaign_lock.locked": ["a campaign in use"],
    "photos._photo": ["a photograph that is not there", "a photograph that is none"],
    "photos.attach_photos": ["a folder that is a file", "a folder that cannot be written in"],
    "material.read_staged": ["a staged file that went away"],
    "ambient.read_temperature_c": ["a thermometer that is not there"],
    "register.load_register": ["a register that is not there", "an instrument that is not in the register"],
    "instruments.check_instrument": ["a certificate that cannot be right"],
    "instruments._check_point": ["a certificate that cannot be right"],
    "instruments.check_serials": ["a certificate that cannot be right"],
    "register.Register.find": ["an instrument that is not in the register"],
    "register._match": ["an instrument that is not in the register"],
    "register.Register._history": ["a damaged history"],
    "check_loads.record_of": ["a damaged history"],
    "machine.Sut.require_python": ["an interpreter that is not there"],
    "interpreters.require_linux": ["a machine that is no Linux"],
    "interpreters.installed": ["an interpreter that is not there"],
    "machine.Sut._facts_of": ["an interpreter that is not there"],
    "machine.Sut.ask_program": ["an interpreter that is not there"],
    "machine.Sut._agent": ["an interpreter that is not there"],
    "machine.Sut._last_object": ["an interpreter that is not there"],
    "link.in_words": ["a folder of the SUT that is a file"],
    "machine.Sut.stage": ["a run of another wattlab"],
    "link.Link.reopen": ["no address"],
    "link.Link._sftp_of": ["an sshd without SFTP"],
    "login._opened": ["no key"],
    "login._require_key": ["no key"],
    "identities.Identities.authenticate": ["a key that is not let in"],
    "route._from": ["an ssh configuration that is not there"],
    "route._settings": ["an ssh configuration that ssh does not understand"],
    "route._way": ["jumps in a circle"],
    "route._jump": ["a jump that is none"],
    "login._Unknown.missing_host_key": ["an unknown host key"],
    "run.Run._open_meters": ["no meter at the port"],
}
NOT_BEFORE_A_RATING = {
    "campaign.Campaign.add_second_stage": "after the first stage",
    "campaign.Campaign._give_up_or_retry": "hands on what an attempt raised",
    "campaign.Campaign._require_meters": "a meter that spoke moments ago",
    "material.Inventory.of": "an answer of the SUT that check got right moments ago",
    "run.Run.measure": "the command ended",
    "part.wait_rated": "the command runs",
    "run.Run._check_streams": "hands on what ended a stream",
    "register.Register.append": "a check load, no run",
    "machine.Sut.start_load": "the observer effect",
    "machine.Sut.unstage": "after the rating",
    "prepare._prepare_environment": "`sut prepare`",
    "prepare._require": "`sut prepare`",
    "prepare._machine": "`sut prepare`",
    "prepare.part_of_lock": "`sut prepare`",
    "link.Link.stream": "`sut prepare`",
    "files.plain": "a mistake of lab.toml (test_config)",
    "link.Link.open_channel": "the link was lost",
    "link.Link.open_port": "the link was lost, or nothing listens at the port of a service",
    "link.Link.sftp": "the link was lost",
    "local_link.LocalLink.run": "a SUT that hangs, and did not moments ago",
    "local_link.LocalLink.stream": "`sut prepare`",
    "local_link.LocalChannel._received": "the agent ended",
    "local_link.LocalChannel.sendall": "the agent ended",
    "link._collect": "a SUT that hangs, and did not moments ago",
    "channel.AgentChannel.receive": "the link was lost",
    "answers.rating_result": "the command ended",
}
"""Functions of an agent's session raise when a SUT that answered moments ago lies or goes away: all of a class."""
SESSION = "session.AgentSession."


def raising(module: str) -> Iterator[str]:
    """Every function of a module of harness that raises something of its own."""

    def visit(node: ast.AST, name: str) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            inner = f"{name}.{child.name}" if isinstance(child, ast.FunctionDef | ast.ClassDef) else name
            if isinstance(child, ast.Raise) and child.exc is not None:
                yield name
            yield from visit(child, inner)

    yield from visit(ast.parse((APPLICATION / "harness" / MODULES[module] / f"{module}.py").read_text()), module)


def test_every_place_that_raises_is_met_by_a_fault_or_comes_after_the_first_rating_began() -> None:
    places = {place for module in MODULES for place in raising(module) if not place.startswith(SESSION)}
    assert places == set(FOUND_BY) | set(NOT_BEFORE_A_RATING)
    assert {fault for faults in FOUND_BY.values() for fault in faults} <= FAULTS.keys() | WIRED.keys()


@dataclass
class Lab:
    """A lab in a folder, its SUT and its meter; a fault changes one of them."""

    folder: Path
    sut: SutSection = NOBODY
    text: str = PLAIN
    port: str = ""
    opener: Callable[[BinaryIO], Meter] | None = None
    until_the_end: ExitStack = field(default_factory=ExitStack)

    def load(self) -> LabConfig:
        (self.folder / "lab.toml").write_text(self.text)
        return load(self.folder / "lab.toml")

    def refusals(self, loaded: LabConfig) -> dict[str, str]:
        opener = self.opener or (partial(_open, self.port) if self.port else None)
        reasons = [*in_use(loaded), *check_lab(loaded, self.sut, {"wall": opener} if opener else {})]
        found: dict[str, str] = {}
        for reason in reasons:
            if reason.severity == "refuse":
                assert reason.subject not in found, f"said twice: {reason}"
                found[reason.subject] = reason.text
        return found


def _open(port: str, wire_log: BinaryIO) -> Meter:
    return open_meter("wattsup", port, capture=wire_log, options={})


Step: TypeAlias = Callable[[], object]
"""What a run does and what raises then."""
Spoil: TypeAlias = Callable[[Lab], tuple[LabConfig, Step]]
FAULTS: dict[str, tuple[str, Spoil]] = {}
"""By name: the subject that check refuses, and how a lab comes to have the fault."""


def fault(name: str, subject: str) -> Callable[[Spoil], Spoil]:
    def register(function: Spoil) -> Spoil:
        FAULTS[name] = (subject, function)
        return function

    return register


# --- the host's own ---


@fault("a photograph that is not there", "photos")
def _no_photo(lab: Lab) -> tuple[LabConfig, Step]:
    lab.text = PLAIN.replace("[sut]", 'photos = ["no.jpg"]\n[sut]')
    loaded = lab.load()
    return loaded, lambda: Campaign(loaded, {})


@fault("a photograph that is none", "photos")
def _no_picture(lab: Lab) -> tuple[LabConfig, Step]:
    (lab.folder / "no.jpg").write_text("a letter")
    return _no_photo(lab)


@fault("a folder that is a file", "disk")
def _file_for_folder(lab: Lab) -> tuple[LabConfig, Step]:
    (lab.folder / "runs").write_text("")
    loaded = lab.load()
    return loaded, lambda: Campaign(loaded, {})


@fault("a folder that cannot be written in", "disk")
def _read_only(lab: Lab) -> tuple[LabConfig, Step]:
    lab.text = PLAIN.replace('name = "c"', 'name = "c"\nruns_folder = "/proc/self"')
    loaded = lab.load()
    return loaded, lambda: Campaign(loaded, {})


@fault("a staged file that went away", "scenario own")
def _gone(lab: Lab) -> tuple[LabConfig, Step]:
    (lab.folder / "own.py").write_text("")
    lab.text = PLAIN + OWN
    loaded = lab.load()
    (lab.folder / "own.py").unlink()
    return loaded, lambda: [read_staged(scenario, b"") for scenario in loaded.scenarios]


@fault("another configuration", "campaign")
def _other(lab: Lab) -> tuple[LabConfig, Step]:
    Campaign(lab.load(), {})
    lab.text = PLAIN.replace("seed = 1", "seed = 2")
    loaded = lab.load()
    return loaded, lambda: Campaign(loaded, {})


@fault("an imported campaign", "campaign")
def _imported(lab: Lab) -> tuple[LabConfig, Step]:
    loaded = lab.load()
    header = {"schema": 2, "name": "c", "config": None}
    CampaignFolder.create(loaded.campaign_folder).append("campaign", "2026-11-28T00:00:00.000Z", header)
    return loaded, lambda: Campaign(loaded, {})


@fault("a damaged log", "campaign")
def _damaged(lab: Lab) -> tuple[LabConfig, Step]:
    loaded = lab.load()
    Campaign(loaded, {})
    log = loaded.campaign_folder / "campaign.jsonl"
    log.write_bytes(log.read_bytes().replace(b'"seed":1', b'"seed":3', 1))
    return loaded, lambda: Campaign(loaded, {})


@fault("a campaign in use", "campaign")
def _in_use(lab: Lab) -> tuple[LabConfig, Step]:
    loaded = lab.load()
    campaign = Campaign(loaded, {})
    lab.until_the_end.enter_context(locked(campaign.folder))

    def begin() -> None:
        with locked(campaign.folder):
            pass

    return loaded, begin


@fault("a thermometer that is not there", "room")
def _no_thermometer(lab: Lab) -> tuple[LabConfig, Step]:
    lab.text = PLAIN + '[ambient]\nfile = "/no/such/thermometer"\n'
    loaded = lab.load()
    return loaded, lambda: read_temperature_c(loaded.file.ambient)


@fault("a register that is not there", "register")
def _no_register(lab: Lab) -> tuple[LabConfig, Step]:
    lab.text = REGISTERED
    loaded = lab.load()
    return loaded, lambda: load_register(loaded.station)


@fault("a certificate that cannot be right", "register")
def _wrong_certificate(lab: Lab) -> tuple[LabConfig, Step]:
    (lab.folder / "instruments.toml").write_text(
        'schema = 1\n[instruments.i]\nmaker = "m"\nmodel = "o"\n[[instruments.i.certificates]]\nnumber = "1"\n'
        'laboratory = "l"\ndate = 2026-01-01\nexpires = 2025-01-01\nk = 0\npoints = []\n'
    )
    return _no_register(lab)


@fault("an instrument that is not in the register", "register")
def _not_registered(lab: Lab) -> tuple[LabConfig, Step]:
    (lab.folder / "instruments.toml").write_text("schema = 1\n[instruments]\n")
    lab.text = REGISTERED.replace('circuit = "', 'instrument = "other"\ncircuit = "')
    loaded = lab.load()
    return loaded, lambda: load_register(loaded.station)


@fault("a damaged history", "register")
def _history(lab: Lab) -> tuple[LabConfig, Step]:
    (lab.folder / "instruments.toml").write_text("schema = 1\n[instruments]\n")
    (lab.folder / "check-loads.jsonl").write_text("{}\n")
    lab.text = REGISTERED
    loaded = lab.load()
    register = load_register(loaded.station)
    assert register is not None
    return loaded, register.check_loads


def _on_a_network(lab: Lab, said: str) -> tuple[LabConfig, Step]:
    """A meter at an address, and what the register says of it."""
    (lab.folder / "instruments.toml").write_text(
        f'schema = 1\n[instruments.other]\nmaker = "m"\nmodel = "o"\nserial = "1"\n{said}'
    )
    old = 'instrument = "other"\ncircuit = "'
    lab.text = re.sub('port = "[^"]*"', 'port = "socket://192.168.1.50:3000"', REGISTERED.replace('circuit = "', old))
    loaded = lab.load()
    return loaded, lambda: load_register(loaded.station)


@fault("a fingerprint that is none", "register")
def _no_fingerprint(lab: Lab) -> tuple[LabConfig, Step]:
    return _on_a_network(lab, 'tls_sha256 = "abc"\n')


@fault("an authority that is not there", "register")
def _no_authority(lab: Lab) -> tuple[LabConfig, Step]:
    return _on_a_network(lab, 'tls_ca_file = "ca.pem"\n')


@fault("a meter that is not where it was declared", "register")
def _elsewhere(lab: Lab) -> tuple[LabConfig, Step]:
    return _on_a_network(
        lab, '[instruments.other.declared]\nby = "A"\non = 2026-11-28\naddress = "192.168.1.51"\nlink = "cable"\n'
    )


def _with_password(lab: Lab) -> tuple[LabConfig, Step]:
    lab.text = re.sub('port = "[^"]*"', 'port = "http://127.0.0.1:9"\npassword_file = "secret"', PLAIN)
    lab.text = re.sub('driver = "[^"]*"', 'driver = "shelly"', lab.text)
    loaded = lab.load()
    lab.opener = lambda _wire: _never(access_of(loaded.station, None, "wall"))
    return loaded, lambda: access_of(loaded.station, None, "wall")


def _never(access: object) -> Meter:
    raise AssertionError(f"{access} was made")


@fault("a password file that is not there", "meter wall")
def _no_password_file(lab: Lab) -> tuple[LabConfig, Step]:
    return _with_password(lab)


@fault("a password file with nothing in it", "meter wall")
def _no_password(lab: Lab) -> tuple[LabConfig, Step]:
    (lab.folder / "secret").touch(mode=0o600)
    return _with_password(lab)


@fault("a seal's key that is not there", "seal")
def _no_seal_key(lab: Lab) -> tuple[LabConfig, Step]:
    lab.text = PLAIN + '[seal]\nkey = "no-key"\n'
    loaded = lab.load()
    assert loaded.station.seal_key is not None
    return loaded, partial(sign, b"", loaded.station.seal_key, OF_SEAL, may_ask=False)


@fault("no meter at the port", "meter wall")
def _no_meter(lab: Lab) -> tuple[LabConfig, Step]:
    lab.port = str(lab.folder / "no-port")
    return lab.load(), partial(open_meter, "wattsup", lab.port, capture=None, options={})


@fault("no address", "SUT")
def _no_address(lab: Lab) -> tuple[LabConfig, Step]:
    lab.sut = replace(NOBODY, host="")
    return lab.load(), lambda: Sut.connect(lab.sut)


@fault("an ssh configuration that is not there", "SUT")
def _no_configuration(lab: Lab) -> tuple[LabConfig, Step]:
    lab.sut = replace(NOBODY, ssh_config=str(lab.folder / "nothing"))
    return lab.load(), lambda: Sut.connect(lab.sut)


@fault("an ssh configuration that ssh does not understand", "SUT")
def _bad_configuration(lab: Lab) -> tuple[LabConfig, Step]:
    return _configured(lab, "NoSuchOption 1")


@fault("jumps in a circle", "SUT")
def _circle(lab: Lab) -> tuple[LabConfig, Step]:
    return _configured(lab, "Host a\nProxyJump b\nHost b *.1\nProxyJump a")


@fault("a jump that is none", "SUT")
def _no_jump(lab: Lab) -> tuple[LabConfig, Step]:
    return _configured(lab, "ProxyJump ssh://a/b")


def _configured(lab: Lab, text: str) -> tuple[LabConfig, Step]:
    (lab.folder / "config").write_text(text + "\n")
    lab.sut = replace(NOBODY, ssh_config=str(lab.folder / "config"))
    return lab.load(), lambda: Sut.connect(lab.sut)


@fault("no key", "SUT")
def _no_key(lab: Lab) -> tuple[LabConfig, Step]:
    return lab.load(), lambda: Sut.connect(lab.sut)


@pytest.mark.parametrize("name", FAULTS)
def test_what_a_run_would_raise_on_this_host_is_found_and_said_once(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "SURVEY_S", 0.0)
    subject, make = FAULTS[name]
    lab = Lab(tmp_path)
    with lab.until_the_end:
        loaded, step = make(lab)
        with pytest.raises((LabError, MeterError)) as raised:
            step()
        refused = lab.refusals(loaded)
    assert subject in refused, f"{raised.value}; check says {refused}"


# --- the SUT's ---


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackSshd]:
    with LoopbackSshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def lab(tmp_path: Path, sshd: LoopbackSshd, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A lab whose SUT is in order: this machine, this interpreter."""
    monkeypatch.setattr(survey, "SURVEY_S", 0.0)
    return Lab(tmp_path, config_of(sshd, tmp_path), LOADED)


def _unknown_key(lab: Lab, _: ExitStack) -> Step:
    lab.sut = replace(lab.sut, known_hosts=str(lab.folder / "nothing"))
    return lambda: Sut.connect(lab.sut)


def _not_let_in(lab: Lab, _: ExitStack) -> Step:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", lab.folder / "stranger"], check=True)
    lab.sut = replace(lab.sut, key_file=str(lab.folder / "stranger"))
    return lambda: Sut.connect(lab.sut)


def _no_linux(lab: Lab, stack: ExitStack) -> Step:
    (lab.folder / "bin").mkdir()
    (lab.folder / "bin/uname").write_text("#!/bin/sh\necho Darwin\n")
    (lab.folder / "bin/uname").chmod(0o755)
    settings = [f"SetEnv PATH={lab.folder}/bin:/usr/bin:/bin"]
    lab.sut = config_of(stack.enter_context(LoopbackSshd(lab.folder / "other", settings=settings)), lab.folder)
    return stack.enter_context(Sut.connect(lab.sut)).facts


def _no_python(lab: Lab, stack: ExitStack) -> Step:
    lab.text = PLAIN + 'trackers = ["codecarbon"]\n'
    lab.sut = replace(lab.sut, python=str(lab.folder / "venv/bin/python"))
    return stack.enter_context(Sut.connect(lab.sut)).facts


class _WithoutSftp(LoopbackSshd):
    def _config_lines(self) -> list[str]:
        return [line for line in super()._config_lines() if not line.startswith("Subsystem ")]


def _no_sftp(lab: Lab, stack: ExitStack) -> Step:
    lab.sut = config_of(stack.enter_context(_WithoutSftp(lab.folder / "other")), lab.folder)
    return lambda: Sut.connect(lab.sut)


def _file_on_the_sut(lab: Lab, stack: ExitStack) -> Step:
    (lab.folder / "taken").write_text("")
    lab.sut = replace(lab.sut, folder=str(lab.folder / "taken"))
    return partial(stack.enter_context(Sut.connect(lab.sut)).stage, "aaaaaaaa", {})


def _busy(lab: Lab, stack: ExitStack) -> Step:
    other = stack.enter_context(Sut.connect(lab.sut))
    work = other.stage("0dead000", {})
    stack.callback(other.unstage, work)
    start(other, "0dead000", Recorded())
    return partial(stack.enter_context(Sut.connect(lab.sut)).stage, "aaaaaaaa", {})


WIRED: dict[str, tuple[str, Callable[[Lab, ExitStack], Step]]] = {
    "an unknown host key": ("SUT", _unknown_key),
    "a key that is not let in": ("SUT", _not_let_in),
    "a machine that is no Linux": ("SUT python", _no_linux),
    "an interpreter that is not there": ("SUT python", _no_python),
    "an sshd without SFTP": ("SUT", _no_sftp),
    "a folder of the SUT that is a file": ("SUT", _file_on_the_sut),
    "a run of another wattlab": ("SUT busy", _busy),
}


@pytest.mark.parametrize("name", WIRED)
def test_what_a_run_would_raise_on_the_sut_is_found_and_said_once(name: str, lab: Lab) -> None:
    subject, make = WIRED[name]
    with ExitStack() as stack:
        step = make(lab, stack)
        with pytest.raises(LabError):
            step()
        assert list(lab.refusals(lab.load())) == [subject]


# --- what a command would fail of ---

TRAINING = LOADED.replace("constant-load", "transfer").replace(
    "[thresholds]", 'trackers = ["carbontracker"]\n[thresholds]'
)


def test_unprepared_data_weights_and_packages_are_each_refused_with_the_remedy(lab: Lab) -> None:
    lab.text = TRAINING
    refused = lab.refusals(lab.load())
    assert list(refused) == ["tracker carbontracker", "scenario idle", "SUT dataset", "SUT weights"]
    assert refused["scenario idle"] == (f"{sys.executable} there has no tensorflow; `wattlab sut prepare` installs it")
    data = Path(lab.sut.folder, "data")
    assert refused["SUT dataset"] == (f"{data} has no dataset (needed by idle); `wattlab sut prepare` brings it")


def test_a_data_set_that_is_gone_or_too_small_is_refused(lab: Lab) -> None:
    lab.text = TRAINING.replace("[thresholds]", "parameters = { images_per_class = 20 }\n[thresholds]")
    data = Path(lab.sut.folder, "data")
    (data / "pictures").mkdir(parents=True)
    (data / "dataset.json").write_text(
        '{"kind": "generated", "folder": "pictures", "classes": {"rose": 30, "lily": 10}}'
    )
    (data / "weights.json").write_text('{"kind": "file", "file": "gone.h5"}')
    refused = lab.refusals(lab.load())
    assert (
        "images_per_class = 20, and the smallest class of the data set there has 10 pictures" in refused["SUT dataset"]
    )
    assert f"{data} has no weights (needed by idle)" in refused["SUT weights"]


def test_a_program_that_the_sut_has_not_is_refused_and_one_that_it_has_is_not(lab: Lab) -> None:
    programs = {"a": "no-such-program", "b": "/no/such/program", "c": "sh", "d": "/bin/sh"}
    for name, program in programs.items():
        lab.text += f'[scenarios.{name}]\ncommand = ["{program}"]\nrepetitions = 1\n'
    refused = lab.refusals(lab.load())
    assert list(refused) == ["scenario a", "scenario b"]
    assert "the SUT has no program 'no-such-program' that this login can start" in refused["scenario a"]


def test_a_folder_or_a_script_that_the_sut_has_not_is_refused_and_those_that_it_has_are_not(
    lab: Lab, tmp_path: Path
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "train.py").write_text("")
    (tmp_path / "file").write_text("")
    for name, folder, word in (
        ("a", "none", "train.py"), ("b", "file", "train.py"), ("c", "here", "trian.py"), ("d", "here", "train.py"),
    ):  # fmt: skip
        lab.text += f'[scenarios.{name}]\ncommand = ["python3", "{word}", "out/x"]\nrepetitions = 1\n'
        lab.text += f'directory = "{tmp_path / folder}"\n'
    lab.text += '[scenarios.e]\ncommand = ["python3", "/no/such/script.py"]\nrepetitions = 1\n'
    refused = lab.refusals(lab.load())
    assert list(refused) == ["scenario a", "scenario b", "scenario c", "scenario e"]
    assert f"directory: {tmp_path / 'none'} is not there on the SUT" in refused["scenario a"]
    assert "is no folder that this login can enter" in refused["scenario b"]
    assert f"it names {tmp_path / 'here' / 'trian.py'}, and the SUT has no such file" in refused["scenario c"]
    assert "it names /no/such/script.py" in refused["scenario e"]
