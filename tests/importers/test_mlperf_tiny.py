"""Energy sessions of MLPerf Tiny: every published window to its last digit, and what is refused."""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.foreign.importers.mlperf_tiny.importer import import_mlperf_tiny
from harness.record.campaign_folder import CampaignFolder
from harness.record.errors import ImportFileError
from harness.record.verify import verify_campaign
from reports.campaign.analyse import analyse
from reports.campaign.document import Analysis

DATA = Path(__file__).parents[1] / "data" / "mlperf-tiny"
UJ_OF_WH = 3.6e9
HEADER = b"\xf1" + np.float32(1000).tobytes()


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny") / "c"
    import_mlperf_tiny(DATA / "energyrunner", folder)
    return folder


@pytest.fixture(scope="module")
def published(campaign: Path) -> Analysis:
    return analyse(campaign)


def codes(result: Analysis) -> set[str]:
    return {finding.code for finding in result.numbers.findings}


# --- published sessions as they are ---------------------------------------------------------------------------------


def test_every_published_window_comes_out_to_its_last_digit(published: Analysis) -> None:
    runs = published.numbers.runs
    assert [(run.scenario, run.repetition, run.included) for run in runs] == [("ad01", n, True) for n in range(1, 6)]
    windows = [run.publisher for run in runs]
    by_rule = [f"{window.energy_wh.value * UJ_OF_WH:.3f}" for window in windows if window]
    assert by_rule == ["1745131.600", "1745823.169", "1744815.641", "1743879.000", "1750459.501"]
    stated = [window.stated_energy_wh.value * UJ_OF_WH for window in windows if window and window.stated_energy_wh]
    assert stated == pytest.approx([float(text) for text in by_rule], rel=1e-15)
    powers = [f"{window.mean_power_w.value * 1e6:.3f}" for window in windows if window]
    assert powers == ["152813.625", "152874.183", "152812.720", "152730.688", "153253.327"]
    assert [run.energy_wh.value for run in runs if run.energy_wh] == pytest.approx(
        [window.energy_wh.value for window in windows if window], rel=1e-12
    )
    assert "publisher-energy" not in codes(published)


def test_every_published_energy_of_an_inference_comes_out(published: Analysis) -> None:
    [per_work] = published.numbers.scenarios["ad01"].energy_per_work
    assert (per_work.work, per_work.amount.value if per_work.amount else None) == ("inferences", 5000)
    each = [run.energy_wh.value * UJ_OF_WH / 5000 for run in published.numbers.runs if run.energy_wh]
    stated = [run.publisher.source["stated_uj_per_inference"] for run in published.numbers.runs if run.publisher]
    assert [f"{one:.3f}" for one in each] == [f"{one:.3f}" for one in stated]
    assert f"{np.median(each):.3f}" == "349.026"


def test_the_trace_has_its_frequency_its_clock_and_its_instrument(campaign: Path) -> None:
    runs = CampaignFolder(campaign).runs()
    [power] = runs[0].power
    assert (power.window_s, power.stamp, power.identity["model"]) == (0.001, "start", "LPM01A")
    # session-start-id[20220306182558] at 27.614 s of the log, m-trace[on] at 28.376 s, the first stamp at 9.367 s.
    assert runs[0].start.utc == "2022-03-06T18:26:08.129Z"
    assert [check for check in verify_campaign(campaign) if not check.passed] == []
    assert {file.name for file in (campaign / "sources").iterdir()} == {
        file.name for file in (DATA / "energyrunner").iterdir()
    }


def test_a_session_of_joules_per_sample_is_read_from_its_last_two_marks(tmp_path: Path) -> None:
    """Its first trial has three marks: what lies between the first two is activity on the pin."""
    import_mlperf_tiny(DATA / "runner", tmp_path / "c")
    runs = analyse(tmp_path / "c").numbers.runs
    windows = [run.publisher for run in runs]
    assert [f"{window.energy_wh.value * UJ_OF_WH:.3f}" for window in windows if window] == ["357855.490", "357667.030"]
    assert [f"{window.mean_power_w.value * 1e3:.4f}" for window in windows if window] == ["32.8730", "32.8768"]
    assert [run.work for run in runs] == [{"inferences": 250.0}] * 2
    assert runs[0].start_utc.startswith("2025-07-26T10:23:54")  # loaded at 10:23:50, mark at sample 4042


# --- made-up sessions -----------------------------------------------------------------------------------------------


def session(folder: Path, trace: bytes, stamps: object, results: str = "") -> Path:
    folder.mkdir(parents=True)
    (folder / "trace1-energy.bin").write_bytes(trace)
    (folder / "trace1-timestamps.json").write_text(json.dumps(stamps))
    if results:
        (folder / "results.txt").write_text(results)
    return folder


def trace_of(values_mw: Any) -> bytes:  # noqa: ANN401  an array
    return HEADER + np.asarray(values_mw, dtype="<f4").tobytes()


def result_of(number: int, energy_uj: float) -> str:
    head = f"0.1 ulp-ml: Energy data for window {number} at time 1.00 for 2.00 sec.:\n"
    return f"{head}0.1 ulp-ml:   Energy : {energy_uj} uJ\n"


