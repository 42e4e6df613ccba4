"""`wattlab study plan`: what it says before anything is started, and every mistake that it finds."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from harness import cli
from harness.cli.studies import read_study
from harness.record.campaign_folder import CampaignFolder

SUT = '[sut]\nhost = "10.0.0.{number}"\nuser = "me"\nkey_file = ""\npython = ".venv/bin/python"\n'
METER = '[meters.wall]\ndriver = "wattsup"\nport = "/dev/ttyUSB{number}"\n'
STUDY = """\
schema = 1
[study]
name = "s"
title = "A study"
alpha = 0.05
[environments.a]
title = "Machine A"
lab = "a.toml"
[environments.b]
title = "Machine B"
lab = "b.toml"
[environments.b.expected.train]
duration_s = 36
power_w = 100
[campaign]
stabilization_s = 1
supplementary_s = 1
pause_s = 3
[baseline]
blocks = 2
duration_s = 30
[scenarios.train]
command = ["bench", "{net}", "{size}"]
repetitions = 4
[scenarios.train.factors]
net = ["x", "y"]
size = [1, 2]
[factors.net]
title = "Network"
[factors.size]
title = "Size"
[factors.environment]
title = "Machine"
[responses.energy]
title = "Energy"
formula = "energy_wh"
unit = "Wh"
[questions.net]
title = "Does the network matter?"
response = "energy"
factor = "net"
test = "welch"
transform = "none"
where = { environment = ["a"] }
"""


Call: TypeAlias = Callable[..., tuple[int, str]]


@pytest.fixture
def call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """Plan a study with some of its text replaced: the exit code, and what was printed."""
    for number, name in enumerate("ab"):
        (tmp_path / f"{name}.toml").write_text(f"schema = 1\n{(SUT + METER).format(number=number)}")

    def plan(*replaced: tuple[str, str], action: str = "plan", words: tuple[str, ...] = ()) -> tuple[int, str]:
        text = STUDY
        for old, new in replaced:
            assert old in text
            text = text.replace(old, new, 1)
        (tmp_path / "s.toml").write_text(text)
        code = cli.main(["study", action, str(tmp_path / "s.toml"), *words])
        said = capsys.readouterr()
        return code, " ".join((said.out + said.err).split())

    return plan


def test_a_plan_says_every_run_with_hours_and_energy_as_far_as_they_are_known(
    call: Call,
) -> None:
    code, said = call(words=("--json",))
    plan = json.loads(said)
    assert code == 0
    assert [len(place["runs"]) for place in plan["environments"]] == [18, 18]
    a, b = ({cell["scenario"]: cell for cell in place["cells"]} for place in plan["environments"])
    assert (a["train.net-x.size-1"]["known_by"], a["train.net-x.size-1"]["each_s"]) == ("not-known", None)
    assert (b["train.net-x.size-1"]["known_by"], b["train.net-x.size-1"]["each_s"]) == ("declared", 36 + 5 + 5)
    assert b["train.net-x.size-1"]["each_wh"] == 1.0
    assert a["baseline"]["each_s"] == 30 + 5 + 5
    assert (plan["left_wh"], plan["unknown_length"], plan["unknown_energy"]) == (16.0, 16, 16 + 4)
    assert plan["left_hours"] == pytest.approx((4 * 40 + 16 * 46) / 3600)
    assert plan["environments"][0]["runs"] == plan["environments"][1]["runs"]


def test_a_plan_is_a_table_and_the_next_command(call: Call) -> None:
    code, said = call(words=("--runs",))
    assert code == 0
    assert "b train.net-x.size-1 4 4 46 s 3 min 4" in said
    assert "The 36 that are left take at least 15 min and 16 Wh" in said
    assert "the length of 16 runs and the energy of 20 runs" in said
    assert "train.net-y.size-2 #4 seed" in said
    assert "study run" in said


@pytest.mark.parametrize(
    ("replaced", "says"),
    [
        ([("net = [", "nett = [")], "scenarios.train.factors.nett: it is crossed, and no [factors.nett] says"),
        ([('[factors.size]\ntitle = "Size"\n', "")], "train.factors.size: it is crossed, and no [factors.size]"),
        ([('["x", "y"]', '["x"]')], "factors.net: one level, 'x': nothing is varied"),
        ([('["x", "y"]', '["x", "x"]')], "scenarios.train.factors.net[1]: the level 'x' stands there twice"),
        ([("[factors.size]", '[factors.colour]\ntitle = "C"\n[factors.size]')],
         "factors.colour: no scenario crosses or states 'colour' in its factors: nobody uses it"),
        ([('title = "Size"', 'title = "Size"\nlevels = ["1", "3"]')], "size.levels: no run will have the level '3'"),
        ([('[factors.environment]\ntitle = "Machine"\n', ""), ('where = { environment = ["a"] }\n', "")],
         "factors: there are 2 environments, and no factor tells their runs apart"),
        ([('lab = "b.toml"', 'lab = "a.toml"')],
         "environments.b: it and a have one meter wall (/dev/ttyUSB0) and one SUT me@10.0.0.0"),
        ([('lab = "b.toml"', 'lab = "c.toml"')], "environments.b.lab: there is no file"),
        ([('lab = "b.toml"', 'lab = "b.toml"\nsut = "x"')], "no SUT 'x' here"),
        ([('title = "Machine B"', 'title = "Machine B"\nsame_as = "b"')], "b.same_as: found 'b', expected another"),
        ([("[environments.b.expected.train]", "[environments.b.expected.trane]")],
         "environments.b.expected.trane: no such scenario or cell; there are train"),
        ([("[campaign]", '[campaign]\nname = "mine"')], "campaign.name: a study does not set it"),
        ([('formula = "energy_wh"', 'formula = "energy"')], "responses.energy.formula: no run has 'energy'"),
        ([('title = "Machine B"', 'title = "Machine B"\nonly = { net = ["y"] }'),
          ('where = { environment = ["a"] }', ""),
          ('title = "Machine A"', 'title = "Machine A"\nonly = { net = ["x"] }')],
         "questions.net: 'net' and 'environment' are confounded"),
        ([('title = "Machine B"', 'title = "Machine B"\nonly = { nut = ["y"] }')],
         "environments.b.only.nut: no scenario has this factor"),
        ([('title = "Machine B"', 'title = "Machine B"\nonly = { net = ["z"] }')],
         "environments.b.only.net: 'z' is no level of it; there are x, y"),
        ([('title = "Machine B"', 'title = "Machine B"\nonly = "x"')],
         "environments.b.only: found 'x', expected a table, such as { NAME = [...] }"),
        ([('lab = "b.toml"', 'lab = "a.toml"\nsame_as = "a"')],
         "environments.b: nothing of it differs from a, so its runs would be the same ones; say what does: `prefix`"),
        ([('unit = "Wh"', 'unit = "W"')], "responses.energy.unit: energy_wh is of the dimension W s, the stated"),
        ([('unit = "Wh"', 'unit = "wh"')], "responses.energy.unit: 'wh' is no unit that is known"),
        ([('"energy_wh"', '"energy_wh / duration_s * work.tokens"')], "tokens is of the dimension W, the stated"),
        ([("repetitions = 4", "repetitions = 1"), ('factor = "net"', 'factor = "size"'),
          ("where = {", 'where = { net = ["x"],')],
         "questions.net: one run is planned of size = 1, and one run has no spread"),
        ([("[campaign]", '[fractions]\ntrain = "a b ab"\n[campaign]')], "fractions: found 'a b ab', expected"),
    ],
)  # fmt: skip
def test_a_study_that_cannot_be_run_is_refused_with_place_and_remedy(
    call: Call, replaced: list[tuple[str, str]], says: str
) -> None:
    code, said = call(*replaced)
    assert code == 1
    assert says in said


def test_without_environments_that_alone_is_said(call: Call) -> None:
    whole = STUDY[STUDY.index("[environments.a]") : STUDY.index("[campaign]")]
    code, said = call((whole, ""))
    assert code == 1
    assert "s.toml: environments: missing; [scenarios.NAME] are run in environments: write [environments.NAME]" in said
    assert "mistakes" not in said


def test_an_environment_without_a_meter_is_refused(call: Call, tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(f"schema = 1\n{SUT.format(number=1)}")
    code, said = call()
    assert code == 1
    assert "b.toml: meters: missing; at least one is needed" in said


def test_one_machine_twice_is_planned_where_the_file_says_so(call: Call) -> None:
    same = 'lab = "a.toml"\nsame_as = "a"\nprefix = ["taskset", "--cpu-list", "0"]'
    assert call(('lab = "b.toml"', same))[0] == 0


def test_a_plan_says_where_the_file_is_another_than_what_was_begun(call: Call, tmp_path: Path) -> None:
    call()
    (campaign, _) = read_study(tmp_path / "s.toml").campaigns
    folder = CampaignFolder.create(campaign.config.campaign_folder)
    body = {"schema": 1, "name": "s.a", "config": campaign.config.to_json()}
    folder.append("campaign", "2026-11-30T08:00:00Z", body)
    assert "cannot be continued" not in call()[1]
    code, said = call(("stabilization_s = 1", "stabilization_s = 2"))
    assert code == 0
    assert "a cannot be continued: " in said
    assert "campaign.stabilization_s differ from when the campaign" in said
    assert "or give study.name a new value" in said
    assert "b cannot be continued" not in said


def test_a_machine_that_cannot_run_a_network_leaves_it_out(call: Call) -> None:
    code, said = call(('title = "Machine B"', 'title = "Machine B"\nonly = { net = ["y"] }'), words=("--json",))
    assert code == 0
    cells = [[cell["scenario"] for cell in place["cells"]] for place in json.loads(said)["environments"]]
    assert cells[1] == ["baseline", "train.net-y.size-1", "train.net-y.size-2"]


def test_a_report_before_the_first_run_is_refused(call: Call) -> None:
    code, said = call(action="report", words=("--incomplete",))
    assert code == 1
    assert "no run of the study was begun; `" in said


def test_the_studies_that_come_with_wattlab_can_be_run(capsys: pytest.CaptureFixture[str]) -> None:
    root = Path(__file__).parents[2]
    for path, runs in (("docs/examples/study/study.toml", 2 * (5 + 4 * 10)), ("workloads/studies/demo/study.toml", 18)):
        assert cli.main(["study", "plan", str(root / path)]) == 0
        assert f"{runs} runs in 2 environments" in capsys.readouterr().out


def test_a_study_is_no_campaign_file(call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call()
    words = ["plan", "--lab", str(tmp_path / "a.toml"), "--campaign", str(tmp_path / "s.toml")]
    assert cli.main(words) == 1
    assert "that is a study with environments; `" in capsys.readouterr().err
