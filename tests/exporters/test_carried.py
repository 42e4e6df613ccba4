"""Exports that carry figures to others: U, label and digests go along, and a schema that is published accepts them."""

import hashlib
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import spdx_python_model.bindings.v3_0_1 as spdx

from harness.cli import main
from harness.foreign.exporters.carried.account import LABELS, NO_CLAIM, account_of
from harness.foreign.importers.mlperf_tiny.importer import import_mlperf_tiny
from harness.foreign.importers.mlperf_training.importer import import_mlperf_training
from harness.foreign.importers.oscar.importer import import_oscar
from harness.record.documents import PowerDescriptor
from harness.record.errors import ExportError
from harness.record.verify import verify_campaign
from meters.reading import EMULATOR_MARK
from reports.campaign.analyse import analyse
from reports.results.meters import Origin
from tests.documents import write_results
from tests.reports.make_campaign import LOADS, Shape, SyntheticRun, make_campaign

DATA = Path(__file__).parents[1] / "data"
FORMATS = {
    "spdx": ("--stage", "inference"), "sci": (), "itu-l1801": (), "ai-act": ("--stage", "training"), "mlperf": (),
}  # fmt: skip


class Plain(SyntheticRun):
    """Of a meter that does not say of itself that it is an emulator."""

    def _meter(self) -> PowerDescriptor:
        descriptor = super()._meter()
        return replace(descriptor, identity=descriptor.identity | {"firmware": "4.12"})

    def _wire_log(self, readings: bytes) -> bytes:
        return super()._wire_log(readings).replace(EMULATOR_MARK.encode().hex().encode(), b"PRO 5.55".hex().encode())


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published session of MLPerf Tiny: imported, two runs of 250 inferences."""
    campaign = tmp_path_factory.mktemp("carried") / "tiny"
    import_mlperf_tiny(DATA / "mlperf-tiny" / "runner", campaign)
    write_results(campaign)
    return campaign


@pytest.fixture(scope="module")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    campaign = make_campaign(tmp_path_factory.mktemp("carried"), Shape(repetitions=2, baseline_blocks=2))
    write_results(campaign)
    return campaign


def exported(campaign: Path, into: Path, name: str, *words: str) -> Any:  # noqa: ANN401  JSON
    """What the verb writes, as JSON; of the folder of logs the entries of every line."""
    usual = () if "--stage" in words else FORMATS[name]
    assert main(["export", name, str(campaign), "--into", str(into), *usual, *words]) == 0
    if into.is_file():
        return json.loads(into.read_text())
    lines = [line for file in sorted(into.rglob("*.txt")) for line in file.read_text().splitlines()]
    return [json.loads(line.partition(" ")[2]) for line in lines]


def texts(told: object) -> str:
    """The whole document with what stands as text in it."""
    return json.dumps(told).replace('\\"', '"')


# --- what all of them carry -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_label_uncertainty_and_digest_travel_in_every_export(tiny: Path, tmp_path: Path, name: str) -> None:
    told = texts(exported(tiny, tmp_path / "x", name))
    digest = hashlib.sha256((tiny / "derived" / "results.json").read_bytes()).hexdigest()
    [number] = [part.energy_wh for part in account_of(tiny, None).results.scenarios.values()]
    assert number is not None
    assert digest in told
    assert '"label": "imported"' in told
    assert f'"U": {number.expanded}' in told
    assert NO_CLAIM in told


@pytest.mark.parametrize("name", FORMATS)
def test_an_emulated_figure_is_called_so_and_never_measured(emulated: Path, tmp_path: Path, name: str) -> None:
    told = texts(exported(emulated, tmp_path / "x", name, "--scenario", "cnn"))
    assert '"label": "emulated"' in told
    assert '"measured"' not in told


def test_no_origin_but_a_meter_of_the_lab_is_called_measured() -> None:
    origins = set(Origin.__args__)  # type: ignore[attr-defined]
    assert set(LABELS) == origins
    assert {origin for origin in origins if LABELS[origin] == "measured"} == {"instrument", "attested", "declared"}


def test_the_certificate_goes_along_by_its_digest(tiny: Path, tmp_path: Path) -> None:
    (tiny / "derived" / "qualification.json").write_text("{}")
    try:
        told = exported(tiny, tmp_path / "x", "spdx")
    finally:
        (tiny / "derived" / "qualification.json").unlink()
    digest = hashlib.sha256(b"{}").hexdigest()
    files = {part["name"]: part["verifiedUsing"][0]["hashValue"] for part in _of_type(told, "software_File")}
    assert files["qualification.json"] == digest
    assert account_of(tiny, None).certificate is None


def test_an_estimate_goes_with_the_digest_of_the_certificate_that_it_rests_on(emulated: Path, tmp_path: Path) -> None:
    derived = tmp_path / "c" / "derived"
    derived.mkdir(parents=True)
    told = json.loads((emulated / "derived" / "results.json").read_text())
    told["measurement"] |= {"origin": "estimated"}
    qualified = {"certificate_sha256": "ab" * 32, "campaign": "q", "meter": "agent/rapl_package_0_energy_j"}
    told["measurement"]["meters"][0]["evidence"]["qualification"] = qualified
    (derived / "results.json").write_text(json.dumps(told))
    account = account_of(tmp_path / "c", "cnn")
    assert (account.label, account.certificate) == (
        "estimated",
        {"sha256": "ab" * 32, "campaign": "q", "meter": "agent/rapl_package_0_energy_j"},
    )
    spdx_told = exported(tmp_path / "c", tmp_path / "x", "spdx", "--scenario", "cnn")
    assert "ab" * 32 in texts(_of_type(spdx_told, "software_File"))
    assert exported(tmp_path / "c", tmp_path / "y", "ai-act", "--scenario", "cnn")["known_or_estimated"] == "estimated"


# --- each of them ---------------------------------------------------------------------------------------------------


def _of_type(told: Any, kind: str) -> list[Any]:  # noqa: ANN401
    return [part for part in told["@graph"] if part["type"] == kind]


def _checked(told: Any) -> Any:  # noqa: ANN401
    """The document as the model of SPDX 3.0.1 reads and writes it again: unknown properties, values of another type or
    list and missing ones are errors."""
    objects = spdx.SHACLObjectSet()
    spdx.JSONLDDeserializer().deserialize_data(told, objects)
    spdx.JSONLDSerializer().serialize_data(objects)
    assert objects.missing_ids == set()
    return objects


@pytest.mark.parametrize("stage", ["training", "finetuning", "inference"])
def test_the_model_of_spdx_accepts_the_document_and_has_the_energy(tiny: Path, tmp_path: Path, stage: str) -> None:
    named = ["--model-name", "kws", "--model-version", "1.0", "--supplier", "Somebody"]
    named += ["--download", "https://example.org/kws", "--released", "2025-07-26T00:00:00Z", "--stage", stage]
    objects = _checked(exported(tiny, tmp_path / "x", "spdx", *named))
    [package] = objects.foreach_type(spdx.ai_AIPackage)
    [described] = getattr(package.ai_energyConsumption, f"ai_{stage}EnergyConsumption")
    account = account_of(tiny, None)
    wh = account.per_unit["inferences"] if stage == "inference" else account.energy
    [document] = objects.foreach_type(spdx.SpdxDocument)
    assert not document.profileConformance
    assert float(described.ai_energyQuantity) == pytest.approx(wh.value / 1000, rel=1e-12)
    assert described.ai_energyUnit.endswith("EnergyUnitType/kilowattHour")
    assert (package.name, package.suppliedBy.name, package.software_packageVersion) == ("kws", "Somebody", "1.0")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ai_energyUnit": "Wh"}, "not a valid value"),
        ({"ai_energyQuantity": None}, "required|None"),
        ({"U": "0.1"}, "Unknown property"),
    ],
)
def test_the_model_of_spdx_refuses_what_is_no_energy_entry(
    tiny: Path, tmp_path: Path, change: dict[str, object], said: str
) -> None:
    told = exported(tiny, tmp_path / "x", "spdx")
    [package] = _of_type(told, "ai_AIPackage")
    [described] = package["ai_energyConsumption"]["ai_inferenceEnergyConsumption"]
    described |= change
    for key in [key for key, value in change.items() if value is None]:
        del described[key]
    with pytest.raises((ValueError, KeyError), match=said):
        _checked(told)


def test_small_energies_are_decimals_without_an_exponent(tiny: Path, tmp_path: Path) -> None:
    [package] = _of_type(exported(tiny, tmp_path / "x", "spdx"), "ai_AIPackage")
    [described] = package["ai_energyConsumption"]["ai_inferenceEnergyConsumption"]
    assert "e" not in described["ai_energyQuantity"].lower()
    assert Decimal(described["ai_energyQuantity"]) < Decimal("1e-9")


def test_the_manifest_has_the_energy_of_every_run_in_kwh_and_divides_it_by_the_functional_unit(
    tiny: Path, tmp_path: Path
) -> None:
    told = exported(tiny, tmp_path / "x", "sci")
    [child] = told["tree"]["children"].values()
    runs = account_of(tiny, None).results.runs
    assert [one["energy"] for one in child["inputs"]] == [run.energy_wh.value / 1000 for run in runs if run.energy_wh]
    assert {one["inferences"] for one in child["inputs"]} == {250.0}
    assert [one["wattlab"]["manifest-sha256"] for one in child["inputs"]] == [run.manifest for run in runs]
    [method] = child["pipeline"]["compute"]
    plugin = told["initialize"]["plugins"][method]
    assert (plugin["path"], plugin["method"]) == ("builtin", "Divide")
    assert plugin["config"] == {"numerator": "energy", "denominator": "inferences", "output": "energy-per-unit"}


def test_data_for_the_ai_act_are_in_mwh_and_say_how_they_were_had(tiny: Path, tmp_path: Path) -> None:
    told = exported(tiny, tmp_path / "x", "ai-act")
    energy = account_of(tiny, None).energy
    assert told["energy_consumption"]["value"] == pytest.approx(energy.value * 1e-6)
    assert told["energy_consumption"]["U"] == pytest.approx((energy.expanded or 0) * 1e-6)
    assert told["known_or_estimated"] == "measured by another lab, imported"
    assert "Annex XI" in told["data_for"]


def test_data_for_the_use_stage_are_kwh_per_functional_unit_within_a_boundary(tiny: Path, tmp_path: Path) -> None:
    told = exported(tiny, tmp_path / "x", "itu-l1801", "--unit", "inferences")
    assert told["functional_unit"] == "inferences"
    assert told["electricity"]["value"] == pytest.approx(account_of(tiny, None).per_unit["inferences"].value / 1000)
    assert told["system_boundary"]["circuits"] == ["sut-dc-inlet"]


def test_mlperf_logs_read_back_to_the_energy_of_every_run(emulated: Path, tmp_path: Path) -> None:
    entries = exported(emulated, tmp_path / "x", "mlperf", "--scenario", "cnn")
    runs = [run for run in account_of(emulated, "cnn").results.runs if run.scenario == "cnn" and run.included]
    told_j = [entry["value"] for entry in entries if entry["key"] == "wattlab_energy"]
    assert told_j == [run.energy_wh.value * 3600 for run in runs if run.energy_wh]
    import_mlperf_training(tmp_path / "x", tmp_path / "back")
    back = analyse(tmp_path / "back").numbers.runs
    assert [run.energy_wh.value * 3600 for run in back if run.energy_wh] == pytest.approx(told_j, rel=0.01)


@pytest.mark.parametrize("origin", ["emulated", "estimated", "unattested"])
@pytest.mark.parametrize("name", ["mlperf", "oscar"])
def test_what_nobody_measured_is_not_measured_when_it_comes_back(name: str, origin: str, tmp_path: Path) -> None:
    shape = Shape(name="out", repetitions=1, baseline_blocks=2, duration_s=20, loads={"cnn": LOADS["cnn"]})
    campaign = make_campaign(tmp_path, replace(shape, origin=origin), Plain)  # type: ignore[arg-type]
    write_results(campaign)
    assert main(["export", name, str(campaign), "--into", str(tmp_path / "x")]) == 0
    reader = import_mlperf_training if name == "mlperf" else import_oscar
    reader(tmp_path / "x", tmp_path / "back")
    told = analyse(tmp_path / "back").numbers.measurement.origin
    assert told == (origin if origin in ("emulated", "estimated") else "imported")
    checks = verify_campaign(tmp_path / "back")
    assert not [check for check in checks if check.name == "origin" and not check.passed]


# --- refusals -------------------------------------------------------------------------------------------------------


def test_an_export_needs_a_report_a_scenario_a_known_unit_and_a_new_file(
    emulated: Path, tiny: Path, tmp_path: Path
) -> None:
    import_mlperf_tiny(DATA / "mlperf-tiny" / "runner", tmp_path / "c")
    with pytest.raises(ExportError, match=r"results.json: cannot be read .*; make it: wattlab report"):
        account_of(tmp_path / "c", None)
    with pytest.raises(ExportError, match=r"several scenarios; name one of .*cnn"):
        account_of(emulated, None)
    with pytest.raises(ExportError, match="no scenario 'x'"):
        account_of(emulated, "x")
    assert main(["export", "sci", str(tiny), "--into", str(tmp_path / "s"), "--unit", "tokens"]) != 0
    (tmp_path / "there").write_text("")
    assert main(["export", "sci", str(tiny), "--into", str(tmp_path / "there")]) != 0
    assert (tmp_path / "there").read_text() == ""
