"""Four published traces of trainings (del Rey et al.), their epochs shared out evenly: the estimates of the command
beside the same arithmetic, done here on the raw file."""

import csv
import gzip
import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from harness.cli import main
from harness.evidence.estimations import ESTIMATION_DOCUMENT
from harness.evidence.verifier import verify_document
from harness.record.documents import Json
from reports.results.estimation import EstimatedEnergy
from tests.evidence.test_derived import resealed

DATA = Path(__file__).parents[1] / "data" / "delrey"
EPOCHS = {"gpu-cloud-mobilenet_v2": 98, "gpu-cloud-resnet50": 49, "gpu-cloud-vgg16": 82, "gpu-local-mobilenet_v2": 51}
"""As runs-corrected.csv.gz has them: Cloud runs 0, 2 and 12, Local ML Engineer/Gamer run 0."""
TDP_W = {name: 350 if "cloud" in name else 240 for name in EPOCHS}


def by_hand(name: str) -> tuple[float, float, float]:
    """Energy, STEP by power and STEP by epochs (J) of a trace: trapezoids on a grid of N equal epochs."""
    with gzip.open(DATA / f"{name}.csv.gz", "rt") as file:
        rows = list(csv.reader(file))
    at = next(place for place, head in enumerate(rows[0]) if "power.draw" in head or "power_draw" in head)
    times, watts = [], []
    for row in rows[1:]:
        if len(row) == len(rows[0]):
            times.append(datetime.fromisoformat(row[0].strip().replace("/", "-")).timestamp())
            watts.append(float(row[at].strip().removesuffix(" W")))
    time_s, power_w = np.array(times) - times[0], np.array(watts)
    joules = np.concatenate([[0.0], np.cumsum(np.diff(time_s) * (power_w[1:] + power_w[:-1]) / 2)])
    count = EPOCHS[name]
    edges = np.linspace(0.0, time_s[-1], count + 1)
    # Within a step of the trace power is a straight line, so the energy up to an edge is the trapezoid up to there.
    place = np.clip(np.searchsorted(time_s, edges, side="right") - 1, 0, time_s.size - 2)
    into = edges - time_s[place]
    slope = np.diff(power_w)[place] / np.diff(time_s)[place]
    epoch_j = np.diff(joules[place] + into * (power_w[place] + slope * into / 2))
    window = epoch_j[10:15]
    return joules[-1], window.sum() / (5 * edges[1]) * edges[-1], epoch_j[:10].sum() + window.mean() * (count - 10)


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that scores the four traces."""
    folder = tmp_path_factory.mktemp("estimated")
    traces = [str(DATA / f"{name}.csv.gz") for name in EPOCHS]
    assert main(["import", "nvidia-smi", *traces, "--into", str(folder / "delrey")]) == 0
    lines = [f"{name},{epochs},{TDP_W[name]}" for name, epochs in EPOCHS.items()]
    facts = folder / "facts.csv"
    facts.write_text("\n".join(["scenario,epochs,tdp_w", *lines, ""]), encoding="utf-8")
    return ["estimate", "score", str(folder / "delrey"), "--facts", str(facts), "--json"]


def test_estimates_equal_the_arithmetic_on_the_raw_files(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)["assessment"]
    assert found["circuits"] == ["gpu-dc-board (imported)"]
    for row in found["trainings"]:
        assert row["is_uniform"]
        known = {
            one.estimator: one.energy_j
            for one in (EstimatedEnergy(**estimate) for estimate in row["estimates"])
            if one.extent == "known"
        }
        energy_j, power_j, epochs_j = by_hand(row["configuration"])
        assert row["energy_j"] == pytest.approx(energy_j, rel=1e-8)
        assert known["step-power"] == pytest.approx(power_j, rel=1e-8)
        assert known["step-epoch"] == pytest.approx(epochs_j, rel=1e-8)
        assert known["mlco2"] == pytest.approx(TDP_W[row["configuration"]] * row["duration_s"])


def test_whole_traces_have_the_published_energies(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Of mobilenet_v2, resnet50, vgg16 (Cloud) and mobilenet_v2 (Local ML): two were cut off in mid-line."""
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)["assessment"]
    energies = [row["energy_j"] for row in sorted(found["trainings"], key=lambda row: row["configuration"])]
    assert energies == pytest.approx([417203, 344214, 949960, 100403], abs=1)


def test_the_page_is_sealed_verified_and_a_forged_score_is_found(words: list[str], tmp_path: Path) -> None:
    into = tmp_path / "estimated"
    assert main([*words[:-1], "--into", str(into)]) == 0
    page = (into / "report.html").read_text(encoding="utf-8")
    assert all(f'id="{name}-t"' in page for name in ("fig-estimated", "fig-curves", "fig-settling", "fig-settled"))
    assert main(["verify", str(into)]) == 0
    outcome = verify_document(ESTIMATION_DOCUMENT, into)
    assert outcome.failed == []

    def forge(written: Json) -> None:
        written["assessment"]["scores"][0]["score"]["rmse_j"] = 1.0

    resealed(ESTIMATION_DOCUMENT, into, forge)
    failed = {check.name: check.detail for check in verify_document(ESTIMATION_DOCUMENT, into).failed}
    assert "assessment.scores.0.score.rmse_j is 1.0, recomputed 6868.3" in failed["estimation"]
    assert "report" in failed


def test_a_page_inside_a_campaign_is_refused_and_a_folder_that_is_not_there(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words[:-1], "--into", f"{words[2]}/page"]) == 1
    assert "lies in the campaign" in capsys.readouterr().err
    assert main(["estimate", "score", f"{words[2]}-none"]) == 1
    assert "no such folder" in capsys.readouterr().err
