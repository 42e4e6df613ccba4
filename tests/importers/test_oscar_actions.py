"""Action logs of OSCAR measurements: every form, and each fault with its line."""

import pytest

from harness.record.errors import ImportFileError
from tests.importers.oscar_files import ACTIONS, actions_of, power_text

USUAL = (
    "2024-01-25 12:00:05;startTestrun\n2024-01-25 12:00:06;startAction;open\n2024-01-25 12:00:08;stopAction\n"
    "2024-01-25 12:00:09;stopTestrun\n"
)
ALL_IN_ONE = "iteration {};2024-01-25 12:{:02d}:05;startTestrun \niteration {};2024-01-25 12:{:02d}:45;stopTestrun \n"


def test_unpadded_milliseconds_are_milliseconds_and_longer_fractions_are_decimal() -> None:
    run = actions_of("2022-9-2 10:52:27.18;startTestrun\n2022-9-2 10:52:28;stopTestrun\n").runs[0]
    assert run.begin_ns % 10**9 == 18_000_000
    assert run.end_ns - run.begin_ns == 982_000_000
    longer = actions_of("2022-09-02 10:52:27.180000;startTestrun\n2022-09-02T10:52:28.1801;stopTestrun\n").runs[0]
    assert (longer.begin_ns % 10**9, longer.end_ns % 10**9) == (180_000_000, 180_100_000)


def test_the_handbooks_variant_means_the_same_as_the_usual_form() -> None:
    typed = USUAL.replace(";s", ";;s")
    bare = (
        "2024-01-25 12:00:05;;startTestrun\n2024-01-25 12:00:06;;open\n2024-01-25 12:00:08;;stopAction\n"
        "2024-01-25 12:00:09;;stopTestrun\n"
    )
    expected = actions_of(USUAL).runs[0]
    assert actions_of(b"\xef\xbb\xbf" + typed.encode()).runs[0] == expected
    assert [(a[0], a[2], a[3]) for a in actions_of(bare).runs[0].actions] == [
        ("open", expected.actions[0][2], expected.actions[0][3])
    ]


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"iteration 7;{line} \n" for line in USUAL.splitlines()),  # KDE's scripts
        "".join(
            f"{line};{'' if line.count(';') > 1 else ';'}iteration 7\n" for line in USUAL.splitlines()
        ),  # KdeEcoTest
        USUAL.replace("startTestrun", "startTestRun"),  # remote-eco-lab
        USUAL.replace("2024-01-25 ", "25.01.2024 "),
        "".join(f'"{line.replace(";", chr(34) + ";" + chr(34))}"\n' for line in USUAL.splitlines()),
    ],
)
def test_kdes_forms_mean_the_same_as_the_usual_one(text: str) -> None:
    run, expected = actions_of(text).runs[0], actions_of(USUAL).runs[0]
    assert (run.begin_ns, run.end_ns, run.actions) == (expected.begin_ns, expected.end_ns, expected.actions)
    assert actions_of(text.encode("utf-16")).runs == actions_of(text).runs


def test_names_of_actions_are_read_as_windows_writes_them() -> None:
    text = USUAL.replace("open", "Datei öffnen")
    names = [actions_of(text.encode(form)).runs[0].actions[0][0] for form in ("utf-8", "cp1252", "utf-16")]
    assert names == ["Datei öffnen"] * 3


def test_repeated_actions_count_up_per_name() -> None:
    line = "2024-01-25 12:00:0{};startAction; save \n2024-01-25 12:00:0{};stopAction\n"
    begin, end = "2024-01-25 12:00:00;startTestrun\n", "2024-01-25 12:00:09;stopTestrun\n"
    text = begin + line.format(1, 2) + line.format(3, 4) + end
    assert [action[:2] for action in actions_of(text).runs[0].actions] == [("save", 0), ("save", 1)]


