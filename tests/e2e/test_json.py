"""`--json` of every command, run on real material: one document on standard output, and docs/json.md says its keys.

Both ways: a key that is not documented is refused when a document is read by its record, and a documented one that
never came has to be one that may be null.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import chdir, redirect_stdout
from dataclasses import fields, is_dataclass, replace
from importlib import import_module
from io import StringIO
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

import pytest

from harness import cli
from harness.cli import demo, demo_study, network
from harness.cli.called import NAME
from harness.cli.documents import WITHOUT, Failure, FileDocument
from harness.cli.reference import PAGE, documents, records, with_tables
from harness.measure.lab_file import load
from meters.discovery.found import Found
from meters.discovery.search import Findings, Interface
from reports.results.codec import decoded, parts_of
from reports.results.environment import GivenUp
from tests.analysis.studies import HEAD, QUESTION
from tests.attest.accounts import witness_account
from tests.attest.test_cli import lab as lab_with
from tests.attest.test_cli import ssh_section
from tests.e2e.test_campaign import LAB, METERS, LabUnderTest
from tests.e2e.test_measure import SHORT
from tests.evidence.conftest import make_key
from tests.fleet.benches import FleetOnThisMachine, wait_for
from tests.harness.test_cli_correct import log as software_log
from tests.harness.test_cli_correct import signed_copy
from tests.harness.test_cli_qualify import SHAPE as QUALIFIED
from tests.harness.test_run_folder import write_campaign
from tests.importers.jls_files import Instrument, wave, write_jls
from tests.importers.power_csvs import rows, write
from tests.importers.test_power_csv import BEGIN_NS
from tests.importers.test_software_attach import scaphandre
from tests.importers.test_tracker import campaign as tracked
from tests.importers.test_tracker import file, intervals, v1
from tests.reports.make_campaign import Load, Shape, make_campaign
from tests.reports.qualified import qualified_campaign

SMALL_STUDY = """\
schema = 1
[study]
name = "small"
title = "Small"
alpha = 0.05
[environments.here]
title = "Here"
[campaign]
stabilization_s = 0.5
supplementary_s = 0.5
[baseline]
blocks = 1
duration_s = 2
[thresholds]
foreign_load_invalid_percent = 10000.0  # other tests run beside
[scenarios.wait]
command = ["sleep", "{length}"]
repetitions = 1
factors = { length = [1.5, 2.0] }
[factors.length]
title = "Length"
[responses.duration]
title = "Duration"
formula = "duration_s"
unit = "s"
"""
pytestmark = pytest.mark.timeout(900)
DATA = Path(__file__).parents[1] / "data"
REGISTER = """\
schema = 1
[instruments.plug]
maker = "Electronic Educational Devices"
model = "Watts up? PRO"
[check_loads.lamp]
description = "a lamp"
expected_w = 50.0
U_w = 0.5
source = "its data sheet"
"""
SHAPE = Shape(loads={"cnn": Load(52.0, 34.0, epochs=2)}, repetitions=3, baseline_blocks=3, duration_s=30, gpu=False)


NEEDY = Found("homewizard", "https://192.0.2.7", "HWE-KWH1", "mDNS", needs=("password_file: its token",))
"""What was found on a network, and cannot be read as it is."""


class Asked:
    """What every command said, by the command and the option that makes another document of it."""

    def __init__(self) -> None:
        self.said: dict[str, list[object]] = {}
        self.failures: list[tuple[int, Any]] = []

    def ask(self, command: str, *words: str | Path, codes: tuple[int, ...] = (0,), option: str = "") -> Any:  # noqa: ANN401
        """Give a command with `--json`; what came is the only document on standard output."""
        code, document = answer([*command.split(), "--json", *map(str, words)])
        assert code in codes, (command, code, document)
        self.said.setdefault(f"{command} {option}".strip(), []).append(document)
        return document

    def refused(self, *words: str | Path, code: int = 1) -> Any:  # noqa: ANN401
        """Give a command that cannot do its work; what is said of it."""
        found, document = answer([*map(str, words), "--json"])
        assert found == code
        self.failures.append((found, document))
        return document["error"]


def answer(words: list[str]) -> tuple[int, Any]:
    with redirect_stdout(StringIO()) as told:
        try:
            code = cli.main(words)
        except SystemExit as ended:
            code = int(ended.code or 0)
    return code, json.loads(told.getvalue(), parse_constant=lambda text: pytest.fail(f"{text} is no JSON"))


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """Every command, asked once or more."""
    asked = Asked()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    with pytest.MonkeyPatch.context() as patched:
        ask_a_lab(asked, tmp_path_factory.mktemp("lab"), patched)
        ask_a_study(asked, tmp_path_factory.mktemp("study"), patched)
    ask_for_ranges(asked, tmp_path_factory.mktemp("ranges"))
    ask_of_campaigns(asked, tmp_path_factory.mktemp("campaigns"))
    ask_of_foreign_files(asked, tmp_path_factory.mktemp("foreign"))
    ask_of_software(asked, tmp_path_factory.mktemp("software"))
    ask_meters(asked, tmp_path_factory.mktemp("meters"))
    ask_witnesses(asked, tmp_path_factory.mktemp("witness"))
    ask_a_fleet(asked, tmp_path_factory.mktemp("fleet"))
    for number, handler in handlers.items():
        signal.signal(number, handler)
    return asked


def ask_a_lab(asked: Asked, folder: Path, patched: pytest.MonkeyPatch) -> None:
    """A lab on this machine, from its preparation to the campaign: the demo's, which is small here."""
    lab = LabUnderTest(folder)
    lab.write(LAB.replace('operator = "', 'instruments = "instruments.toml"\noperator = "'))
    (folder / "instruments.toml").write_text(REGISTER)
    patched.setattr(demo, "CORE_STUDY", folder / "lab.toml")
    with chdir(folder):
        asked.ask("sut prepare")
        asked.ask("demo", codes=(0, 3))
        lab.write((folder / "lab.toml").read_text().replace('name = "c"', 'name = "demo-1"'))
        asked.ask("check", codes=(0, 1))
        asked.ask("check", "--check-load", "lamp", "--connected", "--seconds", "4", codes=(0, 1), option="--check-load")
        asked.ask("plan")
        asked.ask("run", codes=(0, 3))
        asked.ask("plan", "--half-width", "90%", option="--half-width")
        asked.ask("observer", "--blocks", "2", "--seconds", "2", codes=(0, 3))
        lab.write((folder / "lab.toml").read_text().replace('operator = "', 'photos = ["no.jpg"]\noperator = "'))
        asked.ask("plan", codes=(1,))
        place = asked.refused("run")["place"]
        assert place is None or "lab.toml" in place


