"""The program of the scenario serving: one of five classifiers behind a queue, asked by the Open Inference Protocol.

Knows parameters, the order of the start, and the protocol's paths. `serve.py`, in a work folder, with
WATTLAB_PARAMETERS, WATTLAB_SEED, WATTLAB_DATA, WATTLAB_ARTIFACTS and WATTLAB_PORT. It listens before its model is
loaded, so that a baseline can be measured of either state.

The input `picture` (INT64, shape [1]) is the number of a picture; the set begins anew after its last. The outputs are
`class`, `probability` and `correct` (1, 0, or -1 where the class of the picture is not known).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import web
from batching import BatchLog, BatchQueue, policy_of
from given import Given, ParameterProblem, read_given
from worker import Asked, Worker, answer_batches, answered

if TYPE_CHECKING:
    from pictures import Pictures

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
Outputs = tuple[int, float, int]
"""Class, probability, correct."""
Json = dict[str, Any]
MODEL = "classifier"
"""Its name in the protocol, whichever network it is, so that one population can ask any."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What scenario.toml and lab.toml decide."""

    network: str
    image_size: int
    pictures: int
    pictures_folder: str
    batching: str
    greedy_most: int
    hold_limit_s: float
    warm_up_batches: int
    warm_up_size: int
    threads: int
    listen: str


LIMITS = {
    "image_size": (16, 4096), "pictures": (1, 10**6), "greedy_most": (1, 65536), "warm_up_batches": (0, 10**6),
    "warm_up_size": (1, 65536), "threads": (0, 1024), "hold_limit_s": (0.0, 86400.0),
}  # fmt: skip


def loaded(task: Given[Parameters]) -> Callable[[Sequence[int]], list[Outputs]]:
    """The classifier, loaded and warm: numbers of pictures -> what it says of each. It takes a minute.

    Raises:
        ParameterProblem: there is no such network, or not for pictures of that size.
    """
    given = task.parameters
    import keras  # TensorFlow takes seconds, in which the service listens already
    import tensorflow as tf
    from classifiers import CLASSIFIERS, classifier
    from counts import count_parameters
    from pictures import load

    if given.network not in CLASSIFIERS:
        raise ParameterProblem(f"network: found {given.network!r}, expected one of {', '.join(CLASSIFIERS)}")
    facts = CLASSIFIERS[given.network]
    if given.image_size < facts.least_size or given.image_size % facts.step:
        raise ParameterProblem(
            f"image_size: found {given.image_size}, expected {facts.least_size} or more"
            + (f", a multiple of {facts.step}" if facts.step > 1 else "")
        )
    if given.threads:
        tf.config.threading.set_intra_op_parallelism_threads(given.threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(task.seed)
    shown = load(task.data, given.pictures_folder, given.pictures, given.image_size)
    weights = next((task.data / "classifiers").glob(f"{given.network}.*"), None)
    model = classifier(given.network, given.image_size, weights)
    classify = tf.function(
        lambda pictures: model(pictures, training=False),
        input_signature=[tf.TensorSpec((None, *shown.pixels.shape[1:]), tf.uint8)],
    )
    for place in range(given.warm_up_batches):
        numbers = [(place * given.warm_up_size + number) % len(shown.pixels) for number in range(given.warm_up_size)]
        classify(shown.pixels[numbers]).numpy()
    task.write_summary({
        **count_parameters(model), "weights": "random" if weights is None else weights.name, "accuracy": None,
        "dataset": shown.record,
        "published": {"parameters": facts.parameters, "year": facts.year}, "published_top1_percent": facts.top1_percent,
        "software": {
            "engine": "tensorflow", "tensorflow": tf.__version__, "keras": keras.__version__,
            "gpus": [device.name for device in tf.config.list_physical_devices("GPU")],
        },
    })  # fmt: skip
    return lambda numbers: outputs(classify, shown, numbers)


def outputs(classify: Callable[[Any], Any], shown: Pictures, numbers: Sequence[int]) -> list[Outputs]:
    """What the network says of each picture."""
    rows = [number % len(shown.pixels) for number in numbers]
    probabilities = classify(shown.pixels[rows]).numpy()
    said = probabilities.argmax(axis=1)
    known = [-1] * len(rows) if shown.classes is None else (said == shown.classes[rows]).astype(int).tolist()
    best = probabilities[range(len(rows)), said]
    return list(zip(said.tolist(), best.tolist(), known, strict=True))


def application(network: str, worker: Worker, queue: BatchQueue[Asked[int, Outputs]]) -> web.Application:
    """The paths of the Open Inference Protocol, version 2."""
    model = f"/v2/models/{MODEL}"

    async def call(scope: Json, receive: web.Receive, send: web.Send) -> None:
        path, is_post = scope["path"], scope["method"] == "POST"
        if path == "/v2/health/live":
            await web.answer(send, {"live": True})
        elif path in ("/v2/health/ready", f"{model}/ready"):
            await web.answer(send, {"ready": worker.is_ready}, 200 if worker.is_ready else 503)
        elif path == "/v2":
            await web.answer(send, {"name": "wattlab", "version": "2", "extensions": []})
        elif path == model:
            inputs = [{"name": "picture", "datatype": "INT64", "shape": [1]}]
            shapes = [{"name": name, "datatype": datatype, "shape": [1]} for name, datatype in OUTPUTS.items()]
            await web.answer(send, {"name": MODEL, "platform": f"keras {network}", "inputs": inputs, "outputs": shapes})
        elif path == f"{model}/infer" and is_post:
            asked = await web.json_of(receive)
            number = picture_of(asked)
            if not worker.is_ready:
                raise web.Refused(503, "the model is not loaded yet")
            said = await answered(queue, number)
            tensors = [
                {"name": name, "datatype": datatype, "shape": [1], "data": [value]}
                for (name, datatype), value in zip(OUTPUTS.items(), said, strict=True)
            ]
            named = {"id": asked["id"]} if isinstance(asked.get("id"), str) else {}
            await web.answer(send, {"model_name": MODEL, **named, "outputs": tensors})
        else:
            raise web.Refused(404, f"{scope['method']} {path} is not served here; the model is called {MODEL}")

    return call


OUTPUTS = {"class": "INT64", "probability": "FP32", "correct": "INT64"}


def picture_of(asked: Json) -> int:
    """The number of the picture that a request names.

    Raises:
        Refused: it names none.
    """
    tensors = asked.get("inputs")
    first = tensors[0] if isinstance(tensors, list) and len(tensors) == 1 else None
    data = first.get("data") if isinstance(first, dict) and first.get("name") == "picture" else None
    if not isinstance(data, list) or len(data) != 1 or type(data[0]) is not int or data[0] < 0:
        raise web.Refused(400, "inputs: expected one tensor, picture, INT64, shape [1], of 0 or more")
    return data[0]


def main() -> int:
    """0 where the service was ended, 1 with one sentence on stderr where it cannot be."""
    try:
        task = read_given(Parameters, LIMITS)
        given = task.parameters
        policy = policy_of(given.batching, given.greedy_most, given.hold_limit_s)
    except (ParameterProblem, ValueError) as error:
        print(f"serve.py: {error}", file=sys.stderr)
        return 1
    queue: BatchQueue[Asked[int, Outputs]] = BatchQueue(policy)
    log = BatchLog(task.artifacts)

    def work(is_ready: Callable[[], None]) -> None:
        process = loaded(task)
        is_ready()
        answer_batches(queue, log, process)

    code: int = web.served(lambda worker: application(given.network, worker, queue), work, given.listen, task.port)
    return code


if __name__ == "__main__":
    sys.exit(main())
