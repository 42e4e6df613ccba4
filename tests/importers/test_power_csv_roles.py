"""Which of several columns of power counts: what the proposal asks, and what it suggests."""

from pathlib import Path

import pytest

from harness.cli import main
from harness.foreign.importers.power_csv.importer import import_power_csv
from harness.foreign.importers.power_csv.mapping import NAME, read_mapping
from harness.foreign.importers.power_csv.proposal import Proposal, Question, asked, propose
from harness.foreign.importers.power_csv.proposal_text import toml_of
from harness.foreign.importers.source import SourceFile
from harness.record.campaign_folder import CampaignFolder
from harness.record.errors import ImportFileError
from tests.importers.power_csvs import stamp
from tests.importers.test_power_csv_devices import in_turn


def table(*headings: str, parts: tuple[float, ...] = (2, 3, 5.5)) -> str:
    """Rows of time and columns, whose values grow by row: the n-th column is the n-th of `parts`."""
    lines = [",".join([stamp(n), *(f"{part * (100 + n):g}" for part in parts)]) for n in range(1, 5)]
    return "\n".join([",".join(["time", *headings]), *lines]) + "\n"


def proposed(text: str) -> Proposal:
    return propose(SourceFile(Path("log.csv"), text.encode(), text.encode()))


def suggested(text: str, key: str = "role") -> list[str]:
    return [question.suggested for question in proposed(text).questions if question.key.endswith(key)]


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        (table("n1_watts", "n2_watts", "total_watts"), ["check", "check", "added"]),
        (table("a_w", "b_w", "c_w", parts=(2, 3, 5)), ["check", "check", "added"]),
        (table("a_w", "b_w", "c_w", parts=(2, 5, 3)), ["check", "added", "check"]),
        (table("a_w", "b_w", "c_w"), ["", "", ""]),
        (table("CORE0_ENERGY (J)", "CPU_ENERGY (J)", "PACKAGE_ENERGY (J)"), ["check", "check", "added"]),
        (table("CORE0_ENERGY (J)", "CORE1_ENERGY (J)", "CPU_ENERGY (J)"), ["check", "check", "added"]),
        (table("VDD_SYS_SOC (mW)", "VDD_4V0_WIFI (mW)", "VDD_IN (mW)"), ["check", "check", "added"]),
        (table("cpu_power_w", "gpu_power_w", "TotalPower_w"), ["software", "software", "added"]),
        (table("CPU Power", "GPU Power", "Total Power", parts=(2, 0, 2)), ["check", "check", "added"]),
        (table("Watts", "WattHours", "cpu_w"), ["added", "check", "software"]),
        (table("wall_w", "Estimated Power (W)", parts=(2, 3)), ["added", "software"]),
        (table("Power (W)", "Total (kWh)", parts=(2, 3)), ["added", "check"]),
        (table("gt_power_w", "pred_power_w", parts=(2, 3)), ["added", "software"]),
        (table("power_mw", "total_wh", parts=(2, 3)), ["added", "check"]),
        (table("CPU Package Power [W]", "IA Cores Power [W]", "Total DRAM Power [W]"), ["", "", ""]),
        (table("CPU Package Power [W]", "IA Cores Power [W]", parts=(3, 2)), ["added", "check"]),
        (table("PkgWatt", "RAMWatt", parts=(3, 2)), ["", ""]),
        (table("PkgWatt", "CorWatt", parts=(3, 2)), ["added", "check"]),
        (
            table("Processor Power_0(Watt)", "Cumulative Processor Energy_0(Joules)", "DRAM Power_0(Watt)"),
            ["", "check", ""],
        ),
    ],
)
def test_the_column_that_holds_the_others_is_suggested(text: str, roles: list[str]) -> None:
    assert suggested(text) == roles
    assert {column.role for column in proposed(text).mapping.power} == {"?"}


def test_a_sum_within_rounding_is_one_and_another_number_is_not() -> None:
    text = "time,a_w,b_w,c_w\n" + "".join(f"{stamp(n)},{n}.24,{n}.33,{2 * n}.6\n" for n in range(1, 6))
    assert suggested(text) == ["check", "check", "added"]
    assert suggested(text.replace("10.6", "10.8")) == ["", "", ""]


def test_parts_of_a_machine_are_not_taken_for_its_inlet_unasked() -> None:
    assert suggested(table("gpu_power_w", parts=(2,)), "circuit") == ["gpu_power_w"]
    assert suggested(table("VDD_SYS_SOC (mW)", "VDD_IN (mW)", parts=(1, 2)), "circuit") == ["sut-dc-inlet"]
    assert suggested(table("power_w", parts=(2,)), "circuit") == []


@pytest.mark.parametrize("heading", ["cpuload", "download_mbps", "upload_mbps", "payload", "CPU load", "active_users"])
def test_a_load_that_is_no_power_is_none(heading: str) -> None:
    proposal = proposed(table(heading, "power_w", parts=(1, 2)))
    assert [column.column for column in proposal.mapping.power] == ["power_w"]


