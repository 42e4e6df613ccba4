"""What rows of CodeCarbon's files say of themselves: files that ten of its releases wrote (tests/data/trackers), the
minimal files of public reports, and what hands, editors and spreadsheets make of them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.foreign.importers.source import SourceFile, read_source
from harness.foreign.importers.tracker.faults import power_fault_of
from harness.foreign.importers.tracker.passes import own_figures
from harness.foreign.importers.tracker.row import Row
from harness.foreign.importers.tracker.source import Choice, Source, source_of
from harness.foreign.importers.tracker.table import Table, table_of
from harness.record.errors import ImportFileError

DATA = Path(__file__).parents[1] / "data" / "trackers"
WRITTEN = DATA / "codecarbon"
PLAIN = Choice()
HEAD = (
    "timestamp,run_id,duration,emissions,emissions_rate,cpu_power,gpu_power,ram_power,cpu_energy,gpu_energy,ram_energy,"
    "energy_consumed,codecarbon_version,gpu_count,tracking_mode,pue"
)


def read(name: str, choice: Choice = PLAIN, totals: str | None = None) -> Source:
    beside = None if totals is None else read_source(WRITTEN / totals)
    return source_of(read_source(WRITTEN / name), choice, beside)


def of(text: str | bytes, choice: Choice = PLAIN) -> Source:
    content = text if isinstance(text, bytes) else text.encode()
    return source_of(SourceFile(Path("emissions.csv"), content, content), choice)


def own_wh(source: Source) -> list[float]:
    """The figure of every row; what is wrong with one fails."""
    faults = [source.problem_of(row) for row in source.rows.values()]
    assert faults == [None] * len(faults)
    return [row.energy_wh for row in source.rows.values() if isinstance(row, Row)]


def row(at: int, duration_s: float, cpu_w: float = 40.0, energies: tuple[float, float, float] | None = None) -> str:
    """A row of an object that counted for `duration_s` at 20 W of memory, or holds other energies (kWh)."""
    cpu, gpu, ram = energies or (cpu_w * duration_s / 3.6e6, 0.0, 20.0 * duration_s / 3.6e6)
    total, stamp = cpu + gpu + ram, f"2026-03-04T09:{at // 60:02d}:{at % 60:02d}"
    rate = 0.4 * total / duration_s
    return f"{stamp},r,{duration_s},{0.4 * total},{rate},{cpu_w},0.0,20.0,{cpu},{gpu},{ram},{total},3.3.2,0,machine,1.0"


# --- what its releases wrote


@pytest.mark.parametrize(
    ("name", "expected_wh"),
    [
        ("1.2.0-two.csv", [0.0237, 0.0236]),
        ("2.0.0-flush.csv", [0.0285, 0.0573, 0.0860]),
        ("2.8.4-reused.csv", [0.0285, 0.0715, 0.1148]),  # both go on until 3.3.0: each row is from the first start
        ("3.2.9-two.csv", [0.0148, 0.0124]),
        ("3.3.0-two.csv", [0.0145, 0.0129]),
        ("3.3.1-reused.csv", [0.0136, 0.0122, 0.0122]),
        ("3.3.2-reused.csv", [0.0155, 0.0155, 0.0156]),
        ("3.3.2-slowpoll.csv", [0.0233]),  # of two samples the first is of no time at all: their mean is half the power
        ("3.3.2-process.csv", [0.0067]),
        ("3.3.2-monitor.csv", [0.0084]),
        ("2.3.4-tasks-file.csv", [0.0287, 0.0287, 0.0286]),
        ("3.3.2-tasks-file.csv", [0.0155, 0.0155, 0.0156]),
    ],
)
def test_each_row_of_a_real_file_has_the_energy_of_its_own_stretch(name: str, expected_wh: list[float]) -> None:
    assert own_wh(read(name)) == pytest.approx(expected_wh, abs=6e-5)


@pytest.mark.parametrize(
    ("name", "held_s"),
    [("2.3.4-tasks.csv", 7.032), ("3.0.2-tasks.csv", 8.52), ("3.3.2-tasks.csv", 7.003), ("3.3.2-taskpue.csv", 5.002)],
)
def test_the_total_of_tasks_under_the_duration_of_the_last_is_refused_by_its_own_columns(
    name: str, held_s: float
) -> None:
    source = read(name)
    said = source.problem_of(source.rows[2])
    assert f"by its ram_power its energies were counted over {held_s:.4g} s" in str(said)
    assert "emissions_<name>_<run_id>.csv" in str(said)
    assert "--run RUN --over-run" in str(said)
    assert source.problem_of(source.rows[2], over_run=True) is None


def test_a_moment_that_codecarbon_counted_twice_is_refused() -> None:
    source = read("3.2.9-flush.csv")  # a flush at the moment of a scheduled measurement: 3.02 s in 2.02 s
    assert "counted over 3.023 s" in str(source.problem_of(source.rows[2]))


def test_fifteen_seconds_that_were_counted_twice_are_named_as_such() -> None:
    energies = (40.0 * 45 / 3.6e6, 0.0, 20.0 * 45 / 3.6e6)
    source = of(f"{HEAD}\n{row(40, 30.2, energies=energies)}\n".replace("3.3.2", "2.8.4"))
    said = str(source.problem_of(source.rows[2]))
    assert "counted over 45 s" in said
    assert "CodeCarbon counted 15 s twice: it was stopped at the moment of a measurement" in said


def test_a_row_that_counted_less_than_its_duration_is_read_as_it_is() -> None:
    assert own_wh(read("2.2.7-reused.csv")) == pytest.approx([0.0285] * 3, abs=6e-5)


def test_the_factor_of_a_task_file_is_beside_it_or_stated_or_unknown() -> None:
    for name in ("2.8.4-taskpue", "3.3.2-taskpue"):
        beside = read(f"{name}-file.csv", totals=f"{name}.csv")
        first = beside.rows[2]
        assert isinstance(first, Row)
        assert (beside.pue(first).value, beside.problem_of(first)) == (1.5, None)
        assert read(f"{name}-file.csv", Choice(pue=1.5)).pue(first).reason == (
            "the power usage effectiveness that the operator stated, 1.5"
        )
        unknown = read(f"{name}-file.csv").pue(first)
        assert (unknown.value, "--pue" in str(unknown.remark)) == (1.0, True)
    # Until 3.3.0 the powers do not hold the factor, so such a row is of 3 s in 2 s until somebody says it.
    alone = read("2.8.4-taskpue-file.csv")
    assert "(--pue says which)" in str(alone.problem_of(alone.rows[2]))
    assert read("1.2.0-two.csv").pue(read_row("1.2.0-two.csv")).remark is None
    gone = replace(read_row("3.3.2-reused.csv"), pue_text=None)
    assert "no column of its file says" in str(read("3.3.2-reused.csv").pue(gone).remark)


def read_row(name: str) -> Row:
    return table_of(read_source(WRITTEN / name)).rows[0]


@pytest.mark.parametrize(("release", "fields"), [("3.2.9", 3), ("3.3.0", 3)])
def test_a_short_row_is_read_where_its_parts_prove_the_places(release: str, fields: int) -> None:
    first, second = table_of(read_source(WRITTEN / f"{release}-two.csv")).rows
    assert first.remarks == ()
    assert f"its row is {fields} fields short, since CodeCarbon {release} leaves empty columns out" in second.remarks[0]
    assert (second.mode, second.pue, second.version) == ("machine", 1.0, release)
    assert sum(value or 0.0 for value in second.parts_wh.values()) == pytest.approx(second.energy_wh)


def test_a_short_row_whose_places_are_not_proved_costs_itself_alone() -> None:
    table = table_of(read_source(DATA / "cases" / "cc_short_row.csv"))
    assert [row.line for row in table.rows] == [2]
    assert "found 9 fields, expected 11 as in the header; CodeCarbon 3.2.9 leaves empty columns out" in table.damaged[3]
    with pytest.raises(ImportFileError, match=r"CodeCarbon 3\.2\.9"):
        table.row(3)
    # A name that is empty too (as `codecarbon monitor` has it) moves every column: the parts no longer add up.
    lines = (WRITTEN / "3.3.0-two.csv").read_text().splitlines()
    lines[2] = lines[2].replace(",codecarbon,", ",", 1)
    assert list(of("\n".join([*lines, ""])).table.damaged) == [3]


# --- one object, several passes


@given(
    st.lists(st.tuples(st.floats(2.5, 40), st.floats(0, 90), st.integers(0, 20)), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
)
def test_the_passes_of_an_object_add_up_to_its_last_row_in_whatever_order_they_stand(
    passes: list[tuple[float, float, int]], random: Random
) -> None:
    at_s, cpu, ram, rows = 0.0, 0.0, 0.0, []
    for duration_s, cpu_w, pause_s in passes:
        at_s += duration_s
        cpu, ram = cpu + cpu_w * duration_s / 3.6e6, ram + 20.0 * duration_s / 3.6e6
        rows.append(row(int(at_s), duration_s, cpu_w, (cpu, 0.0, ram)))
        at_s += pause_s
    random.shuffle(rows)
    figures = own_wh(of("\n".join([HEAD, *rows, ""])))
    assert sum(figures) == pytest.approx(1000 * (cpu + ram))
    expected = sorted(1000 * (cpu_w + 20.0) * duration_s / 3.6e6 for duration_s, cpu_w, _ in passes)
    assert sorted(figures) == pytest.approx(expected)


def test_a_flush_is_no_pass_and_a_pass_shorter_than_the_stamps_is_told_by_the_memory() -> None:
    flush = [row(10, 1.5), row(12, 3.5)]
    assert own_wh(of("\n".join([HEAD, *flush, ""]))) == pytest.approx([60 * 1.5 / 3600, 60 * 3.5 / 3600])
    both = (40.0 * 2.7 / 3.6e6, 0.0, 20.0 * 2.7 / 3.6e6)
    passes = [row(10, 1.5), row(11, 1.2, energies=both)]
    assert own_wh(of("\n".join([HEAD, *passes, ""]))) == pytest.approx([60 * 1.5 / 3600, 60 * 1.2 / 3600])
    bare = "timestamp,run_id,duration,energy_consumed\n2026-03-04T09:00:10,r,0.8,1e-5\n2026-03-04T09:00:11,r,1.5,2e-5\n"
    assert "cannot be told by stamps in whole seconds" in str(of(bare).rows[3])


def test_an_earlier_row_without_a_figure_or_with_more_energy_leaves_the_later_ones_unknown() -> None:
    lost = f"{HEAD}\n{row(10, 5.0).replace(',5.0,', ',-1.7e9,')}\n{row(20, 5.0)}\n"
    assert "line 2, has no usable time or energy" in str(of(lost).rows[3])
    less = f"{HEAD}\n{row(10, 9.0)}\n{row(20, 5.0)}\n"
    assert "a counter that CodeCarbon read went back between them, or the file was changed" in str(of(less).rows[3])


def test_an_energy_below_zero_that_is_in_the_sum_is_a_counter_that_went_back() -> None:
    # The form of line 177 of logs/emissions.csv of SmirtiParajuli/green-ai-lifecycle-tracker (CodeCarbon 3.0.7).
    source = of(f"{HEAD}\n{row(60, 50.0, energies=(2.0e-3, -0.2e-3, 0.05e-3)).replace(',0,machine', ',1,machine')}\n")
    [fault] = [source.problem_of(one) for one in source.rows.values()]
    assert str(fault).startswith("emissions.csv:2: gpu_energy is -0.0002 kWh, below 0; energy_consumed is the sum of")
    assert "the counter that it read of the gpu went back while it ran" in str(fault)
    assert "track that run again" in str(fault)
    edited = row(60, 50.0, energies=(2.0e-3, 0.2e-3, 0.05e-3)).replace(",0.0002,", ",-0.0002,")
    source = of(f"{HEAD}\n{edited.replace(',0,machine', ',1,machine')}\n")
    [fault] = [source.problem_of(one) for one in source.rows.values()]
    assert "so the row was edited or damaged: give the file that CodeCarbon wrote" in str(fault)


def test_the_table_of_eco2ai_is_named() -> None:
    head = "id,project_name,epoch,start_time,duration(s),power_consumption(kWh),CO2_emissions(kg)"
    with pytest.raises(ImportFileError, match=r"emissions\.csv:1: this is eco2AI's table of runs .* `wattlab report`"):
        of(f"{head}\n1,a,,2024-04-10 11:19:09,4.67,9.75e-09,6.1e-09\n")


def test_a_line_that_cannot_be_read_between_two_passes_leaves_the_second_unknown_unless_the_memory_tells() -> None:
    bare = (
        "timestamp,run_id,duration,energy_consumed\n2026-03-04T09:00:10,r,5,1e-5\n2026-03-04T09:00:20,r,5\n"
        "2026-03-04T09:00:30,r,5,3e-5\n2026-03-04T09:00:40,r,5,4e-5\n"
    )
    source = of(bare)
    assert "line 3, between this row and line 2 of the same run_id, cannot be read" in str(source.rows[4])
    last = source.rows[5]
    assert isinstance(last, Row)
    assert last.energy_wh == pytest.approx(0.01)


def test_rows_that_went_missing_are_found_by_the_memorys_power() -> None:
    third = (40.0 * 15 / 3.6e6, 0.0, 20.0 * 15 / 3.6e6)
    alone = of(f"{HEAD}\n{row(30, 5.0, energies=third)}\n")
    assert (
        "0.25 Wh in 5 s are 180 W, its own columns say 60 W (by its ram_power its energies were counted over 15 s)"
        in (str(alone.problem_of(alone.rows[2])))
    )
    middle_gone = of(f"{HEAD}\n{row(10, 5.0)}\n{row(30, 5.0, energies=third)}\n")
    assert "counted over 10 s" in str(middle_gone.problem_of(middle_gone.rows[3]))


# --- what cannot be


def test_the_power_of_the_public_report_is_refused_with_both_figures() -> None:
    source = source_of(read_source(DATA / "cases" / "cc_last_task.csv"), Choice())
    assert "54 Wh in 120 s are 1620 W, its own columns say 90 W" in str(source.problem_of(source.rows[2]))


def test_idle_boards_at_the_end_and_freed_memory_are_no_impossible_power() -> None:
    base = read_row("3.0.2-process.csv")
    wh = {"cpu": 10.0, "gpu": 80.0, "ram": 2.0}
    idle = replace(
        base, duration_s=360.0, energy_wh=92.0, parts_wh=wh, powers_w={"cpu": 40.0, "gpu": 30.0, "ram": 20.0},
        mode="machine",
    )  # fmt: skip
    assert idle.energy_wh * 10 > 10 * idle.own_w(1.0)  # 920 W against 90 W: the last values are those of idle boards
    assert power_fault_of(Path("e"), idle, 1.0) is None
    freed = replace(idle, mode="process", version="2.8.4", powers_w={"cpu": 90.0, "gpu": 800.0, "ram": 1.0})
    assert power_fault_of(Path("e"), freed, 1.0) is None
    assert power_fault_of(Path("e"), replace(freed, version="3.0.2"), 1.0) is not None
    steps = replace(freed, version="3.0.2", powers_w={"cpu": 90.0, "gpu": 800.0, "ram": 11.0})
    assert power_fault_of(Path("e"), steps, 1.0) is None


def test_powers_without_the_energies_of_the_parts_still_bound_the_power_of_a_row() -> None:
    bare = "timestamp,duration,energy_consumed,cpu_power,gpu_power,ram_power\n2026-03-04T09:00:10,2,{},155,,10\n"
    assert own_wh(of(bare.format(1.5e-4))) == pytest.approx([0.15])
    said = of(bare.format(3.2e-4))
    assert "0.32 Wh in 2 s are 576 W, its own columns say 165 W: the energy is not" in str(
        said.problem_of(said.rows[2])
    )


def test_without_columns_of_power_only_what_no_machine_draws_is_refused() -> None:
    bare = "timestamp,duration,energy_consumed\n2026-03-04T09:00:10,10,{}\n"
    assert own_wh(of(bare.format(0.01))) == [10.0]
    said = of(bare.format(1.0))
    assert "1000 Wh in 10 s are 3.6e+05 W: the energy is not that of the duration" in str(said.problem_of(said.rows[2]))


@pytest.mark.parametrize(
    ("column", "factor", "said"),
    [
        ("energy_consumed", 1000, "cpu_energy, gpu_energy and ram_energy are 0.000166667 kWh together"),
        ("cpu_energy", 1e-3, "CodeCarbon writes their sum"),
        ("duration", 1 / 60, "duration is 0.16"),
        ("duration", 1000, "but emissions / emissions_rate is 10 s"),
    ],
)
def test_a_unit_that_was_changed_in_one_column_contradicts_the_others(column: str, factor: float, said: str) -> None:
    place, cells = HEAD.split(",").index(column), row(10, 10.0).split(",")
    cells[place] = str(float(cells[place]) * factor)
    source = of(f"{HEAD}\n{','.join(cells)}\n")
    assert said in str(source.problem_of(source.rows[2]))


@pytest.mark.parametrize("pue", ["high", "0", "-1", "1e9"])
def test_a_pue_that_is_none_is_refused_and_an_empty_one_is_unknown(pue: str) -> None:
    source = of(f"{HEAD}\n{row(10, 10.0).removesuffix('1.0')}{pue}\n")
    assert f"pue is '{pue}'" in str(source.problem_of(source.rows[2]))
    empty = of(f"{HEAD}\n{row(10, 10.0).removesuffix('1.0')}\n")
    assert "taken as 1" in str(empty.pue(empty.table.rows[0]).remark)
    stated = of(f"{HEAD}\n{row(10, 10.0)}\n", Choice(pue=1.5))
    assert "pue is 1 in its own column, --pue says 1.5" in str(stated.problem_of(stated.rows[2]))
    with pytest.raises(ImportFileError, match=r"--pue 0: expected a power usage effectiveness"):
        of(f"{HEAD}\n{row(10, 10.0)}\n", Choice(pue=0.0))


# --- what hands and programs make of a file


def whole() -> str:
    return f"{HEAD}\n{row(10, 5.0)}\n{row(20, 5.0).replace(',r,', ',s,')}\n"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace(",r,", ",Rh\xf4ne,").encode("cp1252"),
        lambda text: "\n".join(";".join(line.split(",")) for line in text.split("\n")).encode(),
        lambda text: "\n".join(";".join(line.split(",")) for line in text.split("\n")).replace(".", ",").replace(
            "3,3,2", "3.3.2").encode(),
        lambda text: text.replace(",", "\t").encode(),
        lambda text: text.replace(",", "\t").encode("utf-16"),
        lambda text: "\n".join(",".join(reversed(line.split(","))) for line in text.split("\n")).encode(),
        lambda text: "\n".join(f"{n}," * bool(line) + line for n, line in enumerate(text.split("\n"))).replace(
            "0,", ",", 1).encode(),
        lambda text: text.replace("\n", "\n\n").encode(),
        lambda text: text.rstrip("\n").encode(),
        lambda text: (text + text).encode(),
        lambda text: (text + ",,,,\n" + "2026-03-04T09:0").encode(),
    ],
    ids=["bom", "crlf", "cp1252", "semicolons", "decimal commas", "tabs", "utf-16", "columns reversed", "an index",
         "blank lines", "no last line end", "twice in one file", "cut off"],
)  # fmt: skip
def test_a_file_in_another_dress_says_the_same(change: Callable[[str], bytes], tmp_path: Path) -> None:
    path = tmp_path / "emissions.csv"
    path.write_bytes(change(whole()))
    assert own_wh(source_of(read_source(path), Choice())) == pytest.approx([60 * 5 / 3600] * 2, rel=1e-9)


def test_a_spreadsheets_file_that_proves_nothing_is_refused() -> None:
    bare = "timestamp;duration;energy_consumed\n2026-03-04T09:00:10;10;0,054\n"
    with pytest.raises(ImportFileError, match=r"emissions\.csv:2: the fields are not parted by commas: a spreadsheet"):
        of(bare)


def test_a_number_at_an_open_end_is_told_unless_the_parts_prove_it() -> None:
    open_end = of("timestamp,duration,energy_consumed\n2026-03-04T09:00:10,10,0.00122")
    assert "so the energy_consumed of its last line may be cut short" in open_end.table.rows[0].remarks[0]
    assert "so the pue of its last line" in of(whole().rstrip("\n")).table.rows[1].remarks[0]
    ordered = (
        "timestamp,duration,cpu_energy,gpu_energy,ram_energy,energy_consumed\n2026-03-04T09:00:10,10,1e-3,0,1e-3,2e-3"
    )
    assert of(ordered).table.rows[0].remarks == ()


def test_lines_that_cannot_be_read_cost_themselves_and_are_named() -> None:
    text = whole() + row(10, 5.0) + "\n2026-03-04T09:00:40,r,5\n" + 'a,"b\n'
    table = of(text).table
    assert [row.line for row in table.rows] == [2, 3]
    assert "repeats line 2 cell by cell" in table.damaged[4]
    assert "found 3 fields, expected 16" in table.damaged[5]
    assert "no CSV here" in table.damaged[6]


def test_files_of_two_releases_in_one_are_read_each_by_its_own_header() -> None:
    one, other = (WRITTEN / name for name in ("2.8.4-process.csv", "3.3.2-reused.csv"))
    joined = of(one.read_text() + other.read_text())
    assert [row.version for row in joined.table.rows] == ["2.8.4", "3.3.2", "3.3.2", "3.3.2"]
    assert own_wh(joined)[1:] == own_wh(read("3.3.2-reused.csv"))


def test_thousands_of_flushes_of_one_object_are_read_at_once() -> None:
    first = read_row("3.3.2-slowpoll.csv")
    assert first.end is not None
    flushes = [
        replace(
            first, line=n + 2, end=first.end + timedelta(seconds=15 * n), duration_s=15.0 * (n + 1), energy_wh=1.0 + n
        )
        for n in range(5000)
    ]
    figures = own_figures(Table(Path("e"), tuple(flushes), {}))
    assert [row.energy_wh for row in figures.values() if isinstance(row, Row)] == [1.0 + n for n in range(5000)]
