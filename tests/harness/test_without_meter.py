"""A SUT without a meter: what its lab.toml may say, what a run records, what keeps it from starting."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli.run import find_the_ranges
from harness.evidence.certificates import reasons_of
from harness.measure.attempt import execute
from harness.measure.lab_file import LabConfig, load
from harness.measure.plan import make_plan
from harness.record.campaign_folder import STATEMENT, CampaignFolder
from harness.record.documents import Json
from harness.record.errors import ConfigError
from harness.record.run_folder import RunFolder
from reports.campaign.exclusion import exclusion_of
from reports.campaign.first_energy import gross_energy_of
from tests.analysis.unmetered import METER, certificate, text_of
from tests.harness.lying import FACTS, LAB, MATERIAL, PERIOD_S, LyingSut, bench_of, encoded, only

QUALIFIED = 'qualification = "qualified"\n'
UNMETERED = (
    LAB.replace('[meters.wall]\ndriver = "wattsup"\nport = "/dev/ttyUSB0"\ncircuit = "sut-ac-inlet"\n', "")
    .replace("[sut]\n", f"[sut]\n{QUALIFIED}")
    .replace('command = ["work"]\n', 'command = ["work"]\nload_kind = "gpu"\n')
    .replace("supplementary_s = 0.1", "supplementary_s = 0.6")
)
SAID: Json = FACTS | {"system": "Synthetic 1000", "firmware": "1.0", "software_meters": ["gpu0_power_w"]}
HOLDS: Json = {
    "cpu": "c", "boards": (), "driver": None, "kernel": "k", "sample_period_s": PERIOD_S,
}  # fmt: skip
"""What differs between the machine of `tests.analysis.unmetered` and the SUT that lies."""


def config_in(folder: Path, text: str = UNMETERED, content: bytes | None = None) -> LabConfig:
    (folder / "qualified").mkdir(exist_ok=True)
    (folder / "qualified" / "qualification.json").write_bytes(content or text_of(certificate(**HOLDS)))
    (folder / "lab.toml").write_text(text)
    return load(folder / "lab.toml")


def test_a_certificate_stands_for_the_meter_and_goes_into_every_run(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    assert config.file.meters == {}
    assert config.certificate_path == tmp_path / "qualified" / "qualification.json"
    assert config.inputs["qualification.json"] == text_of(certificate(**HOLDS))
    assert config.scenarios[0].to_json()["load_kind"] == "gpu"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (QUALIFIED, "", "meters: missing; at least one is needed"),
        ('"qualified"', '"elsewhere"', "sut.qualification: no qualification.json in .*elsewhere"),
        ('load_kind = "gpu"\n', "", "scenarios.work.load_kind: missing; say what it keeps busy"),
        ('load_kind = "gpu"', 'load_kind = "disk"', "scenarios.work.load_kind: found 'disk'"),
        ("[campaign]\n", "[campaign]\nsync_pulse = true\n", "campaign.sync_pulse: looks at the readings of a meter"),
        ("[baseline]", "[campaign.gate]\nlimit_s = 9\n[baseline]", "campaign.gate.limit_s: looks at the readings"),
        ("[baseline]", "[campaign.settle]\nlimit_s = 9\n[baseline]", "campaign.settle.limit_s: looks at the readings"),
        (QUALIFIED, QUALIFIED + 'circuits = ["a", "b"]\n', "sut.circuits: found a, b; an estimate is of the wall as a"),
        (QUALIFIED, 'software_meter = "x"\n', "sut.software_meter: is about a certificate; name its folder"),
        (
            "[thresholds]", '[meters.wall]\ndriver = "wattsup"\nport = "/dev/ttyUSB0"\n[thresholds]',
            "sut.qualification: the meter wall measures this SUT, so nothing has to be estimated",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_without_a_meter_is_a_mistake(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert before in UNMETERED
    with pytest.raises(ConfigError, match=said):
        config_in(tmp_path, UNMETERED.replace(before, after, 1))


def test_a_run_without_a_meter_is_recorded_and_its_energy_estimated(tmp_path: Path) -> None:
    def said(message: Json) -> list[bytes]:
        record = message["journal"]
        if record["rec"] == "descriptor":
            told = {"name": "gpu0_power_w", "unit": "W", "quantity": "GPU 0 board power", "method": "nvml"}
            columns = [record["columns"][0], record["columns"][1] | told]
            return [encoded(message | {"journal": record | {"columns": columns}})]
        return [encoded(message | {"journal": record | {"values": [50.0, 90.0]}})]

    lie = only(lambda message: message.get("journal", {}).get("rec") in ("descriptor", "sample"), said)
    config = config_in(tmp_path)
    bench = replace(bench_of(config, LyingSut(replace(lie, rating_s=1.0))), open_meters={}, sut_facts=SAID)
    planned = next(run for run in make_plan(config) if run.kind == "scenario")
    path, phases = CampaignFolder.create(config.campaign_folder).path / "run", list[str]()
    ended = execute(
        bench, planned, config.scenarios[0], path, MATERIAL, attempt=1, previous_manifest=None,
        on_start=lambda digest: None, on_phase=lambda phase, *_: phases.append(phase), reference=None,
    )  # fmt: skip
    run = RunFolder.open(path)
    assert (ended.exit_status, run.power) == ("success", ())
    assert phases[-1] == "unstage"
    assert run.start.inputs.keys() >= {"lab.toml", "qualification.json"}
    energy = gross_energy_of(run)
    assert energy.power_w is not None
    assert energy.power_w.value == pytest.approx(158.0)
    assert energy.power_w.expanded is not None
    assert exclusion_of(path) is None


def test_what_needs_a_meter_is_refused_without_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--ranging needs the readings of a meter"):
        find_the_ranges(config_in(tmp_path))


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"kernel": "k2"}, r"kernel: found k2, the certificate is for k; boot the certificate's kernel, or qualify"),
        ({"gpus": [{"name": "G", "driver": "1"}]}, r"boards: found G, the certificate is for none"),
        ({"firmware": None}, r"firmware: found nothing, the certificate is for 1\.0"),
        ({"software_meters": []}, rf"the SUT does not say {METER}: it has no such sensor"),
    ],
)
def test_every_difference_is_named_before_the_start(tmp_path: Path, facts: Json, said: str) -> None:
    texts = [reason.text for reason in reasons_of(config_in(tmp_path), SAID | facts) if reason.severity == "refuse"]
    assert any(re.search(said, text) for text in texts)
    assert not any("found k," in text for text in texts)


def test_a_kind_of_load_that_was_not_qualified_is_named_before_the_start(tmp_path: Path) -> None:
    config = config_in(tmp_path, UNMETERED.replace('load_kind = "gpu"', 'load_kind = "memory"'))
    texts = [reason.text for reason in reasons_of(config, SAID)]
    assert any(text.startswith("scenario work: kind of load: found memory") for text in texts)


def test_what_is_said_late_is_still_to_be_recorded(tmp_path: Path) -> None:
    config = config_in(tmp_path, UNMETERED.replace("supplementary_s = 0.6", "supplementary_s = 0.1"))
    texts = [reason.text for reason in reasons_of(config, SAID) if reason.severity == "refuse"]
    assert any(
        "campaign.supplementary_s: found 0.1 s, and agent/gpu0_power_w says 0.4 s late" in text for text in texts
    )


def test_a_certificate_of_which_nothing_shows_whose_it_is_is_refused(tmp_path: Path) -> None:
    texts = {reason.severity: reason.text for reason in reasons_of(config_in(tmp_path), SAID)}
    assert "so only a signature shows whose it is" in texts["refuse"]
    assert STATEMENT in texts["refuse"]
    assert texts["warn"].startswith("ESTIMATED by a qualified software meter, NOT MEASURED: agent/gpu0_power_w")
