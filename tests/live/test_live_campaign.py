"""The live campaign while its files grow: whatever the cuts, in the end it says what the report says."""

import csv
import json
import os
import random
import re
import shutil
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.live import lookback, watch
from harness.live.assessment import Assessment, assess, baseline_w, sealed
from harness.live.campaign import LiveCampaign
from harness.live.drawing import chart_of, charts_of, last_of, now_of, whole_of
from harness.live.samples import Chart, Samples
from harness.live.state import encoded, run_of, state_of
from harness.live.stream import LONG_BYTES, Stream
from harness.live.watch import Onlooker, Watcher
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import IndicatorDescriptor, PowerDescriptor, Start, Stop
from harness.record.run_writer import RunWriter
from reports.campaign.analyse import analyse
from reports.results.run import RunResult
from tests.analysis.monitored import campaign_of
from tests.analysis.test_every_finding import FIRES
from tests.harness.start import START
from tests.live.growing import Growing
from tests.reports.make_campaign import COLUMNS, Load, Shape, SyntheticRun, make_campaign

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture
def growing(whole: Path, tmp_path: Path) -> Growing:
    return Growing(whole, tmp_path / "growing")


def shown(campaign: LiveCampaign) -> dict[str, Any]:
    """The state as JSON, after everything that is there was read."""
    campaign.poll()
    assessed = assess(campaign.run) if campaign.run is not None else Assessment()
    origins = {stream.descriptor.origin for stream in campaign.run.streams.values()} if campaign.run is not None else ()
    return state_of(campaign, run_of(campaign, campaign.run, assessed), None, origins, NOW)


def reported(whole: Path) -> dict[str, RunResult]:
    return {run.folder: run for run in analyse(whole).numbers.runs}


def test_a_campaign_that_is_not_begun_yet_is_shown_as_such_and_comes_by_itself(growing: Growing) -> None:
    campaign = LiveCampaign(growing.path)
    state = shown(campaign)
    assert state["campaign"] == {"name": "growing", "begun": False}
    assert state["run"] is None
    growing.log(0, extra=100)
    assert not shown(campaign)["campaign"]["begun"]
    growing.log(2)
    state = shown(campaign)
    assert (state["campaign"]["begun"], state["plan"]["done"], len(state["plan"]["runs"])) == (True, 0, 3)


@pytest.mark.parametrize("seed", range(3))
def test_however_it_grows_each_run_ends_with_the_energies_of_the_report(growing: Growing, seed: int) -> None:
    campaign, cuts, numbers = LiveCampaign(growing.path), random.Random(seed), reported(growing.whole)
    for folder in growing.folders:
        growing.log_until(folder, '"run-start"')
        for share in (*sorted(cuts.random() for _ in range(6)), 1.0):
            growing.run(folder, share)
            state = shown(campaign)
        report, run = numbers[folder], state["run"]
        assert run["folder"] == folder
        assert run["ended"] == "ended"
        assert report.energy_wh is not None
        assert report.mean_power_w is not None
        assert run["energy_wh"] == pytest.approx(report.energy_wh.value, rel=1e-12)
        assert run["mean_w"] == pytest.approx(report.mean_power_w.value, rel=1e-12)
        told = {(action["name"], action["index"]): action["energy_wh"] for action in run["actions"]}
        said = {(action.name, action.index): action.energy_wh for action in report.actions}
        assert told == {key: pytest.approx(value, rel=1e-12) for key, value in said.items()}
        assert len(told) == (0 if run["kind"] == "baseline" else 8)
        growing.log_until(folder, '"run-end"')
    assert shown(campaign)["is_done"]


