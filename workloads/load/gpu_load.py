"""A load on every GPU for a fixed time, of a level: products of matrices, for a part of each period.

Knows TensorFlow, which `wattlab sut prepare` brings to a SUT with a GPU. Does not know how it is measured.
WATTLAB_PARAMETERS load_s, level_percent, period_s (a product of `size` rows takes a few ms: the period is to hold
many), size. Without a GPU it fails: a load that runs elsewhere would be another load.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from wattlab_markers import mark


def main(parameters: dict[str, Any]) -> int:
    """Multiply until the time is over; 1 with a sentence where there is no GPU."""
    import tensorflow

    found = tensorflow.config.list_physical_devices("GPU")
    boards = [device.name.replace("physical_device:", "") for device in found]
    if not boards:
        print("gpu_load.py: TensorFlow finds no GPU; leave the scenario out, or install the GPU build", file=sys.stderr)
        return 1
    period_s, size = float(parameters["period_s"]), int(parameters["size"])
    busy_s = period_s * float(parameters["level_percent"]) / 100.0
    factors = []
    for board in boards:
        with tensorflow.device(board):
            factors.append((board, tensorflow.random.normal([size, size]), tensorflow.random.normal([size, size])))

    def step() -> None:
        products = []
        for board, first, second in factors:
            with tensorflow.device(board):
                products.append(tensorflow.reduce_max(tensorflow.matmul(first, second)))
        for product in products:
            product.numpy()  # waits until the board is done

    step()  # the first product of a board loads its libraries
    mark("load", 0, "begin")
    begin_s = time.monotonic()
    while (at_s := time.monotonic() - begin_s) < float(parameters["load_s"]):
        if at_s % period_s < busy_s:
            step()
        else:
            time.sleep(period_s - at_s % period_s)
    mark("load", 0, "end")
    return 0


if __name__ == "__main__":
    sys.exit(main(json.loads(os.environ["WATTLAB_PARAMETERS"])))
