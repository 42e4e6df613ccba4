"""Renders a set of two classes, small pictures of squares, empty or with a piece on them, for machines that cannot have
the private one of del Rey et al. (34,010 pictures of 50 x 50 pixels in colour, half of them of each class).

Knows how one picture follows from (seed, class, number): the same pixels on every machine with the same numpy. A light
or dark square, the neighbours at its edges, a slope of light, grain and noise; on an occupied one a disc with a rim, a
shadow and a head, sometimes of a colour close to the square's. Knows no training and no split. Needs numpy and pillow.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CLASSES = ("empty", "occupied")
SIDE = 50
PNG_LEVEL = 1
"""Of zlib: the pictures are noise, and more work makes them hardly smaller."""

Plane = NDArray[np.float64]
_rows: Plane
_columns: Plane
_rows, _columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
_WOODS = np.array([[222, 196, 155], [240, 217, 181], [235, 236, 208], [181, 136, 99], [139, 90, 55], [119, 149, 86]])
_PIECES = np.array([[235, 228, 214], [250, 250, 245], [60, 50, 45], [30, 30, 32], [150, 110, 70]])


def render(kind: str, number: int, seed: int) -> NDArray[np.uint8]:
    """Picture `number` of a class in the set made from `seed`: shape (50, 50, 3), RGB."""
    rng = np.random.default_rng([seed, CLASSES.index(kind), number])
    picture = _square(rng)
    if kind == "occupied":
        picture = _with_piece(picture, rng)
    slope = 1 + rng.uniform(-0.3, 0.3) * (_rows / SIDE - 0.5) + rng.uniform(-0.3, 0.3) * (_columns / SIDE - 0.5)
    lit = picture * slope[:, :, None] * rng.uniform(0.55, 1.1)
    return np.clip(lit + rng.normal(0, rng.uniform(2, 9), lit.shape), 0, 255).astype(np.uint8)


def _square(rng: np.random.Generator) -> Plane:
    """A square with its grain; its neighbours show where the camera was off."""
    light, dark = rng.integers(0, 3), rng.integers(3, 6)
    own, other = (_WOODS[light], _WOODS[dark]) if rng.uniform() < 0.5 else (_WOODS[dark], _WOODS[light])
    left, top = rng.integers(-6, 7, 2)
    is_own = ((_columns >= left) & (_columns < SIDE + left)) == ((_rows >= top) & (_rows < SIDE + top))
    wave = np.abs(np.mod(rng.uniform(0.02, 0.15) * (_rows + rng.uniform(-0.4, 0.4) * _columns), 1) - 0.5)
    grain = 1 + rng.uniform(0, 0.3) * (wave - 0.25)
    picture: Plane = np.where(is_own[:, :, None], own, other) * grain[:, :, None]
    return picture


def _with_piece(picture: Plane, rng: np.random.Generator) -> Plane:
    """A piece from above: a shadow, a foot, a rim and a head."""
    row, column = rng.uniform(SIDE * 0.38, SIDE * 0.62, 2)
    radius = rng.uniform(9, 17)
    colour = _PIECES[rng.integers(len(_PIECES))] * rng.uniform(0.85, 1.1)
    away = _distance(row, column)
    shadow = _distance(row + rng.uniform(1, 5), column + rng.uniform(-5, 5)) < radius * 1.05
    picture = np.where(shadow[:, :, None], picture * rng.uniform(0.55, 0.85), picture)
    shade = np.where(away > radius * 0.82, 0.72, 1.08 - 0.3 * away / radius)
    picture = np.where((away < radius)[:, :, None], colour * shade[:, :, None], picture)
    head = away < radius * rng.uniform(0.25, 0.6)
    return np.where(head[:, :, None], colour * rng.uniform(0.75, 1.2), picture)


def _distance(row: float, column: float) -> Plane:
    """Of every pixel; by what IEEE 754 rounds alike on every machine, as all of a picture is."""
    return np.sqrt((_rows - row) ** 2 + (_columns - column) ** 2)


def write_set(folder: Path, images: int, seed: int, say: Callable[[str], None]) -> None:
    """Write `folder/<class>/<number>.png`, half of `images` of each class, complete or not at all."""
    part = folder.with_name(folder.name + ".part")
    for kind in CLASSES:
        (part / kind).mkdir(parents=True, exist_ok=True)
    for done in range(images):
        kind, number = CLASSES[done % 2], done // 2
        content = io.BytesIO()
        Image.fromarray(render(kind, number, seed)).save(content, "PNG", compress_level=PNG_LEVEL)
        (part / kind / f"{number:05d}.png").write_bytes(content.getvalue())
        if (done + 1) % 5000 == 0 or done + 1 == images:
            say(f"generated squares: {done + 1} of {images}")
    part.replace(folder)