def ask_a_study(asked: Asked, folder: Path, patched: pytest.MonkeyPatch) -> None:
    """A study on this machine: the demo's, which is small here."""
    shipped, lab = (
        folder / "shipped",
        LAB[: LAB.index("[campaign]")] + LAB[LAB.index("[sut]") : LAB.index("[scenarios")],
    )
    shipped.mkdir()
    (shipped / "lab.toml").write_text(lab)
    (shipped / "study.toml").write_text(SMALL_STUDY)
    patched.setattr(demo_study, "SHIPPED", shipped)
    patched.setattr(demo_study, "RUNS", folder)
    made = asked.ask("demo", "--study", option="--study")
    for action in ("plan", "prepare", "run"):
        asked.ask(f"study {action}", made["study"], codes=(0, 3))
    assert asked.refused("study", "run", made["study"], "--only", "there")["place"] == "--only there"


def ask_for_ranges(asked: Asked, folder: Path) -> None:
    lab = LabUnderTest(folder)
    meter = METERS[METERS.index("[meters.gpu]") :].replace("gpu-supply", "sut-ac-inlet").replace("gpu]", "wall]")
    begin, end = LAB.index("[meters.wall]"), LAB.index("[scenarios.steps]\n")
    lab.write(LAB[:begin] + meter + LAB[end + len("[scenarios.steps]\n") :])
    with chdir(folder):
        asked.ask("run", "--ranging", option="--ranging")


