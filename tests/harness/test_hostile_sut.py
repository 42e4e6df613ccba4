"""Nothing a SUT says costs more than itself: every lie ends in a sealed run that can be read, with the right energy or
out of the means with a reason, and never in the way of the campaign's report."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from harness.measure import agent_recorder
from harness.measure import run as run_module
from harness.measure.attempt import Ended, execute
from harness.measure.journal import utc_now
from harness.measure.plan import PlannedRun
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import Json, NoteEvent
from harness.record.errors import DocumentError
from harness.record.run_folder import RunFolder
from harness.record.verify import verify_campaign
from harness.sut import session as session_module
from harness.sut.channel import MAX_LINE, AgentChannel
from reports.campaign.analyse import analyse
from reports.campaign.document import Analysis
from tests.campaign_results import plain
from tests.documents import write_report
from tests.harness.lying import (
    MATERIAL,
    POWER_W,
    RATING_S,
    Lie,
    LyingSut,
    Wire,
    bench_of,
    config_in,
    encoded,
    in_record,
    only,
    saying,
)

HUGE = 10**400
FEW = 300
"""So many notes and marker lines are taken here; the product's bounds differ from it in nothing else."""
ESCAPE = "\x1b]0;owned\x07"


def is_end(record: Json) -> bool:
    return record.get("rec") == "phase" and record.get("edge") == "end"


def is_sample(record: Json) -> bool:
    return record.get("rec") == "sample"


def is_answer_to_ping(message: Json) -> bool:
    return "sut_boot_ns" in message


def marker(**fields: object) -> Json:
    return {"rec": "marker", "action": "epoch", "index": 0, "edge": "begin", "metrics": {}, "exit_code": None} | fields


def raw(text: str) -> bytes:
    return text.encode() + b"\n"


def hang_up(_: Json) -> list[bytes]:
    raise OSError("cut")


def moved(by_s: float) -> Lie:
    """The end of the interval is stamped at another moment than it was."""

    def change(message: Json) -> list[bytes]:
        record = message["journal"]
        return [encoded(message | {"journal": record | {"sut_ns": record["sut_ns"] + int(by_s * 1e9)}})]

    return replace(only(lambda message: is_end(message.get("journal", {})), change), rating_s=1.2)


@dataclass(frozen=True, slots=True)
class Case:
    """A lie, words that stand in the run's notes or its reason, how it ends, whether it counts, and a finding."""

    lie: Lie
    said: str = ""
    status: str = "success"
    counts: bool = True
    finding: str = ""


def cell(value: object, said: str) -> Case:
    return Case(in_record(is_sample, values=[value, 1.0]), f"cpu_percent is {said}")


def end(said: str, **fields: object) -> Case:
    return Case(in_record(is_end, **fields), said, "abort", False)


def columns(said: str, told: object) -> Case:
    return Case(in_record(lambda record: record["rec"] == "descriptor", columns=told), said)


def pong(**fields: object) -> Case:
    lie = only(is_answer_to_ping, lambda message: [encoded({"id": message["id"]} | fields)])
    return Case(lie, "expected stamps in nanoseconds", "abort", False)


def offset(said: str, told: object) -> Case:
    """A sample's line once more, at another offset."""
    lie = only(lambda m: is_sample(m.get("journal", {})), lambda m: [encoded(m), encoded(m | {"at": told})])
    return Case(lie, said)