def test_an_action_has_its_energy_as_soon_as_it_has_ended_and_it_hardly_changes(growing: Growing) -> None:
    """The clock's fit of the end is not known yet; of a run without clock exchanges in between nothing else changes."""
    folder = growing.folders[1]
    source = growing.whole / folder
    growing.log_until(folder, '"run-start"')
    lines = (source / "run.jsonl").read_bytes().splitlines(keepends=True)
    until = next(n for n, line in enumerate(lines, 1) if b'"net_creation"' in line and b'"end"' in line)
    (growing.path / folder).mkdir()
    without_end = [line for line in lines[:until] if not (b'"rating"' in line and b'"end"' in line)]
    (growing.path / folder / "run.jsonl").write_bytes(b"".join(without_end))
    shutil.copy(source / "readings-wall.csv", growing.path / folder)
    campaign = LiveCampaign(growing.path)
    run = shown(campaign)["run"]
    assert run["rating"]["end_s"] is None
    final = {(a.name, a.index): a.energy_wh for a in reported(growing.whole)[folder].actions}
    ended = {(a["name"], a["index"]): a["energy_wh"] for a in run["actions"]}
    assert set(ended) == {("image_preparation", 0), ("net_creation", 0)}
    assert ended == {key: pytest.approx(final[key], rel=1e-9) for key in ended}


def test_an_action_that_has_ended_stands_there_before_it_is_assessed(growing: Growing) -> None:
    folder = growing.folders[1]
    growing.log_until(folder, '"run-start"')
    growing.run(folder, 0.85)
    campaign = LiveCampaign(growing.path)
    campaign.poll()
    assert campaign.run is not None
    before = assess(campaign.run)
    growing.run(folder, 1.0)
    campaign.poll()
    run = run_of(campaign, campaign.run, before)
    assert run is not None
    assert 0 < len(before.actions) < run["n_actions"] == len(run["actions"]) == 8
    assert [action["energy_wh"] is None for action in run["actions"]] == [n >= len(before.actions) for n in range(8)]
    assert run["computed_until_s"] == before.until_s


