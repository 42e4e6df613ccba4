"""PRE: fitted to trainings of known truth, told of others, refused where nobody measured such a thing."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.cli import main
from harness.record.errors import AnalysisError
from reports.estimation.facts import own_facts
from reports.estimation.pre import filled, fitted_targets, outside, predict
from reports.inference import regression
from reports.results.codec import document_text
from reports.results.pre_model import FittedTraining, PreModel, pre_model_of
from reports.results.prediction import Model
from reports.results.software import Software
from tests.reports.make_campaign import Load, Shape, make_campaign

SOFTWARE = Software("wattlab", "0.2.0", None, None, None, "3.11")
FEATURES = ("gflops", "batch_size")


def trainings(noise: float = 0.0, repetitions: int = 3) -> list[FittedTraining]:
    """Six networks on two machines: 20 W and 5 W for each GFLOP, epochs of 10 s; noise as a share of the power."""
    draw = np.random.default_rng(3)
    found = []
    for place, gflops in enumerate((1.0, 2.0, 3.0, 5.0, 8.0, 10.0)):
        for repetition in range(repetitions):
            epochs = 20 + 5 * repetition
            power_w = (20 + 5 * gflops) * (1 + noise * draw.normal())
            found.append(FittedTraining(
                "c", f"r{place}{repetition}", f"net{place}", f"m{place % 2}", (gflops, 32.0 * (1 + place % 2)), epochs,
                10.0 * epochs, power_w * 10 * epochs, power_w * 10 * epochs,
            ))  # fmt: skip
    return found


def model(rows: list[FittedTraining], models: tuple[Model, ...] = ("mean", "linear")) -> PreModel:
    columns = list(zip(*(row.features for row in rows), strict=True))
    return PreModel(
        1, SOFTWARE, "meter", ("emulated",), 1, FEATURES,
        {name: (min(column), max(column)) for name, column in zip(FEATURES, columns, strict=True)}, (), None,
        fitted_targets(rows, 1, models), tuple(rows),
    )  # fmt: skip


def test_what_is_linear_is_told_exactly_for_networks_and_machines_that_were_not_seen() -> None:
    found = model(trainings())
    for target in found.targets.values():
        assert target.model == "linear"
        assert target.relative_spread == pytest.approx(0.0, abs=1e-9)
        scores = {(one.model, one.split): one.score for one in target.scores}
        for split in ("random", "configuration"):
            score = scores["linear", split]
            assert score is not None
            assert score.rmse_j == pytest.approx(0.0, abs=1e-6)
        mean = scores["mean", "configuration"]
        assert mean is not None
        assert mean.rmse_j > 1000


def test_an_estimate_by_hand_and_its_interval() -> None:
    """4 GFLOPs: 40 W; 30 epochs of 10 s take 12 kJ."""
    found = model(trainings(noise=0.02))
    told = predict(found, {"gflops": 4.0, "batch_size": 32.0, "epochs": 30.0, "duration_s": 300.0})
    assert told.power_w == pytest.approx(40.0, rel=0.03)
    assert told.by_epoch is not None
    assert told.by_power is not None
    assert told.by_epoch.energy_j == pytest.approx(12000, rel=0.03)
    spread = found.targets["epoch"].relative_spread
    assert 0.01 < spread < 0.05
    assert told.by_epoch.half_width_j == pytest.approx(2.446912 * spread * told.by_epoch.energy_j, rel=1e-5)


def test_the_interval_holds_for_networks_that_nobody_measured() -> None:
    """Twenty times six networks whose power is off a line by 5 % each: the interval holds for a seventh in about 95 %;
    a binomial of .95 gives fewer than 16 once in four hundred times."""
    held = 0
    for seed in range(20):
        draw = np.random.default_rng(seed)
        rows = []
        for row in trainings(repetitions=2):
            own = 1 + 0.05 * np.random.default_rng((seed, int(row.configuration[3:]))).normal()
            rows.append(replace(row, epochs_j=row.epochs_j * own, energy_j=row.energy_j * own))
        told = predict(model(rows, ("linear",)), {"gflops": 6.0, "batch_size": 48.0, "epochs": 30.0})
        assert told.by_epoch is not None
        truth = 15000 * (1 + 0.05 * draw.normal())
        held += abs(told.by_epoch.energy_j - truth) <= told.by_epoch.half_width_j
    assert held >= 16


def test_only_what_lies_within_what_was_measured_is_told() -> None:
    found = model(trainings())
    assert outside(found, {"gflops": 4.0, "batch_size": 32.0}) == []
    assert outside(found, {"gflops": 20.0}) == [
        "`batch_size` is not known", "gflops is 20, and nobody measured any but 1 to 10",
    ]  # fmt: skip


def test_what_was_always_the_same_is_so_again_unless_it_is_said() -> None:
    same = [replace(row, features=(row.features[0], 32.0)) for row in trainings()]
    found = model(same)
    assert filled(found, {"gflops": 4.0}) == {"gflops": 4.0, "batch_size": 32.0}
    other = filled(found, {"gflops": 4.0, "batch_size": 64.0})
    assert outside(found, other) == ["batch_size is 64, and nobody measured any but 32"]


def test_what_is_refitted_of_the_file_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regression, "SEARCHED", 3)  # what a longer search finds is not asked here
    rows = trainings(noise=0.02)
    found = model(rows, ("ridge",))
    again = pre_model_of(json.loads(document_text(found)), "m.json")
    facts = {"gflops": 4.0, "batch_size": 32.0, "epochs": 30.0}
    assert predict(again, facts) == predict(found, facts)
    target = found.targets["power"]
    features = np.array([row.features for row in rows])
    power_w = np.array([row.energy_j / row.duration_s for row in rows])
    asked = np.array([[4.0, 32.0]])
    by_search = regression.predicted("ridge", features, power_w, asked, 1)
    assert regression.refitted("ridge", target.parameters, features, power_w, asked) == pytest.approx(by_search)


def test_one_scenario_and_too_few_trainings_are_refused() -> None:
    one = [row for row in trainings(repetitions=12) if row.configuration == "net0"]
    with pytest.raises(AnalysisError, match="all 12 trainings are of one scenario"):
        fitted_targets(one, 1, ("linear",))
    with pytest.raises(AnalysisError, match="6 trainings are too few"):
        fitted_targets(trainings(repetitions=1), 1, ("linear",))


def test_parameters_of_a_scenario_are_facts() -> None:
    told = own_facts({"image_size": 64, "batch_size": 32, "epochs": 5, "augment": True, "fixed_epochs": 3})
    assert told == {"image_height": 64, "image_width": 64, "batch_size": 32, "epochs": 5}
    assert own_facts(None) == {}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign of three networks and a table of what is known of them."""
    folder = tmp_path_factory.mktemp("pre")
    loads = {f"net{n}": Load(20.0 * n, 30.0, epochs=4) for n in (1, 2, 3)}
    make_campaign(folder, Shape(loads=loads, repetitions=5, duration_s=40, gpu=False, baseline_blocks=2))
    lines = ["scenario,gflops,batch_size,epochs,runs", *(f"net{n},{n},32,4,2" for n in (1, 2, 3)), "huge,50,32,4,1"]
    (folder / "facts.csv").write_text("\n".join([*lines, ""]))
    return folder


