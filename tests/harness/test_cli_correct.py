"""`wattlab correct`: a record of a software meter at the wall, what is refused, what a dishonest lab tries."""

import csv
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.attest.signer import public_half, sign
from harness.cli import main
from harness.evidence.certificates import proof_of
from harness.evidence.statement import SIGNATURE
from harness.record.campaign_folder import STATEMENT
from harness.record.plain_files import sha256_of
from reports.results.qualification import Qualification
from tests.analysis.unmetered import (
    GAIN,
    IDLE_W,
    METER,
    OFFSET_W,
    Unmetered,
    certificate,
    text_of,
    unmetered_campaign,
)
from tests.reports.make_campaign import Shape, make_campaign
from tests.reports.qualified import SHORT, Qualified, qualified_campaign

SHAPE = Unmetered(certificate=text_of(certificate()), duration_s=20, repetitions=2, baseline_blocks=2)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "lab"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unmetered_campaign(tmp_path_factory.mktemp("runs"), SHAPE)


def signed_copy(folder: Path, key: Path, document: Qualification | None = None) -> Path:
    """A certificate without its campaign, with the statement over it."""
    folder.mkdir()
    (folder / "qualification.json").write_bytes(text_of(document or certificate()))
    statement = {
        "schema": 1, "campaign": "qualified", "folder": "qualified", "utc": "2026-11-20T10:00:00Z", "incomplete": None,
        "head": "0" * 64, "entries": 1, "annotations": {}, "runs": [],
        "derived": {"qualification.json": sha256_of(folder / "qualification.json")},
    }  # fmt: skip
    content = json.dumps(statement).encode()
    (folder / STATEMENT).write_bytes(content)
    (folder / SIGNATURE).write_bytes(sign(content, key))
    (folder / "lab.pub").write_text(public_half(key).text + "\n")
    return folder


def log(path: Path, power_w: Any, step_s: float = 1.0) -> Path:  # noqa: ANN401  a number or several
    values = np.broadcast_to(power_w, 120)
    rows = (f"{1000 + at * step_s:.3f},{watts:.4f}" for at, watts in enumerate(values.tolist()))
    path.write_text("\n".join(["time_s,power_w", *rows, ""]))
    return path


def correct(capsys: pytest.CaptureFixture[str], certified: Path, record: Path, *words: str) -> tuple[int, Any]:
    """Exit code and the document."""
    code = main(["correct", str(certified), str(record), "--public-key", str(certified / "lab.pub"), "--json", *words])
    return code, json.loads(capsys.readouterr().out)


