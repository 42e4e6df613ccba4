"""The services: policies of batching by hand, networks by their published counts, both programs as runs start them."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from tests.terminal.loads import make_load
from tests.workloads.conftest import ROOT
from tests.workloads.served import Service, serving, started
from workloads.serving.batching import Batch, BatchQueue, Policy, policy_of

PUBLISHED = {
    "alexnet": 61_100_840, "densenet121": 7_978_856, "shufflenet_v2": 1_366_792, "vit_b_16": 86_567_656,
    "convnext_base": 88_591_464,
}  # fmt: skip
READY = "/v2/health/ready"
INFER = "/v2/models/classifier/infer"
SMALL = {"network": "shufflenet_v2", "image_size": 32, "pictures": 8, "warm_up_batches": 2, "warm_up_size": 4}


class Clock:
    """A monotonic clock that is set by hand (ns)."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


def taken(policy: Policy, arrivals_ms: list[int], at_ms: int) -> Batch[int] | None:
    """The batch that is taken at a time; None where none is due."""
    clock = Clock()
    queue: BatchQueue[int] = BatchQueue(policy, clock)
    for number, arrival_ms in enumerate(arrivals_ms):
        clock.now_ns = arrival_ms * 1_000_000
        queue.put(number)
    clock.now_ns = at_ms * 1_000_000
    closer = threading.Timer(0.2, queue.close)
    closer.start()
    found = queue.take()
    closer.cancel()
    return found


def test_a_fixed_batch_waits_until_it_is_full_and_leaves_the_rest() -> None:
    policy = policy_of("3", 128, 0.0)
    assert taken(policy, [0, 10], 1000) is None
    batch = taken(policy, [0, 10, 20, 30, 40], 50)
    assert batch == Batch((0, 1, 2), 50_000_000, 5)


def test_a_greedy_batch_is_whatever_waits_up_to_its_limit() -> None:
    assert taken(policy_of("greedy", 4, 0.0), [5], 7) == Batch((0,), 2_000_000, 1)
    assert taken(policy_of("greedy", 4, 0.0), [0, 1, 2, 3, 4, 5], 6) == Batch((0, 1, 2, 3), 6_000_000, 6)


def test_no_request_is_held_longer_than_the_limit() -> None:
    for policy in (policy_of("8", 128, 0.1), policy_of("greedy", 8, 0.1)):
        assert taken(policy, [0, 50], 100) == Batch((0, 1), 100_000_000, 2)
    # A real clock: the queue wakes by itself, long before it is closed.
    queue: BatchQueue[int] = BatchQueue(policy_of("8", 128, 0.05))
    queue.put(1)
    batch = queue.take()
    assert batch is not None
    assert batch.hold_ns >= 50_000_000


