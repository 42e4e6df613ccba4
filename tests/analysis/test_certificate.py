"""reports.qualification.certificate: a campaign of known truth, and what its certificate says of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from harness.record.documents import IndicatorDescriptor
from harness.record.errors import AnalysisError
from harness.record.verify import examine
from reports.qualification.certificate import Certified, certify
from reports.results.qualification import Qualification
from reports.results.rules import Rule, as_before
from reports.results.software import Software
from reports.results.software_meter import Lag, MeterOnLoad, OlympicTest, Refusal, SeenShare, SoftwareMeter, Transfer
from reports.results.uncertainty import Number
from tests.reports.make_campaign import make_campaign
from tests.reports.qualified import RANGE_J, SHORT, Qualified, QualifiedRun, ResetRun, qualified_campaign, shaped

SOFTWARE = Software("wattlab", "0.2.0", "0" * 40, dirty=False, lock_sha256=None, python="3.11.2")
GPU, CPU, TRACKER = "agent/gpu0_power_w", "agent/rapl_package_0_energy_j", "codecarbon"
FEW = Qualified(declared=SHORT, origin="instrument", baseline_blocks=1)
"""Idle, one level of each kind, and a load that is switched."""


def certified(campaign: Path, limit: float | None = None) -> Certified:
    return certify(campaign, examine(campaign), SOFTWARE, limit)


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Qualification:
    """Five levels of each kind, as if a real instrument had measured them."""
    campaign = qualified_campaign(tmp_path_factory.mktemp("levels"), Qualified(origin="instrument"))
    return certified(campaign).document


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Certified:
    """The certificate of few levels."""
    return certified(qualified_campaign(tmp_path_factory.mktemp("few"), FEW))


def meter_of(document: Qualification, name: str) -> SoftwareMeter:
    return next(meter for meter in document.meters if meter.name == name)


def on_load(document: Qualification, name: str, scenario: str) -> MeterOnLoad:
    return next(load for load in meter_of(document, name).loads if load.scenario == scenario)


def share(document: Qualification, name: str, scenario: str) -> Number:
    seen = on_load(document, name, scenario).seen
    assert isinstance(seen, SeenShare)
    return seen.share


def covers(number: Number, truth: float) -> bool:
    assert number.expanded is not None
    return abs(number.value - truth) <= number.expanded


@pytest.mark.parametrize(
    ("name", "scenario", "truth"),
    [
        (GPU, "gpu-100", 159 / 208),
        (GPU, "idle", 9 / 40),
        (CPU, "cpu-100", 64 / 115),
        (CPU, "gpu-100", 4 / 208),
        (TRACKER, "cpu-100", 72 / 115),
    ],
)
def test_the_share_of_every_meter_and_load_is_within_its_u(
    document: Qualification, name: str, scenario: str, truth: float
) -> None:
    number = share(document, name, scenario)
    assert covers(number, truth)
    assert number.expanded is not None
    assert number.expanded < 0.05 * truth


def test_the_five_minutes_come_from_all_runs_of_a_load_and_fail_where_a_part_is_seen(document: Qualification) -> None:
    test = on_load(document, CPU, "cpu-100").olympic
    assert isinstance(test, OlympicTest)
    assert len({span.run for span in test.spans}) == 3
    assert (test.passed, test.decision) == (False, "fails")
    assert covers(test.ratio, 64 / 115)


def test_a_transfer_function_holds_for_the_kinds_that_the_meter_sees_alone(document: Qualification) -> None:
    gpu, cpu = (meter_of(document, name).transfer for name in (GPU, CPU))
    assert isinstance(gpu, Transfer)
    assert isinstance(cpu, Transfer)
    assert (list(gpu.ranges), list(cpu.ranges)) == (["idle", "gpu"], ["idle", "cpu"])
    assert gpu.gain.value == pytest.approx(1.12, abs=0.01)
    assert gpu.offset_w.value == pytest.approx(40 - 1.12 * 9, abs=0.4)
    assert cpu.gain.value == pytest.approx(1.25, abs=0.01)
    assert cpu.offset_w.value == pytest.approx(40 - 1.25 * 4, abs=0.2)


def test_a_tracker_that_sees_both_kinds_is_as_uncertain_as_they_are_apart(document: Qualification) -> None:
    transfer = meter_of(document, TRACKER).transfer
    assert isinstance(transfer, Transfer)
    assert set(transfer.ranges) == {"idle", "cpu", "gpu"}
    assert transfer.kind_spread_w is not None
    assert transfer.kind_spread_w > 5.0


def test_the_lag_is_the_mean_age_of_what_a_meter_says(few: Certified) -> None:
    gpu, cpu = (meter_of(few.document, name).lag_switched for name in (GPU, CPU))
    assert isinstance(gpu, Lag)
    assert isinstance(cpu, Lag)
    assert gpu.bound_s[0] <= 1.1 <= gpu.bound_s[1]  # .6 s late, and half of a window of 1 s
    assert cpu.bound_s[0] <= 0.0 <= cpu.bound_s[1]
    assert gpu.bound_s[1] - gpu.bound_s[0] < 0.1


def test_the_quantum_and_the_wraps_of_all_runs_stand_there(few: Certified) -> None:
    gpu, cpu = (meter_of(few.document, name).sampling for name in (GPU, CPU))
    assert not isinstance(gpu, Refusal)
    assert not isinstance(cpu, Refusal)
    assert (gpu.quantum, gpu.n_wraps, gpu.dead_band_w) == (0.5, 0, None)
    assert cpu.n_wraps > 3
    assert meter_of(few.document, CPU).range_j == 4000.0


def test_few_levels_give_no_transfer_function_and_say_what_is_missing(few: Certified) -> None:
    refused = meter_of(few.document, GPU).transfer
    assert isinstance(refused, Refusal)
    assert refused.code == "too-few-levels"
    assert few.document.obstacles(meter_of(few.document, GPU)) == (refused.text,)


def test_what_it_holds_for_stands_in_it(few: Certified) -> None:
    valid = few.document.validity
    assert (valid.machine, valid.firmware, valid.driver) == ("Supermicro X11", "American Megatrends 2.40", "550.1")
    assert (valid.boards, valid.kernel) == (("Synthetic GPU 3 GB",), "6.8.0-48-generic")
    assert (valid.kinds, valid.sample_period_s, valid.date) == (("idle", "cpu", "gpu"), 1.0, "2026-11-21")
    assert valid.wall_range_w == pytest.approx((40.0, 208.0), abs=1.0)
    assert valid.software_range_w[GPU] == pytest.approx((9.0, 159.0), abs=1.0)


def test_a_real_instrument_qualifies_and_its_limits_are_held_against_that_of_the_test(few: Certified) -> None:
    document = few.document
    assert (document.qualifies, document.not_because) == (True, ())
    assert (document.campaign.lab, document.campaign.operator) == ("Synthetic lab", "A. Operator")
    assert (document.limit_percent, document.limit_is_declared) == (5.0, True)
    assert document.reference.origin == "instrument"
    assert document.reference.worst_limit_percent == pytest.approx(1.5 + 100 * 0.3 / 40, abs=0.05)
    assert document.reference.is_better_than_limit


def test_the_wall_of_a_load_has_its_whole_u(few: Certified) -> None:
    idle = next(load for load in few.document.loads if load.scenario == "idle")
    assert (idle.kind, idle.level_percent, idle.wall_w.n) == ("idle", 0.0, 3)
    assert idle.wall_w.expanded is not None
    assert idle.wall_w.expanded > 2 * 40 * 0.015 / 3**0.5  # the meter's limits are in it, not the spread alone


def test_both_traces_are_drawn_where_the_load_was_switched(few: Certified) -> None:
    drawn = {pair.meter: pair for pair in few.aligned}
    assert list(drawn) == [GPU, CPU]
    for pair in drawn.values():
        assert max(pair.wall[1]) > 200
        assert min(pair.wall[1]) < 60
        assert max(pair.software[0]) - min(pair.software[0]) == pytest.approx(60, abs=2)


def test_another_limit_than_the_declared_one_is_refused(tmp_path: Path) -> None:
    campaign = one_run_each(tmp_path)
    with pytest.raises(AnalysisError, match=r"--limit-percent 3: the campaign declared 5 % before its first run"):
        certified(campaign, 3.0)
    assert certified(campaign, 5.0).document.limit_percent == 5.0


# --- what qualifies nothing


ONCE = replace(FEW, repetitions=1, switched_s=60, with_tracker=False)


def one_run_each(folder: Path, kind: type[QualifiedRun] = QualifiedRun, **changed: Any) -> Path:  # noqa: ANN401
    return make_campaign(folder, shaped(replace(ONCE, **changed)), kind)


def test_an_emulated_wall_qualifies_nothing_and_that_is_its_first_reason(tmp_path: Path) -> None:
    document = certified(one_run_each(tmp_path, origin="emulated")).document
    assert not document.qualifies
    assert document.not_because == (
        "The meter wall was read from an emulated meter: a demonstration, not a measurement.",
    )
    assert document.obstacles(meter_of(document, GPU))[0] == document.not_because[0]


def test_a_campaign_without_the_table_has_its_scenarios_as_loads_and_qualifies_nothing(tmp_path: Path) -> None:
    document = certified(one_run_each(tmp_path, declares=False), 3.0).document
    assert {load.scenario: load.kind for load in document.loads} == {
        "baseline": "idle", "idle": "other", "cpu-100": "other", "gpu-100": "other", "switched": "other",
    }  # fmt: skip
    assert {load.level_percent for load in document.loads} == {None}
    assert (document.limit_percent, document.limit_is_declared, document.qualifies) == (3.0, False, False)
    refused = meter_of(document, GPU).transfer
    assert isinstance(refused, Refusal)
    assert "declared no levels" in refused.text


def test_a_single_run_of_a_load_has_the_u_of_the_wall_all_the_same(tmp_path: Path) -> None:
    document = certified(one_run_each(tmp_path)).document
    assert covers(share(document, GPU, "gpu-100"), 159 / 208)
    assert all(load.wall_w.expanded is not None for load in document.loads)
    test = on_load(document, GPU, "gpu-100").olympic
    assert isinstance(test, Refusal)
    assert test.code == "too-short"


@dataclass(frozen=True)
class Faulty:
    """A kind of runs with a fault in the start document, in the samples, in the agent's columns."""

    start: Callable[[QualifiedRun, Any], Any] = lambda _, start: start
    column: Callable[[dict[str, Any]], dict[str, Any]] = lambda column: column

    def kind(self) -> type[QualifiedRun]:
        fault = self

        class Run(QualifiedRun):
            def _start_document(self, *arguments: Any) -> Any:  # noqa: ANN401
                return fault.start(self, super()._start_document(*arguments))

            def _agent(self) -> IndicatorDescriptor:
                told = super()._agent()
                return replace(told, columns=[fault.column(column) for column in told.columns])

        return Run


