"""Stands where your training will: it does arithmetic for some seconds, and learns nothing."""

import argparse
import json
import os
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--net", required=True)
parser.add_argument("--batch", type=int, required=True)
arguments = parser.parse_args()
width = {"small": 100, "large": 1000}[arguments.net]
total = sum(place % width for place in range(20_000_000 // arguments.batch))  # where your training stands
summary = {"steps": 20_000_000 // arguments.batch, "total": total}
Path(os.environ.get("WATTLAB_ARTIFACTS", "."), "summary.json").write_text(json.dumps(summary))
