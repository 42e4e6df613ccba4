"""FashionMNIST and CIFAR-10 from the files of their publishers, or a generated set of the same shape.

Knows IDX files, CIFAR's binary and pickled batches, and where publishers and `keras.datasets` put them below a data
folder. Knows no network. A pickle is read by an unpickler that knows arrays and nothing else: no file can have a
program run.

- FashionMNIST: `fashion-mnist/{train,t10k}-{images-idx3,labels-idx1}-ubyte`, with or without `.gz`.
- CIFAR-10: `cifar-10-batches-py/` (also in `cifar-10-batches-py-target/`, as newer Keras unpacks it) or
  `cifar-10-batches-bin/`.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
SHAPES = {"fashion-mnist": (28, 28, 1), "cifar-10": (32, 32, 3)}
SIZES = {"fashion-mnist": (60_000, 10_000), "cifar-10": (50_000, 10_000)}
CLASSES = 10
GENERATED_SEED = 20230601
MOST_BYTES = 400 << 20
"""Of an unpacked file: CIFAR-10 as a whole has 176 MiB."""


class DataProblem(Exception):
    """A file of a data set is damaged or not what it should be; one sentence with the remedy."""


@dataclass(frozen=True, slots=True)
class PictureSet:
    """Pictures (n, height, width, channels) and classes (n,) for training and test, and what they are."""

    train: tuple[Bytes, Bytes]
    test: tuple[Bytes, Bytes]
    record: dict[str, Any]


def load(data: Path, name: str, train: int, test: int) -> PictureSet:
    """The first `train` and `test` pictures of a set (0: all); generated ones where its files are not there.

    Raises:
        DataProblem: what is there cannot be read.
    """
    reader = {"fashion-mnist": _fashion_mnist, "cifar-10": _cifar_10}[name]
    found = reader(data)
    sides = generated(name, train, test) if found is None else tuple(found[1])
    cut = [(x[: limit or None], y[: limit or None]) for (x, y), limit in zip(sides, (train, test), strict=True)]
    kind = "generated" if found is None else "published"
    record = {
        "name": name, "kind": kind, "source": None if found is None else found[0], "used_digest": digest_of(cut),
        "images_train": len(cut[0][1]), "images_test": len(cut[1][1]),
    }  # fmt: skip
    for pictures, classes in cut:
        if len(pictures) != len(classes) or not len(classes) or int(classes.max()) >= CLASSES:
            raise DataProblem(f"{name}: {len(pictures)} pictures and {len(classes)} classes do not fit together")
    return PictureSet(cut[0], cut[1], record)


def digest_of(sides: list[tuple[Bytes, Bytes]]) -> str:
    """One digest over all pictures and classes that are used."""
    state = hashlib.sha256()
    for pictures, classes in sides:
        state.update(np.ascontiguousarray(pictures).tobytes())
        state.update(np.ascontiguousarray(classes).tobytes())
    return state.hexdigest()


def generated(name: str, train: int, test: int) -> tuple[tuple[Bytes, Bytes], tuple[Bytes, Bytes]]:
    """Pictures of the set's shape: each class has a smooth pattern of its own, shifted, of another brightness, under
    noise. The same in every run."""
    shape = SHAPES[name]
    dice = np.random.Generator(np.random.PCG64(GENERATED_SEED))
    coarse = dice.normal(size=(CLASSES, 7, 7, shape[2]))
    patterns = np.repeat(np.repeat(coarse, 5, axis=1), 5, axis=2)[:, : shape[0], : shape[1]]
    train, test = (size or all_ for size, all_ in zip((train, test), SIZES[name], strict=True))
    first, second = (_drawn(patterns, size, dice) for size in (train, test))
    return first, second


def _drawn(patterns: NDArray[np.float64], count: int, dice: np.random.Generator) -> tuple[Bytes, Bytes]:
    classes = dice.integers(0, CLASSES, count).astype(np.uint8)
    pictures = np.empty((count, *patterns.shape[1:]), dtype=np.uint8)
    for begin in range(0, count, 1000):
        own = classes[begin : begin + 1000]
        shifts = dice.integers(-3, 4, (own.size, 2))
        shown = np.stack([np.roll(patterns[c], s, axis=(0, 1)) for c, s in zip(own, shifts.tolist(), strict=True)])
        shown = dice.uniform(0.6, 1.4, (own.size, 1, 1, 1)) * shown + dice.normal(0, 1.0, shown.shape)
        pictures[begin : begin + own.size] = np.clip(128 + 40 * shown, 0, 255)
    return pictures, classes


# --- FashionMNIST ---


def _fashion_mnist(data: Path) -> tuple[str, list[tuple[Bytes, Bytes]]] | None:
    folder = data / "fashion-mnist"
    parts = ("images-idx3", "labels-idx1")
    files = [[_there(folder / f"{side}-{part}-ubyte") for part in parts] for side in ("train", "t10k")]
    if not any(file for side in files for file in side):
        return None
    sides = []
    for side in files:
        if None in side:
            raise DataProblem(f"{folder}: not all four files of FashionMNIST are there; put them all, or none")
        pictures, classes = (read_idx(file) for file in side if file is not None)
        if pictures.shape[1:] != (28, 28) or classes.ndim != 1:
            raise DataProblem(f"{folder}: pictures of {pictures.shape[1:]}, expected 28 x 28")
        sides.append((pictures[..., None], classes))
    return folder.name, sides


def _there(path: Path) -> Path | None:
    return next((file for file in (path.with_name(path.name + ".gz"), path) if file.is_file()), None)


def read_idx(path: Path) -> Bytes:
    """An IDX file of bytes (LeCun's form): its array.

    Raises:
        DataProblem: it is none, or not whole.
    """
    content = _content(path)
    dimensions = content[3] if len(content) > 4 and content[:3] == b"\0\0\x08" else 0
    if not dimensions:
        raise DataProblem(f"{path}: no IDX file of bytes; fetch it again")
    head = 4 + 4 * dimensions
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, head, 4))
    if len(content) - head != int(np.prod(shape, dtype=object)):
        raise DataProblem(f"{path}: {len(content) - head} bytes of data, its head announces {shape}; fetch it again")
    return np.frombuffer(content, dtype=np.uint8, offset=head).reshape(shape)


def _content(path: Path) -> bytes:
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            content: bytes = file.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataProblem(f"{path}: cannot be read ({error}); fetch it again") from error
    if len(content) > MOST_BYTES:
        raise DataProblem(f"{path}: more than {MOST_BYTES >> 20} MiB, which no file of these sets has; fetch it again")
    return content


# --- CIFAR-10 ---

BATCHES = [f"data_batch_{number}" for number in range(1, 6)]
PLACES = ("cifar-10-batches-py", "cifar-10-batches-py-target/cifar-10-batches-py", "cifar-10-batches-bin")


def _cifar_10(data: Path) -> tuple[str, list[tuple[Bytes, Bytes]]] | None:
    for place in PLACES:
        folder = data / place
        if folder.is_dir():
            read, suffix = (read_binary, ".bin") if place.endswith("bin") else (read_pickled, "")
            batches = [read(folder / f"{name}{suffix}") for name in BATCHES]
            joined = np.concatenate([x for x, _ in batches]), np.concatenate([y for _, y in batches])
            return place, [joined, read(folder / f"test_batch{suffix}")]
    return None


def read_binary(path: Path) -> tuple[Bytes, Bytes]:
    """A batch of CIFAR-10's binary version: records of a class and 3072 bytes.

    Raises:
        DataProblem: it is not made of whole records.
    """
    content = np.frombuffer(_content(path), dtype=np.uint8)
    if content.size == 0 or content.size % 3073:
        raise DataProblem(f"{path}: {content.size} bytes are no whole records of 3073; fetch it again")
    records = content.reshape(-1, 3073)
    return _planes(records[:, 1:]), records[:, 0].copy()


def read_pickled(path: Path) -> tuple[Bytes, Bytes]:
    """A batch of CIFAR-10's Python version.

    Raises:
        DataProblem: it holds something else than its arrays.
    """
    try:
        batch = _ArraysOnly(io.BytesIO(_content(path)), encoding="bytes").load()
        pictures, classes = batch[b"data"], np.asarray(batch[b"labels"])
    except Exception as error:
        raise DataProblem(f"{path}: no batch of CIFAR-10 ({error}); fetch it again") from error
    if not isinstance(pictures, np.ndarray) or pictures.dtype != np.uint8 or pictures.shape[1:] != (3072,):
        raise DataProblem(f"{path}: its data are no bytes of 3072 a picture; fetch it again")
    return _planes(pictures), classes.astype(np.uint8)


class _ArraysOnly(pickle.Unpickler):
    """Knows what an array is made of, by its old and its new module; every other name is refused."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        known = {("numpy", "ndarray"): np.ndarray, ("numpy", "dtype"): np.dtype}
        if (module, name) in known:
            return known[module, name]
        if (module.replace("numpy._core", "numpy.core"), name) == ("numpy.core.multiarray", "_reconstruct"):
            return np.ndarray.__reduce__(np.empty(0))[0]
        if (module, name) == ("_codecs", "encode"):  # how bytes are written by protocol 2
            return _bytes_of
        raise pickle.UnpicklingError(f"it names {module}.{name}, which is no part of an array")


def _bytes_of(text: str, encoding: str) -> bytes:
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"bytes as {encoding!r:.20}")
    return text.encode("latin-1")


def _planes(rows: Bytes) -> Bytes:
    """Rows of 3072 bytes (red, green, blue plane) as pictures."""
    return np.ascontiguousarray(rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