def test_a_machine_that_changed_during_the_campaign_qualifies_nothing(tmp_path: Path) -> None:
    def newer(run: QualifiedRun, start: Any) -> Any:  # noqa: ANN401
        return replace(start, sut=start.sut | {"kernel": "6.9.0"}) if int(run.plain["ordinal"]) > 3 else start

    document = certified(one_run_each(tmp_path, Faulty(start=newer).kind())).document
    assert document.not_because == ("The kernel of the machine changed during the campaign: 6.8.0-48-generic, 6.9.0.",)


def test_a_counter_that_falls_and_states_no_range_is_refused_with_a_sentence(tmp_path: Path) -> None:
    without = Faulty(column=lambda column: {key: value for key, value in column.items() if key != "range_j"})
    document = certified(one_run_each(tmp_path, without.kind())).document
    load = on_load(document, CPU, "cpu-100")
    assert isinstance(load.seen, Refusal)
    assert load.seen.text.startswith("The counter falls ")
    assert isinstance(load.olympic, Refusal)
    assert covers(share(document, GPU, "gpu-100"), 159 / 208)


class Mixed(QualifiedRun):
    """Each third row of its counter reads another core's register."""

    def _samples(self) -> bytes:
        head, *rows = super()._samples().decode().splitlines()
        cells = [row.split(",") for row in rows]
        for row in cells[::3]:
            row[4] = f"{(float(row[4]) + 1400) % RANGE_J:.6f}"
        return "\n".join([head, *map(",".join, cells), ""]).encode()