def test_on_a_busy_machine_a_run_that_ends_is_assessed_at_once(
    growing: Growing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it is to rest after the last time."""
    monkeypatch.setattr(watch, "SHARE", 1e9)
    folder = growing.folders[1]
    growing.log_until(folder, '"run-start"')
    growing.run(folder, 0.1)
    watcher, onlooker = Watcher(growing.path), Onlooker(400, 60.0)
    told_to(watcher, onlooker)
    time.sleep(watch.FRAME_S)
    growing.run(folder, 0.7)
    part = told_to(watcher, onlooker)["state"]["run"]
    growing.run(folder, 0.9)
    still = told_to(watcher, onlooker)["state"]["run"]
    assert part["energy_wh"] == still["energy_wh"] is not None
    growing.run(folder, 1.0)
    run, report = told_to(watcher, onlooker)["state"]["run"], reported(growing.whole)[folder]
    assert run["ended"] == "ended"
    assert report.energy_wh is not None
    assert run["energy_wh"] == pytest.approx(report.energy_wh.value, rel=1e-12)
    assert all(action["energy_wh"] is not None for action in run["actions"])


def test_blocks_give_the_baseline_of_the_report(whole: Path) -> None:
    folders = Growing(whole, whole).folders
    blocks = [block for folder in folders if (block := sealed(whole / folder)[0]) is not None]
    assert len(blocks) == 2
    baseline = analyse(whole).numbers.baseline
    assert baseline is not None
    assert baseline.mean_power_w is not None
    assert baseline_w(blocks) == pytest.approx(baseline.mean_power_w.value, rel=1e-12)


def test_a_run_that_is_gone_gives_way_to_what_is_there(growing: Growing) -> None:
    campaign = LiveCampaign(growing.path)
    first, second = growing.folders[:2]
    for folder in (first, second):
        growing.log_until(folder, '"run-start"')
        growing.run(folder, 1.0)
    assert shown(campaign)["run"]["folder"] == second
    growing.remove(second)
    shown(campaign)
    assert shown(campaign)["run"]["folder"] == first
    shutil.rmtree(growing.path)
    shown(campaign)
    assert shown(campaign)["run"] is None


def test_a_repeated_attempt_is_the_one_that_is_shown(growing: Growing) -> None:
    folder = growing.folders[1]
    growing.log_until(folder, '"run-start"')
    growing.run(folder, 0.5)
    campaign = LiveCampaign(growing.path)
    shown(campaign)
    log, again = CampaignFolder(growing.path), "20261121T090000Z-r02-aaaaaaaa"
    failed = {"ordinal": 2, "folder": folder, "exit_status": "fail", "reason": "it broke", "manifest": "ab"}
    log.append("run-end", "2026-11-21T08:10:00Z", failed)
    state = shown(campaign)
    assert state["run"]["ended"] == "failed"
    assert any(
        finding["code"] == "run-failed" and finding["text"] == "it broke" for finding in state["run"]["findings"]
    )
    assert state["plan"]["runs"][1]["state"] == "failed"
    log.append("run-begin", "2026-11-21T08:11:00Z", {"ordinal": 2, "folder": again, "attempt": 2})
    shutil.copytree(growing.path / folder, growing.path / again)
    state = shown(campaign)
    assert state["run"]["folder"] == again
    assert state["plan"]["runs"][1]["state"] == "running"
    log.append("run-end", "2026-11-21T08:12:00Z", failed | {"folder": again, "exit_status": "success",
                                                            "thrown_out": "too many gaps"})  # fmt: skip
    state = shown(campaign)
    assert state["plan"]["runs"][1]["state"] == "thrown out"
    assert any(finding["text"] == "The run enters no mean: too many gaps" for finding in state["run"]["findings"])


@pytest.mark.parametrize("name", ["../other", "..", "/etc", "a/b", "linked"])
def test_no_name_in_the_log_leads_out_of_the_campaign(growing: Growing, name: str) -> None:
    other = growing.path.parent / "other"
    growing.log(2)
    with RunWriter(other) as writer:
        writer.append(Start(**START))
    (growing.path / "linked").symlink_to(other)
    entry = {"ordinal": 1, "folder": name, "attempt": 1}
    CampaignFolder(growing.path).append("run-begin", "2026-11-21T08:00:00Z", entry)
    assert shown(LiveCampaign(growing.path))["run"] is None


def descriptor(
    stream: str = "readings-wall.csv", meter: str = "wall", circuit: str = "sut-ac-inlet"
) -> PowerDescriptor:
    return PowerDescriptor(
        stream=stream, meter=meter, circuit=circuit, identity={"maker": "M"}, origin="emulated", evidence={},
        averaging="window", window_s=1.0, stamp="end", latency_s=0.0, columns=COLUMNS,
    )  # fmt: skip


def test_no_stream_leads_out_of_the_run(growing: Growing) -> None:
    growing.log_until(growing.folders[0], '"run-begin"')
    (growing.path / "secret.csv").write_text("time_ns,power_w\n7,42.0\n")
    with RunWriter(growing.path / growing.folders[0]) as writer:
        writer.append(Start(**START))
        writer.append(descriptor("../secret.csv"))
    campaign = LiveCampaign(growing.path)
    assert shown(campaign)["run"]["meters"] == []


def test_lines_that_nobody_can_read_are_counted_and_cost_themselves(growing: Growing) -> None:
    folder = growing.folders[1]
    growing.log_until(folder, '"run-start"')
    growing.run(folder, 1.0)
    with (growing.path / "campaign.jsonl").open("ab") as log, (growing.path / folder / "run.jsonl").open("ab") as run:
        log.write(b'garbage\n{"type": "plan", "runs": [{"ordinal": [], "scenario": 7}, 8]}\n' + b"[" * 5000 + b"\n")
        run.write(b'\xff\xfe\n{"type": "event", "kind": "note", "time_ns": "x"}\n')
    state = shown(LiveCampaign(growing.path))
    assert state["unreadable"] == 4
    assert state["run"]["energy_wh"] is not None
    json.dumps(state, allow_nan=False)


@pytest.mark.parametrize("row", ["6000000000,1.0,a,b,c,d", "5,2.0", "6000000000,fast", "x,1.0"])
def test_a_damaged_stream_is_said_and_the_others_go_on(tmp_path: Path, row: str) -> None:
    path = tmp_path / "c" / "r"
    path.mkdir(parents=True)
    (path / "readings-wall.csv").write_text(f"time_ns,power_w,window_s,flags\n5500000000,1.0,1.0,\n{row}\n")
    stream = Stream(path, descriptor(), 5_000_000_000)
    stream.poll()
    assert stream.problem is not None
    assert str(tmp_path) not in stream.problem


def test_what_a_long_piece_says_is_what_short_ones_say(tmp_path: Path) -> None:
    rows = [
        f"{5_000_000_000 + n * 1_000_000},{50 + n % 7 / 10!r},0.001,{'stale' if n % 11 == 0 else ''}"
        for n in range(20_000)
    ]
    text = "\n".join(["time_ns,power_w,window_s,flags", *rows, ""])
    assert len(text) > LONG_BYTES
    (tmp_path / "readings-wall.csv").write_text(text)
    at_once = Stream(tmp_path, descriptor(), 5_000_000_000)
    at_once.poll()
    (tmp_path / "b").mkdir()
    bit_by_bit = Stream(tmp_path / "b", descriptor(), 5_000_000_000)
    for end in range(0, len(text) + 30_000, 30_000):
        with (tmp_path / "b" / "readings-wall.csv").open("ab") as file:
            file.write(text[end : end + 30_000].encode())
        bit_by_bit.poll()
    one, other = at_once.series(), bit_by_bit.series()
    assert one.times_ns.tolist() == other.times_ns.tolist()
    assert one.power_w.tolist() == other.power_w.tolist()
    assert one.stale_ns.tolist() == other.stale_ns.tolist()
    assert at_once.count == bit_by_bit.count == 20_000


def two_meters(folder: Path) -> LiveCampaign:
    """A campaign whose SUT is fed by two circuits, one meter each of its own rate."""
    campaign = CampaignFolder.create(folder)
    campaign.append("campaign", "2026-11-21T08:00:00Z", {"schema": 2, "name": "two"})
    campaign.append("run-begin", "2026-11-21T08:00:00Z", {"ordinal": 1, "folder": "r", "attempt": 1})
    config = {"sut": {"circuits": ["a", "b"]}}
    with RunWriter(folder / "r") as writer:
        writer.append(Start(**(START | {"time_ns": 0, "config": config})))
        writer.append(descriptor("readings-one.csv", "one", "a"))
        writer.append(replace(descriptor("readings-two.csv", "two", "b"), origin="instrument"))
        for name, step_ns, power_w in (("one", 100_000_000, 10.0), ("two", 250_000_000, 5.0)):
            with writer.open_stream(f"readings-{name}.csv") as file:
                rows = [f"{n * step_ns},{power_w + n % 3},{step_ns / 1e9},\n" for n in range(1, 41)]
                file.write(("time_ns,power_w,window_s,flags\n" + "".join(rows)).encode())
        writer.append(Stop(time_ns=11_000_000_000, utc="", exit_status="abort", reason=None, streams={}))
    return LiveCampaign(folder)


def test_several_meters_stand_beside_each_other_and_their_sum_behind_them(tmp_path: Path) -> None:
    campaign = two_meters(tmp_path / "two")
    state = shown(campaign)
    assert [meter["counted"] for meter in state["run"]["meters"]] == [True, True]
    assert state["mark"]["word"] == "EMULATED"
    assert campaign.run is not None
    for drawing in (now_of(campaign.run, 60.0), whole_of(campaign.run)):
        traces = {trace["name"]: trace for trace in drawing.to_json(500)["traces"]}
        assert list(traces) == ["one", "two", "sum"]
        assert traces["sum"]["t"][-1] <= 4.02  # as far as both have spoken
    times_s, sum_w = (np.array(traces["sum"][key]) for key in ("t", "v"))
    assert sum_w.min() >= 15.0
    assert sum_w.max() <= 19.0
    assert times_s[0] >= 0.25


def columns_of(path: Path, *names: str) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return [{name: row[name] for name in names} for row in csv.DictReader(file)]


def test_what_is_drawn_of_the_sut_is_what_its_samples_say(growing: Growing) -> None:
    folder = growing.folders[1]
    campaign = LiveCampaign(growing.path)
    growing.log_until(folder, '"run-start"')
    for share in (0.6, 0.61, 0.8, 1.0):
        growing.run(folder, share)
        campaign.poll()
        assert campaign.run is not None
        titles = [chart.title for _, chart in charts_of(campaign.run)]
        found = chart_of(campaign.run, titles.index("GPU power"))
        assert found is not None
        chart, drawing = found
        assert (chart.unit, chart.names) == ("W", ("gpu0_power_w",))
        rows = columns_of(growing.path / folder / "samples-agent.csv", "gpu0_power_w")
        ((_, times_s, values, _),) = drawing.traces
        whole_lines = (growing.path / folder / "samples-agent.csv").read_bytes().count(b"\n") - 1
        assert values.tolist() == [float(row["gpu0_power_w"]) for row in rows[:whole_lines]][: values.size]
        assert whole_lines - values.size <= 1  # a sample may be newer than the last reading
        assert np.all(np.diff(times_s) > 0)
        (trace,) = drawing.to_json(10)["traces"]
        assert len(trace["t"]) <= 20
        assert max(trace["v"]) == max(values)
        assert chart_of(campaign.run, len(titles)) is None


def test_boards_are_drawn_together_and_counters_not_at_all(tmp_path: Path) -> None:
    columns = [{"name": f"gpu{n}_power_w", "unit": "W", "quantity": f"GPU {n} power", "kind": "gauge"} for n in (0, 1)]
    columns.append({"name": "oom_kills", "unit": "1", "quantity": "killed", "kind": "counter"})
    how = IndicatorDescriptor(stream="samples-agent.csv", period_s=1.0, clock="sut", columns=columns)
    (tmp_path / "samples-agent.csv").write_text(
        "sut_ns,gpu0_power_w,gpu1_power_w,oom_kills\n1,2.0,3.0,4\n2,fast,1e9,\n"
    )
    samples = Samples(tmp_path, how)
    samples.poll()
    assert samples.charts == [Chart("GPU power", "W", ("gpu0_power_w", "gpu1_power_w"))]
    assert samples.trace("gpu0_power_w", 0)[1].tolist() == [2.0]
    assert list(samples.cells) == [("gpu1_power_w", 1e9, "W")]
    with (tmp_path / "samples-agent.csv").open("a") as file:
        file.write("3,4.0,5,6,7,8\n")
    samples.poll()
    assert samples.problem is not None


def codes(state: dict[str, Any]) -> list[str]:
    return [finding["code"] for finding in state["run"]["findings"]]


def test_samples_that_come_late_are_told_while_the_run_goes_on(growing: Growing) -> None:
    folder = growing.folders[1]
    growing.log_until(folder, '"run-start"')
    growing.run(folder, 1.0)
    path = growing.path / folder
    lines = (path / "samples-agent.csv").read_bytes().splitlines(keepends=True)
    (path / "samples-agent.csv").write_bytes(b"".join(lines[:12] + lines[20:]))
    journal = (path / "run.jsonl").read_bytes().splitlines(keepends=True)
    (path / "run.jsonl").write_bytes(
        b"".join(line for line in journal if not (b'"rating"' in line and b'"end"' in line))
    )
    state = shown(LiveCampaign(growing.path))
    assert state["run"]["rating"]["end_s"] is None
    assert codes(state) == ["agent-late"]


class Troubled(SyntheticRun):
    """A run whose meter, agent and clock were not well."""

    def _readings(self) -> bytes:
        lines = super()._readings().splitlines(keepends=True)
        return b"".join(lines[:15] + lines[22:])

    def _samples(self) -> bytes:
        lines = super()._samples().splitlines(keepends=True)
        return b"".join(lines[:12] + lines[20:])


def test_of_a_sealed_run_it_tells_all_that_the_report_says_of_it_alone(tmp_path: Path) -> None:
    loads = {"cnn": Load(0.3, 34.0, epochs=3)}
    shape = Shape(name="troubled", repetitions=1, baseline_blocks=0, duration_s=30, loads=loads)
    campaign = make_campaign(tmp_path, shape, Troubled)
    (folder,) = Growing(campaign, campaign).folders
    reported_codes = [finding.code for finding in analyse(campaign).numbers.findings if finding.subject == folder]
    told = codes(shown(LiveCampaign(campaign)))
    assert sorted(told) == sorted(reported_codes)
    assert {"gap", "agent-late"} < set(told)
    (campaign / folder).chmod(0o755)
    (campaign / folder / "MANIFEST.sha256").rename(tmp_path / "seal")
    assert set(codes(shown(LiveCampaign(campaign)))) < set(told)  # before it is sealed: what cannot be taken back


def test_it_looks_and_leaves_no_trace(whole: Path) -> None:
    files = [path for path in sorted(whole.rglob("*")) if path.is_file()]

    def listed() -> dict[str, tuple[int, ...]]:
        of = {path: path.stat() for path in files}
        return {str(path): (one.st_atime_ns, one.st_mtime_ns, one.st_ctime_ns, one.st_size) for path, one in of.items()}

    for path in files:  # read before it was written: the next reading would be noted (mount(8), relatime)
        os.utime(path, ns=(path.stat().st_mtime_ns - 10**9, path.stat().st_mtime_ns))
    before = listed()
    shown(LiveCampaign(whole))
    for folder in whole.iterdir():
        sealed(folder)
    assert listed() == before


TOKENS = (b"inf", b"nan", b"-1", b"1e308", b"9223372036854775807", b"99999999999999999999", b"", b'"x"', b"null", b"[]",
          b"true", b"1e-320", b"\xff", b"<b>")  # fmt: skip


def damaged(content: bytes, dice: random.Random) -> bytes:
    """The same with one number or text replaced, one byte changed, or cut off."""
    found = list(re.finditer(rb'-?\d+(\.\d+)?|"[^"]*"|null', content))
    match dice.choice(("token", "token", "byte", "cut")):
        case "token" if found:
            place = dice.choice(found)
            return content[: place.start()] + dice.choice(TOKENS) + content[place.end() :]
        case "byte":
            at = dice.randrange(len(content))
            return content[:at] + bytes([dice.randrange(256)]) + content[at + 1 :]
        case _:
            return content[: dice.randrange(len(content))]


@pytest.mark.parametrize("seed", range(24))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # pandas' and numpy's own, of numbers that cannot be
def test_whatever_stands_in_the_files_the_view_goes_on(whole: Path, tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    shutil.copytree(whole, tmp_path / "c")
    for path in [*(tmp_path / "c").rglob("*.jsonl"), *(tmp_path / "c").rglob("*.csv")]:
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(damaged(content, dice) if dice.random() < 0.7 else content)
    campaign = LiveCampaign(tmp_path / "c")
    state = shown(campaign)
    assert encoded("state", state).startswith(b"event: state\ndata: {")
    if campaign.run is not None and campaign.run.start is not None:
        for drawing in (now_of(campaign.run, 60.0), whole_of(campaign.run)):
            json.dumps(drawing.to_json(300), allow_nan=False)
        json.dumps(last_of(campaign.run), allow_nan=False)
    for folder in (tmp_path / "c").iterdir():
        sealed(folder)


def test_a_mark_stays_while_a_run_has_not_named_its_meter_yet_and_the_baseline_bears_it(growing: Growing) -> None:
    first, second, *_ = growing.folders
    growing.log_until(second, "run-begin")
    growing.run(first, 1.0)
    (growing.path / second).mkdir()
    begin = (growing.whole / second / "run.jsonl").read_bytes().splitlines(keepends=True)[0]
    (growing.path / second / "run.jsonl").write_bytes(begin)
    watcher = Watcher(growing.path)
    for _ in range(3):  # nobody looked on before: the first run is read when there is nothing else to do
        with watcher._changed:
            watcher._look()
    state = watcher._told_now(0.0)
    assert state["run"]["folder"] == second
    assert state["run"]["meters"] == []
    assert state["mark"]["word"] == "EMULATED"
    assert state["baseline"] | {"mean_w": 0.0} == {"mean_w": 0.0, "blocks": 1, "mark": "EMULATED"}


def told_to(watcher: Watcher, onlooker: Onlooker) -> dict[str, Any]:
    """The events that it has not seen, by their name."""
    with watcher._changed:
        watcher._look()
    blocks = watcher.news(onlooker, 0.0).decode().split("\n\n")[:-1]
    lines = [block.splitlines() for block in blocks]
    return {name.removeprefix("event: "): json.loads(data.removeprefix("data: ")) for name, data in lines}


def test_who_looks_back_sees_the_run_as_the_report_has_it(growing: Growing) -> None:
    first, second, third = growing.folders
    growing.log_until(third, '"run-start"')
    for folder, share in ((first, 1.0), (second, 1.0), (third, 0.4)):
        growing.run(folder, share)
    watcher, onlooker, other = Watcher(growing.path), Onlooker(400, 60.0, chart=0, back=2), Onlooker(400, 60.0)
    with watcher.followed_by(onlooker):
        told = told_to(watcher, onlooker)
        run, report = told["state"]["run"], reported(growing.whole)[second]
        assert report.energy_wh is not None
        assert (told["state"]["back"], run["folder"], run["ended"]) == (2, second, "ended")
        assert run["energy_wh"] == pytest.approx(report.energy_wh.value, rel=1e-12)
        assert len(run["actions"]) == len(report.actions)
        assert [one["ended"] for one in told["state"]["begun"]] == ["ended", "ended", None]
        powers = [float(row["power_w"]) for row in columns_of(growing.path / second / "readings-wall.csv", "power_w")]
        (trace,) = told["whole"]["traces"]
        assert (min(trace["v"]), max(trace["v"])) == (min(powers), max(powers))
        assert told["chart"]["title"] == "SUT total CPU load"
        assert "now" not in told
        growing.run(third, 0.6)
        assert set(told_to(watcher, onlooker)) <= {"state"}  # it does not change
        assert told_to(watcher, other)["state"]["run"]["folder"] == third


def test_the_run_that_goes_on_is_followed_until_it_is_a_past_one(growing: Growing) -> None:
    first, second, _ = growing.folders
    growing.log_until(first, '"run-start"')
    growing.run(first, 0.5)
    watcher, onlooker = Watcher(growing.path), Onlooker(400, 60.0, back=1)
    with watcher.followed_by(onlooker):
        assert told_to(watcher, onlooker)["state"]["back"] == 0
        growing.run(first, 1.0)
        growing.log_until(second, '"run-start"')
        growing.run(second, 0.5)
        state = told_to(watcher, onlooker)["state"]
        assert (state["back"], state["run"]["folder"]) == (1, first)
        assert state["run"]["rating"]["end_s"] is not None


def test_a_run_that_nobody_begun_or_that_is_gone_is_none(growing: Growing) -> None:
    growing.log_until(growing.folders[2], '"run-start"')
    growing.run(growing.folders[2], 0.5)
    watcher = Watcher(growing.path)
    for back in (1, 99):
        onlooker = Onlooker(400, 60.0, back=back)
        with watcher.followed_by(onlooker):
            told = told_to(watcher, onlooker)
            assert set(told) == {"state"}
            assert told["state"]["run"] is None


def test_few_of_those_that_were_looked_back_at_are_kept(growing: Growing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookback, "MOST_KEPT", 1)
    growing.log_until(growing.folders[2], '"run-start"')
    for folder in growing.folders:
        growing.run(folder, 1.0)
    watcher = Watcher(growing.path)
    for back in (1, 2):
        with watcher.followed_by(Onlooker(400, 60.0, back=back)), watcher._changed:
            watcher._look()
    assert list(watcher._lookback._kept) == [2]


def test_an_action_of_which_the_report_gives_no_energy_has_none_in_the_live_view_either(tmp_path: Path) -> None:
    """It lies between momentary readings."""
    campaign = Growing(campaign_of(tmp_path, FIRES["action-too-short"]), tmp_path / "growing")
    folder = campaign.folders[1]
    campaign.log_until(folder, '"run-start"')
    campaign.run(folder, 1.0)
    actions = shown(LiveCampaign(campaign.path))["run"]["actions"]
    said = {(action.name, action.index): action.energy_wh for action in reported(campaign.whole)[folder].actions}
    told = {(action["name"], action["index"]): action["energy_wh"] for action in actions}
    assert told == {key: None if value is None else pytest.approx(value, rel=1e-12) for key, value in said.items()}
    assert None in told.values()
