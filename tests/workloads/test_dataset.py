"""tf_flowers in the layout of its archive, and the digest of a set."""

import http.server
import io
import socket
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads import dataset


def make_archive(path: Path, extra: dict[str, bytes] | None = None, classes: tuple[str, ...] = dataset.CLASSES) -> Path:
    members = {f"flower_photos/{name}/{n}_n.jpg": f"{name}{n}".encode() for name in classes for n in range(3)}
    members |= {"flower_photos/LICENSE.txt": b"CC-BY"} | (extra or {})
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    served = tmp_path / "served"
    served.mkdir()
    make_archive(served / "flower_photos.tgz")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(served))  # type: ignore[arg-type]

        def log_message(self, *_args: object) -> None:
            """Silent."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/flower_photos.tgz"
        running.shutdown()
        thread.join()


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_an_archive_becomes_class_folders_and_nothing_else(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "a.tgz", {"flower_photos/roses/../../../out.jpg": b"x", "/etc/roses/a.jpg": b"x"})
    found = dataset.fetch_tf_flowers(tmp_path, archive, "http://unused", print)
    assert found is not None
    assert (found["folder"], found["published"]) == ("flower_photos", False)
    assert found["archive_sha256"] == dataset.sha256_of(archive)
    written = {path.relative_to(tmp_path).parts for path in tmp_path.rglob("*") if path.is_file()} - {("a.tgz",)}
    assert written == {("flower_photos", name, f"{n}_n.jpg") for name in dataset.CLASSES for n in range(3)}
    assert len(dataset.index_of(tmp_path / "flower_photos")) == 15


def test_the_archive_is_fetched_where_it_can_be_reached(tmp_path: Path, server: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    found = dataset.fetch_tf_flowers(data, None, server, print)
    assert found is not None
    assert (data / "flower_photos" / "tulips" / "2_n.jpg").read_bytes() == b"tulips2"


def test_an_answer_that_is_an_error_names_the_address(tmp_path: Path, server: str) -> None:
    with pytest.raises(dataset.DataError, match=r"nothing\.tgz.*404"):
        dataset.download(server.replace("flower_photos", "nothing"), tmp_path / "x", print)
    assert not list(tmp_path.glob("x*"))


def test_without_a_network_there_is_no_data_set_and_no_error(tmp_path: Path) -> None:
    told: list[str] = []
    url = f"http://127.0.0.1:{closed_port()}/flower_photos.tgz"
    assert dataset.fetch_tf_flowers(tmp_path, None, url, told.append) is None
    assert "does not answer" in told[0]


@pytest.mark.parametrize("damage", ["cut", "text", "classless", "absent"])
def test_a_bad_archive_is_an_error_that_names_it(tmp_path: Path, damage: str) -> None:
    archive = make_archive(tmp_path / "a.tgz", classes=("roses",) if damage == "classless" else dataset.CLASSES)
    if damage == "cut":
        archive.write_bytes(archive.read_bytes()[:200])
    elif damage == "text":
        archive.write_text("<html>moved</html>")
    elif damage == "absent":
        archive.unlink()
    with pytest.raises(dataset.DataError, match=r"a\.tgz"):
        dataset.fetch_tf_flowers(tmp_path, archive, "http://unused", print)
    assert not (tmp_path / "flower_photos").exists()


def test_a_class_without_pictures_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "roses").mkdir()
    with pytest.raises(dataset.DataError, match=r"daisy: no \.jpg"):
        dataset.index_of(tmp_path)


names = st.sampled_from([f"{kind}/{n}.jpg" for kind in dataset.CLASSES for n in range(5)])
digests = st.text("0123456789abcdef", min_size=64, max_size=64)


@given(st.dictionaries(names, digests, min_size=1), st.data())
def test_the_digest_ignores_order_and_sees_every_change(files: dict[str, str], data: st.DataObject) -> None:
    shuffled = dict(data.draw(st.permutations(list(files.items()))))
    assert dataset.digest_of(shuffled) == dataset.digest_of(files)
    name = data.draw(st.sampled_from(sorted(files)))
    other = data.draw(digests.filter(lambda text: text != files[name]))
    assert dataset.digest_of(files | {name: other}) != dataset.digest_of(files)
    assert dataset.digest_of({key: value for key, value in files.items() if key != name}) != dataset.digest_of(files)
