"""The two networks in the SUT's environment: published parameter counts, FLOPs, every weight format."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.workloads.conftest import ROOT
from workloads.dataset import sha256_of

PROGRAM = """
import json, sys
from pathlib import Path
sys.path[:0] = [sys.argv[1]]
import h5py, keras, numpy as np
from keras.src.legacy.saving import legacy_h5_format
import counts, networks

folder, own = Path(sys.argv[2]), Path(sys.argv[3])
facts = {}
for name, model in (("cnn", networks.cnn(224)), ("transfer", networks.transfer(224, None))):
    facts[name] = counts.count_parameters(model) | counts.count_flops(model)
    facts[name]["layers"] = [type(layer).__name__ for layer in model.layers]

def base(size=96, alpha=1.0):
    return keras.applications.MobileNetV2(
        input_shape=(size, size, 3), alpha=alpha, weights=None, include_top=False, pooling="avg")

source, other = base(), base(alpha=0.5)
source.save(folder / "whole.keras"), source.save(folder / "whole.h5")
source.save_weights(folder / "new.weights.h5")
with h5py.File(folder / "published.h5", "w") as file:
    legacy_h5_format.save_weights_to_hdf5_group(file, source)
other.save(folder / "other.h5"), other.save(folder / "other.keras")
(folder / "text.h5").write_text("not found"), (folder / "text.npz").write_text("not found")
np.savez(folder / "small.npz", x=np.zeros(3))

for name in ("whole.keras", "whole.h5", "new.weights.h5", "published.h5"):
    loaded = networks.transfer(96, folder / name).layers[1]
    facts[name] = all(np.array_equal(a, b) for a, b in zip(loaded.get_weights(), source.get_weights()))
for name in ("other.h5", "other.keras", "text.h5", "text.npz", "small.npz", "absent.npz", "absent.keras", "absent.h5"):
    try:
        networks.transfer(96, folder / name)
        facts[name] = "accepted"
    except networks.WeightsProblem as problem:
        facts[name] = str(problem)

loaded = networks.transfer(224, own).layers[1]
with np.load(own) as arrays:
    facts["own"] = {
        "loaded": all(
            np.array_equal(w.numpy(), arrays[f"{l.name}/{w.name}"].astype(np.float32))
            for l in loaded.layers for w in l.weights),
        "finite": all(bool(np.isfinite(arrays[name]).all()) for name in arrays),
        "kinds": sorted({str(arrays[name].dtype) for name in arrays}),
        "variances": min(float(arrays[n].min()) for n in arrays if n.endswith("moving_variance")),
    }
print(json.dumps(facts))
"""


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory, sut_python: str) -> dict[str, Any]:
    weights = ROOT / "workloads" / "weights" / "mobilenetv2-generated.npz"
    folders = [str(ROOT / "workloads" / "training"), str(tmp_path_factory.mktemp("weights")), str(weights)]
    done = subprocess.run([sut_python, "-c", PROGRAM, *folders], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_cnn_has_the_number_of_parameters_that_the_core_study_prints(facts: dict[str, Any]) -> None:
    assert (facts["cnn"]["parameters_total"], facts["cnn"]["parameters_trainable"]) == (25_716_773, 25_716_773)


def test_the_cnn_drops_out_twice(facts: dict[str, Any]) -> None:
    assert facts["cnn"]["layers"].count("Dropout") == 2


def test_the_transfer_network_has_the_published_numbers_of_parameters(facts: dict[str, Any]) -> None:
    assert (facts["transfer"]["parameters_total"], facts["transfer"]["parameters_trainable"]) == (2_264_389, 6_405)


def test_flops_count_two_per_multiply_add(facts: dict[str, Any]) -> None:
    dense = 2 * (224 // 8) ** 2 * 64 * 512
    convolutions = 2 * 9 * (224**2 * 3 * 16 + 112**2 * 16 * 32 + 56**2 * 32 * 64)
    assert facts["cnn"]["flops_per_image"] == pytest.approx(dense + convolutions, rel=0.05)
    assert facts["transfer"]["flops_per_image"] == pytest.approx(0.615e9, rel=0.02)


@pytest.mark.parametrize("name", ["whole.keras", "whole.h5", "new.weights.h5", "published.h5"])
def test_weights_come_back_from_every_format(facts: dict[str, Any], name: str) -> None:
    assert facts[name] is True


@pytest.mark.parametrize(
    "name",
    ["other.h5", "other.keras", "text.h5", "text.npz", "small.npz", "absent.npz", "absent.keras", "absent.h5"],
)
def test_weights_of_anything_else_are_refused_by_name(facts: dict[str, Any], name: str) -> None:
    assert name in facts[name]
    assert "not the weights of MobileNetV2" in facts[name]


def test_the_committed_weights_are_whole(facts: dict[str, Any]) -> None:
    assert facts["own"]["loaded"]
    assert facts["own"]["finite"]
    assert facts["own"]["kinds"] == ["float16", "float32"]
    assert facts["own"]["variances"] > 0


def test_the_committed_weights_have_the_digest_beside_them() -> None:
    weights = ROOT / "workloads" / "weights" / "mobilenetv2-generated.npz"
    facts = json.loads(Path(weights).with_suffix(".json").read_text())
    assert (facts["sha256"], facts["bytes"]) == (sha256_of(weights), weights.stat().st_size)