def test_fit_and_predict_on_the_terminal_and_as_json(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, facts = lab / "model.json", ("--facts", str(lab / "facts.csv"))
    fit = ["estimate", "fit", str(file), str(lab / "synthetic"), *facts, "--models", "mean,linear"]
    assert main(fit) == 0
    said = capsys.readouterr().out
    assert "Told beforehand (PRE)" in said
    assert "linear is nearest for scenarios" in " ".join(said.split())
    assert "No model is scored on a machine that it has not seen" in " ".join(said.split())
    assert "each machine" not in said
    assert main(fit) == 1
    assert "is there already" in capsys.readouterr().err
    assert main(["estimate", "predict", str(file), *facts]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "huge: gflops is 50, and nobody measured any but 1 to 3." in said
    assert "none of it measured" in said
    assert "EMULATED" in said
    assert main(["estimate", "predict", str(file), *facts, "--extrapolate", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    by_name = {one["scenario"]: one for one in answer["trainings"]}
    assert by_name["huge"]["refused"]
    assert by_name["net2"]["runs"] == 2
    total = sum(one["runs"] * (one["by_epoch"] or {})["energy_wh"] for one in answer["trainings"])
    assert answer["total"]["energy_wh"] == pytest.approx(total)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("fit", "new.json", "synthetic", "--features", "gflops,tdp_w", "--facts", "facts.csv"), "`tdp_w` is"),
        (("fit", "new.json", "synthetic"), "nothing is known of every training beforehand that differs"),
        (("fit", "new.json", "synthetic", "--models", "forest"), "no model 'forest'"),
        (("fit", "new.txt", "synthetic"), "ends in .json"),
        (("fit", "new.json", "none"), "no such folder"),
        (("predict", "none.json", "--facts", "facts.csv"), "cannot be read"),
        (("predict", "facts.csv", "--facts", "facts.csv"), "facts.csv"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_remedy(
    lab: Path, words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(lab)
    assert main(["estimate", *words]) == 1
    assert said in " ".join(capsys.readouterr().err.split())
    assert not (lab / "new.json").exists()


def test_a_plan_or_a_table_has_to_be_given(lab: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "m.json"
    file.write_text(document_text(model(trainings())))
    assert main(["estimate", "predict", str(file)]) == 1
    assert "what is to be told?" in capsys.readouterr().err
    assert main(["estimate", "predict", str(file), "--campaign", "c.toml"]) == 1
    assert "--campaign c.toml: name the lab.toml" in capsys.readouterr().err