def ask_of_campaigns(asked: Asked, folder: Path) -> None:
    """What is done with a campaign that was measured."""
    campaign, other = (
        make_campaign(folder, replace(SHAPE, name=name, seed=seed)) for name, seed in (("a", 7), ("b", 8))
    )
    key = make_key(folder / "key")
    asked.ask("report", campaign)
    asked.ask("annotate", campaign, "1", "--text", "a door was open", "--exclude", "draught")
    asked.ask("annotate", campaign, "--text", "a warm day")
    asked.ask("report", campaign)
    asked.ask("report", other)
    asked.ask("compare", campaign, other, "--into", folder / "compared")
    asked.ask("sign", other, "--key", key)
    asked.ask("verify", other, "--public-key", f"{key}.pub")
    asked.ask("verify", folder / "compared")
    asked.ask("verify", campaign, "--public-key", f"{key}.pub", codes=(3,))
    asked.ask("export bag", other, "--into", folder / "b.zip")
    asked.ask("archive add", other, "--into", folder / "archive", "--raw")
    asked.ask("archive add", campaign, "--into", folder / "archive", "--raw")
    asked.ask("archive compact", folder / "archive")
    asked.ask("archive list", folder / "archive")
    asked.ask("archive regression", folder / "archive", "cnn", "--margin", "50%", codes=(0, 4, 5))
    asked.ask("archive query", folder / "archive", "SELECT count(*) AS n FROM runs")
    asked.ask("archive report", folder / "archive", "scenarios", "--csv", folder / "scenarios.csv")
    asked.ask("archive energies", folder / "archive", other.name, "--every", "60")
    asked.ask("archive verify", folder / "archive")
    asked.ask("archive restore", folder / "archive", other.name, "--into", folder / "restored")
    asked.ask("verify", folder / "b.zip")
    asked.ask("export oscar", campaign, "--into", folder / "oscar")
    asked.ask("import oscar", folder / "oscar", "--into", folder / "again")
    asked.ask("export mlperf", other, "--into", folder / "mlperf")
    asked.ask("export spdx", other, "--stage", "training", "--into", folder / "spdx.json")
    asked.ask("export sci", other, "--into", folder / "sci.yaml")
    asked.ask("export itu-l1801", other, "--into", folder / "l1801.json")
    asked.ask("export ai-act", other, "--stage", "training", "--into", folder / "ai-act.json")
    (folder / "small.toml").write_text(HEAD + QUESTION.format(test="welch", transform="none"))
    rows = [f"{net},{energy + place},{load}" for place in range(3) for net, energy, load in TABLE]
    (folder / "runs.csv").write_text("\n".join(["net,energy,load", *rows, ""]))
    asked.ask("study report", folder / "small.toml", "--into", folder / "study")
    assert asked.refused("report", folder / "no")["place"] == str(folder / "no")
    assert asked.refused("sign", other, "--key", folder / "none")["place"] == str(folder / "none")


TABLE = (("a", 10.0, 50), ("b", 20.0, 60), ("c", 30.0, 70))


def ask_of_foreign_files(asked: Asked, folder: Path) -> None:
    asked.ask("import nvidia-smi", DATA / "nvidia-smi" / "smi_two_boards_1s.csv", "--into", folder / "smi")
    asked.ask("import ptd", DATA / "ptd" / "krai", "--into", folder / "ptd")
    asked.ask("import mlperf-training", DATA / "mlperf-training", "--into", folder / "training")
    asked.ask("import jls", write_jls(folder / "a.jls", [Instrument({"power": wave(0.1)})]), "--into", folder / "jls")
    asked.ask("import mlperf-tiny", DATA / "mlperf-tiny" / "runner", "--into", folder / "tiny")
    mine = tracked(folder)
    rows = [v1(end - 2, 50, 0.001) for _, _, end in intervals(mine)]
    asked.ask("import tracker", file(folder, *rows), "--campaign", mine, "--timezone", "UTC")


