"""Renders the pictures MobileNetV2 is pretrained on: geometric shapes with textures, no flowers.

Knows how one picture follows from its number: a shape (8 kinds), filled with a texture (8 kinds) in a hue
(8 bins), turned, scaled and shifted, over a noisy background with other small shapes. Does not know networks,
training or the flower set of `workloads/flowers.py`, with which it shares no code and no seed.
Needs numpy and pillow.
"""

from __future__ import annotations

import colorsys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SHAPES = ("triangle", "square", "disc", "star5", "star12", "cross", "crescent", "ring")
TEXTURES = ("solid", "stripes", "checker", "dots", "rays", "rings", "blobs", "gradient")
HUES = 8
HEADS = {"shape": len(SHAPES), "texture": len(TEXTURES), "hue": HUES}

Floats = NDArray[Any]
_SUPERSAMPLING = 2


def _star(arms: int, inner: float) -> NDArray[np.float64]:
    angle = np.arange(2 * arms) * np.pi / arms
    radius = np.where(np.arange(2 * arms) % 2 == 0, 1.0, inner)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _polygon(corners: int) -> NDArray[np.float64]:
    angle = np.arange(corners) * 2 * np.pi / corners
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _cross(width: float) -> NDArray[np.float64]:
    w = width
    corners = [(1, w), (w, w), (w, 1), (-w, 1), (-w, w), (-1, w)]
    return np.array(corners + [(-x, -y) for x, y in corners])


def _outline(kind: str, rng: np.random.Generator) -> NDArray[np.float64]:
    """Corners of the shape in the unit circle, shape (n, 2)."""
    if kind.startswith("star"):
        return _star(int(kind[4:]), float(rng.uniform(0.4, 0.65)))
    if kind == "cross":
        return _cross(float(rng.uniform(0.2, 0.45)))
    return _polygon({"triangle": 3, "square": 4}.get(kind, 60))


def _mask(kind: str, size: int, rng: np.random.Generator, scale: tuple[float, float]) -> tuple[Floats, Floats]:
    """Coverage (size, size) in 0..1 and the position (cx, cy, radius, turn) of one shape, in pixels."""
    radius = float(rng.uniform(*scale)) * size / 2
    slack = max(size / 2 - 0.7 * radius, 1.0)
    cx, cy = (size / 2 + rng.uniform(-slack, slack, 2)).tolist()
    turn = float(rng.uniform(0, 2 * np.pi))
    points = _outline(kind, rng) * radius * (1.0, float(rng.uniform(0.8, 1.0)))
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    points = (points @ rotation.T + (cx, cy)) * _SUPERSAMPLING
    canvas = Image.new("L", (size * _SUPERSAMPLING,) * 2)
    draw = ImageDraw.Draw(canvas)
    draw.polygon([(float(x), float(y)) for x, y in points], fill=255)
    if kind in ("ring", "crescent"):
        hole = radius * _SUPERSAMPLING * (0.6 if kind == "ring" else 0.85)
        shift = 0.0 if kind == "ring" else 0.5 * radius * _SUPERSAMPLING
        x, y = cx * _SUPERSAMPLING + shift * np.cos(turn), cy * _SUPERSAMPLING + shift * np.sin(turn)
        draw.ellipse((x - hole, y - hole, x + hole, y + hole), fill=0)
    coverage = np.asarray(canvas.reduce(_SUPERSAMPLING), dtype=np.float32) / 255
    return coverage, np.array([cx, cy, radius, turn], dtype=np.float32)


def _pattern(kind: str, size: int, place: Floats, rng: np.random.Generator) -> Floats:
    """Mixing weight (size, size) in 0..1 of the shape's second colour."""
    cx, cy, radius, turn = place.tolist()
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    u: Floats = ((x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)) / radius
    v: Floats = (-(x - cx) * np.sin(turn) + (y - cy) * np.cos(turn)) / radius
    wave = float(rng.uniform(1.5, 3.0)) * np.pi
    if kind == "solid":
        return np.zeros_like(u)
    if kind == "stripes":
        return (np.sin(wave * u) > 0).astype(np.float32)
    if kind == "checker":
        return (np.sin(wave * u) * np.sin(wave * v) > 0).astype(np.float32)
    if kind == "dots":
        return (np.cos(wave * u) + np.cos(wave * v) > 1.0).astype(np.float32)
    if kind == "rays":
        return (np.sin(float(rng.integers(5, 11)) * np.arctan2(v, u)) > 0).astype(np.float32)
    if kind == "rings":
        return (np.sin(1.5 * wave * np.hypot(u, v)) > 0).astype(np.float32)
    if kind == "blobs":
        coarse = Image.fromarray(rng.uniform(0, 1, (9, 9)).astype(np.float32))
        return (np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC)) > 0.5).astype(np.float32)
    return np.clip(u / 2 + 0.5, 0, 1)


def _colour(hue: float, rng: np.random.Generator) -> Floats:
    rgb = colorsys.hsv_to_rgb(hue % 1.0, float(rng.uniform(0.5, 1.0)), float(rng.uniform(0.45, 1.0)))
    return np.array(rgb, dtype=np.float32)


def _background(size: int, rng: np.random.Generator) -> Floats:
    coarse = rng.uniform(0, 1, (4, 4, 3)) * rng.uniform(0.05, 0.4) + rng.uniform(0, 0.4)
    picture = Image.fromarray(np.uint8(np.clip(coarse, 0, 1) * 255))
    return np.asarray(picture.resize((size, size), Image.Resampling.BICUBIC), dtype=np.float32) / 255


def render(number: int, size: int, seed: int) -> tuple[Floats, dict[str, int]]:
    """Picture `number` of the set made from `seed`: uint8 (size, size, 3) and its label per head of HEADS."""
    rng = np.random.default_rng([seed, number])
    picture = _background(size, rng)
    for _ in range(int(rng.integers(0, 3))):
        coverage, _place = _mask(str(rng.choice(SHAPES)), size, rng, (0.06, 0.2))
        picture += coverage[..., None] * (_colour(rng.uniform(), rng) - picture)
    labels = {head: int(rng.integers(0, kinds)) for head, kinds in HEADS.items()}
    coverage, place = _mask(SHAPES[labels["shape"]], size, rng, (0.75, 1.0))
    first = _colour((labels["hue"] + rng.uniform(-0.4, 0.4)) / HUES, rng)
    second = first * np.float32(rng.uniform(0.1, 0.5)) + np.float32(rng.uniform(0, 0.15))
    mix = _pattern(TEXTURES[labels["texture"]], size, place, rng)[..., None]
    picture += coverage[..., None] * (first * (1 - mix) + second * mix - picture)
    picture += rng.normal(0, float(rng.uniform(0.0, 0.05)), picture.shape).astype(np.float32)
    return (np.clip(picture, 0, 1) * 255).astype(np.uint8), labels
