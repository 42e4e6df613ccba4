"""Renders a flower set of five classes for machines that cannot have tf_flowers.

Knows how one picture follows from (seed, class, number): a flower head of its class (petals, disc, rings) or a tulip's
cup, over a gradient with grass, leaves, stones and buds, noise and blur. The classes differ in the kind, number and
order of petals and in the disc; their colours overlap: any class comes in any colour, half of the pictures take one
typical of the class. Does not know training, splits or tf_flowers. Needs numpy and pillow.
"""

from __future__ import annotations

import io
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

CLASSES = ("daisy", "dandelion", "roses", "sunflowers", "tulips")
JPEG_QUALITY = 88
TYPICAL_COLOUR_SHARE = 0.5

Rgb = tuple[int, int, int]
Points = NDArray[np.float64]

_COLOURS: dict[str, Rgb] = {
    "white": (238, 236, 230),
    "yellow": (240, 205, 40),
    "orange": (235, 130, 35),
    "pink": (232, 130, 170),
    "red": (200, 35, 45),
    "purple": (150, 70, 175),
}
_TYPICAL = {
    "daisy": ("white", "pink"),
    "dandelion": ("yellow", "white"),
    "roses": ("red", "pink"),
    "sunflowers": ("yellow", "orange"),
    "tulips": ("red", "purple"),
}


def _vary(colour: Rgb, rng: np.random.Generator, spread: float = 18.0) -> Rgb:
    r, g, b = np.clip(np.array(colour) + rng.normal(0, spread, 3), 0, 255).astype(int).tolist()
    return (r, g, b)


def _shade(colour: Rgb, factor: float) -> Rgb:
    r, g, b = (min(255, int(part * factor)) for part in colour)
    return (r, g, b)


def _petal_colour(kind: str, rng: np.random.Generator) -> Rgb:
    names = _TYPICAL[kind] if rng.uniform() < TYPICAL_COLOUR_SHARE else tuple(_COLOURS)
    return _vary(_COLOURS[names[int(rng.integers(len(names)))]], rng)


def _petal(length: float, width: float, tip: float) -> Points:
    """Outline from the base at the origin along +x; `tip` 1 is round, larger is pointed. Shape (n, 2)."""
    t = np.linspace(0, 1, 14)
    half = width / 2 * np.sin(np.pi * t ** (1 / tip)) ** 0.8 if tip <= 1 else width / 2 * np.sin(np.pi * t**0.7) ** tip
    return np.concatenate([np.stack([t * length, half], 1), np.stack([t * length, -half], 1)[::-1]])


class _Head:
    """Where a flower head stands: centre (pixels), turn (rad) and how far it leans back (1: seen from the front)."""

    def __init__(self, draw: ImageDraw.ImageDraw, x: float, y: float, rng: np.random.Generator) -> None:
        self.draw, self.x, self.y = draw, x, y
        self.lean, self.tilt = float(rng.uniform(0.6, 1.0)), float(rng.uniform(0, 2 * np.pi))

    def place(self, points: Points, angle: float) -> list[tuple[float, float]]:
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        back = np.array([[np.cos(self.tilt), -np.sin(self.tilt)], [np.sin(self.tilt), np.cos(self.tilt)]])
        placed = points @ turn.T @ back * (1.0, self.lean) @ back.T + (self.x, self.y)
        return [(float(px), float(py)) for px, py in placed]

    def petal(self, outline: Points, angle: float, colour: Rgb) -> None:
        self.draw.polygon(self.place(outline, angle), fill=colour, outline=_shade(colour, 0.72))

    def disc(self, radius: float, colour: Rgb, rng: np.random.Generator, grains: int) -> None:
        angle = np.linspace(0, 2 * np.pi, 30, endpoint=False)
        circle = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
        self.draw.polygon(self.place(circle, 0.0), fill=colour)
        polar = rng.uniform(0, 1, (grains, 2)) * (1, 2 * np.pi)
        spots = radius * np.sqrt(polar[:, :1]) * np.stack([np.cos(polar[:, 1]), np.sin(polar[:, 1])], 1)
        for px, py in self.place(spots, 0.0):
            size = max(radius * 0.05, 0.6)
            self.draw.ellipse((px - size, py - size, px + size, py + size), fill=_vary(colour, rng, 40))


def _ring(head: _Head, count: int, outline: Points, colour: Rgb, rng: np.random.Generator, wobble: float) -> None:
    start = rng.uniform(0, 2 * np.pi)
    for number in rng.permutation(count):
        angle = start + 2 * np.pi * (number + rng.normal(0, wobble)) / count
        head.petal(outline * rng.uniform(0.9, 1.06), angle, _vary(colour, rng, 7))


def _daisy(head: _Head, radius: float, colour: Rgb, rng: np.random.Generator) -> None:
    outline = _petal(radius, radius * rng.uniform(0.2, 0.3), 1.0)
    _ring(head, int(rng.integers(11, 19)), outline, colour, rng, 0.12)
    middle = _COLOURS["yellow"] if rng.uniform() < 0.6 else (110, 70, 30)
    head.disc(radius * rng.uniform(0.2, 0.29), _vary(middle, rng), rng, 20)


def _dandelion(head: _Head, radius: float, colour: Rgb, rng: np.random.Generator) -> None:
    for part in (1.0, 0.8, 0.6, 0.38, 0.2):
        outline = _petal(radius * part, radius * rng.uniform(0.05, 0.08), 1.0)
        _ring(head, int(rng.integers(30, 46) * (0.5 + part / 2)), outline, _shade(colour, 1.12 - part / 5), rng, 0.4)