def ask_of_software(asked: Asked, folder: Path) -> None:
    """What software says of power, and what is made of it."""
    qualified = qualified_campaign(folder, QUALIFIED)
    asked.ask("qualify", qualified, codes=(3,))  # an emulated wall qualifies nothing
    copy, record = signed_copy(folder / "copy", make_key(folder / "own")), software_log(folder / "log.csv", 90.0)
    words = ("--public-key", copy / "lab.pub", "--kind", "gpu", "--same-machine")
    asked.ask("correct", copy, record, *words)
    path = write(folder / "csv", rows(*[60.0] * 50, *[100.0] * 70))
    asked.ask("import power-csv", path, "--into", folder / "imported")
    logged = scaphandre(folder / "scaphandre.csv", BEGIN_NS * 1e-9, BEGIN_NS * 1e-9 + 119)
    told = ("--campaign", folder / "imported", "--timezone", "UTC")
    asked.ask("import software-log", "scaphandre", logged, *told)
    (folder / "facts.csv").write_text("scenario,epochs\nlog,4\n")
    facts = ("--facts", folder / "facts.csv", "--start", "1", "--window", "2")
    asked.ask("estimate score", folder / "imported", *facts)
    loads = {f"net{n}": Load(20.0 * n, 30.0, epochs=4) for n in (1, 2)}
    make_campaign(folder, Shape(name="nets", loads=loads, repetitions=10, duration_s=20, gpu=False, baseline_blocks=2))
    (folder / "nets.csv").write_text("scenario,gflops,epochs,duration_s\nnet1,1,4,20\nnet2,2,4,20\n")
    table = ("--facts", folder / "nets.csv")
    asked.ask("estimate fit", folder / "model.json", folder / "nets", *table, "--models", "mean,linear")
    asked.ask("estimate predict", folder / "model.json", *table)


def ask_a_fleet(asked: Asked, folder: Path) -> None:
    """A fleet of one station, while it measures and when it has."""
    asked.ask("fleet certificates", folder / "others", "office", "bench")
    with FleetOnThisMachine(folder / "fleet", ("a",), repetitions=1) as fleet:
        fleet.start_all()
        wait_for(lambda: fleet.begun("a") > 1)
        asked.ask("fleet status", fleet.file)
        assert asked.ask("fleet stop", fleet.file)["stopped"] == {"a": str(fleet.campaign("a"))}
        assert fleet.await_client() == 1
        asked.ask("fleet plan", fleet.file)
        (folder / "none.toml").write_text(fleet.file.read_text().replace("lab.toml", "none.toml").replace(
            '"keys/office"', f'"{fleet.folder}/keys/office"'
        ))  # fmt: skip
        (nothing,) = asked.ask("fleet run", folder / "none.toml", codes=(1,))["campaigns"]
        assert "none.toml: no such file" in nothing["problem"]
        assert asked.refused("fleet", "stop", fleet.file, "b")["place"] == str(fleet.file)
    asked.refused("fleet", "status", fleet.file)


