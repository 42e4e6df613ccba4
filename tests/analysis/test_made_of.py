"""One mean only over equal digests, and no comparison of different programs that nobody declared (attack A8)."""

import hashlib
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import Start
from harness.record.errors import AnalysisError
from harness.record.run_folder import RunFolder
from reports.comparison import campaign
from reports.comparison.comparison import compare
from reports.comparison.selection import Part
from reports.findings.campaign import of_pooling
from reports.inference import r_session
from reports.pages.remarks import remarks
from reports.results.comparison import Key, Options
from tests.campaign_results import read
from tests.reports.comparisons import SOFTWARE
from tests.reports.make_campaign import PACKAGES, Load, Shape, SyntheticRun, make_campaign

ENVIRONMENT = hashlib.sha256("".join(f"{package}\n" for package in PACKAGES).encode()).hexdigest()
OTHER = hashlib.sha256(b"another program").hexdigest()
SMALL = Shape(loads={"cnn": Load(52.0, 34.0, 61.0, epochs=2)}, repetitions=2, baseline_blocks=2, duration_s=10)


class Changed(SyntheticRun):
    """Runs whose start document says something else of what they are made of."""

    @staticmethod
    def change(start: dict[str, Any]) -> None:
        """What is changed in a scenario run's."""

    def _material(self) -> dict[str, Any]:
        material = super()._material()
        if self.load is not None:
            self.change(material)
        return material


class OtherProgram(Changed):
    @staticmethod
    def change(start: dict[str, Any]) -> None:
        start["staged"]["train.py"] |= {"sha256": OTHER, "kept": False}


class OtherPackages(Changed):
    @staticmethod
    def change(start: dict[str, Any]) -> None:
        start["environment"] |= {"packages": ["numpy==2.5.0", "psutil==7.0.0"], "sha256": "d" * 64}


class OneMoreFile(Changed):
    @staticmethod
    def change(start: dict[str, Any]) -> None:
        start["on_sut"] = [{"path": "/opt/x.py", "kind": "file", "bytes": 3, "sha256": OTHER, "why": None}]


class Tracked(Changed):
    @staticmethod
    def change(start: dict[str, Any]) -> None:
        adapter = {"sha256": "e" * 64, "bytes": 9, "kept": False, "of": "trackers"}
        start["staged"]["tracker_codecarbon.py"] = adapter


class OfSchema1(Changed):
    @staticmethod
    def change(start: dict[str, Any]) -> None:
        start.update(dict.fromkeys(("staged", "on_sut", "environment")))


KINDS: dict[str, type[SyntheticRun] | None] = {
    "a": None, "program": OtherProgram, "packages": OtherPackages, "more": OneMoreFile, "tracked": Tracked,
    "old": OfSchema1,
}  # fmt: skip


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lab")
    for seed, (name, kind) in enumerate(KINDS.items()):
        make_campaign(folder, replace(SMALL, name=name, seed=seed), kind)
    return folder


@pytest.fixture
def runs(lab: Path) -> list[RunFolder]:
    return CampaignFolder(lab / "a").runs()


def second_with(runs: list[RunFolder], **changes: Any) -> list[RunFolder]:  # noqa: ANN401
    """The runs, the start document of the second scenario run changed."""
    at = [place for place, run in enumerate(runs) if run.start.kind == "scenario"][1]
    return [*runs[:at], replace(runs[at], start=replace(runs[at].start, **changes)), *runs[at + 1 :]]


def scenario_start(runs: list[RunFolder]) -> Start:
    return next(run.start for run in runs if run.start.kind == "scenario")


def found(runs: list[RunFolder]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(one.severity, one.subject, one.evidence) for one in of_pooling(runs)]


def test_runs_of_one_program_are_pooled(runs: list[RunFolder]) -> None:
    assert found(runs) == []


def test_another_program_in_one_run_is_invalid_with_file_and_both_digests(runs: list[RunFolder]) -> None:
    staged = deepcopy(scenario_start(runs).staged) or {}
    before = staged["train.py"]["sha256"]
    staged["train.py"]["sha256"] = OTHER
    assert found(second_with(runs, staged=staged)) == [("invalid", "cnn", {"staged.train.py": [before, OTHER]})]


def test_the_page_prints_the_file_and_both_digests_whole(runs: list[RunFolder]) -> None:
    staged = deepcopy(scenario_start(runs).staged) or {}
    before = staged["train.py"]["sha256"]
    staged["train.py"]["sha256"] = OTHER
    (finding,) = of_pooling(second_with(runs, staged=staged))
    told = {"code": finding.code, "severity": finding.severity, "subject": "cnn", "evidence": finding.evidence}
    (remark,) = remarks(read({"findings": [told]}))
    assert before in remark.evidence
    assert OTHER in remark.evidence


