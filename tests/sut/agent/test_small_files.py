"""A file that is kept open says what stands there now."""

from pathlib import Path

from harness.sut.agent.small_files import FILE_BLOCK, KeptFile


def test_each_read_gives_what_stands_in_the_file_now_by_the_same_descriptor(tmp_path: Path) -> None:
    path = tmp_path / "counter"
    path.write_text("1\n")
    file = KeptFile(str(path))
    assert file.read() == b"1\n"
    descriptors = set(Path("/proc/self/fd").iterdir())
    path.write_bytes(b"x" * (3 * FILE_BLOCK + 7))
    assert file.read() == b"x" * (3 * FILE_BLOCK + 7)
    path.write_text("")
    assert file.read() == b""
    assert set(Path("/proc/self/fd").iterdir()) == descriptors
    file.close()


def test_a_file_that_is_not_there_is_null_until_it_is(tmp_path: Path) -> None:
    file = KeptFile(str(tmp_path / "late"))
    assert file.read() is None
    (tmp_path / "late").write_text("7")
    assert file.read() == b"7"
    file.close()
    assert file.read() == b"7"
    file.close()


def test_a_file_of_the_kernel_longer_than_a_page_is_read_to_its_end() -> None:
    file = KeptFile("/proc/self/smaps")
    for _ in range(2):
        content = file.read() or b""
        assert len(content) > 4 * FILE_BLOCK
        assert content.count(b"\nRss:") == content.count(b"\nVmFlags:")
        assert b" [stack]\n" in content
        assert content.endswith(b"\n")
    file.close()