def _roses(head: _Head, radius: float, colour: Rgb, rng: np.random.Generator) -> None:
    for depth, part in enumerate((1.0, 0.8, 0.62, 0.45, 0.3, 0.17)):
        length = radius * part
        outline = _petal(length, length * rng.uniform(0.95, 1.25), 0.62)
        _ring(head, int(rng.integers(4, 7)), outline, _shade(colour, 1.05 - 0.09 * depth), rng, 0.15)


def _sunflowers(head: _Head, radius: float, colour: Rgb, rng: np.random.Generator) -> None:
    outline = _petal(radius, radius * rng.uniform(0.16, 0.24), 1.7)
    for shade in (0.85, 1.0):
        _ring(head, int(rng.integers(15, 23)), outline, _shade(colour, shade), rng, 0.15)
    middle = (75, 45, 25) if rng.uniform() < 0.65 else (150, 130, 40)
    head.disc(radius * rng.uniform(0.42, 0.54), _vary(middle, rng), rng, 90)


def _tulips(head: _Head, radius: float, colour: Rgb, rng: np.random.Generator) -> None:
    up = -np.pi / 2 + rng.normal(0, 0.2)
    head.lean = 1.0
    head.y += radius * 0.6
    stem = head.place(
        np.array([[0.0, -radius * 0.05], [-3 * radius, -radius * 0.05], [-3 * radius, radius * 0.05]]), up
    )
    head.draw.polygon(stem, fill=_vary((70, 120, 50), rng))
    length, width = radius * rng.uniform(1.4, 1.7), radius * rng.uniform(0.75, 0.95)
    opening = rng.uniform(0.12, 0.3)
    for side, shade in ((-0.5, 0.75), (0.5, 0.8), (-1.0, 0.92), (1.0, 0.95), (0.0, 1.06)):
        head.petal(_petal(length, width, 1.15), up + side * opening, _vary(_shade(colour, shade), rng, 6))


_DRAW: dict[str, Callable[[_Head, float, Rgb, np.random.Generator], None]] = {
    "daisy": _daisy,
    "dandelion": _dandelion,
    "roses": _roses,
    "sunflowers": _sunflowers,
    "tulips": _tulips,
}


def _ground(width: int, height: int, rng: np.random.Generator) -> Image.Image:
    bases: tuple[Rgb, ...] = ((60, 105, 45), (95, 130, 75), (120, 105, 80), (130, 165, 205), (45, 50, 40))
    corners = np.array([_vary(bases[int(rng.integers(len(bases)))], rng, 22) for _ in range(6)], dtype=np.uint8)
    return Image.fromarray(corners.reshape(2, 3, 3)).resize((width, height), Image.Resampling.BICUBIC)


def _clutter(draw: ImageDraw.ImageDraw, width: int, height: int, rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(6, 26))):
        x, y, length = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.1, 0.5) * height
        blade = _Head(draw, float(x), float(y), rng)
        green = _vary((70, 115, 45), rng, 25)
        blade.petal(_petal(length, length * rng.uniform(0.04, 0.35), 1.0), float(rng.uniform(0, 2 * np.pi)), green)
    for _ in range(int(rng.integers(0, 7))):
        x, y, size = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.01, 0.06) * height
        colour = _vary(list(_COLOURS.values())[int(rng.integers(len(_COLOURS)))], rng, 30)
        draw.ellipse((x - size, y - size, x + size, y + size), fill=colour)


def render(kind: str, number: int, seed: int) -> Image.Image:
    """Picture `number` of class `kind` in the set made from `seed`: RGB, 240 to 400 pixels a side."""
    rng = np.random.default_rng([seed, CLASSES.index(kind), number])
    width, height = (int(side) for side in rng.integers(240, 401, 2))
    picture = _ground(width, height, rng)
    draw = ImageDraw.Draw(picture)
    _clutter(draw, width, height, rng)
    short = min(width, height)
    count = int(rng.choice([1, 1, 1, 2, 3]))
    colour = _petal_colour(kind, rng)
    for _ in range(count):
        radius = float(rng.uniform(0.24, 0.46) * short / count**0.5)
        x, y = rng.uniform(0.32, 0.68, 2) if count == 1 else rng.uniform(0.15, 0.85, 2)
        _DRAW[kind](_Head(draw, float(x * width), float(y * height), rng), radius, colour, rng)
    picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 1.6))))
    noise = rng.standard_normal((height, width, 1), dtype=np.float32) * np.float32(rng.uniform(2, 12))
    light = np.asarray(picture, dtype=np.float32) * np.float32(rng.uniform(0.65, 1.15)) + noise
    return Image.fromarray(np.clip(light, 0, 255).astype(np.uint8))


def _write_one(job: tuple[Path, str, int, int]) -> None:
    folder, kind, number, seed = job
    content = io.BytesIO()
    render(kind, number, seed).save(content, "JPEG", quality=JPEG_QUALITY)
    (folder / kind / f"{number:05d}.jpg").write_bytes(content.getvalue())


def write_set(folder: Path, images_per_class: int, seed: int, say: Callable[[str], None]) -> None:
    """Write `folder/<class>/<number>.jpg`, complete or not at all, on all cores."""
    part = folder.with_name(folder.name + ".part")
    for kind in CLASSES:
        (part / kind).mkdir(parents=True, exist_ok=True)
    jobs = [(part, kind, number, seed) for kind in CLASSES for number in range(images_per_class)]
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        for done, _ in enumerate(pool.imap_unordered(_write_one, jobs, chunksize=16), start=1):
            if done % 500 == 0 or done == len(jobs):
                say(f"generated flowers: {done} of {len(jobs)}")
    part.replace(folder)
