"""Trains a small network on made-up pictures, marks its epochs and its work, and leaves summary.json."""

import json
import os
from pathlib import Path

import torch
from wattlab_markers import action, epoch, work

torch.manual_seed(int(os.environ.get("WATTLAB_SEED", "1")))
EPOCHS, BATCH = 5, 64

with action("data"):
    directions = torch.randn(10, 28 * 28)
    images = torch.randn(30_000, 28 * 28)
    labels = (images @ directions.T).argmax(dim=1)
    train, test = slice(0, 25_000), slice(25_000, 30_000)
model = torch.nn.Sequential(torch.nn.Linear(28 * 28, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

with action("training"):
    for _ in range(EPOCHS):
        with epoch() as metrics:
            for first in range(0, 25_000, BATCH):
                batch = slice(first, min(first + BATCH, 25_000))
                loss = torch.nn.functional.cross_entropy(model(images[batch]), labels[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                work(images=batch.stop - batch.start)
            with torch.no_grad():
                accuracy = (model(images[test]).argmax(dim=1) == labels[test]).float().mean().item()
            metrics["val_accuracy"], metrics["loss"] = accuracy, loss.item()
            print(f"accuracy {accuracy:.3f}", flush=True)

folder = Path(os.environ.get("WATTLAB_ARTIFACTS", "."))
(folder / "summary.json").write_text(json.dumps({"val_accuracy": accuracy, "epochs": EPOCHS}))