def ask_meters(asked: Asked, folder: Path) -> None:
    link = folder / "wall"
    words = ["wattsup", "--link", str(link), "--profile", "watts=50"]
    command = [sys.executable, "-m", "meters.emulators", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as emulator:
        try:
            assert emulator.stdout is not None
            emulator.stdout.readline()
            asked.ask("meter list", "--port", link)
            asked.ask("meter list", "--probe", "--port", link, "--driver", "wattsup")
            asked.ask("meter list")
            with pytest.MonkeyPatch.context() as patched:  # the networks of whoever runs the tests are left alone
                patched.setattr(network, "interfaces", lambda: [Interface("lab", "192.0.2.1", "", multicast=False)])
                patched.setattr(network, "search", lambda *_: Findings((NEEDY,), ()))
                asked.ask("meter list", "--probe", "--network", "--port", link, "--driver", "wattsup")
            asked.ask("meter read", "wattsup", link, "--count", "3")
            asked.ask("meter check", "wattsup", link, "--seconds", "13", codes=(0, 3))
            asked.ask("meter record", "wattsup", link, "--count", "3", "--into", folder / "session", codes=(0, 3))
            into = ["--runs", "2", "--into", str(folder / "measured")]
            asked.ask("measure", "--meter", f"wattsup@{link}", *SHORT, *into, "--", "sleep", "4", codes=(0, 3))
            assert "--count" in asked.refused("meter", "read", "wattsup", link)["message"]
        finally:
            emulator.terminate()
    asked.ask("meter drivers")
    asked.ask("meter drivers", "wattsup")
    assert asked.refused("meter", "drivers", "watsup")["place"] == "driver"
    assert asked.refused("meter", "read", "wattsup", "/dev/null", "--count", "0")["place"] == "--count"
    assert asked.refused("meter", "read", "wattsup", "/dev/no", "--count", "1")["place"] == "/dev/no"
    assert asked.refused("meter", "read", "wall2", "--lab", "/no/lab.toml", "--count", "1")["place"] == "/no/lab.toml"


def ask_witnesses(asked: Asked, folder: Path) -> None:
    key = make_key(folder / "operator")
    asked.ask("witness receiver", "--operator-key", f"{key}.pub", "--into", folder / "receiver.py")
    with witness_account(folder) as account:
        path = lab_with(folder, ssh_section(account))
        (folder / "runs").mkdir()
        write_campaign(load(path).campaign_folder)
        asked.ask("witness send", "--lab", path)
        asked.ask("witness show", account.log)


def record_of(command: str) -> Any:  # noqa: ANN401  a record, which is a type
    document = dict(documents())[command]
    if isinstance(document, FileDocument):
        module, _, name = document.record.partition(":")
        return getattr(import_module(module), name)
    return document


def test_every_command_says_what_it_does_as_a_document_or_why_it_does_not(asked: Asked) -> None:
    assert {command for command, _ in documents()} == set(asked.said)
    every = {" ".join(words) for words, _ in cli.parser(NAME).commands()}
    with_documents = {command.partition(" --")[0] for command in asked.said}
    assert every - with_documents == set(WITHOUT), "give it `add_json_argument`, or say in WITHOUT why it has none"


def test_every_key_that_came_is_documented_and_every_one_that_is_documented_came_or_may_be_null(asked: Asked) -> None:
    came: dict[type, set[str]] = {}
    for command, said in asked.said.items():
        for document in said:
            note(decoded(record_of(command), document, command), came)
    for code, document in asked.failures:
        note(decoded(Failure, document, str(code)), came)
    known = [record for record in came if record.__module__.startswith("harness.cli")]
    assert set(records()) <= set(came)
    for record in known:
        hints = get_type_hints(record)
        never = [spec.name for spec in fields(record) if spec.name not in came[record]]
        assert [name for name in never if NoneType not in get_args(hints[name])] == [], record.__name__


def note(value: Any, came: dict[type, set[str]]) -> None:  # noqa: ANN401  a record or a part of one
    """Remember which keys of which records were not null, and not empty where records would stand in them."""
    if is_dataclass(value):
        keys = came.setdefault(type(value), set())
        keys |= {spec.name for spec in fields(value) if getattr(value, spec.name) is not None}
    for part in parts_of(value):
        note(part, came)


SELDOM = {GivenUp}
"""What no command here has to say: cells that were given up are in test_study_run.py."""


def test_every_record_of_the_page_came(asked: Asked) -> None:
    came: dict[type, set[str]] = {}
    for command, said in asked.said.items():
        for document in said:
            note(decoded(record_of(command), document, command), came)
    assert {record for document in records()[:-1] for record in within(document)} - set(came) == SELDOM


def within(hint: Any) -> Iterator[type]:  # noqa: ANN401  a type hint is anything
    """The records that a type holds, itself included."""
    if isinstance(hint, type) and is_dataclass(hint):
        yield hint
        for inner in get_type_hints(hint).values():
            yield from within(inner)
    for argument in get_args(hint):
        yield from within(argument)


def test_every_document_has_a_schema_and_every_failure_a_sentence(asked: Asked) -> None:
    for command, said in asked.said.items():
        for document in said:
            assert isinstance(document, Mapping), command
            assert isinstance(document["schema"], int), command
    for _, document in asked.failures:
        assert document["schema"] == 1
        assert document["error"]["message"]


def test_the_page_lists_the_documents_of_the_commands(asked: Asked) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_tables(page) == page, "docs/json.md: run `python -m harness.cli.reference`"
