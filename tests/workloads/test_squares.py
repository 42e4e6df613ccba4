"""The generated set of two classes: the same pixels from the same seed, half of each class, classes that differ."""

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

from workloads import dataset, squares


def test_the_set_of_a_seed_is_the_same_byte_for_byte_and_of_another_seed_another(tmp_path: Path) -> None:
    for name, seed in (("one", 5), ("two", 5), ("other", 6)):
        squares.write_set(tmp_path / name, 12, seed, lambda _line: None)
    indexes = [dataset.index_of(tmp_path / name, squares.CLASSES) for name in ("one", "two", "other")]
    assert indexes[0] == indexes[1]
    assert not set(indexes[0].values()) & set(indexes[2].values())
    assert {name.split("/")[0] for name in indexes[0]} == set(squares.CLASSES)
    assert len(indexes[0]) == len(set(indexes[0].values())) == 12


def test_pixels_are_those_of_every_machine() -> None:
    pixels = b"".join(squares.render(kind, number, 7).tobytes() for kind in squares.CLASSES for number in range(20))
    assert hashlib.sha256(pixels).hexdigest() == "b44f87c9080e0236ca7c10bf86563cd57ad59895e481b63b77c57935f988ea47"


def test_a_picture_has_the_published_form(tmp_path: Path) -> None:
    squares.write_set(tmp_path / "set", 2, 1, lambda _line: None)
    with Image.open(tmp_path / "set" / "occupied" / "00000.png") as picture:
        assert (picture.size, picture.mode) == ((50, 50), "RGB")
        assert (np.asarray(picture) == squares.render("occupied", 0, 1)).all()