ORDER = "expected two stamps in order"
NOW: Json = {"sut_ns": 1, "sut_wall_ns": 1, "sut_boot_ns": 1}
BROKEN: Json = {"loss": [float("nan"), {"a": float("inf")}], "n": HUGE, "t": "\ud800", "\udfff": 1}
CASES: dict[str, Case] = {
    "an honest one": Case(Lie()),
    "NaN in a cell": cell(float("nan"), "nan, which is no number"),
    "a text in a cell": cell("x", "'x', which is no number"),
    "an integer of 400 digits in a cell": cell(HUGE, "1000"),
    "a sample of another width": Case(in_record(is_sample, values=[1.0]), "a sample of 1 values, its descriptor has 2"),
    "samples in a text": Case(in_record(is_sample, values="nothing"), "a sample of 7 values"),
    "a sample stamped with a text": Case(in_record(is_sample, sut_ns="abc"), "sut_ns is 'abc'"),
    "samples that stand still": Case(in_record(is_sample, sut_ns=5), "a sample at 5 after one at 5"),
    "no columns": columns("agent-garbled", "none"),
    "two columns of one name": columns("two columns of one name", [{"name": "a"}, {"name": "a"}]),
    "a column that breaks the table": columns("a name that is none", [{"name": "a,b\n"}]),
    "the end is a text": end(ORDER, sut_ns="abc"),
    "the end is no whole number": end(ORDER, sut_ns=1.5),
    "the end is beyond all time": end(ORDER, sut_ns=10**30),
    "the end is before the begin": end(ORDER, sut_ns=1),
    "no begin": end(ORDER, begin_ns=None),
    "an exit code that is none": end(ORDER, exit_code="0"),
    "the end came before it was over": Case(moved(-1.0), "", "success", False, "arrival-contradicted"),
    "the end lies in the future": Case(moved(+1.0), "", "success", False, "arrival-contradicted"),
    "the interval ends twice": Case(
        only(lambda m: is_end(m.get("journal", {})), lambda m: [encoded(m), encoded(m | {"at": m["at"] + 1})]),
        "begins once and ends once",
    ),
    "a phase of the host": Case(saying({"rec": "phase", "name": "stage", "edge": "begin"}), "no other phase is its"),
    "an offset that is a text": offset("a journal line at 'x'", "x"),
    "an offset that goes back": offset("a journal line at 1", 1),
    "no offset at all": Case(
        only(lambda m: is_sample(m.get("journal", {})), lambda m: [encoded({"journal": m["journal"]})]),
        "the agent's journal stopped at byte", "abort", False, "aborted-after-rating",
    ),
    "a journal line that is a list": Case(saying(raw('{"at":999999,"journal":[1]}')), "a journal line at 999999"),
    "a line nested without end": Case(saying(raw("[" * 100_000))),
    "an answer to nobody": Case(saying(raw('{"id":[1]}'), raw('{"id":{}}'), raw("7")), "neither an answer nor"),
    "a line of a megabyte": Case(saying(raw('{"at":1,"journal":"' + "x" * (1 << 20) + '"}')), "was dropped"),
    "an unknown record": Case(saying({"rec": "new"}), "agent-unknown"),
    "a note of escapes": Case(saying({"rec": "note", "code": ESCAPE, "text": ESCAPE}), "\ufffd]0;owned\ufffd"),
    "notes without end": Case(saying(*[{"rec": "note", "code": "n"}] * (FEW + 9)), f"more than {FEW} notes"),
    "markers without end": Case(saying(*[marker()] * (FEW + 9)), f"more than {FEW} marker lines"),
    "metrics that are none": Case(saying(marker(), marker(edge="end", metrics=BROKEN)), "metric loss[1].a is inf"),
    "a marker of other types": Case(
        saying(marker(index="1"), marker(exit_code=HUGE), marker(metrics=[1]), marker(sut_ns=None)), "agent-garbled"
    ),
    "an action that ends before it begins": Case(
        saying(marker(sut_ns=1 << 61), marker(edge="end")), "its end is stamped before its begin"
    ),
    "a marker from before the command": Case(saying(marker(sut_ns=0)), "stamped before the command's begin"),
    "clock answers that are texts": pong(**NOW | {"sut_ns": "now"}),
    "clock answers beyond all time": pong(**NOW | {"sut_ns": 10**40}),
    "clock answers that are NaN": pong(**NOW | {"sut_wall_ns": float("nan")}),
    "clock answers without stamps": pong(),
    "a refusal full of escapes": Case(
        only(lambda m: set(m) == {"id"}, lambda m: [encoded(m | {"error": ESCAPE})]),
        "the agent refused rate: \ufffd]0;owned\ufffd", "abort", False,
    ),
    "a fault that is a list": Case(saying(raw('{"fault":[[1]]}')), "[[1]]; free its disk", "abort", False),
    "a journal of another length": Case(
        only(lambda m: "size" in m and m["id"] > 1, lambda m: [encoded(m | {"size": "all"})]),
        "the agent answered 'all' to finish", "abort", False, "aborted-after-rating",
    ),
    "it hangs up": Case(
        only(lambda m: m.get("journal", {}).get("rec") == "phase", hang_up),
        "the link was lost for longer than reconnect_s", "abort", False,
    ),
    "an artifact is missing": Case(Lie(files={}), "summary.json: is not there", finding="artifact-missing"),
    "its own output is unlinked": Case(
        Lie(lost=("stdout.txt",)), "stdout.txt is not there: what the program wrote is lost", finding="note"
    ),
    "a summary of nonsense": Case(
        Lie(files={"summary.json": f'{{"val_accuracy": {HUGE}, "epochs": NaN, "correct": 1e999, "f1": []}}'.encode()})
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Lab"]:
    folder = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session_module, "BACKOFF_S", (0.1,))
        patch.setattr(session_module, "STALL_S", 0.3)
        patch.setattr(run_module, "ANSWER_S", 0.3)
        patch.setattr(agent_recorder, "MOST_NOTES", FEW)
        patch.setattr(agent_recorder, "MOST_MARKERS", FEW)
        yield Lab(folder)


class Lab:
    """All lies as runs of one campaign, made when they are asked for."""

    def __init__(self, folder: Path) -> None:
        self.config = config_in(folder)
        self.campaign = CampaignFolder.create(folder / "c")
        header = {"schema": 1, "name": "c", "uid": "0", "seed": 1, "design": "", "customer": "", "software": {}}
        self.campaign.append("campaign", "2026-11-28T08:00:00Z", header | {"config": self.config.to_json()})
        self._previous: str | None = None
        self._ended: dict[str, tuple[Path, Ended]] = {}

    def run(self, name: str) -> tuple[Path, Ended]:
        if name not in self._ended:
            self._ended[name] = self._execute(name)
        return self._ended[name]

    def _execute(self, name: str) -> tuple[Path, Ended]:
        ordinal = 1 + len(self._ended)
        folder = self.campaign.path / f"20261128T080000Z-r{ordinal:02d}-{ordinal:08x}"
        planned = PlannedRun(ordinal=ordinal, kind="scenario", scenario="work", repetition=ordinal, seed=1, block=None)
        begin = {"ordinal": ordinal, "folder": folder.name, "attempt": 1}
        self.campaign.append("run-begin", utc_now(), begin)
        ended = execute(
            bench_of(self.config, LyingSut(CASES[name].lie)), planned, self.config.scenarios[0], folder, MATERIAL,
            attempt=1, previous_manifest=self._previous, on_start=lambda _: None, on_phase=lambda *_: None,
            reference=None,
        )  # fmt: skip
        self._previous = ended.manifest
        end = {"exit_status": ended.exit_status, "reason": ended.reason, "manifest": ended.manifest}
        self.campaign.append("run-end", utc_now(), begin | end)
        return folder, ended

    def results(self) -> Analysis:
        for name in CASES:
            self.run(name)
        return analyse(self.campaign.path)


@pytest.fixture(scope="module")
def results(lab: Lab) -> Analysis:
    return lab.results()


@pytest.mark.parametrize("name", CASES)
def test_a_lie_costs_itself_and_is_told(lab: Lab, results: Analysis, name: str) -> None:
    case, (folder, ended) = CASES[name], lab.run(name)
    run = RunFolder.open(folder)
    assert (ended.exit_status, run.exit_status) == (case.status, case.status), ended.reason
    (entry,) = (entry for entry in plain(results)["runs"] if entry["folder"] == folder.name)
    notes = [f"{event.code}: {event.text}" for event in run.events if isinstance(event, NoteEvent)]
    told = "\n".join([*notes, str(run.reason), str(entry["excluded_because"])])
    assert case.said in told, told
    assert all(text.isprintable() for text in notes)
    assert entry["included"] == case.counts, told
    assert case.finding in ("", *entry["findings"])
    if case.counts:
        assert entry["duration_s"]["value"] == pytest.approx(RATING_S, abs=0.3)
        assert entry["energy_wh"]["value"] * 3600 == pytest.approx(POWER_W * entry["duration_s"]["value"], rel=0.01)


def test_every_run_is_sealed_and_the_campaign_is_as_it_was_measured(lab: Lab, results: Analysis) -> None:
    assert [check for check in verify_campaign(lab.campaign.path) if not check.passed] == []


def test_the_report_of_all_of_them_is_written(lab: Lab, results: Analysis) -> None:
    assert write_report(lab.campaign.path).stat().st_size > 20_000
    json.loads((lab.campaign.path / "derived" / "results.json").read_text())
    missing = [finding.subject for finding in results.numbers.findings if finding.code == "artifact-missing"]
    assert missing == [lab.run("an artifact is missing")[0].name]


def test_metrics_keep_what_is_sound_in_them(lab: Lab) -> None:
    run = RunFolder.open(lab.run("metrics that are none")[0])
    (end,) = (event for event in run.events if getattr(event, "name", "") == "epoch" and event.edge == "end")  # type: ignore[union-attr]
    assert end.metrics == {"loss": [None, {"a": None}], "n": None, "t": "\ufffd", "\ufffd": 1}  # type: ignore[union-attr]


def test_a_line_without_end_is_dropped_as_it_comes_and_what_follows_is_read() -> None:
    wire, sent, block = Wire(), 0, b"x" * (1 << 15)
    link = AgentChannel(wire)
    while sent < 32 << 20:
        wire.sut.sendall(block)
        sent += len(block)
        assert link.receive(1.0) == []
        assert len(link._rest) <= MAX_LINE
    wire.sut.sendall(b'\n{"id":7}\n')
    assert link.receive(1.0) == [{"id": 7}]
    assert link.take_dropped() == [sent]
    for end in (wire.host, wire.sut):
        end.close()


def test_ctrl_c_ends_a_run_within_seconds_though_the_agent_is_mute(tmp_path: Path) -> None:
    config, sut = config_in(tmp_path), LyingSut(Lie())
    interrupted: list[float] = []

    def interrupt(phase: str, *_: object) -> None:
        if phase == "rating":
            sut.fall_silent()
            interrupted.append(time.monotonic())
            raise KeyboardInterrupt

    planned = PlannedRun(ordinal=1, kind="scenario", scenario="work", repetition=1, seed=1, block=None)
    ended = execute(
        bench_of(config, sut), planned, config.scenarios[0], tmp_path / "r", MATERIAL, attempt=1,
        previous_manifest=None, on_start=lambda _: None, on_phase=interrupt, reference=None,
    )  # fmt: skip
    assert time.monotonic() - interrupted[0] < 20
    assert (ended.exit_status, ended.reason) == ("abort", "interrupted by the operator (Ctrl-C)")
    notes = [event.text for event in RunFolder.open(tmp_path / "r").events if isinstance(event, NoteEvent)]
    assert any("the agent did not answer to kill" in text for text in notes)
    assert sut.removed != []


@pytest.mark.parametrize(
    "error", [RuntimeError("a bug"), KeyError("x"), RecursionError(), SystemExit(3), DocumentError("d")]
)
def test_a_run_is_sealed_whatever_its_release_meets(tmp_path: Path, error: BaseException) -> None:
    config = config_in(tmp_path)
    sut = LyingSut(Lie())

    def unstage(work: str) -> None:
        raise error

    sut.unstage = unstage  # type: ignore[method-assign]
    planned = PlannedRun(ordinal=1, kind="scenario", scenario="work", repetition=1, seed=1, block=None)
    ended = execute(
        bench_of(config, sut), planned, config.scenarios[0], tmp_path / "r", MATERIAL, attempt=1,
        previous_manifest=None, on_start=lambda _: None, on_phase=lambda *_: None, reference=None,
    )  # fmt: skip
    run = RunFolder.open(tmp_path / "r")
    assert run.stop is not None
    assert run.manifest_sha256 == ended.manifest
    assert ended.exit_status == "abort"
    assert isinstance(ended.cause, type(error))
