"""SPDX 3.0.1, AI profile: the energy of a model's training, fine-tuning or inference, as JSON-LD.

Knows the classes AIPackage, EnergyConsumption, EnergyConsumptionDescription, Annotation, File, Relationship of the
model (spdx/spdx-3-model). Knows no file.

`ai_energyQuantity` is a decimal number of kilowatt-hours and has no field for an uncertainty or for who measured it: an
annotation of the package carries the whole account as JSON, and its `comment` says label and U in words. results.json
and the certificate are files with their SHA-256, which the package `hasEvidence` of. What SPDX asks of an AI package
and a measurement does not know (version, supplier, place, date) is said by who exports, or left for them to fill in.
So the document states no `profileConformance`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal, TypeAlias

from harness.foreign.exporters.carried.account import KWH_OF_WH, NO_CLAIM, Account
from harness.record.documents import VERSION, Json
from reports.results.uncertainty import Number

Stage: TypeAlias = Literal["training", "finetuning", "inference"]
CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
CREATION = "_:creation"


@dataclass(frozen=True, slots=True)
class Package:
    """What SPDX asks of the model and no measurement knows; empty: left out."""

    name: str = ""
    version: str = ""
    download: str = ""
    released_utc: str = ""
    supplier: str = ""


def spdx_of(account: Account, stage: Stage, package: Package) -> Json:
    """The document. Energy is that of one unit of work where `stage` is inference and the program marked one kind of
    it, else that of a run."""
    ids = _Ids(f"urn:wattlab:{account.results_sha256}:{account.scenario.encode().hex()}:{stage}")
    graph = list(_elements(account, stage, package, ids))
    elements = [element["spdxId"] for element in graph if "spdxId" in element]
    document = _element(ids.of("document"), "SpdxDocument") | {
        "name": f"energy of {package.name or account.scenario}",
        "comment": NO_CLAIM,
        "rootElement": [ids.of("package")],
        "element": elements,
    }
    return {"@context": CONTEXT, "@graph": [*graph, document]}


@dataclass(frozen=True, slots=True)
class _Ids:
    base: str

    def of(self, name: str) -> str:
        return f"{self.base}:{name}"


def _element(spdx_id: str, kind: str) -> Json:
    return {"type": kind, "spdxId": spdx_id, "creationInfo": CREATION}


def _elements(account: Account, stage: Stage, package: Package, ids: _Ids) -> Iterator[Json]:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    yield {
        "type": "CreationInfo", "@id": CREATION, "specVersion": "3.0.1", "created": now,
        "createdBy": [ids.of("lab")], "createdUsing": [ids.of("wattlab")],
    }  # fmt: skip
    yield _element(ids.of("lab"), "Agent") | {"name": account.results.campaign.lab or "not stated"}
    yield _element(ids.of("wattlab"), "Tool") | {"name": f"wattlab {VERSION}"}
    if package.supplier:
        yield _element(ids.of("supplier"), "Agent") | {"name": package.supplier}
    yield _package(account, stage, package, ids)
    yield _element(ids.of("account"), "Annotation") | {
        "annotationType": "other", "subject": ids.of("package"), "contentType": "application/json",
        "statement": json.dumps(account.to_json(), sort_keys=True), "comment": _words(account, stage),
    }  # fmt: skip
    files = {"results.json": account.results_sha256}
    if account.certificate is not None and account.certificate.get("sha256"):
        files["qualification.json"] = str(account.certificate["sha256"])
    for name, digest in files.items():
        yield _element(ids.of(name), "software_File") | {
            "name": name, "verifiedUsing": [{"type": "Hash", "algorithm": "sha256", "hashValue": digest}],
        }  # fmt: skip
    yield _element(ids.of("evidence"), "Relationship") | {
        "from": ids.of("package"), "relationshipType": "hasEvidence", "to": [ids.of(name) for name in files],
        "completeness": "incomplete",
    }  # fmt: skip


def _package(account: Account, stage: Stage, package: Package, ids: _Ids) -> Json:
    described = {
        "type": "ai_EnergyConsumptionDescription", "ai_energyUnit": "kilowattHour",
        "ai_energyQuantity": plain_decimal(_energy_wh(account, stage) * KWH_OF_WH),
    }  # fmt: skip
    asked = {
        "software_packageVersion": package.version, "software_downloadLocation": package.download,
        "releaseTime": package.released_utc, "suppliedBy": ids.of("supplier") if package.supplier else "",
    }  # fmt: skip
    return (
        _element(ids.of("package"), "ai_AIPackage")
        | {"name": package.name or account.scenario, "software_primaryPurpose": "model"}
        | {key: value for key, value in asked.items() if value}
        | {"ai_energyConsumption": {"type": "ai_EnergyConsumption", f"ai_{stage}EnergyConsumption": [described]}}
    )


def plain_decimal(value: float) -> str:
    """A number as xsd:decimal writes it: without an exponent."""
    return f"{Decimal(repr(value)):f}"


def _energy_wh(account: Account, stage: Stage) -> float:
    return (_of_one(account) or account.energy if stage == "inference" else account.energy).value


def _of_one(account: Account) -> Number | None:
    return next(iter(account.per_unit.values())) if len(account.per_unit) == 1 else None


def _words(account: Account, stage: Stage) -> str:
    one = _of_one(account) if stage == "inference" else None
    number = one or account.energy
    what = f"one of {next(iter(account.per_unit))}" if one else "one run"
    expanded = number.expanded
    known = f"U = {plain_decimal(expanded * KWH_OF_WH)} kWh (95 %)" if expanded is not None else "U is not known"
    return f"{account.label}, of {what}: {known}. {account.results.measurement.sentence} {NO_CLAIM}"