def test_a_file_more_or_less_is_another_program(runs: list[RunFolder]) -> None:
    staged = (scenario_start(runs).staged or {}) | {"helper.py": {"sha256": OTHER, "bytes": 1, "of": "program"}}
    assert found(second_with(runs, staged=staged)) == [("invalid", "cnn", {"staged.helper.py": ["none", OTHER]})]


def test_a_file_on_the_sut_that_changed_is_another_program(runs: list[RunFolder]) -> None:
    named = {"path": "/opt/train.py", "kind": "file", "bytes": 3, "sha256": "a" * 64, "why": None}
    with_file = [replace(run, start=replace(run.start, on_sut=[named])) for run in runs if run.start.kind == "scenario"]
    assert found(with_file) == []
    changed = second_with(with_file, on_sut=[named | {"sha256": OTHER}])
    assert found(changed) == [("invalid", "cnn", {"on_sut./opt/train.py": ["a" * 64, OTHER]})]
    large = named | {"kind": "large", "sha256": None, "why": "larger than 4294967296 bytes"}
    (finding,) = found(second_with(with_file, on_sut=[large]))
    assert "large, 3 bytes" in finding[2]["on_sut./opt/train.py"][1]


def test_another_package_is_invalid_with_its_versions(runs: list[RunFolder]) -> None:
    environment = (scenario_start(runs).environment or {}) | {
        "packages": ["numpy==2.5.0", "torch==2.9.0"], "sha256": "d" * 64,
    }  # fmt: skip
    (finding,) = found(second_with(runs, environment=environment))
    assert finding[:2] == ("invalid", "cnn")
    assert finding[2] == {
        "environment.sha256": [ENVIRONMENT, "d" * 64], "environment.numpy": ["2.4.0", "2.5.0"],
        "environment.psutil": ["7.0.0", "none"], "environment.torch": ["none", "2.9.0"],
    }  # fmt: skip


def test_another_interpreter_of_the_same_packages_is_invalid(runs: list[RunFolder]) -> None:
    environment = (scenario_start(runs).environment or {}) | {"python": "3.13.0", "binary_sha256": "f" * 64}
    (finding,) = found(second_with(runs, environment=environment))
    assert set(finding[2]) == {"environment.python", "environment.binary_sha256"}


def test_a_run_that_did_not_record_its_program_differs_in_nothing_by_that(runs: list[RunFolder]) -> None:
    assert found(second_with(runs, staged=None, on_sut=None, environment=None)) == []


READ = cache(campaign.read_campaign)


@pytest.fixture(autouse=True)
def _read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The campaigns never change; each is computed once for all tests, and effect sizes say nothing here."""
    monkeypatch.setattr(campaign, "read_campaign", READ)
    monkeypatch.setattr(r_session, "available", lambda: "R is not asked")


def compared(lab: Path, one: str, other: str, *differs: str) -> dict[str, Key]:
    document = compare([[Part(lab / one)], [Part(lab / other)]], Options(differs=differs), SOFTWARE, lab / "out")
    return {key.name: key for key in document.sets[0].keys}


@pytest.mark.parametrize(
    ("other", "key", "values"),
    [
        ("program", "program.train.py", ("{train}", OTHER)),
        ("packages", "environment", (ENVIRONMENT, "d" * 64)),
        ("more", "program./opt/x.py", ("none", OTHER)),
        ("tracked", "trackers.tracker_codecarbon.py", ("none", "e" * 64)),
    ],
)
def test_what_is_made_of_something_else_is_refused_with_both_digests_until_declared(
    lab: Path, runs: list[RunFolder], other: str, key: str, values: tuple[str, str]
) -> None:
    train = (scenario_start(runs).staged or {})["train.py"]["sha256"]
    one, two = (value.format(train=train) for value in values)
    with pytest.raises(AnalysisError) as refused:
        compared(lab, "a", other)
    assert f"{key} is {one} (a) and {two} ({other})" in str(refused.value)
    assert str(refused.value).endswith(f"--differs {key}")
    assert compared(lab, "a", other, key)[key].declared
    assert compared(lab, "a", other, key.split(".")[0])[key].declared


def test_what_one_side_did_not_record_refuses_nothing_and_is_listed_as_such(lab: Path) -> None:
    key = compared(lab, "a", "old")["program.train.py"]
    assert key.values[1] is None
    assert not key.differs


def test_campaigns_of_different_programs_are_not_pooled(lab: Path) -> None:
    with pytest.raises(AnalysisError, match=rf"cannot be pooled: .*program\.train\.py is [0-9a-f]{{64}} .* {OTHER}"):
        compare([[Part(lab / "a"), Part(lab / "program")], [Part(lab / "old")]], Options(), SOFTWARE, lab / "out")
