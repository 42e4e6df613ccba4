"""A run's cell is held against its plan, lab.toml and scenario.toml: one that is no cell, or whose level was changed,
is found without key or witness, in whichever of them it was changed."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.cells import cell_problems
from harness.evidence.verification import verify
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import Json
from harness.record.plain_files import sha256_of
from harness.record.run_folder import JOURNAL, RunFolder
from reports.results.document import RESULTS
from tests.evidence.forger import copied, journal_of, reforge, write_journal
from tests.reports.make_campaign import Load, Shape, make_campaign

FACTORS = {"mode": ["fast", "slow"], "size": [16, 32], "half": True}
CELLS = {f"train.mode-{mode}.size-{size}": {"half": True, "mode": mode, "size": size, "framework": "torch"}
         for mode in ("fast", "slow") for size in (16, 32)}  # fmt: skip
COMMAND = ["{python}", "train.py", "--mode={mode}"]
SECTION: Json = {
    "repetitions": 2, "folder": "train", "command": [], "files": [], "parameters": {}, "artifacts": [],
    "max_duration_s": 86400.0, "trackers": [], "tracker_periods_s": {}, "factors": FACTORS,
}  # fmt: skip
SCENARIO_TOML = """\
schema = 1
title = "train"
command = ["{python}", "train.py", "--mode={mode}"]
python = "{framework}"
[factors]
framework = "torch"
[parameters]
size = 8
"""
LAB_TOML = '\n[scenarios.train]\nfolder = "train"\nrepetitions = 2\n[scenarios.train.factors]\n'
LAB_TOML += 'mode = ["fast", "slow"]\nsize = [16, 32]\nhalf = true\n'
SHAPE = Shape(
    name="crossed", loads={name: Load(20.0 + 5 * nth, 30.0) for nth, name in enumerate(CELLS)}, repetitions=2,
    baseline_blocks=2, duration_s=30, gpu=False,
)  # fmt: skip
Edit = Callable[[Json], object]
Entries = list[dict[str, Any]]


def with_cells(run: Path) -> None:
    """A synthetic run, as the lab writes one of a cell."""
    documents = journal_of(run)
    start, lab = documents[0], run / "inputs" / "lab.toml"
    lab.write_text(lab.read_text() + LAB_TOML)
    start["config"]["scenarios"]["train"] = SECTION
    start["inputs"]["lab.toml"] = sha256_of(lab)
    if (cell := CELLS.get(start["scenario"])) is not None:
        toml = run / "inputs" / "scenario.toml"
        toml.write_text(SCENARIO_TOML)
        start["inputs"]["scenario.toml"] = sha256_of(toml)
        words = [word.replace("{mode}", str(cell["mode"])) for word in COMMAND]
        told = {"command": words, "parameters": {"size": cell["size"]}, "cell_of": "train", "title": "train"}
        told["python"] = "torch"
        start |= {"cell": cell, "scenario_config": start["scenario_config"] | told}
    write_journal(run, documents)


def planned_in_cells(entries: Entries) -> Entries:
    """The log, as the lab writes it of a campaign with cells."""
    entries[0]["config"]["scenarios"]["train"] = SECTION
    for run in entries[1]["runs"]:
        if run["scenario"] in CELLS:
            run["cell"] = CELLS[run["scenario"]]
    return entries


@pytest.fixture(scope="module")
def crossed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign of four cells, each measured twice, with its results."""
    campaign = make_campaign(tmp_path_factory.mktemp("crossed"), SHAPE)
    reforge(campaign, with_cells, planned_in_cells)
    return campaign


def problems(campaign: Path) -> list[str]:
    return [f"{check.name}: {check.detail}" for check in verify(campaign, None).failed]


def at_first_cell(change: Edit) -> Callable[[Path], None]:
    """The start document of the first run of a cell changed."""

    def edit(run: Path) -> None:
        documents = journal_of(run)
        if documents[0]["ordinal"] == 2:
            change(documents[0])
        write_journal(run, documents)

    return edit


def in_the_plan(change: Edit) -> Callable[[Entries], Entries]:
    """The plan of that run changed."""

    def rewrite(entries: Entries) -> Entries:
        for run in entries[1]["runs"]:
            if run["ordinal"] == 2:
                change(run)
        return entries

    return rewrite


def level(factor: str, value: object) -> Edit:
    """The level of a factor is another one."""
    return lambda document: document.update(cell=document["cell"] | {factor: value})


def renamed(document: Json) -> None:
    """A cell that nobody crossed."""
    document["scenario"] = "train.mode-fast.size-64"
    if "scenario_config" in document:
        document["scenario_config"]["name"] = document["scenario"]
    document["cell"] = document["cell"] | {"size": 64}


def as_another_cell(document: Json) -> None:
    """The run of one cell passed off as one of another."""
    document["scenario"] = "train.mode-slow.size-32"
    if "scenario_config" in document:
        document["scenario_config"] |= {"name": document["scenario"], "parameters": {"size": 32}}
    document["cell"] = CELLS[document["scenario"]]


def without_cell(document: Json) -> None:
    del document["cell"]


def in_scenario_toml(run: Path) -> None:
    """Another framework, in the input of every run of a cell."""
    documents = journal_of(run)
    toml = run / "inputs" / "scenario.toml"
    if toml.exists():
        toml.write_text(SCENARIO_TOML.replace('"torch"', '"jax"'))
        documents[0]["inputs"]["scenario.toml"] = sha256_of(toml)
    write_journal(run, documents)