def test_a_sample_at_the_very_stamp_falls_where_its_added_up_time_does(tmp_path: Path) -> None:
    """.001 added up a thousand times is 1.0000000000000007, before 1.001 and behind 1: sample 1000 counts; added up
    3000 times it is 2.9999999999998912, so that sample 3000 is before 3 and counts too."""
    total, places = 0.0, []
    for _ in range(3001):
        places.append(total)
        total += 0.001
    assert places[1000] > 1.0
    assert places[3000] < 3.0
    values = np.zeros(6000)
    values[1000], values[3000], values[3001] = 1000.0, 2000.0, 4000.0
    import_mlperf_tiny(session(tmp_path / "s", trace_of(values), [0.5, 1.0, 3.0]), tmp_path / "c")
    [run] = analyse(tmp_path / "c").numbers.runs
    assert run.publisher is not None
    assert run.publisher.energy_wh.value * 3600 == pytest.approx(0.001 + 0.002)


def test_a_stated_energy_that_its_samples_do_not_give_is_found(tmp_path: Path) -> None:
    folder = session(tmp_path / "s", trace_of(np.full(4000, 100.0)), [0.5, 1.0, 3.0], result_of(2, 201_000))
    import_mlperf_tiny(folder, tmp_path / "c")
    [finding] = [one for one in analyse(tmp_path / "c").numbers.findings if one.code == "publisher-energy"]
    assert finding.evidence["difference_percent"] == pytest.approx(100 * (200_100 / 201_000 - 1))  # 2001 samples


def test_a_window_that_is_too_short_and_a_session_of_too_few_are_said(tmp_path: Path) -> None:
    import_mlperf_tiny(session(tmp_path / "s", trace_of(np.full(4000, 100.0)), [0.5, 1.0, 3.0]), tmp_path / "c")
    result = analyse(tmp_path / "c")
    [finding] = [one for one in result.numbers.findings if one.code == "publisher-duration"]
    assert finding.evidence == {"window_s": pytest.approx(2.001), "least_s": 10.0}
    assert any("1 windows; MLPerf Tiny asks for 5" in event.text for event in _notes(tmp_path / "c"))


def test_sessions_of_many_folders_are_scenarios_and_a_copy_is_imported_once(tmp_path: Path) -> None:
    for model, power in (("ad", 100.0), ("kws", 50.0), ("kws-again", 50.0)):
        trace = trace_of(np.full(4000, power))
        session(tmp_path / "s" / "board" / model / "energy", trace, [0.0, 0.5, 1.0, 2.0, 3.0])
    summary = import_mlperf_tiny(tmp_path / "s", tmp_path / "c")
    assert summary.runs == {"ad": 2, "kws": 2}
    assert any("the same file as" in remark for remark in summary.remarks)
    assert any("no log says when it was" in event.text for event in _notes(tmp_path / "c"))


def _notes(campaign: Path) -> list[Any]:
    return [event for run in CampaignFolder(campaign).runs() for event in run.events if hasattr(event, "text")]


def test_a_trace_that_is_cut_is_read_to_its_last_whole_sample_and_said(tmp_path: Path) -> None:
    folder = session(tmp_path / "s", trace_of(np.full(4000, 100.0))[:-2], [0.0, 1.0, 3.0])
    summary = import_mlperf_tiny(folder, tmp_path / "c")
    assert any("cut off" in remark for remark in summary.remarks)
    assert "truncated-source" in codes(analyse(tmp_path / "c"))


@pytest.mark.parametrize(
    ("trace", "stamps", "results", "said"),
    [
        (b"\xf0" + trace_of([1.0])[1:], [0, 1, 2], "", "found the first bytes 'f0 00 00 7a 44'"),
        (HEADER, [0, 1, 2], "", "no sample behind the header"),
        (trace_of(np.ones(1500)), [0, 1, 2], "", "stamp 3 is 2.0 s, and the trace ends at 1.5 s"),
        (trace_of(np.ones(5000)), [0, 2, 1], "", "at least two stamps that rise"),
        (trace_of(np.ones(5000)), {"a": 1}, "", "expected a list of seconds"),
        (trace_of(np.ones(5000)), [0, 1, 2], result_of(4, 1.0), "3 stamps, and results.txt names a window 4"),
        (trace_of(np.ones(5000)), [0, 1, 2], "accuracy 1.0\n", "no line 'Energy"),
    ],
)
def test_files_that_are_no_session_are_refused(
    tmp_path: Path, trace: bytes, stamps: object, results: str, said: str
) -> None:
    with pytest.raises(ImportFileError, match=said):
        import_mlperf_tiny(session(tmp_path / "s", trace, stamps, results), tmp_path / "c")


def test_trials_whose_elapsed_time_is_not_that_of_their_samples_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    shutil.copytree(DATA / "runner", folder)
    (folder / "results.txt").write_text((folder / "results.txt").read_text().replace("10.879", "21.758"))
    with pytest.raises(ImportFileError, match="trial 1 has 10879 samples between its marks"):
        import_mlperf_tiny(folder, tmp_path / "c")
    trials = json.loads(gzip.decompress((DATA / "runner" / "results.json.gz").read_bytes()))
    trials[1]["power"]["timestamps"] = [["03", 8333]]
    (tmp_path / "results.json").write_text(json.dumps(trials))
    with pytest.raises(ImportFileError, match=r"trial 1: found the marks \[8333\]"):
        import_mlperf_tiny(tmp_path / "results.json", tmp_path / "c")
