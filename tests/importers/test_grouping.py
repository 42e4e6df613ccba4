"""Many traces of a study as repetitions of named scenarios: by folder, by template, by table."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import cli
from harness.foreign.importers.grouping import Grouping, Place, distinct_names
from harness.foreign.importers.nvidia_smi.importer import import_nvidia_smi
from harness.record.campaign_folder import CampaignFolder
from harness.record.errors import ImportFileError
from reports.campaign.analyse import analyse
from tests.campaign_results import complete

DATA = Path(__file__).parents[1] / "data"


def log(path: Path, minute: int, power_w: float = 100.0, step_s: float = 1.0, rows: int = 12) -> Path:
    """A log of its own minute."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for nth in range(rows):
        whole, milli = divmod(round(nth * step_s * 1000), 1000)
        lines.append(f"2026/03/04 09:{minute:02d}:{whole:02d}.{milli:03d}, {power_w + nth % 2:.2f} W\n")
    path.write_text("timestamp, power.draw [W]\n" + "".join(lines))
    return path


def study(tmp_path: Path) -> list[Path]:
    """Two models with three repetitions each, and two idle traces, all called alike."""
    names = [f"{model}/run{n}/gpu.csv" for n in (1, 2, 3) for model in ("vgg", "resnet")]
    names += ["idle/run1/gpu.csv", "idle/run2/gpu.csv"]
    return [log(tmp_path / "s" / name, minute, 100 + 50 * ("vgg" in name)) for minute, name in enumerate(names)]


def imported(tmp_path: Path, how: str | None, baseline: str | None = None) -> list[tuple[str, str, int]]:
    import_nvidia_smi([tmp_path / "s"], tmp_path / "c", grouping=Grouping(how, baseline))
    runs = CampaignFolder(tmp_path / "c").runs()
    return sorted((run.start.kind, run.start.scenario, run.start.repetition) for run in runs)


# --- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("units", "names"),
    [
        ((("s", "a", "gpu"),), ["gpu"]),
        ((("s", "a", "gpu"), ("s", "b", "gpu")), ["a", "b"]),
        ((("s", "a", "run1", "gpu"), ("s", "b", "run1", "gpu"), ("s", "b", "run2", "gpu")),
         ["a-run1", "b-run1", "run2"]),
        ((("s", "x"), ("s", "a", "x")), ["x", "a-x"]),
        ((("s", "cloud", "vgg"), ("s", "local", "resnet")), ["vgg", "resnet"]),
        ((("s", "a-b", "c"), ("s", "a", "b-c")), ["c", "b-c"]),
        ((("s", "a"), ("s", "a")), ["a", "a"]),
    ],
)  # fmt: skip
def test_a_name_has_no_more_folders_than_it_takes_to_tell_units_apart(
    units: Sequence[Sequence[str]], names: list[str]
) -> None:
    assert distinct_names(units) == names


@given(st.lists(st.lists(st.sampled_from(["a", "b", "a-b", "run1"]), min_size=1, max_size=4).map(tuple), min_size=1))
def test_two_units_have_one_name_only_if_they_are_one(units: list[tuple[str, ...]]) -> None:
    names = distinct_names(units)
    assert [a == b for a in units for b in units] == [a == b for a in names for b in names]


def test_logs_that_are_called_alike_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    study(tmp_path)
    names = [scenario for _, scenario, _ in imported(tmp_path, None)]
    assert names == sorted(
        [f"{m}-run{n}" for m in ("resnet", "vgg", "idle") for n in (1, 2)] + ["resnet-run3", "vgg-run3"]
    )
    folder = tmp_path / "c" / "sources"
    assert len(list(folder.iterdir())) == 8
    sources = {name for run in CampaignFolder(tmp_path / "c").runs() for name in (run.start.source or {})["files"]}
    assert sources == {path.name for path in folder.iterdir()}


# --- groups --------------------------------------------------------------------------------------------------------

GROUPS = sorted([("scenario", model, n) for model in ("vgg", "resnet") for n in (1, 2, 3)]
                + [("baseline", "baseline", n) for n in (1, 2)])  # fmt: skip


@pytest.mark.parametrize("how", ["{scenario}/run{repetition}/gpu", "{model}/run{repetition}/*.csv", "/{model}/*/gpu/"])
def test_a_template_names_scenario_and_repetition(tmp_path: Path, how: str) -> None:
    study(tmp_path)
    assert imported(tmp_path, how, "idle") == GROUPS


def test_several_fields_make_one_name(tmp_path: Path) -> None:
    log(tmp_path / "s" / "cloud" / "vgg-1.csv", 0)
    log(tmp_path / "s" / "local" / "vgg-1.csv", 1)
    found = imported(tmp_path, "{system}/{model}-{repetition}")
    assert found == [("scenario", "cloud-vgg", 1), ("scenario", "local-vgg", 1)]