def test_a_counter_that_was_reset_has_no_mean_over_it_and_the_certificate_says_so(tmp_path: Path) -> None:
    campaign = one_run_each(tmp_path, ResetRun)
    document = certified(campaign).document
    assert meter_of(document, CPU).n_resets == 1
    refused = [load.seen for load in meter_of(document, CPU).loads if isinstance(load.seen, Refusal)]
    assert [refusal.text[:23] for refusal in refused] == ["The counter was reset i"]
    assert f"{CPU} falls once where it cannot have begun anew at 4000 J" in document.remarks[-1]
    with as_before({Rule.COUNTER_FALLS}):
        before = certified(campaign).document
    assert not any(isinstance(load.seen, Refusal) for load in meter_of(before, CPU).loads)
    assert meter_of(before, CPU).n_resets == 0


def test_a_counter_whose_rows_are_of_several_registers_is_refused_with_a_sentence(tmp_path: Path) -> None:
    document = certified(one_run_each(tmp_path, Mixed)).document
    load = on_load(document, CPU, "cpu-100")
    assert isinstance(load.seen, Refusal)
    assert "where it cannot have begun anew, so it is no counter of one thing" in load.seen.text
    assert covers(share(document, GPU, "gpu-100"), 159 / 208)


def test_a_campaign_of_which_no_load_was_measured_is_refused(tmp_path: Path) -> None:
    broken: Any = dict.fromkeys(range(1, 10), "abort")
    with pytest.raises(AnalysisError, match="no run of a load counts"):
        certified(one_run_each(tmp_path, broken=broken))