def test_every_run_is_the_wall_with_its_u_and_the_total_adds_what_they_share(
    tmp_path: Path, key: Path, campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "runs.csv"
    code, found = correct(capsys, signed_copy(tmp_path / "c", key), campaign, "--csv", str(table))
    assert code == 0
    assert (found["is_measured"], found["software_meter"], found["machine"]) == (False, METER, "as recorded")
    assert len(found["runs"]) == 4
    for run in found["runs"]:
        truth_w = OFFSET_W + GAIN * (IDLE_W + (0.0 if run["load_kind"] == "idle" else 80.0))
        assert run["power_w"] == pytest.approx(truth_w, abs=run["power_expanded_w"])
    energies, expanded = ([run[name] for run in found["runs"]] for name in ("energy_wh", "energy_expanded_wh"))
    assert found["total_wh"] == pytest.approx(sum(energies))
    assert np.linalg.norm(expanded) < found["total_expanded_wh"] <= sum(expanded) * 1.001
    text = table.read_text().splitlines()
    assert text[0].startswith("# estimated by a qualified software meter, not measured; certificate SHA-256 ")
    assert [float(row["energy_wh"]) for row in csv.DictReader(text[1:])] == energies


def test_the_terminal_says_that_it_is_no_measurement(
    tmp_path: Path, key: Path, campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = signed_copy(tmp_path / "c", key)
    main(["correct", str(folder), str(campaign), "--public-key", str(folder / "lab.pub")])
    said = capsys.readouterr().out
    assert "ESTIMATED by a qualified software meter, not measured" in said
    assert sha256_of(folder / "qualification.json")[:20] in said.replace("\n", "")


def test_a_plain_table_needs_its_kind_and_whoever_answers_for_its_machine(
    tmp_path: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, record = signed_copy(tmp_path / "c", key), log(tmp_path / "log.csv", 90.0)
    for words, said in (([], "give --kind"), (["--kind", "gpu"], "--same-machine")):
        code, found = correct(capsys, folder, record, *words)
        assert (code, said in found["error"]["message"]) == (1, True)
    code, found = correct(capsys, folder, record, "--kind", "gpu", "--same-machine")
    assert (code, found["machine"]) == (0, "as stated by the user")
    assert found["runs"][0]["power_w"] == pytest.approx(158.0)
    assert found["runs"][0]["duration_s"] == pytest.approx(119.0)
    assert found["total_wh"] == found["runs"][0]["energy_wh"]
    assert any("user's word" in remark for remark in found["remarks"])


@pytest.mark.parametrize(
    ("power_w", "step_s", "kind", "said"),
    [
        (90.0, 1.0, "cpu", "kind of load: found cpu"),
        (140.0, 1.0, "gpu", "range: agent/gpu0_power_w said 140 to 140 W"),
        (90.0, 0.1, "gpu", "sample period: found 0.1 s, the certificate is for 1 s"),
    ],
)
def test_a_table_outside_of_the_certificate_has_no_number(
    tmp_path: Path, key: Path, capsys: pytest.CaptureFixture[str], power_w: float, step_s: float, kind: str, said: str
) -> None:
    record = log(tmp_path / "log.csv", power_w, step_s)
    code, found = correct(capsys, signed_copy(tmp_path / "c", key), record, "--kind", kind, "--same-machine")
    assert code == 3
    assert (found["runs"][0]["energy_wh"], found["total_wh"]) == (None, None)
    assert said in found["runs"][0]["against"][0]


def test_another_machine_is_named_in_each_run(
    tmp_path: Path, key: Path, campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = signed_copy(tmp_path / "c", key, certificate(driver="535.2", cpu="Other CPU"))
    code, found = correct(capsys, other, campaign)
    assert code == 3
    for run in found["runs"]:
        assert [text.split(":")[0] for text in run["against"]] == ["cpu", "driver"]


def test_an_edited_certificate_is_refused_whatever_is_edited(
    tmp_path: Path, key: Path, campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = signed_copy(tmp_path / "c", key)
    genuine = (folder / "qualification.json").read_bytes()
    (folder / "qualification.json").write_bytes(text_of(certificate(kernel="6.1.0")))
    code, found = correct(capsys, folder, campaign)
    assert (code, "is not the qualification.json that was signed" in found["error"]["message"]) == (1, True)
    (folder / "qualification.json").write_bytes(genuine)
    statement = json.loads((folder / STATEMENT).read_text()) | {"utc": "2026-11-21T10:00:00Z"}
    (folder / STATEMENT).write_text(json.dumps(statement))
    code, found = correct(capsys, folder, campaign)
    assert code == 1
    assert "signature" in found["error"]["message"]


def test_a_certificate_that_another_key_signed_or_none_is_refused(
    tmp_path: Path, key: Path, campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    folder = signed_copy(tmp_path / "c", key)
    (folder / "lab.pub").write_text(public_half(other).text + "\n")
    assert correct(capsys, folder, campaign)[0] == 1
    assert main(["correct", str(folder), str(campaign)]) == 1
    assert "only a signature shows whose it is" in capsys.readouterr().err


def test_a_run_that_a_meter_measured_is_not_estimated(
    tmp_path: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = make_campaign(tmp_path, Shape(duration_s=10, repetitions=1, baseline_blocks=1))
    code, found = correct(capsys, signed_copy(tmp_path / "c", key), measured)
    assert code == 3
    assert all("the meter wall measured it" in run["against"][0] for run in found["runs"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", ":1: found the columns a, b"),
        ("time_s,power_w\n1,2\n", "found 1 row,"),
        ("time_s,power_w\n2,2\n1,2\n", ":3: found 1 at or before"),
        ("time_s,power_w\n1,x\n2,3\n", ":2: found 'x'"),
        ("time_s,power_w\n1,2\n2,nan\n", "a finite number"),
        ("time,power_w\n2026-11-29T10:00:01,2\n", "names no time zone"),
        ("time_s,energy_j\n1,2\n2,3\n", "is an energy, and agent/gpu0_power_w says a power"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_with_its_line(
    tmp_path: Path, key: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    (tmp_path / "log.csv").write_text(text)
    words = ("--kind", "gpu", "--same-machine")
    code, found = correct(capsys, signed_copy(tmp_path / "c", key), tmp_path / "log.csv", *words)
    assert code == 1
    assert said in found["error"]["message"]


def test_a_counter_of_watt_hours_is_corrected_over_its_wraps(
    tmp_path: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = certificate()
    counter = replace(one.meters[0], name="agent/x_energy_j", kind="counter", unit="J", range_j=1000.0)
    folder = signed_copy(tmp_path / "c", key, replace(one, meters=(counter,)))
    rows = (f"{at},{(90.0 * at) % 1000.0 / 3600:.9f}" for at in range(100))
    (tmp_path / "log.csv").write_text("\n".join(["time_s,energy_wh", *rows, ""]))
    code, found = correct(capsys, folder, tmp_path / "log.csv", "--kind", "gpu", "--same-machine")
    assert code == 0
    assert found["runs"][0]["power_w"] == pytest.approx(158.0, abs=0.01)


def test_a_certificate_in_its_campaign_is_computed_again_and_an_edited_one_does_not_verify(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The campaign's meter is emulated, so its certificate qualifies nothing: an edit says that it does."""
    folder = qualified_campaign(tmp_path, Qualified(declared=SHORT, repetitions=1, duration_s=60, switched_s=60))
    main(["qualify", str(folder)])
    file = folder / "derived" / "qualification.json"
    capsys.readouterr()
    genuine = proof_of(file, sha256_of(file), None, "--public-key")
    assert (genuine.severity, "every number as recomputed" in genuine.text) == ("ok", True)
    assert main(["correct", str(folder), str(folder), "--meter", "agent/gpu0_power_w"]) == 1
    assert "emulated" in capsys.readouterr().err
    written = json.loads(file.read_text())
    written["reference"]["origin"], written["qualifies"], written["not_because"] = "instrument", True, []
    file.chmod(0o644)
    file.write_text(json.dumps(written))
    assert main(["correct", str(folder), str(folder), "--meter", "agent/gpu0_power_w"]) == 1
    assert "does not verify: derived/qualification.json: qualification" in capsys.readouterr().err