def test_a_folder_is_a_scenario_and_its_files_are_repetitions_by_their_time(tmp_path: Path) -> None:
    for nth, name in enumerate(("b", "a", "c")):
        log(tmp_path / "s" / "vgg" / f"{name}.csv", nth)
        log(tmp_path / "s" / "resnet" / f"{name}.csv", 10 + nth)
    assert imported(tmp_path, "folder") == [("scenario", m, n) for m in ("resnet", "vgg") for n in (1, 2, 3)]
    runs = CampaignFolder(tmp_path / "c").runs()
    [first] = [run for run in runs if (run.start.scenario, run.start.repetition) == ("vgg", 1)]
    assert first.start.utc == "2026-03-04T09:00:00.000Z"


def test_a_table_selects_and_names(tmp_path: Path) -> None:
    study(tmp_path)
    rows = ["file,scenario,repetition,baseline", "s/vgg/run1/gpu.csv,big,7,", "s/vgg/run2/gpu.csv,big,,no"]
    rows += ["s/idle/run1/gpu.csv,,,yes", ""]
    (tmp_path / "groups.csv").write_text("\n".join(rows))
    summary = import_nvidia_smi([tmp_path / "s"], tmp_path / "c", grouping=Grouping(str(tmp_path / "groups.csv")))
    found = sorted(
        (run.start.kind, run.start.scenario, run.start.repetition) for run in CampaignFolder(tmp_path / "c").runs()
    )
    assert found == [("baseline", "baseline", 1), ("scenario", "big", 1), ("scenario", "big", 7)]
    assert any(remark.startswith("5 of 8 are not in the table and are left out: ") for remark in summary.remarks)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("{scenario}-{repetition}", r"--group '\{scenario\}-\{repetition\}': 8 of 8 do not look so: .* and 5 more;"),
        ("{repetition}/*", r"expected at least one field for the scenario"),
        ("{a}/{a}", r"each field once"),
        ("{a b}/*", r"expected at least one field"),
        ("none.csv", r"none\.csv: cannot read \(No such file"),
        ("bad.csv", r"bad\.csv:1: found the columns 'path, name', expected file,scenario"),
        ("twice.csv", r"twice\.csv:3: .*run1/gpu\.csv stands in the table already, at .*twice\.csv:2; once each"),
        ("lost.csv", r"lost\.csv:2: .*nothing\.csv is not among the 8 that are imported"),
        ("number.csv", r"number\.csv:2: found the repetition 'one', expected a number from 1 on"),
        ("marked.csv", r"marked\.csv:2: found baseline 'perhaps', expected yes or no"),
        ("short.csv", r"short\.csv:2: found 1 cells, expected 2 as in the header"),
        ("unnamed.csv", r"unnamed\.csv:2: the scenario is missing"),
    ],
)
def test_a_grouping_that_does_not_fit_is_refused(tmp_path: Path, how: str, message: str) -> None:
    study(tmp_path)
    one = "s/vgg/run1/gpu.csv"
    tables = {
        "bad.csv": "path,name\n", "twice.csv": f"file,scenario\n{one},a\n{one},b\n",
        "lost.csv": "file,scenario\nnothing.csv,a\n", "number.csv": f"file,scenario,repetition\n{one},a,one\n",
        "marked.csv": f"file,scenario,baseline\n{one},a,perhaps\n", "short.csv": f"file,scenario\n{one}\n",
        "unnamed.csv": f"file,scenario\n{one},\n",
    }  # fmt: skip
    for name, text in tables.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ImportFileError, match=message):
        imported(tmp_path, str(tmp_path / how) if how.endswith(".csv") else how)


def test_one_name_for_two_scenarios_or_one_repetition_for_two_runs_is_refused(tmp_path: Path) -> None:
    log(tmp_path / "s" / "a-b" / "c-1.csv", 0)
    log(tmp_path / "s" / "a" / "b-c-1.csv", 1)
    with pytest.raises(ImportFileError, match=r"give the same name 'a-b-c' as (a-b and c|a and b-c)"):
        imported(tmp_path, "{system}/{model}-{repetition}")
    with pytest.raises(
        ImportFileError, match=r"b-c-1\.csv: repetition 1 of 's', which .*c-1\.csv is already|repetition 1"
    ):
        imported(tmp_path, "{scenario}/*/*-{repetition}")


def test_a_baseline_that_is_not_there_is_refused_with_the_scenarios_there_are(tmp_path: Path) -> None:
    study(tmp_path)
    with pytest.raises(ImportFileError, match=r"--baseline sleep: no scenario is called so; there are .*idle"):
        imported(tmp_path, "{model}/run{repetition}/*", "sleep")