@pytest.mark.parametrize(
    "heading",
    ["Package PL1_0(Watt)", "Platform PsysPL2_0(Watt)", "PL1 Power Limit [W]", "cpu_tdp_w", "gpu_max_power_w"],
)
def test_a_limit_of_a_power_is_none(heading: str) -> None:
    proposal = proposed(table("Processor Power_0(Watt)", heading, parts=(20, 45)))
    assert [column.column for column in proposal.mapping.power] == ["Processor Power_0(Watt)"]
    assert f"not used: {heading}" in proposal.seen


def test_what_calls_itself_an_estimate_is_not_taken_for_the_inlet_unasked() -> None:
    assert suggested(table("Estimated Power (W)", parts=(2,)), "circuit") == ["estimated"]


@pytest.mark.parametrize("heading", ["PkgWatt", "CorWatt", "GFXWatt", "RAMWatt"])
def test_the_watts_of_turbostat_are_watts(heading: str) -> None:
    assert proposed(table(heading, parts=(2,))).mapping.power[0].unit == "W"


@pytest.mark.parametrize("heading", ["Load (W)", "Load_kWh", "load [kW]"])
def test_a_load_with_a_unit_of_power_or_energy_is_proposed(heading: str) -> None:
    assert [column.column for column in proposed(table(heading, parts=(1,))).mapping.power] == [heading]


def test_open_roles_stand_in_the_text_with_the_question_and_are_refused_by_the_import(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "log.csv"
    path.write_text(table("n1_watts", "n2_watts", "total_watts"))
    assert main(["import", "power-csv", str(path), "--propose"]) == 0
    text = capsys.readouterr().out
    assert text.count('role = "?"') == 3
    assert "(added, check, software; suggested: added)\n" in text
    (tmp_path / NAME).write_text(text)
    with pytest.raises(ImportFileError, match=r"power\[0\].role: found '\?': say whether 'n1_watts' counts"):
        read_mapping(tmp_path / NAME)
    (tmp_path / NAME).write_text(text.replace('role = "?"', 'role = "added"\ncircuit = "?"'))
    with pytest.raises(ImportFileError, match=r"power\[2\].circuit: found '\?': say what 'total_watts' measures"):
        read_mapping(tmp_path / NAME)


def test_of_two_that_count_the_second_is_asked_what_it_measures() -> None:
    proposal = proposed(table("psu1_w", "psu2_w", parts=(2, 3)))
    proposal = proposal.answered("power[0].role", "added").answered("power[1].role", "added")
    assert [question.key for question in proposal.questions if "circuit" in question.key] == ["power[1].circuit"]
    assert "circuit" not in [one.key for one in proposal.answered("power[1].role", "software").questions]


def test_devices_are_proposed_as_a_meter_each_and_their_powers_are_summed(tmp_path: Path) -> None:
    text = in_turn("gpu_id", ["0", "1", "2"]).replace("power", "power_w")
    proposal = proposed(text)
    assert [column.where for column in proposal.mapping.power] == [{"gpu_id": str(n)} for n in range(3)]
    assert "'gpu_id' names 3 devices (0, 1, 2), each a [[power]] here" in proposal.seen

    def answer(question: Question) -> str:
        return {"time.zone": "UTC"}.get(question.key) or question.suggested or "instant"

    (tmp_path / "log.csv").write_text(text)
    (tmp_path / NAME).write_text(toml_of(asked(proposal, answer, pytest.fail)))
    import_power_csv([tmp_path / "log.csv"], tmp_path / "c", tmp_path / NAME)
    [run] = CampaignFolder(tmp_path / "c").runs()
    assert [one.circuit for one in run.power] == ["gpu_id_0", "gpu_id_1", "gpu_id_2"]


def test_devices_that_begin_behind_the_first_lines_are_proposed_too() -> None:
    one = "".join(f"{stamp(n)},0,{60 + n % 5}\n" for n in range(1, 600))
    proposal = proposed(f"time,gpu_id,power_w\n{one}{one.replace(',0,', ',1,')}")
    assert [column.where for column in proposal.mapping.power] == [{"gpu_id": "0"}, {"gpu_id": "1"}]


def test_more_devices_than_a_mapping_should_hold_are_refused() -> None:
    with pytest.raises(ImportFileError, match=r"column 'host' names 30 devices .* would be read as one meter"):
        proposed(in_turn("host", [f"n{n}" for n in range(30)]).replace("power", "power_w"))


def test_enter_takes_what_is_suggested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log.csv"
    path.write_text(table("n1_watts", "n2_watts", "total_watts"))
    answers = iter(["UTC", "", "mean", "", "mean", "", "mean", "y"])
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    assert main(["import", "power-csv", str(path), "--into", str(tmp_path / "c")]) == 0
    assert [column.role for column in read_mapping(tmp_path / NAME)[0].power] == ["check", "check", "added"]


def test_one_column_has_to_count() -> None:
    answers, refused = iter(["UTC", "check", "mean", "software", "added", "mean"]), list[str]()
    proposal = asked(proposed(table("a_w", "b_w", parts=(1, 2))), lambda _: next(answers), refused.append)
    assert [column.role for column in proposal.mapping.power] == ["check", "added"]
    assert refused == ["No other column counts, so this one has to: answer added."]