@pytest.mark.parametrize(
    ("batching", "most", "hold_limit_s", "said"),
    [("all", 1, 0.0, "batching: found 'all'"), ("0", 1, 0.0, "batching"), ("greedy", 0, 0.0, "greedy_most"),
     ("4", 1, -1.0, "hold_limit_s"), ("4", 1, float("nan"), "hold_limit_s")],
)  # fmt: skip
def test_what_is_no_policy_is_refused_by_its_parameter(
    batching: str, most: int, hold_limit_s: float, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        policy_of(batching, most, hold_limit_s)


PROGRAM = """
import json, math, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
data = Path(sys.argv[2])
import numpy as np
import tensorflow as tf
from classifiers import CLASSIFIERS, AdaptivePooling, WeightsProblem, classifier
from pictures import DataProblem, load
import keras

def sums(name, facts):
    side = facts.least_size
    model = classifier(name, side, None)
    shape = tf.TensorSpec((None, side, side, 3), tf.uint8)
    classify = tf.function(lambda pictures: model(pictures, training=False), input_signature=[shape])
    return [classify(np.full((n, side, side, 3), 9, np.uint8)).numpy().sum(axis=1).tolist() for n in (1, 3)]

def refused(act):
    try:
        act()
    except (WeightsProblem, DataProblem) as error:
        return str(error)

counted = {}
for name, facts in CLASSIFIERS.items():
    model = classifier(name, 224, None)
    trained = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    counted[name] = [trained, facts.parameters, facts.year, list(model.output_shape), sums(name, facts)]
given = np.random.default_rng(1).normal(size=(2, 13, 13, 3)).astype("float32")
pooled = np.abs(np.array(AdaptivePooling(6)(given)) - np.array(keras.layers.AdaptiveAveragePooling2D(6)(given))).max()
first = classifier("shufflenet_v2", 32, None)
file = data / "shufflenet_v2.weights.h5"
first.save_weights(file)
again, shown = classifier("shufflenet_v2", 32, file), load(data, "set", 3, 32)
print(json.dumps({
    "counted": counted, "pooled": float(pooled),
    "same": bool(np.array_equal(first(shown.pixels), again(shown.pixels))),
    "classes": shown.classes.tolist(), "shape": shown.pixels.shape, "means": shown.pixels.mean(axis=(1, 2, 3)).tolist(),
    "refused": [refused(lambda: classifier("alexnet", 63, file)), refused(lambda: load(data, "none", 3, 32))],
}))
"""


@pytest.fixture(scope="module")
def said(sut_python: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one process of the SUT says of networks, their weights and pictures of two classes."""
    folder = tmp_path_factory.mktemp("networks")
    for name, grey in (("cat", 10), ("dog", 200)):
        (folder / "set" / name).mkdir(parents=True)
        for number in range(2):
            Image.new("RGB", (40, 50), (grey,) * 3).save(folder / "set" / name / f"{number}.png")
    command = [sut_python, "-c", PROGRAM, str(ROOT / "workloads" / "serving"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_networks_have_the_published_numbers_of_parameters(said: dict[str, Any]) -> None:
    counted = said["counted"]
    assert {name: found[:2] for name, found in counted.items()} == {name: [n, n] for name, n in PUBLISHED.items()}
    assert [found[2] for found in counted.values()] == [2014, 2016, 2018, 2020, 2022]
    assert all(found[3] == [None, 1000] for found in counted.values())
    # As they serve: compiled once for batches of any size.
    for found in counted.values():
        assert [len(sums) for sums in found[4]] == [1, 3]
        assert all(total == pytest.approx(1.0, abs=1e-4) for sums in found[4] for total in sums)
    assert said["pooled"] < 1e-6, "the pooling is that of Keras, which cannot be compiled for any number of pictures"


def test_weights_of_a_file_are_taken_and_those_of_another_network_refused(said: dict[str, Any]) -> None:
    assert said["same"] is True
    assert "not the weights of alexnet with its top" in said["refused"][0]


def test_pictures_of_a_folder_have_their_class_by_the_order_of_the_folders(said: dict[str, Any]) -> None:
    assert (said["classes"], said["shape"]) == ([0, 0, 1], [3, 32, 32, 3])
    assert said["means"] == [pytest.approx(grey, abs=1) for grey in (10, 10, 200)]
    assert "found no pictures" in said["refused"][1]


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("classifier")
    with serving("serving", folder, READY, **SMALL, batching="3", hold_limit_s=0.3) as service:
        yield service


def picture(number: object) -> dict[str, Any]:
    return {"id": "7", "inputs": [{"name": "picture", "datatype": "INT64", "shape": [1], "data": [number]}]}


def test_pictures_are_classified_in_batches_that_the_log_names(classifier: Service) -> None:
    before = len(classifier.batches())
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda number: classifier.ask(INFER, picture(number)), (1, 2, 9, 3)))
    assert [status for status, _ in answers] == [200] * 4
    assert {answer["id"] for _, answer in answers} == {"7"}
    classes, probabilities, correct = (
        [answer["outputs"][at]["data"][0] for _, answer in answers] for at in range(3)
    )  # fmt: skip
    assert all(0 <= one < 1000 for one in classes)
    assert all(0 < one <= 1 for one in probabilities)
    assert correct == [-1] * 4, "nobody knows the class of noise"
    assert (classes[0], probabilities[0]) == (classes[2], pytest.approx(probabilities[2], rel=1e-4)), "1 and 9 of 8"
    batches = classifier.batches()[before:]
    assert [batch["size"] for batch in batches] == [3, 1], "the fourth is held until the limit"
    assert batches[1]["hold_ns"] >= 300_000_000
    for batch in batches:
        assert batch["begin_ns"] < batch["end_ns"]
        assert batch["queue"] >= batch["size"]


def test_what_is_no_request_is_refused_in_a_sentence(classifier: Service) -> None:
    wrong: list[object] = [{}, {"inputs": []}, picture(-1), picture("x"), picture(True), b"[1]", b"{"]
    for asked in [*wrong, {"inputs": [1]}]:
        status, answer = classifier.ask(INFER, asked)
        assert status == 400, asked
        assert "expected" in answer["error"]
    assert classifier.ask("/v2/models/other/infer", picture(1))[0] == 404
    assert classifier.ask(INFER, b" " * (17 << 20))[0] == 413
    assert classifier.ask("/v2/models/classifier")[1]["platform"] == "keras shufflenet_v2"
    assert classifier.ask("/v2")[1]["extensions"] == []
    summary = json.loads((classifier.artifacts / "summary.json").read_text())
    assert (summary["weights"], summary["accuracy"]) == ("random", None)
    assert summary["parameters_trainable"] == summary["published"]["parameters"] == PUBLISHED["shufflenet_v2"]


def test_a_service_that_cannot_be_ends_and_says_why(tmp_path: Path) -> None:
    # No TensorFlow is needed to refuse a policy; a network of another name is found when it is to be loaded.
    process, _ = started("serving", tmp_path / "policy", READY, batching="some")
    assert (process.wait(60), "batching: found 'some'" in process.communicate()[1]) == (1, True)
    process, _ = started("serving", tmp_path / "network", READY, **SMALL | {"network": "lenet"})
    assert (process.wait(120), "network: found 'lenet'" in process.communicate()[1]) == (1, True)


TALK = """\
schema = 1
[activities.ask]
protocol = "PROTOCOL"
model = "syllables"
body = "What comes after ${random}?"
max_tokens = 5
unit = "token"
STREAM
[task_types.question]
activity = "ask"
[load]
shape = "closed"
concurrency = 3
task = "question"
requests = 12
[phases]
stabilization_s = 0.1
rating_s = 30.0
supplementary_limit_s = 10.0
"""


@pytest.fixture(scope="module")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    small = {"window": 16, "width": 8, "depth": 1, "heads": 2, "most": 2, "warm_up_steps": 2, "longest_tokens": 64}
    with serving("serving-tokens", tmp_path_factory.mktemp("speaker"), "/health/ready", **small) as service:
        yield service


def spoken_by(service: Service) -> int:
    """Tokens that a service made so far, as soon as it makes no more."""
    found, before = service.batches(), None
    while found != before:
        time.sleep(0.2)
        found, before = service.batches(), found
    return sum(batch["size"] for batch in found)


@pytest.mark.parametrize(("protocol", "stream"), [("chat", ""), ("completions", ""), ("chat", "stream = false")])
def test_tokens_that_are_counted_are_those_that_the_service_made(
    tmp_path: Path, speaker: Service, protocol: str, stream: str
) -> None:
    before = spoken_by(speaker)
    made = make_load(tmp_path, TALK.replace("PROTOCOL", protocol).replace("STREAM", stream), speaker.port)
    tasks: pd.DataFrame = made.tasks
    done = tasks[tasks.reason.isna()]
    assert len(made.rated) >= 12
    assert made.rated.reason.isna().all()
    assert set(done.output_tokens) == {5}
    assert (done.work_units == done.output_tokens).all()
    assert set(done.chunks.dropna()) == (set() if stream else {5})
    said = len("What comes after ?") + 1 if protocol == "completions" else len("user: What comes after ?") + 1
    assert (done.input_tokens >= said).all()
    assert spoken_by(speaker) - before == 5 * len(tasks), "what was cut is finished too, and nothing else was asked"
    assert max(batch["size"] for batch in speaker.batches()) == 2, "no more than `most` are continued together"


def test_an_answer_follows_from_prompt_and_seed(speaker: Service) -> None:
    asked = {"model": "syllables", "prompt": "one", "max_tokens": 8, "temperature": 1.0, "seed": 3}
    first, again = (speaker.ask("/v1/completions", asked)[1] for _ in range(2))
    assert first["choices"] == again["choices"]
    assert first["id"] != again["id"]
    assert first["usage"] == {"prompt_tokens": 3, "completion_tokens": 8, "total_tokens": 11}
    assert first["choices"][0]["text"].count(" ") == 7
    assert speaker.ask("/v1/models")[1]["data"][0]["id"] == "syllables"
    wrong: list[tuple[str, object]] = [
        ("model", "other"), ("prompt", ""), ("max_tokens", 0), ("max_tokens", 1.5), ("temperature", 3), ("seed", -1),
    ]  # fmt: skip
    for key, value in wrong:
        status, answer = speaker.ask("/v1/completions", asked | {key: value})
        assert (status, key in answer["error"]["message"]) == (404 if key == "model" else 400, True), answer
    assert speaker.ask("/v1/chat/completions", {"model": "syllables", "messages": [{"role": "user"}]})[0] == 400