def test_the_same_log_twice_is_no_second_repetition(tmp_path: Path) -> None:
    one = log(tmp_path / "s" / "a" / "x.csv", 0)
    (tmp_path / "s" / "a" / "y.csv").write_bytes(one.read_bytes())
    with pytest.raises(ImportFileError, match=r"y\.csv is .*x\.csv again; a copy of a log is no repetition"):
        imported(tmp_path, "folder")


def test_repetitions_that_overlap_are_remarked_for_two_boards_of_one_run_look_so(tmp_path: Path) -> None:
    log(tmp_path / "s" / "a" / "gpu0.csv", 0)
    log(tmp_path / "s" / "a" / "gpu1.csv", 0, 150.0)
    summary = import_nvidia_smi([tmp_path / "s"], tmp_path / "c", grouping=Grouping("folder"))
    said = "gpu1.csv: overlaps in time with gpu0.csv, as two boards of one run in two files would"
    assert any(remark.endswith(said) for remark in summary.remarks)
    noted = [f["evidence"]["code"] for f in complete(analyse(tmp_path / "c"))["findings"] if f["code"] == "note"]
    assert noted.count("overlapping-runs") == 1


def test_what_else_lies_in_a_folder_is_counted_and_a_folder_without_a_log_is_refused(tmp_path: Path) -> None:
    log(tmp_path / "s" / "gpu.csv", 0)
    (tmp_path / "s" / "notes.txt").write_text("nothing")
    (tmp_path / "s" / "runs.csv").write_text("run,energy\n1,2\n")
    summary = import_nvidia_smi([tmp_path / "s"], tmp_path / "c")
    assert any(remark.startswith("2 other files are left out") for remark in summary.remarks)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImportFileError, match=r"empty: no nvidia-smi log in it or below"):
        import_nvidia_smi([tmp_path / "empty"], tmp_path / "d")


def test_every_file_that_cannot_be_read_is_named_at_once(tmp_path: Path) -> None:
    paths = [log(tmp_path / f"{nth}.csv", nth) for nth in range(9)]
    for path in paths[1:]:
        path.write_text(path.read_text().replace("09:", "29:"))
    with pytest.raises(ImportFileError) as refused:
        import_nvidia_smi(paths, tmp_path / "c")
    text = str(refused.value)
    assert text.startswith("8 files cannot be read, nothing was imported:\n  ")
    assert (text.count("found the time '2026/03/04 29:"), text.endswith("and 3 more")) == (5, True)
    assert not (tmp_path / "c").exists()


# --- what a grouped study says -------------------------------------------------------------------------------------


def test_a_grouped_study_has_means_and_induced_energy_instead_of_single_runs(tmp_path: Path) -> None:
    study(tmp_path)
    imported(tmp_path, "{model}/run{repetition}/*", "idle")
    found = complete(analyse(tmp_path / "c"))
    assert {name: entry["n_runs"]["value"] for name, entry in found["scenarios"].items()} == {"resnet": 3, "vgg": 3}
    assert found["baseline"]["n_blocks"]["value"] == 2
    assert found["scenarios"]["vgg"]["induced_energy_wh"]["value"] == pytest.approx(50 * 11 / 3600)


def test_places_of_a_table_fit_sets_of_files_and_folders_too(tmp_path: Path) -> None:
    (tmp_path / "groups.csv").write_text("file,scenario\nwork/sus,sus\nwork2/sus,sus\n")
    grouping = Grouping(str(tmp_path / "groups.csv"))
    units = [tmp_path / "work" / "sus", tmp_path / "work2" / "sus", tmp_path / "work2" / "other"]
    assert grouping.places(units) == [Place("sus"), Place("sus"), None]


def test_the_verb_groups_and_says_what_it_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study(tmp_path)
    arguments = ["import", "nvidia-smi", str(tmp_path / "s"), "--into", str(tmp_path / "c")]
    assert cli.main([*arguments, "--group", "{model}/run{repetition}/*", "--baseline", "idle"]) == 0
    assert "Imported 8 runs into " in (said := capsys.readouterr().out)
    assert "baseline 2" in said
    assert "scenarios of one run each" not in said
    assert cli.main([*arguments[:-1], str(tmp_path / "d")]) == 0
    assert "8 logs are 8 scenarios of one run each; --group makes repetitions of them" in capsys.readouterr().out


def test_other_importers_group_in_the_same_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    okular = str(DATA / "okular")
    assert cli.main(["import", "oscar", okular, "--into", str(tmp_path / "c"), "--group", "folder"]) == 0
    assert "okular 52" in capsys.readouterr().out
    assert cli.main(["import", "oscar", okular, "--into", str(tmp_path / "d"), "--group", "okular/{name}"]) == 0
    said = capsys.readouterr().out
    assert all(part in said for part in ("baseline 11", "scenario 30", "idle 11"))