def test_actions_in_actions_end_from_the_inside() -> None:
    """Guldner's trainings mark epochs within the training; the evaluation script knows such parentheses."""
    text = (
        "2024-01-25 12:00:00;startTestrun\n2024-01-25 12:00:01;startAction;train\n"
        "2024-01-25 12:00:02;startAction;epoch\n2024-01-25 12:00:03;stopAction\n"
        "2024-01-25 12:00:04;stopAction\n2024-01-25 12:00:09;stopTestrun\n"
    )
    second = 10**9
    run = actions_of(text).runs[0]
    spans = {
        name: ((begin - run.begin_ns) // second, (end - run.begin_ns) // second) for name, _, begin, end in run.actions
    }
    assert spans == {"epoch": (2, 3), "train": (1, 4)}
    (remark,) = actions_of(USUAL.replace("2024-01-25 12:00:08;stopAction\n", "")).remarks
    assert str(remark) == "x.csv:2: the action 'open' has no stopAction; it ends with its test run"
    unclosed = text.replace("2024-01-25 12:00:04;stopAction\n", "")
    with pytest.raises(
        ImportFileError, match=r"x\.csv:5: the action 'train' of line 2 is still open, and others lie in"
    ):
        actions_of(unclosed)


@pytest.mark.parametrize("text", [USUAL, USUAL.replace(";startAction;", ";;")])
@pytest.mark.parametrize("line", range(4))
def test_a_line_that_stands_twice_counts_once_and_is_said(text: str, line: int) -> None:
    rows = text.splitlines(keepends=True)
    actions = actions_of("".join([*rows[: line + 1], *rows[line:]]))
    assert actions.runs == actions_of(text).runs
    assert [str(remark) for remark in actions.remarks] == [f"x.csv:{line + 2}: the same as the line before; left out"]


def test_two_actions_may_end_in_one_moment() -> None:
    rows = USUAL.splitlines(keepends=True)
    actions = actions_of("".join([*rows[:2], rows[1].replace("open", "inner"), rows[2], *rows[2:]]))
    assert ([action[0] for action in actions.runs[0].actions], actions.remarks) == (["inner", "open"], ())


def test_a_test_run_that_was_stopped_is_left_out_and_said() -> None:
    text = (
        ALL_IN_ONE.format(1, 1, 1, 1) + "iteration 2;2024-01-25 12:02:05;startTestrun\n" + ALL_IN_ONE.format(3, 3, 3, 3)
    )
    actions = actions_of(text + "iteration 4;2024-01-25 12:04:05;startTestrun\niteration 4;2024-01-25 12:04:09;;open\n")
    assert [run.iteration for run in actions.runs] == ["1", "3"]
    assert [(remark.code, remark.line) for remark in actions.remarks] == [
        ("unended-test-run", 3),
        ("unended-test-run", 6),
    ]


@pytest.mark.parametrize("cut", ["2024-01-25 12:02:05;startTes", "2024-01-25 12:0", "2024-01-25 12:02:05"])
def test_a_last_line_that_was_cut_off_is_left_out_and_said(cut: str) -> None:
    actions = actions_of(USUAL + cut)
    assert len(actions.runs) == 1
    assert [str(remark) for remark in actions.remarks] == ["x.csv:5: cut off in mid-line; the line is left out"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ACTIONS[:-20], r"x\.csv:1: the test run that begins here has no stopTestrun, and no other has one"),
        (ACTIONS[:-20] + "\n", r"x\.csv:2: found"),
        (ACTIONS.split("\n")[0] + "\n", r"x\.csv:1: the test run that begins here has no stopTestrun"),
        (ACTIONS + ACTIONS, r"x\.csv:3: time goes back"),
        (ACTIONS.replace("stopTestrun", "stoppedTestrun"), r"x\.csv:2: found the type 'stoppedTestrun'"),
        ("2024-1-25 12:00:05;stopTestrun\n", r"x\.csv:1: 'stopTestrun' outside"),
        ("2024-1-25 12:00:05;startTestrun\n2024-1-25 12:00:06;stopAction\n", r"x\.csv:2: stopAction, but"),
        ("2024-1-25 12:00:05;startTestrun\n2024-1-25 12:00:05;stopTestrun\n", r"x\.csv:2: .*no duration"),
        ("2024-13-25 12:00:05;startTestrun\n", r"x\.csv:1: found the time"),
        (power_text(), r"x\.csv:1: expected an actions file, found a power file .* are files swapped\?"),
        (
            "12:00:05;startTestrun\n12:00:09;stopTestrun\n",
            r"an action log whose times have no date .*'2024-06-03 12:00:05'",
        ),
        (
            ALL_IN_ONE.format(1, 1, 2, 1),
            r"x\.csv:2: iteration 2 in the test run of line 1, which is iteration 1; lines are",
        ),
        (
            "2024-01-25 12:00:05;open;2024-01-25 12:00:06;1.0;0.0\n",
            r"x\.csv:1: the third field is the end of an action",
        ),
        ("hello\n", r"x\.csv:1: expected an actions file, found no form that is known \('hello'\)"),
    ],
)
def test_a_damaged_action_log_is_refused_with_file_line_and_the_true_reason(text: str | bytes, message: str) -> None:
    with pytest.raises(ImportFileError, match=message):
        actions_of(text)