def test_as_measured_it_verifies_and_results_name_the_cell_of_each_group(crossed: Path) -> None:
    assert problems(crossed) == []
    results = json.loads((crossed / "derived" / RESULTS).read_text())
    assert {name: part["cell"] for name, part in results["scenarios"].items()} == CELLS
    assert {name: part["n_runs"]["value"] for name, part in results["scenarios"].items()} == dict.fromkeys(CELLS, 2)
    assert {run["scenario"] for run in results["runs"] if run["kind"] == "scenario"} == set(CELLS)


def test_results_without_factors_have_no_key_of_them(unsigned: Path) -> None:
    results = json.loads((unsigned / "derived" / RESULTS).read_text())
    assert not any("cell" in part for part in results["scenarios"].values())
    assert not any(b'"cell"' in (run / JOURNAL).read_bytes() for run in CampaignFolder(unsigned).run_paths())


IN_PLAN = r"planned: \S+-r02-\S+ was planned with the cell {.*, it was made with {"
OF_FILES = r"config: .*\S+-r02-\S+: its start document has the cell .*, lab.toml and scenario.toml give "


@pytest.mark.parametrize(
    ("edit", "rewrite", "message"),
    [
        (at_first_cell(level("size", 32)), None, IN_PLAN),
        (at_first_cell(level("size", 32)), in_the_plan(level("size", 32)), OF_FILES + r".*size = 16"),
        (at_first_cell(level("size", 16.0)), None, IN_PLAN),
        (at_first_cell(level("size", 16.0)), in_the_plan(level("size", 16.0)), OF_FILES),
        (at_first_cell(level("half", 1)), in_the_plan(level("half", 1)), OF_FILES),
        (at_first_cell(level("framework", "jax")), in_the_plan(level("framework", "jax")), OF_FILES),
        (at_first_cell(level("more", 1)), in_the_plan(level("more", 1)), OF_FILES),
        (None, in_the_plan(level("size", 32)), IN_PLAN),
        (in_scenario_toml, None, OF_FILES + ".*framework = jax"),
        (at_first_cell(without_cell), None, r"planned: .*'mode': 'fast'.*, it was made with None"),
        (at_first_cell(without_cell), in_the_plan(without_cell), OF_FILES.replace("cell .*,", "cell none,")),
        (at_first_cell(renamed), None, "was planned with scenario 'train.mode-fast.size-16', it was made with"),
        (at_first_cell(renamed), in_the_plan(renamed), "which is no cell of scenarios.train"),
        (
            at_first_cell(renamed), in_the_plan(renamed),
            "1 runs of 'train.mode-fast.size-16' are planned, its config has scenarios.train.repetitions 2",
        ),
        (
            at_first_cell(as_another_cell), in_the_plan(as_another_cell),
            "3 runs of 'train.mode-slow.size-32' are planned, its config has scenarios.train.repetitions 2",
        ),
        (
            at_first_cell(as_another_cell), in_the_plan(as_another_cell),
            r"config: .*-r02-\S+: scenario_config.command is .* in inputs/scenario.toml",
        ),
        (
            at_first_cell(lambda start: start["scenario_config"]["parameters"].update(size=32)), None,
            "its parameters are not those of inputs/scenario.toml and lab.toml",
        ),
        (
            at_first_cell(lambda start: start["scenario_config"].update(python="jax")), None,
            "scenario_config.python is 'jax' in its start document, 'torch' in inputs/scenario.toml",
        ),
        (
            at_first_cell(lambda start: start["scenario_config"].pop("python")), None,
            "scenario_config.python is not there in its start document, 'torch' in inputs/scenario.toml",
        ),
        (
            at_first_cell(lambda start: start["scenario_config"].pop("cell_of")), None,
            OF_FILES + "framework = torch",
        ),
        (
            at_first_cell(lambda start: start["config"]["scenarios"]["train"]["factors"]["size"].append(64)), None,
            "config: .*scenarios.train.factors.size is .* in its start document, .* in the campaign's log",
        ),
    ],
)  # fmt: skip
def test_a_cell_that_was_changed_is_found(
    crossed: Path,
    tmp_path: Path,
    edit: Callable[[Path], None] | None,
    rewrite: Callable[[Entries], Entries] | None,
    message: str,
) -> None:
    campaign = copied(crossed, tmp_path)
    reforge(campaign, edit or (lambda run: None), rewrite or (lambda entries: entries))
    found = problems(campaign)
    assert any(re.search(message, problem) for problem in found), found


def test_factors_that_no_lab_toml_could_have_are_named_and_end_no_verification(crossed: Path, tmp_path: Path) -> None:
    campaign = copied(crossed, tmp_path)

    def absurd(run: Path) -> None:
        documents = journal_of(run)
        documents[0]["config"]["scenarios"]["train"]["factors"] = {"f": [{"a": 1}], "size": [1] * 2000, "x": None}
        write_journal(run, documents)

    reforge(campaign, absurd)
    assert any(problem.startswith("config: ") for problem in problems(campaign))
    run = RunFolder.open(CampaignFolder(campaign).run_paths()[1])
    (problem,) = cell_problems(run, {"factors": {"f": [1], "when": None}})
    assert problem.endswith("has the scenario 'train.mode-fast.size-16', which is no cell of scenarios.train")


@pytest.mark.parametrize("cell", ["fast", [], {"size": None}, {"size": [16]}, {"size": 1 << 80}])
def test_what_is_no_cell_makes_a_start_document_unreadable_with_its_field(
    crossed: Path, tmp_path: Path, cell: object
) -> None:
    campaign = copied(crossed, tmp_path)
    reforge(campaign, at_first_cell(lambda start: start.update(cell=cell)), results=False)
    assert any("run.jsonl:1: Start.cell is" in problem for problem in problems(campaign)), problems(campaign)
