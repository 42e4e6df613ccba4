"""The generated flower set: reproducible, of varied size, not told apart by colour alone."""

from pathlib import Path

import numpy as np
import pytest

from workloads import dataset, flowers


def test_the_classes_are_those_of_tf_flowers() -> None:
    assert flowers.CLASSES == dataset.CLASSES


@pytest.mark.parametrize("kind", flowers.CLASSES)
def test_a_picture_follows_from_seed_class_and_number(kind: str) -> None:
    first, again = flowers.render(kind, 3, 1), flowers.render(kind, 3, 1)
    assert first.tobytes() == again.tobytes()
    assert first.mode == "RGB"
    assert all(240 <= side <= 400 for side in first.size)
    assert flowers.render(kind, 3, 2).tobytes() != first.tobytes()
    assert flowers.render(kind, 4, 1).tobytes() != first.tobytes()


def test_a_set_is_written_whole_and_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        flowers.write_set(tmp_path / name, 3, 7, lambda _line: None)
    first, again = (dataset.index_of(tmp_path / name) for name in ("a", "b"))
    assert first == again
    assert len(first) == len(set(first.values())) == 15
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_colour_alone_does_not_decide() -> None:
    """Nearest class mean of an 8-bin-a-channel colour histogram, on held-out pictures, stays far from the targets."""
    count = 24

    def histogram(kind: str, number: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        pixels = np.asarray(flowers.render(kind, number, 5).resize((64, 64))).reshape(-1, 3)
        return np.concatenate([np.histogram(pixels[:, c], 8, (0, 256))[0] / len(pixels) for c in range(3)])

    made = {kind: np.stack([histogram(kind, n) for n in range(count)]) for kind in flowers.CLASSES}
    means = np.stack([made[kind][: count // 2].mean(axis=0) for kind in flowers.CLASSES])
    hits = [
        int(np.argmin(((means - one) ** 2).sum(axis=1)) == label)
        for label, kind in enumerate(flowers.CLASSES)
        for one in made[kind][count // 2 :]
    ]
    assert np.mean(hits) < 0.6
